// The contacts that need somebody most: those who are late, the longest first, and those who will
// be. Without their ids (the default: ids are personal) they are rows of channel, queue and time.

const LEAST_NEXT = 3; // however many are late, who comes next stays in view

/**
 * The help desk's page of a contact, or null. An id is encoded as one path segment; "." and ".."
 * would still climb, and half a character cannot be encoded: these get no link.
 */
function contactLink(template, id) {
  if (template === null || !template.startsWith("https://") || /^\.{1,2}$/.test(id)) return null;
  try {
    return template.split("{contact_id}").join(encodeURIComponent(id));
  } catch (error) {
    return null;
  }
}

class ContactItem {
  constructor(contact, link) {
    this.deadline = contact.deadline_at;
    const name = make("bdi", "", channelName(contact.channel));
    const who = make("span", "who", make("span", "where", name));
    if (isNamedQueue(contact.queue)) {
      who.firstChild.append(" · ", make("bdi", "", visible(contact.queue)));
    }
    if (contact.contact_id !== null) who.append(this.makeId(contact.contact_id, link));
    const words = make("span", "when-words");
    const when = make("span", "when", words);
    this.writeWords = textIn(words);
    this.writeTime = textIn(when);
    this.node = make("li", "contact", who, when);
  }

  makeId(id, template) {
    const href = contactLink(template, id);
    const text = make("bdi", "", visible(id));
    if (href === null) return make("span", "id", text);
    const link = make("a", "id", text);
    link.href = href;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  }

  write(words, time) {
    this.writeWords(words);
    this.writeTime(time);
  }

  tick(now) {
    const seconds = now === null ? null : secondsUntil(this.deadline, now);
    if (seconds === null) this.write("", NOTHING);
    else if (seconds === 0) this.write("", TEXT.overdue_now);
    else this.write(seconds < 0 ? TEXT.late_by : TEXT.in, duration(Math.abs(seconds)));
  }
}

/** One of the two lists. Items are kept by what they say, so that a link keeps its focus. */
class ContactList {
  constructor(name) {
    this.node = byId(name);
    this.nobody = byId(`${name}-nobody`);
    this.items = new Map();
    this.link = null;
  }

  write(contacts, link, places) {
    if (link !== this.link) this.items.clear();
    this.link = link;
    const kept = new Map();
    for (const contact of contacts.slice(0, places)) {
      const { channel, queue, contact_id: id, started_at: started, deadline_at: deadline } = contact;
      let key = JSON.stringify([channel, queue, id, started, deadline]);
      while (kept.has(key)) key += "+"; // two that look alike
      kept.set(key, this.items.get(key) || new ContactItem(contact, link));
    }
    this.items = kept;
    setChildren(this.node, Array.from(kept.values(), (item) => item.node));
    setHidden(this.nobody, contacts.length > 0);
  }

  tick(now) {
    for (const item of this.items.values()) item.tick(now);
  }
}

class Urgent {
  constructor() {
    this.node = byId("urgent");
    this.late = new ContactList("late");
    this.next = new ContactList("next");
    this.writeCount = textIn(byId("late-count"));
    this.places = 20;
    this.content = { late: [], next: [], link: null };
    new ResizeObserver(() => this.measure()).observe(this.node);
  }

  /** See how many items fit; only another size, or ids that come or go, ask. */
  measure() {
    const style = getComputedStyle(this.node);
    const isWall = style.getPropertyValue("--is-wall").trim() === "1";
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const item = parseFloat(style.getPropertyValue("--item")) * rem;
    const titles = parseFloat(style.getPropertyValue("--titles")) * rem;
    this.places = isWall ? Math.max(2, Math.floor((this.node.clientHeight - titles) / item)) : 20;
    this.writeLists();
  }

  write(content, lateTotal) {
    this.content = content;
    this.writeCount(lateTotal > 0 ? String(lateTotal) : "");
    const withIds = String(content.ids_shown === true);
    if (this.node.dataset.ids === withIds) {
      this.writeLists();
    } else {
      this.node.dataset.ids = withIds;
      this.measure();
    }
  }

  writeLists() {
    const content = this.content;
    const reserved = Math.min(LEAST_NEXT, content.next.length);
    const late = Math.min(content.late.length, this.places - reserved);
    this.late.write(content.late, content.link, late);
    this.next.write(content.next, content.link, this.places - Math.max(late, 1));
  }

  tick(now) {
    this.late.tick(now);
    this.next.tick(now);
  }
}
