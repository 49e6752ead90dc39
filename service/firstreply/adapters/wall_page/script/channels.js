// The board: one row per channel, in the order of the configuration, so that each keeps its place
// and people know where to look. When there are more than fit, the urgent ones come first and the
// rest is counted in words below; "show all" lets a person at the screen scroll through them.

const SMALLEST_ROW_REM = 4.3;
const LOW_ROW_REM = 6; // no room for a shape above its word
const HIGH_ROW_REM = 7.5; // room for a second line of queues
const QUEUES_PER_LINE = 2;

/** Smaller is more urgent. Coarse on purpose: a finer order would shuffle rows every second. */
function urgency(channel, state) {
  return state === "late" && channel.waiting.far_overdue > 0 ? 0 : RANK[state];
}

/** One channel. `write` when a message came, `tick` every second. */
class ChannelRow {
  constructor(channel) {
    const [icon, setIcon] = makeIcon();
    const word = make("span", "word");
    const name = make("bdi", "channel-name", channelName(channel));
    this.queues = new QueueList();
    this.waiting = new WaitingCell();
    this.oldest = new FigureCell("of-oldest", TEXT.column_oldest);
    this.next = new FigureCell("of-next", TEXT.column_next);
    this.kept = new KeptCell();
    this.index = new FigureCell("of-index", TEXT.column_index);
    this.bands = new BandBars();
    this.node = make("tr", "row");
    this.node.setAttribute("role", "row");
    this.node.append(
      makeCell("td", "of-state", make("span", "badge", icon, word)),
      makeCell("th", "of-channel", name, this.queues.node),
      ...[this.waiting, this.oldest, this.next, this.kept, this.index].map((cell) => cell.node),
      this.bands.node,
    );
    this.setIcon = setIcon;
    this.writeWord = textIn(word);
    this.data = null;
  }

  write(channel, state, queuePlaces, isBlind) {
    this.data = channel;
    setAttribute(this.node, "data-state", state);
    this.setIcon(state);
    this.writeWord(TEXT.states[state]);
    this.queues.write(channel.queues, queuePlaces, isBlind);
    this.waiting.writeCounts(channel.waiting);
    this.kept.writeKept(channel.promise, channel.kept_30m);
    const index = channel.today.expectation_index;
    this.index.write(index === null ? NOTHING : percent(index), "");
    this.bands.write(channel.bands, channel.promise);
  }

  /** @param now service seconds since the epoch, or null */
  tick(now) {
    const { oldest_waiting_at: oldest, next_deadline_at: next, waiting, due } = this.data;
    const nobody = waiting.total === 0 ? TEXT.nobody_waits : "";
    if (now === null || oldest === null) this.oldest.write(NOTHING, nobody);
    else this.oldest.writeDuration(secondsSince(oldest, now), "");
    if (now === null || next === null) this.next.write(NOTHING, "");
    else this.writeNext(secondsUntil(next, now), due);
  }

  writeNext(seconds, due) {
    if (seconds < 0) {
      this.next.writeDuration(-seconds, TEXT.late_since);
      return;
    }
    const soon = due["15m"] || 0;
    const later = due["60m"] || 0;
    let below = "";
    if (soon > 1) below = say("due_15", { n: soon });
    else if (later > 1) below = say("due_60", { n: later });
    this.next.writeDuration(seconds, below);
  }
}

/** All of them. */
class Board {
  constructor() {
    this.section = byId("channels");
    this.rowsNode = byId("rows");
    this.more = byId("more");
    this.writeMore = textIn(byId("more-text"));
    this.button = byId("more-button");
    this.rows = new Map();
    this.shown = [];
    this.channels = [];
    this.isBlind = true;
    this.capacity = Infinity;
    this.queuePlaces = QUEUES_PER_LINE;
    this.button.addEventListener("click", () => this.showAll(!this.isShowingAll()));
    new ResizeObserver(() => this.measure()).observe(this.section);
  }

  isShowingAll() {
    return document.body.classList.contains("all");
  }

  showAll(all) {
    document.body.classList.toggle("all", all);
    setAttribute(this.button, "aria-expanded", String(all));
    this.button.textContent = all ? TEXT.show_fewer : TEXT.show_all;
    this.measure();
  }

  /** See how many rows fit, and how high they are; only a changed size or number asks. */
  measure() {
    const isWall = getComputedStyle(this.section).getPropertyValue("--is-wall").trim() === "1";
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const height = this.section.clientHeight - this.rowsNode.offsetTop;
    const isFixed = isWall && !this.isShowingAll();
    this.capacity = isFixed ? Math.max(1, Math.floor(height / (SMALLEST_ROW_REM * rem))) : Infinity;
    this.height = isFixed ? height : null;
    this.rem = rem;
    this.write(this.channels, this.isBlind);
  }

  stateOf(channel) {
    return this.isBlind ? "no_data" : knownState(channel.state);
  }

  /** @param isBlind whether the page has lost the service, so that no state is known */
  write(channels, isBlind) {
    this.channels = channels;
    this.isBlind = isBlind;
    const isTooMany = channels.length > this.capacity;
    const chosen = isTooMany || this.isShowingAll() ? this.byUrgency() : channels;
    this.shown = isTooMany ? chosen.slice(0, this.capacity - 1) : chosen;
    this.setRowHeight(isTooMany);
    setChildren(this.rowsNode, this.shown.map((channel) => this.rowOf(channel).node));
    for (const channel of this.shown) {
      this.rowOf(channel).write(channel, this.stateOf(channel), this.queuePlaces, isBlind);
    }
    this.forget();
    const hidden = isTooMany ? chosen.slice(this.capacity - 1) : [];
    const states = countStates(hidden.map((channel) => this.stateOf(channel)));
    this.writeMore(isTooMany ? say("and_more", { n: hidden.length, states }) : "");
    setHidden(this.more, !isTooMany && !this.isShowingAll());
    setHidden(byId("empty"), channels.length > 0);
  }

  byUrgency() {
    const rank = (channel) => urgency(channel, this.stateOf(channel));
    return [...this.channels].sort((a, b) => rank(a) - rank(b)); // stable: then as configured
  }

  setRowHeight(isTooMany) {
    const slots = this.shown.length + (isTooMany ? 0.8 : 0);
    const height = this.height === null ? 4.5 * this.rem : this.height / Math.max(slots, 4);
    const value = `${Math.round(height)}px`;
    if (this.section.style.getPropertyValue("--row") !== value) {
      this.section.style.setProperty("--row", value);
    }
    this.section.classList.toggle("low", height < LOW_ROW_REM * this.rem);
    this.queuePlaces = QUEUES_PER_LINE * (height > HIGH_ROW_REM * this.rem ? 2 : 1);
  }

  rowOf(channel) {
    let row = this.rows.get(channel.channel);
    if (row === undefined) this.rows.set(channel.channel, (row = new ChannelRow(channel.channel)));
    return row;
  }

  /** Let go of channels that are no longer told of. */
  forget() {
    if (this.rows.size <= this.channels.length) return;
    const names = new Set(this.channels.map((channel) => channel.channel));
    for (const name of this.rows.keys()) if (!names.has(name)) this.rows.delete(name);
  }

  tick(now) {
    for (const channel of this.shown) this.rowOf(channel).tick(now);
  }
}
