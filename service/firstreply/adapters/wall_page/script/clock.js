// The service clock between two messages. Every figure holds at `clock.at`, not at this computer's
// time of day, which may be wrong: so the page counts on from there with its own monotonic clock.
//
// Messages come a little early or late. Were each to set the clock anew, seconds would stutter; so
// a small difference is worked off over some messages, and only a large one moves the clock at once.

const STEP_MS = 3000;
const SLEW = 0.1;
const TICK_TOLERANCE_MS = 100; // a timer that fires early still shows the second it was set for

class ServiceClock {
  constructor() {
    this.at = null; // service time in ms since the epoch at `heard`
    this.heard = 0; // monotonic ms
    this.rate = 1; // service ms per ms
    this.said = null; // of the newest message, as it was said
  }

  /** Take the clock of a message that came at `monotonic`. */
  hear(clock, monotonic) {
    this.said = clock.at === null ? null : Date.parse(clock.at);
    const expected = this.read(monotonic);
    const error = expected === null || this.said === null ? Infinity : this.said - expected;
    const isSmall = clock.rate === this.rate && Math.abs(error) <= STEP_MS * Math.max(1, this.rate);
    this.at = isSmall ? expected + error * SLEW : this.said;
    this.heard = monotonic;
    this.rate = clock.rate;
  }

  /** Service time in ms, or null. */
  read(monotonic) {
    return this.at === null ? null : this.at + (monotonic - this.heard) * this.rate;
  }

  /** Whole service seconds since the epoch, or null. */
  second(monotonic) {
    const now = this.read(monotonic);
    return now === null ? null : Math.floor((now + TICK_TOLERANCE_MS) / 1000);
  }

  /** The whole second of the newest message: what a page shows that has lost its service. */
  secondSaid() {
    return this.said === null ? null : Math.floor(this.said / 1000);
  }

  /** Real ms until the service clock shows its next second. */
  untilNextSecond(monotonic) {
    const now = this.read(monotonic);
    if (now === null || this.rate !== 1) return 1000;
    const left = 1000 - (now % 1000);
    return left > TICK_TOLERANCE_MS ? left : left + 1000;
  }
}
