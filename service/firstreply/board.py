"""The figures of the terminal table: collects what is published, and hands it on.

A ``ports.Publisher`` in front of another one. It sums the net outcomes since the start of the
process per channel and band, and keeps the waiting figures that each partition said last; counts
are summed over partitions, instants take the minimum.
"""

from collections import Counter
from datetime import datetime

from firstreply.adapters.terminal import ChannelRow, PromiseKept
from firstreply.domain.bands import Policy, PolicyBook
from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND, to_datetime
from firstreply.ports import Publisher

_PER_CHANNEL = {
    "contact_received_total": "received",
    "contact_first_response_seconds": "answered",
    "contact_abandoned_total": "abandoned",
}


class Board:
    """Collects for the terminal; forwards everything to ``behind``."""

    def __init__(self, book: PolicyBook, behind: Publisher) -> None:
        self._book = book
        self._behind = behind
        self._net: Counter[tuple[str, str, str]] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._now: dict[int, PartitionGauges] = {}

    def checkpointed(self, partition: int, epoch: int, increments: Increments) -> None:
        """Sum what was counted."""
        self._behind.checkpointed(partition, epoch, increments)
        for (metric, labels), amount in increments.counts.items():
            if metric == "contact_expectation_outcomes_total":
                channel, _, band, outcome = labels
                self._net[channel, band, outcome] += amount
            elif metric == "contact_expectation_corrections_total":
                channel, _, band, before, after = labels
                self._net[channel, band, before] -= amount
                self._net[channel, band, after] += amount
            elif metric == "contact_received_corrections_total":
                channel, _, direction = labels
                self._counts[channel, "received"] += amount if direction == "in" else -amount
            elif metric in _PER_CHANNEL:
                self._counts[labels[0], _PER_CHANNEL[metric]] += amount
        for metric, labels, _ in increments.observations:
            if metric in _PER_CHANNEL:
                self._counts[labels[0], _PER_CHANNEL[metric]] += 1

    def gauges(self, partition: int, now: PartitionGauges) -> None:
        """Keep who waits."""
        self._behind.gauges(partition, now)
        self._now[partition] = now

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        self._behind.drop(partition)
        self._now.pop(partition, None)

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

    def ready(self, ready: bool) -> None:  # noqa: FBT001 - the value of a gauge
        """Hand on."""
        self._behind.ready(ready)

    def service_clock(self) -> datetime | None:
        """Return the earliest service clock of the partitions; None before the first event."""
        instants = [now.at for now in self._now.values() if now.at is not None]
        return to_datetime(min(instants)) if instants else None

    def rows(self) -> list[ChannelRow]:
        """Return one row per channel that something happened on, or that has a promise."""
        shown = {channel for channel, _ in self._counts}
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
            received=self._counts[channel, "received"],
            answered=self._counts[channel, "answered"],
            abandoned=self._counts[channel, "abandoned"],
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
        met = self._net[policy.channel, band, "met"]
        abandoned = self._net[policy.channel, band, "abandoned"] * policy.abandoned_counts
        return met, met + self._net[policy.channel, band, "missed"] + abandoned

    def _promise(self, policy: Policy) -> PromiseKept | None:
        if policy.promise is None:
            return None
        met, decided = self._decided(policy, policy.promise.band)
        share = met / decided if decided else None
        return PromiseKept(policy.promise.band, policy.promise.objective, share)
