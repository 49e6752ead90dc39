"""What was published of this process, collected for its tables: the wall's and the terminal's.

A ``ports.Publisher`` in front of another one. It sums the net outcomes since the start of the
process per channel and band, books them by minute and day (``wall.rolling``), and keeps the waiting
figures that each partition said last; counts are summed over partitions, instants take the minimum.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from firstreply.adapters.terminal import ChannelRow, PromiseKept
from firstreply.domain.bands import Policy
from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND, to_datetime
from firstreply.domain.policy_book import PolicyBook
from firstreply.ports import Publisher
from firstreply.wall.rolling import Counts, Reading, Rolling, add_net
from firstreply.wall.status import decided


class Board:
    """Collects; forwards everything to ``behind``.

    Args:
        book: the policies in force.
        behind: the next publisher.
        timezone: whose midnight begins a day of the rolling figures.
        reads_since: tells the timestamp of the first record read of a partition, in microseconds.
    """

    def __init__(
        self,
        book: PolicyBook,
        behind: Publisher,
        timezone: tzinfo = UTC,
        reads_since: Reading = lambda _: None,
    ) -> None:
        self._book = book
        self._behind = behind
        self._counts: Counts = Counter()
        self._now: dict[int, PartitionGauges] = {}
        self._reads_since = reads_since
        self.rolling = Rolling(timezone)

    @property
    def now(self) -> Mapping[int, PartitionGauges]:
        """What each partition said last; without those that are not ours any more."""
        return self._now

    def checkpointed(self, partition: int, epoch: int, increments: Increments) -> None:
        """Sum what was counted."""
        self._behind.checkpointed(partition, epoch, increments)
        if increments:
            net: Counts = Counter()
            add_net(net, increments)
            self._counts.update(net)
            self.rolling.counted(partition, net)

    def records_shown(self, appended: list[int], now: int) -> None:
        """Hand on."""
        self._behind.records_shown(appended, now)

    def deadlines_shown(self, after: int, now: int) -> None:
        """Hand on."""
        self._behind.deadlines_shown(after, now)

    def gauges(self, partition: int, now: PartitionGauges) -> None:
        """Keep who waits."""
        self._behind.gauges(partition, now)
        self._now[partition] = now
        self.rolling.moved(partition, now.at, self._reads_since)

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        self._behind.drop(partition)
        self._now.pop(partition, None)

    def lease(self, until: float) -> None:
        """Hand on."""
        self._behind.lease(until)

    def clock(self, partition: int, at: int | None) -> None:
        """Hand on."""
        self._behind.clock(partition, at)

    def lag(self, partition: int, messages: int, seconds: float) -> None:
        """Hand on."""
        self._behind.lag(partition, messages, seconds)

    def heartbeat(self, instant: int) -> None:
        """Hand on."""
        self._behind.heartbeat(instant)

    def clock_skew(self, seconds: float) -> None:
        """Hand on."""
        self._behind.clock_skew(seconds)

    def restoring(self, partitions: int) -> None:
        """Hand on."""
        self._behind.restoring(partitions)

    def older(self, partitions: int) -> None:
        """Hand on."""
        self._behind.older(partitions)

    def assigned(self, partitions: int) -> None:
        """Hand on."""
        self._behind.assigned(partitions)

    def ready(self, ready: bool) -> None:  # noqa: FBT001 - the value of a gauge
        """Hand on."""
        self._behind.ready(ready)

    def service_clock(self) -> datetime | None:
        """Return the earliest service clock of the partitions; None before the first event."""
        instants = [now.at for now in self._now.values() if now.at is not None]
        return to_datetime(min(instants)) if instants else None

    def rows(self) -> list[ChannelRow]:
        """Return one row per channel that something happened on, or that has a promise."""
        shown = {channel for channel, band, _ in self._counts if not band}
        return [
            self._row(policy)
            for name, policy in self._book.policies.items()
            if name in shown or policy.promise is not None
        ]

    def _row(self, policy: Policy) -> ChannelRow:
        channel = policy.channel
        waiting: Counter[BandState] = Counter()
        oldest: list[float] = []
        deadlines: list[float] = []
        for said_at, queue in self._queues(channel):
            waiting.update(queue.waiting)
            if queue.oldest_waiting is not None:
                oldest.append((said_at - queue.oldest_waiting) / SECOND)
            if queue.next_deadline is not None:
                deadlines.append((queue.next_deadline - said_at) / SECOND)
        at = min((now.at for now in self._now.values() if now.at is not None), default=None)
        is_open = policy.calendar is None or at is None or policy.calendar.is_open_us(at)
        return ChannelRow(
            channel=channel,
            waiting=waiting.total(),
            oldest_wait_seconds=max(0.0, *oldest) if oldest else None,
            at_risk=waiting[BandState.AT_RISK],
            overdue=waiting[BandState.OVERDUE] + waiting[BandState.FAR_OVERDUE],
            next_deadline_seconds=min(deadlines, default=None),
            bands={band.name: self._decided(policy, band.name) for band in policy.bands},
            promise=self._promise(policy),
            received=self._counts[channel, "", "received"],
            answered=self._counts[channel, "", "answered"],
            abandoned=self._counts[channel, "", "abandoned"],
            is_open=is_open,
        )

    def _queues(self, channel: str) -> list[tuple[int, QueueGauges]]:
        return [
            (now.at, queue)
            for now in self._now.values()
            if now.at is not None
            for (name, _), queue in now.queues.items()
            if name == channel
        ]

    def _decided(self, policy: Policy, band: str) -> tuple[int, int]:
        """Return (met, decided) of a band; abandoned contacts count as the policy says."""
        counted = policy.abandoned_counts
        return decided(self._counts, policy.channel, band, counts_abandoned=counted)

    def _promise(self, policy: Policy) -> PromiseKept | None:
        if policy.promise is None:
            return None
        met, decided = self._decided(policy, policy.promise.band)
        share = met / decided if decided else None
        return PromiseKept(policy.promise.band, policy.promise.objective, share)
