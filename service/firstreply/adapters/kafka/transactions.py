"""Noticing that an open transaction holds back a reader of committed records.

With ``read_committed`` a broker hands out nothing from the first offset of an open transaction on,
whoever wrote it, while the leaders' ends count all records. So the partition is not read to its
end, and its clock stands, for as long as a producer leaves a transaction open. That is as it must
be, but somebody has to end that transaction, and no other figure names it.

Both numbers compared here come with one fetch. Time is counted in looks, of which the proof of log
time takes one a second: a transaction of a moment is nothing to report.
"""

import logging
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from firstreply.adapters.kafka.options import KafkaOptions

_log = logging.getLogger(__name__)

LOOKS: Final = 10
"""Held back at one offset at so many looks running, it is told; once, until reading goes on."""


class OpenTransactions:
    """How long each partition of the topic has been held back at its last stable offset."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._held: dict[int, tuple[int, int]] = {}
        """Partition to the offset where it is held back, and how many looks found it there."""

    def look(self, consumer: AIOKafkaConsumer, partition: int, position: int) -> None:
        """Look at a partition that was begun and is not read to its end. Awaits nothing."""
        if self._options.isolation_level != "read_committed":
            return
        name = TopicPartition(self._options.topic, partition)
        stable, end = consumer.last_stable_offset(name), consumer.highwater(name)
        if stable is None or end is None or not stable <= position < end:
            self._held.pop(partition, None)
            return
        before, looks = self._held.get(partition, (position, 0))
        looks = looks + 1 if before == position else 1
        self._held[partition] = (position, looks)
        if looks == LOOKS:
            _log.warning(
                "open_transaction_holds_back_reading",
                extra={
                    "topic": self._options.topic,
                    "partition": partition,
                    "offset": position,
                    "end": end,
                },
            )
