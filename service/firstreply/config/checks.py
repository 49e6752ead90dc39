"""Finds what is wrong between settings that are each right by themselves.

A promise on a band the channel does not have, an alias two channels claim, a window that overlaps
another: settings in, problems with the path of the later offender out. Nothing is raised, so that
one run shows all. ``Problem.needs`` names what must have been readable for the problem to be true.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from firstreply.config.checks_calendars import calendar_problems
from firstreply.config.checks_http import http_problems
from firstreply.config.checks_kafka import kafka_problems
from firstreply.config.did_you_mean import did_you_mean, listing
from firstreply.config.file import Path, Problem
from firstreply.domain.bands import NONE, OTHER
from firstreply.durations import canonical, parse_duration
from firstreply.settings import ChannelSettings, Settings

_RESERVED_QUEUES: Final = {
    OTHER: "stands for every queue that is not listed; remove it",
    NONE: "stands for contacts without a queue; remove it or name the queue otherwise",
}


def problems_between(settings: Settings) -> Iterator[Problem]:
    """Yield every problem that spans settings."""
    yield from kafka_problems(settings.kafka)
    yield from http_problems(settings.http)
    yield from _two_spellings(("bands",), settings.bands)
    yield from _repeated(("excluded_reasons",), settings.excluded_reasons, "reason")
    for name, calendar in settings.calendars.items():
        yield from calendar_problems(("calendars", name), calendar)
    yield from _name_collisions(settings)
    for name, channel in settings.channels.items():
        yield from _channel_problems(settings, ("channels", name), channel)


def _two_spellings(path: Path, names: Iterable[str]) -> Iterator[Problem]:
    spelt: dict[str, str] = {}
    for name in names:
        first = spelt.setdefault(canonical(parse_duration(name)), name)
        if first != name:
            message = f'"{first}" and "{name}" are the same limit; keep one of them'
            yield Problem((*path, name), message, at_key=True)


def _repeated(path: Path, names: Iterable[str], kind: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Problem((*path, index), f'the {kind} "{name}" is listed twice; keep one')
        seen.add(name)


def _name_collisions(settings: Settings) -> Iterator[Problem]:
    """Yield names that lead to two channels; case is ignored, as it is in events."""
    owners: dict[str, str] = {}
    for name in settings.channels:
        owner = owners.setdefault(name.casefold(), name)
        if owner != name:
            message = f'differs from the channel "{owner}" in case only; keep one of them'
            yield Problem(("channels", name), message, at_key=True)
    for name, channel in settings.channels.items():
        for index, alias in enumerate(channel.aliases):
            owner = owners.setdefault(alias.casefold(), name)
            path = ("channels", name, "aliases", index)
            if (
                owner in settings.channels
                and owner.casefold() == alias.casefold() != name.casefold()
            ):
                yield Problem(path, f'"{alias}" is a channel of its own; remove the alias')
            elif owner != name:
                yield Problem(path, f'"{alias}" is already an alias of "{owner}"; keep one of them')
        yield from _repeated(("channels", name, "aliases"), channel.aliases, "alias")


def _channel_problems(
    settings: Settings, path: Path, channel: ChannelSettings
) -> Iterator[Problem]:
    yield from _two_spellings((*path, "bands"), channel.bands)
    yield from _repeated((*path, "queues"), channel.queues, "queue")
    for index, queue in enumerate(channel.queues):
        if queue in _RESERVED_QUEUES:
            yield Problem((*path, "queues", index), f'"{queue}" {_RESERVED_QUEUES[queue]}')
    if channel.calendar is not None and channel.calendar not in settings.calendars:
        near = did_you_mean(channel.calendar, settings.calendars)
        message = (
            f'there is no calendar "{channel.calendar}"; {near}'
            f"add it under calendars; known: {listing(settings.calendars)}"
        )
        needs = (("calendars", channel.calendar),)
        yield Problem((*path, "calendar"), message, needs=needs)
    yield from _promise_problems(settings, path, channel)


def _promise_problems(
    settings: Settings, path: Path, channel: ChannelSettings
) -> Iterator[Problem]:
    if channel.promise is None:
        return
    limits = {parse_duration(name): name for name in (*settings.bands, *channel.bands)}
    limit = parse_duration(channel.promise.band)
    if limit not in limits:
        has = [limits[known] for known in sorted(limits)]
        near = did_you_mean(channel.promise.band, has)
        message = (
            f'the channel has no band "{channel.promise.band}"; {near}'
            f"use one of {listing(has)}, or add {canonical(limit)}: {{}} to the channel's bands"
        )
        needs = (("bands", "*"), (*path, "bands", "*"))
        yield Problem((*path, "promise", "band"), message, needs=needs)
