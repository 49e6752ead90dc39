"""The parts of an explanation that are lists: windows used, band by band, events."""

from collections.abc import Iterator
from typing import Final

from firstreply.domain.bands import Clock
from firstreply.explanation.layout import name
from firstreply.explanation.model import BandStory, Happening, Hours, Window
from firstreply.explanation.phrases import Phrases

MOST_EVENTS_IN_WORDS: Final = 20


def windows(phrases: Phrases, hours: Hours) -> Iterator[tuple[str, ...]]:
    """Yield a row for each window used."""
    for place, window in enumerate(hours.windows):
        if hours.left_out and place == hours.left_out_after:
            more = phrases.say("hours.left_out", count=hours.left_out)
            yield "...", more, phrases.exact(hours.left_out_seconds)
        yield *_span(phrases, window), phrases.exact(window.seconds)


def _span(phrases: Phrases, window: Window) -> tuple[str, str]:
    clock = phrases.clock
    opens, closes = clock.local(window.opens_at), clock.local(window.closes_at)
    closing = clock.time(window.closes_at)
    if opens.date() == closes.date():
        return clock.day(opens), f"{clock.time(window.opens_at)}-{closing}"
    return clock.day(opens), f"{clock.time(window.opens_at)} - {clock.when(window.closes_at)}"


def special_days(phrases: Phrases, hours: Hours) -> Iterator[str]:
    """Yield a sentence that names the holidays and exceptions in between."""
    days = []
    for special in hours.special_days:
        open_as = ", ".join(special.windows)
        kind = "exception" if special.windows else "closed"
        if special.because == "holiday":
            kind = "holiday"
        day = phrases.clock.day(special.day)
        days.append(phrases.say(f"day.{kind}", day=day, windows=open_as))
    if hours.special_days_left_out:
        more = hours.special_days_left_out
        yield phrases.say("hours.special_more", days=", ".join(days), count=more)
    elif days:
        yield phrases.say("hours.special", days=phrases.listed(days))


def bands(phrases: Phrases) -> Iterator[tuple[str, ...]]:
    """Yield a row for each band."""
    for band in phrases.story.bands:
        deadline = phrases.say("deadline.none")
        if band.deadline_at is not None:
            deadline = phrases.clock.when(band.deadline_at)
        yield (
            band.band + ("*" if band.objective is not None else ""),
            phrases.say(f"clock.{_clock(band).value}"),
            deadline,
            _outcome(phrases, band),
        )


def _clock(band: BandStory) -> Clock:
    """Return the clock to name; without a calendar opening hours are all hours."""
    is_open_always = band.hours is None and band.deadline_at is not None
    return Clock.ELAPSED if is_open_always else band.clock


def _outcome(phrases: Phrases, band: BandStory) -> str:
    at = "" if band.decided_at is None else phrases.clock.when(band.decided_at)
    key, seconds = f"band.{band.because}", band.margin_seconds
    if band.because == "running":
        seconds = _left(phrases, band)
        key += ".never" if seconds is None else "" if seconds > 0 else ".due"
    elif band.because == "answered" and not seconds:
        key += ".never" if seconds is None else ".at"
    counted = band.counted
    as_counted = "none" if counted is None else counted.outcome.value
    text = phrases.say(
        key,
        at=at,
        time=phrases.elapsed(seconds or 0),
        outcome=phrases.say(f"outcome.{as_counted}"),
    )
    if counted is not None and counted.outcome.value != band.outcome:
        text += phrases.say("band.counted_as", outcome=phrases.say(f"outcome.{as_counted}"))
    return text


def _left(phrases: Phrases, band: BandStory) -> float | None:
    at = phrases.story.at
    if at is None or band.deadline_at is None:
        return None
    return (band.deadline_at - at).total_seconds()


def charged(phrases: Phrases) -> Iterator[str]:
    """Yield a sentence that says which queue the outcomes are charged to."""
    queues: dict[str, list[str]] = {}
    for band in phrases.story.bands:
        if band.counted is not None:
            queues.setdefault(band.counted.queue, []).append(band.band)
    if len(queues) == 1:
        queue = phrases.queue(next(iter(queues)))
        yield phrases.say("charged.one", channel=phrases.channel, queue=queue)
    elif queues:
        parts = [
            phrases.say("charged.band", band=", ".join(names), queue=phrases.queue(queue))
            for queue, names in queues.items()
        ]
        yield phrases.say("charged.many", bands=phrases.say("list.separator").join(parts))


def events_in_brief(phrases: Phrases) -> tuple[list[Happening], int]:
    """Return the events to show, and how many are left out: never one that matters."""
    events = phrases.story.events
    half = MOST_EVENTS_IN_WORDS // 2
    middle = range(half, len(events) - half)
    shown = [
        event
        for place, event in enumerate(events)
        if place not in middle or event.role is not None or event.corrections
    ]
    return shown, len(events) - len(shown) + phrases.story.events_left_out


def one_file(shown: list[Happening]) -> str | None:
    """Return the file that all events were read from; None if there is no one such file."""
    files = {None if event.place is None else event.place.file for event in shown}
    return files.pop() if len(files) == 1 else None


def events(phrases: Phrases, shown: list[Happening], left_out: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each event; ``left_out`` are missing after the first half of them."""
    named = one_file(shown) is None
    for number, event in enumerate(shown):
        if left_out and number == MOST_EVENTS_IN_WORDS // 2:
            yield "...", phrases.say("events.left_out", count=left_out)
        place = ""
        if event.place is not None:
            line = phrases.say("line", line=event.place.line)
            place = f" [{phrases.file(event.place.file)}, {line}]" if named else f" [{line}]"
        yield phrases.clock.when(event.at), _event(phrases, event) + place


def _event(phrases: Phrases, event: Happening) -> str:
    say = phrases.say
    details = []
    if event.channel and event.channel != phrases.channel:
        details.append(say("detail.channel", name=name(event.channel)))
    if event.queue:
        label = phrases.label_of(event.queue)
        kind = "queue" if label in {event.queue, None} else "other_queue"
        details.append(say(f"detail.{kind}", name=name(event.queue), label=label))
    if event.reason:
        details.append(say("detail.reason", name=name(event.reason)))
    text = say(f"what.{event.what.name.lower()}")
    if details:
        text += f" ({', '.join(details)})"
    remarks = [] if event.role is None else [say(f"role.{event.role}")]
    remarks += [say("flag.duplicate")] if event.duplicate else []
    remarks += [say("flag.late")] if event.late else []
    remarks += [
        say(
            "correction",
            band=one.band,
            before=say(f"outcome.{one.before}"),
            after=say(f"outcome.{one.after}"),
        )
        for one in event.corrections
    ]
    return (
        say("event.remarks", event=text, remarks=say("list.separator").join(remarks))
        if remarks
        else text
    )
