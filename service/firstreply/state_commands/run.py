"""Runs one command: connects, shows progress, prints a table or JSON; tells if all is well."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from firstreply import wiring
from firstreply.domain.errors import ConfigurationError
from firstreply.durations import duration_micros
from firstreply.policies import policy_book
from firstreply.replay_command import read_instant
from firstreply.settings import Settings
from firstreply.state_commands import tables
from firstreply.state_commands.adopt import Adopting
from firstreply.state_commands.inspect import inspect
from firstreply.state_commands.opening import Place, opened, opened_other
from firstreply.state_commands.progress import progress
from firstreply.state_commands.rebuild import Rebuilding, Wish
from firstreply.state_commands.verify import verify


async def run_inspect(settings: Settings, partition: int | None, output: str) -> bool:
    """Print where the state stands; False where a start would be refused."""
    async with opened(settings) as place:
        with progress("inspect") as told:
            found = await inspect(place, _partitions(place, partition), _now, told)
    print_found(found, tables.inspection(found), output)
    return not any(one.lost for one in found.partitions)


async def run_verify(settings: Settings, output: str) -> bool:
    """Print what is wrong; False if anything is."""
    async with opened(settings) as place:
        with progress("verify") as told:
            found = await verify(place, _partitions(place, None), told)
    print_found(found, tables.verification(found), output)
    return found.ok


async def run_rebuild(
    settings: Settings, *, since: str, stopped: str | None, wish: Wish, output: str
) -> None:
    """Rebuild, or print what would be written.

    Args:
        settings: the configuration.
        since: ``--from``, as it was typed.
        stopped: ``--stopped``, likewise.
        wish: the rest.
        output: text or json.
    """
    wish = msgspec.structs.replace(
        wish,
        since=read_time(since, "--from"),
        stopped=None if stopped is None else read_time(stopped, "--stopped"),
    )
    async with opened(settings, to_write=not wish.dry_run) as place:
        rebuilding = Rebuilding(
            place,
            new_fold=wiring.new_fold(settings, policy_book(settings)),
            now=_now,
            skew=duration_micros(settings.proof_skew),
            wish=wish,
        )
        with progress("rebuild") as told:
            done = await rebuilding.run(told)
    _print_done(done, tables.rebuilt(done, dry_run=wish.dry_run), wish.dry_run, output)


async def run_adopt(
    settings: Settings, old: str, state_topic: str | None, *, dry_run: bool, output: str
) -> None:
    """Adopt, or print what would be written."""
    async with (
        opened_other(settings, old, state_topic) as theirs,
        opened(settings, to_write=not dry_run) as ours,
    ):
        adopting = Adopting(
            ours,
            theirs,
            book=policy_book(settings),
            grace=wiring.grace(settings),
            dry_run=dry_run,
        )
        with progress("adopt") as told:
            done = await adopting.run(told)
    _print_done(done, tables.adopted(done, dry_run=dry_run), dry_run, output)


def read_time(text: str, option: str) -> int:
    """Read a time from the command line. Raises ConfigurationError."""
    return read_instant(text, option, "the like")


def _partitions(place: Place, wanted: int | None) -> Sequence[int]:
    there = range(place.group.partitions)
    if wanted is None:
        return there
    if wanted not in there:
        msg = f"--partition {wanted}: topic {place.group.topic} has 0 to {len(there) - 1}"
        raise ConfigurationError(msg)
    return [wanted]


def _now() -> int:
    return time.time_ns() // 1000


def _print_done(done: Sequence[Any], text: str, dry_run: bool, output: str) -> None:  # noqa: FBT001
    print_found({"dry_run": dry_run, "partitions": done}, text, output)


def print_found(found: object, text: str, output: str) -> None:
    """Print a table that was made, or the same as JSON."""
    if output == "json":
        text = json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False)
    sys.stdout.write(text + "\n")
