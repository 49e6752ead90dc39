"""An explanation as a person would give it: numbered steps in plain sentences, in 80 columns.

An ``Explanation`` goes in, text comes out, in English or French; clock times are those of the
channel's calendar. Conclusion first, then the start, the promise with the windows it used up, what
came of it, every band, and the events all this rests on.
"""

from collections.abc import Iterator

from firstreply.explanation import sentences, tables
from firstreply.explanation.layout import INDENT, name, paragraph, rows
from firstreply.explanation.model import BandStory, Explanation, Hours
from firstreply.explanation.phrases import Phrases
from firstreply.words import Language

Step = list[str]
"""The lines of one numbered step, as they are."""


def render(story: Explanation, language: Language) -> str:
    """Say an explanation in words; ends with a newline. Lines have at most 80 columns."""
    contacts = [*story.earlier, story]
    total = len(contacts) + story.earlier_left_out
    parts = []
    for number, one in enumerate(contacts, start=1 + story.earlier_left_out):
        phrases = Phrases(one, language)
        lines = []
        if total > 1:
            lines += paragraph(phrases.say("several", number=number, total=total))
        parts.append("\n".join(lines + _contact(phrases)))
    return "\n\n".join(parts) + "\n"


def _contact(phrases: Phrases) -> list[str]:
    story = phrases.story
    lines = paragraph(sentences.headline(phrases))
    zone = story.timezone
    if story.at is None:
        lines += paragraph(phrases.say("clock_times", timezone=zone))
    else:
        at = phrases.clock.full(story.at)
        lines += paragraph(phrases.say("as_of", at=at, timezone=zone))
    number = 0
    for step in _steps(phrases):
        if step:
            number += 1
            lines += ["", *_numbered(number, step)]
    return lines


def _numbered(number: int, step: Step) -> list[str]:
    """Put the number of a step before its first line."""
    return [f"{number:2}. {step[0][INDENT:]}", *step[1:]]


def _steps(phrases: Phrases) -> Iterator[Step]:
    story = phrases.story
    yield _text(sentences.start(phrases))
    yield _text(sentences.acknowledged(phrases))
    if story.bands and story.exclusion is None:
        yield _promise(phrases)
    yield _text(sentences.excluded(phrases))
    yield _text(sentences.ended(phrases))
    yield _text(sentences.waiting(phrases))
    yield _text(sentences.answered(phrases))
    if story.bands and story.exclusion is None:
        yield _bands(phrases)
    if story.events:
        yield _events(phrases)
    yield _text(_afterwards(phrases))


def _text(said: Iterator[str]) -> Step:
    return _lines(" ".join(said))


def _lines(text: str) -> Step:
    return paragraph(text, first=" " * INDENT, indent=INDENT)


def _promise(phrases: Phrases) -> Step:
    """Say what was promised, and how the limit was used up."""
    promise, say = phrases.promise, phrases.say
    if promise is None:
        step, longest = _lines(say("no_promise")), phrases.story.bands[-1]
        hours = longest.hours
        return step if hours is None else step + _hours(phrases, longest, hours)
    hours = promise.hours
    text = say(
        "promise" if hours is None else "promise.hours",
        objective=phrases.percent(promise.objective or 0),
        band=promise.band,
    )
    deadline = say("deadline.never")
    if promise.deadline_at is not None:
        deadline = say("deadline", deadline=phrases.clock.said(promise.deadline_at))
    if hours is None:
        return _lines(" ".join((text, *_clock_change(phrases, promise), deadline)))
    return _lines(text) + _hours(phrases, promise, hours) + _lines(deadline)


def _hours(phrases: Phrases, band: BandStory, hours: Hours) -> Step:
    """Show the windows that a limit used up."""
    limit = phrases.opening(band.limit_seconds)
    table = rows(tables.windows(phrases, hours))
    notes = (*tables.special_days(phrases, hours), *_clock_change(phrases, band))
    return _lines(phrases.say("hours", limit=limit)) + table + _lines(" ".join(notes))


def _clock_change(phrases: Phrases, band: BandStory) -> Iterator[str]:
    start, deadline = phrases.story.start, band.deadline_at
    if start is not None and deadline is not None:
        change = phrases.clock.clock_change(start.at, deadline)
        if change is not None:
            yield phrases.say("clock_change", before=change[0], after=change[1])


def _bands(phrases: Phrases) -> Step:
    has_promise = phrases.promise is not None
    step = _lines(phrases.say("bands.promise" if has_promise else "bands"))
    return step + rows(tables.bands(phrases)) + _lines(" ".join(tables.charged(phrases)))


def _events(phrases: Phrases) -> Step:
    story, say = phrases.story, phrases.say
    shown, left_out = tables.events_in_brief(phrases)
    file = tables.one_file(shown)
    if story.events_from == "facts":
        step = _lines(say("events.facts"))
    elif file is not None:
        step = _lines(say("events.file", file=phrases.file(file)))
    else:
        placed = any(event.place is not None for event in shown)
        step = _lines(say("events.files" if placed else "events.records"))
    step += rows(tables.events(phrases, shown, left_out))
    if story.events_from == "facts" and story.event_ids:
        step += _lines(say("events.ids", ids=", ".join(map(name, story.event_ids))))
    return step


def _afterwards(phrases: Phrases) -> Iterator[str]:
    """Say what remains to be known."""
    story, say = phrases.story, phrases.say
    if story.reply_waiting_since is not None:
        yield say("reply_wait", at=phrases.clock.said(story.reply_waiting_since))
    if story.channel is not None and story.start is not None and not story.channel.policy_in_force:
        yield say("policy", digest=story.channel.policy)
    if story.forgotten_at is not None:
        yield say("forgotten", at=phrases.clock.said(story.forgotten_at))
