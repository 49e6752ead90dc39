"""Runs one command: connects, shows progress, returns or prints what was found."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

import msgspec

from firstreply import wiring
from firstreply.adapters.kafka.letter_box import KafkaLetterBox
from firstreply.check_event import check
from firstreply.dlq_commands import tables
from firstreply.dlq_commands.choosing import Filter
from firstreply.dlq_commands.listing import list_letters
from firstreply.dlq_commands.replaying import Plan, Replaying, Wish
from firstreply.dlq_commands.showing import fetch, read_place, shown
from firstreply.domain.errors import ConfigurationError
from firstreply.durations import duration_micros
from firstreply.policies import policy_book
from firstreply.rejection import Reason
from firstreply.replay_command import read_instant
from firstreply.settings import Settings
from firstreply.state_commands.progress import progress


class Look(StrEnum):
    """How ``show`` writes a letter."""

    TEXT = "text"
    HEX = "hex"
    RAW = "raw"
    JSON = "json"


def filter_of(
    reasons: Sequence[str], partition: int | None, since: str | None, until: str | None
) -> Filter:
    """Read the filters of the command line. Raises ConfigurationError."""
    unknown = [reason for reason in reasons if reason not in list(Reason)]
    if unknown:
        msg = f"--reason {unknown[0]}: give one of {', '.join(Reason)}"
        raise ConfigurationError(msg)
    first = None if since is None else read_instant(since, "--since", "leave it out")
    last = None if until is None else read_instant(until, "--until", "leave it out")
    if first is not None and last is not None and first > last:
        msg = f"--since {since} is later than --until {until}: no letter lies between"
        raise ConfigurationError(msg)
    return Filter(frozenset(reasons), partition, first, last)


async def run_list(settings: Settings, wanted: Filter, limit: int, output: str) -> None:
    """Print the counts by reason and the newest letters."""
    async with _opened(settings) as box:
        with progress("list") as told:
            found = await list_letters(box, wanted, limit, told)
    _print(found, tables.listing(found), output)


async def run_show(settings: Settings, place: str, look: Look) -> None:
    """Print one letter, or its value alone and byte for byte."""
    partition, offset = read_place(place)
    async with _opened(settings) as box:
        letter = await fetch(box, partition, offset)
    if look is Look.RAW:
        sys.stdout.buffer.write(letter.value or b"")
        sys.stdout.buffer.flush()
        return
    outcome = check(
        letter.value,
        headers=letter.headers,
        book=policy_book(settings),
        timestamp=letter.timestamp,
        decoder=wiring.decoder(settings),
    )
    text = tables.letter(box.topic, letter, outcome, as_hex=look is Look.HEX)
    _print(shown(box.topic, letter, outcome), text, look.value)


async def plan_replay(settings: Settings, wish: Wish, to: str | None) -> Plan:
    """Return what a replay would do."""
    if to is not None and to in {settings.kafka.state_topic, settings.kafka.status_topic}:
        msg = f"--to {to}: firstreply keeps what it knows there; name an input topic"
        raise ConfigurationError(msg)
    async with _opened(settings, to, to_send=True) as box:
        with progress("look") as told:
            return await _replaying(settings, box, wish).plan(told)


async def send_replay(settings: Settings, wish: Wish, to: str | None, plan: Plan) -> Plan:
    """Send what was planned; when interrupted, say on standard error how far it came."""
    async with _opened(settings, to, to_send=True) as box:
        replaying = _replaying(settings, box, wish)
        try:
            with progress("replay") as told:
                return await replaying.send(plan, told)
        except asyncio.CancelledError:
            sent = f"at least {replaying.sent} of {plan.to_send} letters were sent"
            sys.stderr.write(f"firstreply: interrupted: {sent}\n")
            raise


def print_plan(plan: Plan, output: str, *, done: bool) -> None:
    """Print what a replay would do, or did."""
    _print(plan, tables.plan(plan, done=done), output)


def _replaying(settings: Settings, box: KafkaLetterBox, wish: Wish) -> Replaying:
    settle_for = settings.settle_for
    return Replaying(
        box,
        wiring.decoder(settings),
        wish,
        now=_milliseconds,
        settle_for=None if settle_for is None else duration_micros(settle_for),
    )


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def _opened(
    settings: Settings, to: str | None = None, *, to_send: bool = False
) -> AsyncIterator[KafkaLetterBox]:
    box = KafkaLetterBox(wiring.kafka_options(settings), to)
    try:
        await box.start(to_send=to_send)
        yield box
    finally:
        await box.stop()


def _print(found: object, text: str, output: str) -> None:
    if output == "json":
        # ASCII alone: a terminal obeys some characters that JSON would leave as they are.
        text = json.dumps(msgspec.to_builtins(found), indent=2)
    sys.stdout.write(text + "\n")
