"""The partitions of a process, without a broker: made, filled with open contacts, given events.

Prints nothing; shared by the scripts that measure what a process does with many contacts, channels,
queues or partitions. Contacts have ids as long as uuids, and lie in the partition that a checksum
of their id names.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import random
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final
from zlib import crc32

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply import wiring  # noqa: E402
from firstreply.adapters.records import FileRecord  # noqa: E402
from firstreply.config.load import load_settings  # noqa: E402
from firstreply.domain.events import Actor, ContactEvent, EventType  # noqa: E402
from firstreply.domain.instants import SECOND  # noqa: E402
from firstreply.fold import PartitionFold  # noqa: E402
from firstreply.policies import policy_book  # noqa: E402

OPENINGS: Final = 300 * SECOND
"""Over how long open contacts were opened: no band of 10 minutes is over in these or the next."""


def make(count: int, configuration: str) -> list[PartitionFold]:
    """Return so many empty partitions of a process with this configuration (YAML or JSON)."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(configuration)
        file.flush()
        settings = load_settings(Path(file.name), {})
    new_fold = wiring.new_fold(settings, policy_book(settings))
    return [new_fold(number, 0) for number in range(count)]


def open_contacts(folds: Sequence[PartitionFold], count: int, until: int) -> Iterator[str]:
    """Open contacts in turn on every configured channel and queue; yield their ids.

    Args:
        folds: empty.
        count: contacts in all partitions together.
        until: instant at which the last one is opened.
    """
    chance = random.Random(3)  # noqa: S311 - ids, not secrets
    queues = folds[0].engine.book.queues.items()
    places = [(channel, queue) for channel, names in queues for queue in names]
    for number in range(count):
        contact_id = str(uuid.UUID(int=chance.getrandbits(128)))
        channel, queue = places[number % len(places)]
        at = until - OPENINGS * (count - number) // count
        event_id = f"{number:036}"
        event = ContactEvent(
            contact_id, EventType.OPENED, at, event_id, channel, queue, Actor.CUSTOMER, None, None
        )
        fold = folds[place(contact_id, folds)]
        fold.engine.receive(event, at)
        if number % 10_000 == 0:
            forget_news(folds)
        yield contact_id
    forget_news(folds)


def place(contact_id: str, folds: Sequence[PartitionFold]) -> int:
    """Return the index of a contact's partition."""
    return crc32(contact_id.encode()) % len(folds)


def forget_news(folds: Iterable[PartitionFold]) -> None:
    """Take what was counted and changed, as a checkpoint does, and drop it."""
    for fold in folds:
        fold.take()


def batches(
    folds: Sequence[PartitionFold], events: Iterable[tuple[str, bytes]], size: int
) -> Iterator[list[list[FileRecord]]]:
    """Yield, so many events at a time, the records of each partition; fold them before the next.

    Args:
        folds: their offsets are those of the records.
        events: contact id and JSON, in order.
        size: events of a batch, over all partitions.
    """
    remaining = iter(events)
    while chunk := list(islice(remaining, size)):
        records: list[list[FileRecord]] = [[] for _ in folds]
        for contact_id, value in chunk:
            number = place(contact_id, folds)
            offset = folds[number].offset + len(records[number])
            records[number].append(FileRecord(offset, value))
        yield records
