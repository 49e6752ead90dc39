// What a channel's row is made of: figures, bars and queues. Each knows how to write itself anew.

const RANK = { late: 1, soon: 2, no_data: 3, ok: 4, closed: 5 }; // the worst first
const LONG_FIGURE = 5; // characters; 1:02:33 is written smaller
const MANY_WAITING = 100;

/** A cell with a figure, a line below it, and the label that stands in for column heads on phones. */
class FigureCell {
  constructor(className, label, ...before) {
    const fine = make("span", "fine");
    const figure = make("span", "figure", ...before);
    const title = make("span", "label", label);
    title.setAttribute("aria-hidden", "true");
    this.figure = figure;
    this.below = make("span", "below");
    this.node = makeCell("td", `number ${className}`, title, figure, this.below);
    this.writeFigure = textIn(figure);
    this.writeFine = textIn(fine);
    this.writeBelow = textIn(this.below);
    figure.append(fine);
  }

  write(figure, below, fine = "") {
    this.writeFigure(figure);
    this.writeFine(fine);
    this.writeBelow(below);
    setAttribute(this.figure, "data-long", String(figure.length + fine.length > LONG_FIGURE));
  }

  writeDuration(seconds, below) {
    const [main, fine] = durationParts(seconds);
    this.write(main, below, fine);
  }
}

/** How many wait, and how many of them are late or soon will be: a shape, a number, a hidden word. */
class WaitingCell extends FigureCell {
  constructor() {
    super("of-waiting", TEXT.column_waiting);
    this.parts = ["late", "soon"].map((state) => {
      const [icon, setIcon] = makeIcon();
      setIcon(state);
      const word = make("span", "unseen", ` ${TEXT.states[state]} `);
      const node = make("span", "part", icon);
      node.dataset.state = state;
      const write = textIn(node);
      node.append(word);
      this.below.append(node);
      return { node, write };
    });
  }

  writeCounts(waiting) {
    this.write(String(waiting.total), "");
    setAttribute(this.figure, "data-long", String(waiting.total >= MANY_WAITING));
    const counts = [waiting.overdue + waiting.far_overdue, waiting.at_risk];
    this.parts.forEach(({ node, write }, i) => {
      write(String(counts[i]));
      setHidden(node, counts[i] === 0);
    });
  }
}

/** The share kept in the last half hour, beside what is promised. */
class KeptCell extends FigureCell {
  constructor() {
    const [icon, setIcon] = makeIcon();
    setIcon("down");
    const mark = make("span", "mark", icon, make("span", "unseen", TEXT.below));
    super("of-kept", TEXT.column_kept, mark);
    this.mark = mark;
  }

  writeKept(promise, kept) {
    setHidden(this.mark, promise === null || kept.share === null || kept.share >= promise.objective);
    if (promise === null) {
      this.write(NOTHING, TEXT.no_promise);
      return;
    }
    const objective = percent(promise.objective);
    const limit = limitText(promise.limit_seconds, promise.clock);
    const share = kept.share === null ? NOTHING : percent(kept.share, promise.objective);
    this.write(share, say("promise", { objective, limit }));
  }
}

/** Shares of the bands as small bars; a line marks what is promised. */
class BandBars {
  constructor() {
    this.list = make("ul", "bands");
    const label = make("span", "label", TEXT.column_bands);
    label.setAttribute("aria-hidden", "true");
    this.node = makeCell("td", "of-bands", label, this.list);
    this.bars = [];
  }

  write(bands, promise) {
    while (this.bars.length < bands.length) this.bars.push(this.makeBar());
    setChildren(this.list, this.bars.slice(0, bands.length).map((bar) => bar.node));
    bands.forEach((band, i) => {
      const bar = this.bars[i];
      const isPromised = promise !== null && promise.band === band.band;
      const limit = limitText(band.limit_seconds, band.clock);
      const share = band.share === null ? null : percent(band.share);
      bar.words(share === null ? say("band_unknown", { limit }) : say("band_known", { limit, share }));
      bar.name(band.band);
      setAttribute(bar.node, "data-known", String(share !== null));
      setAttribute(bar.node, "data-promised", String(isPromised));
      bar.fill(band.share === null ? 0 : band.share);
      bar.mark(isPromised ? promise.objective : 0);
    });
  }

  makeBar() {
    const words = make("span", "unseen");
    const bar = make("span", "bar");
    const name = make("span", "band-name");
    bar.setAttribute("aria-hidden", "true");
    name.setAttribute("aria-hidden", "true");
    const level = (property) => {
      let last = null;
      return (share) => {
        const value = `${Math.round(share * 100)}%`;
        if (value !== last) bar.style.setProperty(property, (last = value));
      };
    };
    const node = make("li", "band", words, bar, name);
    return {
      node,
      words: textIn(words),
      name: textIn(name),
      fill: level("--share"),
      mark: level("--objective"),
    };
  }
}

/** The queues of a channel that somebody waits in, the most urgent first. */
class QueueList {
  constructor() {
    this.node = make("ul", "queues");
    this.chips = [];
    this.rest = make("li", "queue-rest");
    this.writeRest = textIn(this.rest);
  }

  write(queues, places, isBlind) {
    const hasNames = queues.some((one) => isNamedQueue(one.queue));
    const waiting = queues
      .filter((one) => hasNames && one.waiting.total > 0 && one.queue !== "none")
      .map((one) => ({ ...one, state: isBlind ? "no_data" : knownState(one.state) }))
      .sort((a, b) => RANK[a.state] - RANK[b.state] || b.waiting.total - a.waiting.total);
    const shown = waiting.length > places ? waiting.slice(0, places - 1) : waiting;
    while (this.chips.length < shown.length) this.chips.push(this.makeChip());
    shown.forEach((one, i) => this.chips[i].write(one));
    const items = this.chips.slice(0, shown.length).map((chip) => chip.node);
    if (waiting.length > shown.length) {
      this.writeRest(say("and_more_queues", { n: waiting.length - shown.length }));
      items.push(this.rest);
    }
    setChildren(this.node, items);
  }

  makeChip() {
    const [icon, setIcon] = makeIcon();
    const name = make("bdi", "queue-name");
    const count = make("span", "queue-count");
    const word = make("span", "unseen");
    const node = make("li", "queue", icon, word, name, " ", count);
    const [writeName, writeCount, writeWord] = [name, count, word].map(textIn);
    return {
      node,
      write(queue) {
        setIcon(queue.state);
        setAttribute(node, "data-state", queue.state);
        writeWord(`${TEXT.states[queue.state]} `);
        writeName(queueName(queue.queue));
        writeCount(String(queue.waiting.total));
      },
    };
  }
}
