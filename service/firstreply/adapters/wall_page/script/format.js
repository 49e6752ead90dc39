// What figures and names look like, in the page's language. Numbers in, text out.

const LANGUAGE = document.documentElement.lang;
const LOCALE = LANGUAGE === "fr" ? "fr-FR" : "en-GB"; // both count hours to 24
const TEXT = JSON.parse(byId("messages").textContent);
const NOTHING = "–";

const NAME_LENGTH = 80; // more fits nowhere, and costs time to lay out
const percentFormat = new Intl.NumberFormat(LOCALE, { style: "percent" });

/** Put values into a message's {places}. */
function say(key, values) {
  return TEXT[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A state of the contract, or no_data for one that this page does not know. */
function knownState(state) {
  return Object.prototype.hasOwnProperty.call(TEXT.states, state) ? state : "no_data";
}

function two(number) {
  return String(number).padStart(2, "0");
}

/** Whole seconds as 2:14, 1:02:33 or 3 d 04 h, in two parts: from an hour on, seconds are fine print. */
function durationParts(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours >= 24) return [`${Math.floor(hours / 24)} ${TEXT.day} ${two(hours % 24)} h`, ""];
  if (hours > 0) return [`${hours}:${two(minutes)}`, `:${two(seconds % 60)}`];
  return [`${minutes}:${two(seconds % 60)}`, ""];
}

function duration(seconds) {
  return durationParts(seconds).join("");
}

/** From an instant, RFC 3339, to `now` in seconds since the epoch; never below zero. */
function secondsSince(instant, now) {
  return Math.max(0, Math.floor(now - Date.parse(instant) / 1000));
}

/** From `now` to an instant: whole seconds that remain, zero or less once it has passed. */
function secondsUntil(instant, now) {
  return Math.ceil(Date.parse(instant) / 1000 - now);
}

/** A share as a percentage; what misses its objective is never rounded up to it. */
function percent(share, objective) {
  const rounded = Math.round(share * 100) / 100;
  const flatters = objective !== undefined && share < objective && rounded >= objective;
  return percentFormat.format(flatters ? Math.floor(share * 100) / 100 : rounded);
}

/** A limit in the largest unit that divides it: 20 s, 10 min, 8 business h; never broken in two. */
function limitText(seconds, clock) {
  let n = seconds;
  let unit = "s";
  if (seconds % 3600 === 0) [n, unit] = [seconds / 3600, "h"];
  else if (seconds % 60 === 0) [n, unit] = [seconds / 60, "min"];
  return clock === "business" ? say("business", { n, unit }) : `${n}\u00a0${unit}`;
}

/**
 * A name from outside, fit to be shown: without control and invisible characters, which could make
 * two names look alike or turn the line around, and no longer than anyone reads.
 */
function visible(name) {
  const clean = Array.from(String(name).slice(0, 4 * NAME_LENGTH), (character) =>
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character) ? "\ufffd" : character,
  );
  const text = clean.length > NAME_LENGTH ? clean.slice(0, NAME_LENGTH).join("") + "…" : clean.join("");
  return text.trim() || TEXT.unnamed;
}

/** A channel as people call it; those of the configuration's own making keep their name. */
function channelName(channel) {
  const names = TEXT.channel_names;
  return Object.prototype.hasOwnProperty.call(names, channel) ? names[channel] : visible(channel);
}

/** Whether a queue is one that people know by name: "none" stands for absent, "other" for unlisted. */
function isNamedQueue(queue) {
  return queue !== "none" && queue !== "other" && queue !== "" && queue !== null;
}

function queueName(queue) {
  return queue === "other" ? TEXT.queue_other : visible(queue);
}

/** "2 LATE, 1 SOON", the worst first, of a list of states. */
function countStates(states) {
  return ["late", "soon", "no_data", "ok", "closed"]
    .map((state) => [state, states.filter((one) => one === state).length])
    .filter(([, n]) => n > 0)
    .map(([state, n]) => say("more_item", { n, state: TEXT.states[state] }))
    .join(", ");
}

/** Return what writes instants as clock times and days of a time zone. */
function zoneFormat(zone) {
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const day = { weekday: "short", day: "numeric", month: "short" };
  const formats = [time, { ...time, second: undefined }, day].map((options) => {
    try {
      return new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: zone });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // a zone that this browser does not know
      return new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: "UTC" });
    }
  });
  const [toSecond, toMinute, ofDay] = formats.map((format) => (ms) => format.format(ms));
  return { toSecond, toMinute, ofDay };
}
