// The top of the page: whether the figures can be trusted, in a word and if need be a sentence; the
// clock they hold at; and the sums of all channels. Below it all, small print.

/** A number with its word, and the shape of its state if it has one. */
class Tally {
  constructor(state, label) {
    const number = make("span", "tally-number");
    const word = make("span", "tally-word", label);
    this.node = make("li", "tally");
    if (state !== null) {
      const [icon, setIcon] = makeIcon();
      setIcon(state);
      this.node.dataset.state = state;
      this.node.append(icon);
    }
    this.node.append(number, " ", word);
    this.writeNumber = textIn(number);
  }

  write(number, isNone) {
    this.writeNumber(number);
    setAttribute(this.node, "data-none", String(isNone));
  }
}

const TRUST_ICONS = {
  ok: "live",
  connecting: "no_data",
  starting: "soon",
  catching_up: "soon",
  partial: "soon",
  stale: "late",
  silent: "late",
  never: "late",
};

class Head {
  constructor() {
    this.trust = byId("trust-word");
    this.icon = byId("trust-icon");
    this.writeSince = textIn(byId("trust-since"));
    this.alarm = byId("alarm");
    this.writeAlarm = textIn(byId("alarm-text"));
    this.writeReasons = textIn(byId("alarm-reasons"));
    this.clock = byId("clock");
    this.writeDay = textIn(byId("day"));
    this.writeNotes = textIn(byId("notes"));
    this.zone = null;
    this.format = zoneFormat("UTC");
    this.tallies = {
      late: new Tally("late", TEXT.states.late),
      soon: new Tally("soon", TEXT.states.soon),
      waiting: new Tally(null, TEXT.tally_waiting),
      open: new Tally(null, TEXT.tally_open),
    };
    byId("tallies").append(...Object.values(this.tallies).map((tally) => tally.node));
  }

  /** @param body what /api/v1/channels says */
  write(body) {
    if (body.clock.timezone !== this.zone) {
      this.zone = body.clock.timezone;
      this.format = zoneFormat(this.zone);
    }
    const sum = (count) => body.channels.reduce((total, channel) => total + count(channel), 0);
    const late = sum((channel) => channel.waiting.overdue + channel.waiting.far_overdue);
    const soon = sum((channel) => channel.waiting.at_risk);
    const open = sum((channel) => (channel.open ? 1 : 0));
    this.tallies.late.write(String(late), late === 0);
    this.tallies.soon.write(String(soon), soon === 0);
    this.tallies.waiting.write(String(sum((channel) => channel.waiting.total)), false);
    this.tallies.open.write(say("open_of", { open, total: body.channels.length }), false);
    this.writeTitle(late, soon);
    this.writeSmallPrint(body);
    return late;
  }

  writeTitle(late, soon) {
    const parts = [];
    if (late > 0) parts.push(say("more_item", { n: late, state: TEXT.states.late }));
    if (soon > 0) parts.push(say("more_item", { n: soon, state: TEXT.states.soon }));
    const title = [...parts, TEXT.title].join(" · ");
    if (document.title !== title) document.title = title;
  }

  writeSmallPrint({ trust, channels }) {
    const { processes: n, partitions_covered: covered, partitions_total: total } = trust;
    const parts = [n === 1 ? TEXT.processes_one : say("processes_many", { n })];
    parts.push(say("partitions_short", { covered, total }));
    const since = channels.length > 0 ? Date.parse(channels[0].today.since) : NaN;
    if (!Number.isNaN(since)) parts.unshift(say("notes", { since: this.format.toMinute(since) }));
    this.writeNotes(parts.join(" · "));
  }

  /**
   * @param trust one of the keys trust_* of the messages
   * @param body what /api/v1/channels said last, or null
   * @param silence milliseconds without a message
   * @param second the service second that is shown, or null
   */
  tick(trust, body, silence, second) {
    const time = second === null ? "--:--:--" : this.format.toSecond(second * 1000);
    if (this.clock.textContent !== time) this.clock.textContent = time;
    if (second !== null) {
      setAttribute(this.clock, "datetime", new Date(second * 1000).toISOString());
      this.writeDay(`${this.format.ofDay(second * 1000)} · ${visible(this.zone)}`);
    }
    this.writeTrust(trust, body, time, silence);
  }

  writeTrust(trust, body, time, silence) {
    setAttribute(document.body, "data-trust", trust);
    const word = TEXT[`trust_${trust}`];
    if (this.trust.textContent !== word) this.trust.textContent = word;
    setAttribute(this.icon, "href", `#i-${TRUST_ICONS[trust]}`);
    const partitions = body === null ? {} : body.trust;
    const values = {
      time,
      duration: duration(Math.floor(silence / 1000)),
      covered: partitions.partitions_covered,
      total: partitions.partitions_total,
    };
    const isStale = trust === "silent" || trust === "stale";
    let since = isStale ? say("since", values) : "";
    if (trust === "partial") since = say("partitions_short", values);
    this.writeSince(since);
    const isFine = trust === "ok";
    this.writeAlarm(isFine ? "" : say(`alarm_${trust}`, values));
    const isTold = !isFine && body !== null && trust === body.trust.state;
    this.writeReasons(isTold ? body.trust.reasons.map(visible).join(" ") : "");
    setHidden(this.alarm, isFine);
    setHidden(byId("tallies"), !isFine);
  }
}
