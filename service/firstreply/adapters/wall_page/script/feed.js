// The stream of messages, and the watchdog over it. A connection can die without a word (a proxy
// holds it open, a cable is pulled), so silence alone counts: after SILENCE_MS without a message
// the page calls its data stale and asks anew, again and again, until one comes. The browser's own
// reconnecting is not enough: it gives up for good when the service turns it away (503).

const SILENCE_MS = 5000;
const SPREAD_MS = 2000; // so that a hundred screens do not ask all at once

class Feed {
  /** @param onStatus called with each message's content */
  constructor(onStatus) {
    this.onStatus = onStatus;
    this.heard = null; // monotonic ms of the newest message
    this.askAgain = 0; // monotonic ms
    this.source = null;
    this.connect();
  }

  connect() {
    if (this.source !== null) this.source.close();
    this.askAgain = performance.now() + SILENCE_MS + Math.random() * SPREAD_MS;
    this.source = new EventSource("wall/events");
    this.source.addEventListener("status", (event) => this.receive(event.data));
  }

  receive(data) {
    let status;
    try {
      status = JSON.parse(data);
    } catch (error) {
      return; // not a message of this service: it counts as silence
    }
    this.heard = performance.now();
    this.onStatus(status);
  }

  /** Milliseconds without a message, since the page began if none ever came. */
  silence(monotonic) {
    return monotonic - (this.heard === null ? 0 : this.heard);
  }

  isSilent(monotonic) {
    return this.silence(monotonic) > SILENCE_MS;
  }

  /** Ask anew when the stream is silent; called every second. */
  watch(monotonic) {
    if (this.isSilent(monotonic) && monotonic > this.askAgain) this.connect();
  }
}
