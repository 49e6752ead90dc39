"""What happened to a contact, in sentences: each function makes the paragraphs of one step."""

from collections.abc import Iterator
from typing import Literal

from firstreply.domain.contact import Phase
from firstreply.domain.gauges import BandState
from firstreply.domain.transitions import Input
from firstreply.explanation.layout import name
from firstreply.explanation.model import BandStory, Explanation, ResponseStory, WaitStory
from firstreply.explanation.phrases import Phrases


def headline(phrases: Phrases) -> str:
    """Say in one line how it stands, and what became of the promise."""
    story, say = phrases.story, phrases.say
    waited = {
        Phase.ANSWERED: story.response and story.response.latency_seconds,
        Phase.WAITING: story.waiting and story.waiting.waited_seconds,
        Phase.ABANDONED: story.ended and story.ended.waited_seconds,
        Phase.CLOSED: story.ended and story.ended.waited_seconds,
    }.get(story.phase)
    phase = "self_served" if story.self_served else story.phase.value
    if story.phase is Phase.ANSWERED:
        phase = _answered_when(story)
    elif story.phase is Phase.WAITING and story.waiting is None:
        phase = "no_clock"
    text = say(f"headline.{phase}", time=phrases.elapsed(waited or 0))
    promise = phrases.promise
    if promise is not None and promise.outcome != "excluded":
        outcome = promise.outcome
        counts = story.channel is None or story.channel.abandoned_counts
        key = "ignored" if outcome == "abandoned" and not counts else outcome
        text += say(f"promise.{key}", band=promise.band)
    return say("title", contact=name(story.contact_id), headline=text)


def _answered_when(story: Explanation) -> str:
    if story.ended is not None and story.ended.before_response:
        return f"after_{story.ended.what}"
    is_at_once = story.response is not None and story.response.latency_seconds == 0
    return "at_once" if is_at_once else "answered"


def start(phrases: Phrases) -> Iterator[str]:
    """Say where the clock starts, or why it does not."""
    story, say = phrases.story, phrases.say
    opened = None if story.opened_at is None else phrases.clock.full(story.opened_at)
    if story.start is None:
        yield _unseen(phrases, opened)
        return
    at, because = story.start.at, story.start.because
    suffix = f".{story.opened_by}" if because in {"queued", "queue_fallback"} else ""
    yield say(
        f"start.{because}{suffix}",
        opened=opened,
        channel=phrases.channel,
        start=phrases.clock.said(at),
        queue=phrases.queue_at(at),
    )
    if story.channel is not None and story.channel.because != "start":
        yield say(f"channel.{story.channel.because}", channel=phrases.channel)


def _unseen(phrases: Phrases, opened: str | None) -> str:
    story, say = phrases.story, phrases.say
    if opened is not None:
        case = "self_served" if story.self_served else "no_queue"
        return say(f"unseen.{case}", opened=opened, channel=phrases.channel)
    outbound = [event.at for event in story.events if event.what is Input.OPENED_OUTBOUND]
    if outbound:
        return say("unseen.outbound", opened=phrases.clock.full(min(outbound)))
    if story.kept_until is None or story.forgotten_at is not None:
        return say("unseen.held")
    return say("unseen.held_until", until=phrases.clock.said(story.kept_until))


def acknowledged(phrases: Phrases) -> Iterator[str]:
    """Say that an automatic reply came first."""
    story = phrases.story
    if story.acknowledged_at is not None and story.start is not None:
        waited = (story.acknowledged_at - story.start.at).total_seconds()
        yield phrases.say(
            "acknowledged",
            at=phrases.clock.said(story.acknowledged_at),
            time=phrases.elapsed(max(0.0, waited)),
        )


def ended(phrases: Phrases) -> Iterator[str]:
    """Say that it ended before anybody answered; nothing about an end after that."""
    story, say = phrases.story, phrases.say
    end, promise = story.ended, phrases.promise
    if end is None or not end.before_response or story.exclusion is not None:
        return
    at, time = phrases.clock.said(end.at), phrases.elapsed(end.waited_seconds)
    yield say(f"ended.{end.what}", at=at, time=time)
    if promise is None:
        return
    if promise.because == "abandoned":
        counts = story.channel is None or story.channel.abandoned_counts
        yield say("ended.counts" if counts else "ended.ignored")
    elif promise.because == "closed":
        yield say("ended.counts")
    else:
        yield say("ended.missed_before")


def excluded(phrases: Phrases) -> Iterator[str]:
    """Say why it is excluded."""
    story = phrases.story
    exclusion = story.exclusion
    if exclusion is None:
        return
    waited = 0.0 if story.ended is None else story.ended.waited_seconds
    yield phrases.say(
        f"excluded.{exclusion.because}",
        at=phrases.clock.said(exclusion.at),
        reason=name(exclusion.reason),
        time=phrases.elapsed(waited),
        limit=phrases.elapsed(exclusion.short_abandon_seconds),
    )


def answered(phrases: Phrases) -> Iterator[str]:
    """Say who answered when, and how that stands to the promise."""
    story, say = phrases.story, phrases.say
    response, promise = story.response, phrases.promise
    if response is None:
        return
    at, time = phrases.clock.said(response.at), phrases.elapsed(response.latency_seconds)
    if response.within_skew:
        yield say("answered.skew", at=at)
    elif response.latency_seconds == 0:
        yield say("answered.at_once", at=at)
    else:
        case = _share(response.opening_seconds, response.latency_seconds)
        key = {"all": "answered.open", "none": "answered.closed", "some": "answered.hours"}
        opening = phrases.opening(response.opening_seconds or 0)
        yield say(key.get(case, "answered"), at=at, time=time, open=opening)
    if promise is not None and story.exclusion is None:
        yield from _margin(phrases, response, promise)


def _share(opening: float | None, elapsed: float) -> Literal["unknown", "all", "none", "some"]:
    """Say how much of a time is opening time; unknown without a calendar."""
    if opening is None:
        return "unknown"
    return "all" if opening == elapsed else "some" if opening else "none"


def _margin(phrases: Phrases, response: ResponseStory, promise: BandStory) -> Iterator[str]:
    margin = promise.margin_seconds
    if promise.because not in {"answered", "answered_late"}:
        yield phrases.say("margin.too_late")
    elif margin is not None:
        case = "at" if margin == 0 else "before" if margin > 0 else "after"
        yield phrases.say(f"margin.{case}", time=phrases.elapsed(margin))
        used = response.opening_seconds
        if margin < 0 and promise.hours is not None and used == promise.limit_seconds:
            yield phrases.say("margin.same_hours")


def waiting(phrases: Phrases) -> Iterator[str]:
    """Say how long it has waited, what is due next, or that it was given up."""
    story, say = phrases.story, phrases.say
    if story.phase is Phase.GIVEN_UP and story.gives_up_at is not None:
        yield say("given_up", at=phrases.clock.said(story.gives_up_at))
    wait = story.waiting
    if wait is None:
        return
    time = phrases.elapsed(wait.waited_seconds)
    case = _share(wait.opening_seconds, wait.waited_seconds)
    key = {"all": "waiting.open_hours", "none": "waiting.closed_hours", "some": "waiting.hours"}
    opening = phrases.opening(wait.opening_seconds or 0)
    yield say(key.get(case, "waiting"), time=time, open=opening)
    if phrases.promise is not None and wait.band_state is not BandState.WITHIN:
        yield say(f"waiting.{wait.band_state.value}")
    if not wait.open:
        opens = None if wait.opens_at is None else phrases.clock.said(wait.opens_at)
        yield say("waiting.closed_for_good" if opens is None else "waiting.closed", at=opens)
    yield from _due(phrases, wait)
    if story.gives_up_at is not None:
        yield say("waiting.gives_up", at=phrases.clock.said(story.gives_up_at))


def _due(phrases: Phrases, wait: WaitStory) -> Iterator[str]:
    following = wait.next_deadline
    if following is None:
        return
    at, left = phrases.clock.said(following.at), following.remaining_seconds
    case = "next" if left > 0 else "due"
    yield phrases.say(f"waiting.{case}", at=at, band=following.band, time=phrases.elapsed(left))
