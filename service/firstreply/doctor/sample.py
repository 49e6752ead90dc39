"""Keys and content of the last records: what the service would make of them.

Records are decoded by the service's own decoder and names resolved by its own policies. Nothing of
a record is kept but places and counts: an id of a contact is only compared, a value never quoted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.doctor.commands import look
from firstreply.doctor.finding import Finding, failure, ok, skipped, warning
from firstreply.domain.events import ContactEvent, EventType
from firstreply.domain.policy_book import PolicyBook
from firstreply.ports import Record, RecordDecoder, TimestampType
from firstreply.rejection import Reason, Rejected

MOST: Final = 100
"""Records of each partition."""
MOST_OF_ALL: Final = 2_000
_FIRST_REASONS: Final = 3


def share_of_each(partitions: int) -> int:
    """Return how many of the last records to look at in each partition."""
    return max(1, min(MOST, MOST_OF_ALL // max(1, partitions)))


class Sample:
    """What was seen in some records.

    Args:
        decoder: the service's.
        book: resolves the names of channels.
        now: milliseconds since the epoch.
    """

    def __init__(self, decoder: RecordDecoder, book: PolicyBook, now: float) -> None:
        self._decoder = decoder
        self._book = book
        self._now = now
        self.read = 0
        self.accepted = 0
        self.ignored = 0
        self.rejected: Counter[Reason] = Counter()
        self.keyless = 0
        self.unlisted = 0
        self.newest: float | None = None
        """By how much the newest record stamped by a broker is in the future, in milliseconds."""
        self._first: dict[Reason, tuple[str, str]] = {}
        self._first_unlisted = ""
        self._partition_of: dict[str, tuple[int, str]] = {}
        self._split: dict[str, tuple[str, str]] = {}

    def add(self, records: Sequence[Record]) -> None:
        """Look at some records of one partition."""
        for record in records:
            self._add(record)

    def _add(self, record: Record) -> None:
        place = f"{record.partition}:{record.offset}"
        self.read += 1
        if not record.key:
            self.keyless += 1
        if record.timestamp_type == TimestampType.LOG_APPEND_TIME and record.timestamp is not None:
            ahead = record.timestamp - self._now
            self.newest = ahead if self.newest is None else max(self.newest, ahead)
        decoded = self._decoder.decode(record)
        if isinstance(decoded, ContactEvent):
            self.accepted += 1
            self._note(decoded, record.partition, place)
        elif isinstance(decoded, Rejected):
            self.rejected[decoded.reason] += 1
            self._first.setdefault(decoded.reason, (place, decoded.detail))
        else:
            self.ignored += 1

    def _note(self, event: ContactEvent, partition: int, place: str) -> None:
        before = self._partition_of.setdefault(event.contact_id, (partition, place))
        if before[0] != partition:
            self._split.setdefault(event.contact_id, (before[1], place))
        if event.type is EventType.OPENED and event.channel is not None:
            _, is_listed = self._book.channel(event.channel)
            if not is_listed:
                self.unlisted += 1
                self._first_unlisted = self._first_unlisted or place

    def key_verdict(self, options: KafkaOptions, partitions: int) -> Finding:
        """Judge how events are spread over the partitions."""
        remedy = (
            "Let the producer write the contact id as the key of each record, to a topic that is "
            "new or read to its end: Kafka keeps what has one key in one partition."
        )
        if self._split:
            first, other = next(iter(self._split.values()))
            count = len(self._split)
            return failure(
                "keys",
                f"{count} of {len(self._partition_of)} contacts in the sample "
                f"{'has' if count == 1 else 'have'} events in more than one partition, such as at "
                f"{first} and {other} (partition:offset); the order of events is lost, and each "
                "partition counts the contact for itself"
                + (f". {self.keyless} of {self.read} records have no key" if self.keyless else ""),
                f"{remedy}\nPartitions that were added lately do the same for a while.",
            )
        if not self.read:
            return skipped("keys", "needs records")
        if self.keyless and partitions > 1:
            return warning(
                "keys",
                f"{self.keyless} of {self.read} records have no key: nothing keeps the events of "
                "one contact in one partition",
                remedy,
            )
        if self.keyless:
            return ok(
                "keys",
                f"{self.keyless} of {self.read} records have no key; with one partition it does "
                f"not matter, with more it would ({options.topic})",
            )
        return ok(
            "keys",
            f"{self.read} records have one; each of {len(self._partition_of)} contacts is in one "
            "partition",
        )

    def record_verdicts(
        self, options: KafkaOptions, expected: int, stops_above: float
    ) -> Iterator[Finding]:
        """Judge what the records hold.

        Args:
            options: the topic.
            expected: how many offsets were to be read.
            stops_above: the share of bad records at which the service stops.
        """
        if not self.read:
            text = "the topic holds none yet" if not expected else "none came in time"
            yield skipped("records", f"needs records: {text}")
            return
        bad = self.rejected.total()
        text = f"the last {self.read}: {self.accepted} contact events"
        if self.ignored:
            text += f", {self.ignored} of other types (ignored)"
        if bad:
            yield self._bad_verdict(options, f"{text}, {bad} dead letters", stops_above)
        elif self.accepted:
            yield ok("records", text)
        else:
            yield failure(
                "records",
                f"{text}: nothing would be measured",
                "See whether kafka.topic is the topic of contact events, and that their type is "
                "one of contact.*: docs/reference/events.md.",
            )
        if self.unlisted:
            yield warning(
                "channels",
                f"{self.unlisted} contacts of the sample were opened on a channel that is not "
                f"configured, the first at {self._first_unlisted}; they count as other",
                "Add the channel's name to channels, or to the aliases of one.\nTo see it:",
                look(options, self._first_unlisted),
            )

    def _bad_verdict(self, options: KafkaOptions, text: str, stops_above: float) -> Finding:
        reasons = [
            f"{count} {reason} (first at {self._first[reason][0]}): {self._first[reason][1]}."
            for reason, count in self.rejected.most_common(_FIRST_REASONS)
        ]
        place = self._first[self.rejected.most_common(1)[0][0]][0]
        command = look(options, place)
        remedy = "\n".join([*reasons, "To see what is wrong with one:"])
        if self.rejected.total() / self.read > stops_above:
            return failure(
                "records", f"{text}; so many stop the service (limits.bad_records)", remedy, command
            )
        return warning("records", text, remedy, command)
