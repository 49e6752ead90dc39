// What holds the parts together: a message changes what they say, a second changes the times.

const MANY_NEWS = 4; // more changes at once are told as a sum
const RELOAD_PAUSE_MS = 600000;

const clock = new ServiceClock();
const head = new Head();
const board = new Board();
const urgent = new Urgent();
const writeNews = textIn(byId("news"));

let status = null; // the newest message
let states = new Map(); // channel to state, as last told by the service
let wasBlind = true;

/** Tell screen readers which channels stand otherwise than before; not at the first message. */
function announce(channels) {
  const now = new Map(channels.map((one) => [one.channel, knownState(one.state)]));
  const changed = channels.filter(
    (one) => states.has(one.channel) && states.get(one.channel) !== now.get(one.channel),
  );
  states = now;
  if (changed.length === 0) return;
  const one = (channel) =>
    say("news_channel", { channel: channelName(channel.channel), state: TEXT.states[now.get(channel.channel)] });
  writeNews(
    changed.length <= MANY_NEWS
      ? changed.map(one).join(". ")
      : say("news_many", {
          n: changed.length,
          states: countStates(changed.map((channel) => now.get(channel.channel))),
        }),
  );
}

/** Load the page anew when the service has another one; rarely, should two be at odds about it. */
function followUpgrade(version) {
  if (!version || version === document.documentElement.dataset.version) return;
  try {
    const last = Number(sessionStorage.getItem("firstreply-loaded-anew"));
    if (Date.now() - last < RELOAD_PAUSE_MS) return;
    sessionStorage.setItem("firstreply-loaded-anew", String(Date.now()));
  } catch (error) {
    return; // no memory, no loading: it might never end
  }
  location.reload();
}

function trustNow(monotonic) {
  if (feed.isSilent(monotonic)) return status === null ? "never" : "silent";
  if (status === null) return "connecting";
  const state = status.channels.trust.state;
  return `trust_${state}` in TEXT ? state : "stale";
}

function writeAll(isBlind) {
  wasBlind = isBlind;
  const late = head.write(status.channels);
  board.write(status.channels.channels, isBlind);
  urgent.write(status.urgent, late);
}

function onStatus(message) {
  clock.hear(message.channels.clock, performance.now());
  status = message;
  writeAll(false);
  announce(message.channels.channels);
  tick();
  followUpgrade(message.page);
}

/** Write all times as of now; as of the last message when the figures are not those of now. */
function tick() {
  const monotonic = performance.now();
  feed.watch(monotonic);
  const trust = trustNow(monotonic);
  const isBlind = trust === "silent" || trust === "never";
  if (status !== null && isBlind !== wasBlind) writeAll(isBlind);
  const isMoving = trust === "ok" || trust === "partial";
  const second = isMoving ? clock.second(monotonic) : clock.secondSaid();
  head.tick(trust, status && status.channels, feed.silence(monotonic), second);
  board.tick(second);
  urgent.tick(second);
}

function tickOn() {
  tick();
  setTimeout(tickOn, clock.untilNextSecond(performance.now()));
}

const feed = new Feed(onStatus);
document.addEventListener("visibilitychange", tick);
tickOn();
