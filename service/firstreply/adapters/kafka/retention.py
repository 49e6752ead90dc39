"""Whether the input keeps its events for as long as the service may need them again.

The state and the input belong together: the state holds what the events up to an offset amount to,
and the next start reads on from there. So an event must stay in the input until it was read, and a
state was written after it: the input's retention bounds how long the service may be down, as three
quarters of the state topic's do. Running, it needs no old event: who has waited for a month is in
the state. Only a state that is lost is rebuilt from old events, and then those of every contact
that may still wait have to be there.

Neither can be refused: both only matter on a bad day. They are told at each start.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from firstreply.adapters.kafka.topics import Topic
from firstreply.durations import canonical

_FOR_EVER: Final = -1

OUTAGE: Final = timedelta(days=3)
"""How long a service may be down before anybody looks: from Friday's evening to Monday."""


class Caution(NamedTuple):
    """What is impossible, and what to do about it."""

    what: str
    remedy: str


def retention_cautions(source: Topic, longest_wait: timedelta | None) -> Iterator[str]:
    """Yield what ``cautions`` finds, each in one text."""
    for caution in cautions(source, longest_wait):
        yield f"{caution.what}. {caution.remedy}"


def cautions(source: Topic, longest_wait: timedelta | None) -> Iterator[Caution]:
    """Yield what the input's retention makes impossible, each with the remedy.

    Args:
        source: the input topic. What we may not see of it is taken to suffice.
        longest_wait: how long a contact may wait (``give_up_after``); None: for ever.
    """
    configuration = source.configuration or {}
    size = int(configuration.get("retention.bytes", _FOR_EVER))
    if size != _FOR_EVER:
        yield Caution(
            f"{source.name} drops events by size (retention.bytes={size}), at busy times sooner "
            "than it seems: events that are dropped while the service is down are lost to it, and "
            "it will not start",
            "Limit the topic by time alone: retention.bytes=-1",
        )
    time = int(configuration.get("retention.ms", _FOR_EVER))
    if time == _FOR_EVER:
        return
    kept = timedelta(milliseconds=time)
    if kept < OUTAGE:
        yield Caution(
            f"{source.name} keeps events for {canonical(kept)}: the service cannot start again "
            "after it was down for longer",
            f"Raise its retention.ms to {canonical(OUTAGE)} or more",
        )
    if longest_wait is None or kept < longest_wait:
        wait = "for ever" if longest_wait is None else canonical(longest_wait)
        yield Caution(
            f"{source.name} keeps events for {canonical(kept)}, and a contact may wait {wait} "
            "(give_up_after): were the state lost, firstreply state rebuild would not know those "
            "who have waited for longer",
            "Raise its retention.ms, or lower give_up_after",
        )
