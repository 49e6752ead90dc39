"""The gauges of all partitions as one: counts are summed, instants take the minimum.

What the owned partitions said last, their service clocks and the policies in force come in; the
samples of the metrics that hold at a service clock go out, in steps between which other tasks may
run. Nothing is kept here and no clock is read: remembering and rendering are the publisher's
(``adapters.prometheus``).
"""

from collections.abc import Iterator

from firstreply.adapters.metrics import Samples
from firstreply.domain.gauges import HORIZONS, BandState, PartitionGauges, QueueGauges
from firstreply.domain.instants import SECOND
from firstreply.domain.ledger import imbalance
from firstreply.domain.policy_book import PolicyBook

Pair = tuple[str, str]
"""A channel and a queue."""


def process_samples(
    book: PolicyBook, topic: str, clocks: dict[int, int], partitions: dict[int, PartitionGauges]
) -> dict[str, Samples]:
    """Return the samples, by metric, that are not per queue.

    Opening hours hold at the earliest clock; without one, only who never closes is known.
    """
    at = min(clocks.values(), default=None)
    is_open = Samples()
    for channel, policy in book.policies.items():
        if policy.calendar is None:
            is_open[channel,] = 1
        elif at is not None:
            is_open[channel,] = int(policy.calendar.is_open_us(at))
    return {
        "contact_channel_open": is_open,
        "firstreply_clock_timestamp_seconds": {
            (topic, str(partition)): clock / SECOND for partition, clock in clocks.items()
        },
        "firstreply_contacts_tracked": {(): sum(now.tracked for now in partitions.values())},
        "firstreply_ledger_imbalance": {
            (topic, str(partition)): imbalance(now.ledger, now.waiting)
            for partition, now in partitions.items()
            if now.at is not None  # without a service clock it is not known who waits
        },
        "firstreply_ledger_total": {
            (topic, str(partition), kind): value
            for partition, now in partitions.items()
            for kind, value in now.ledger.items()
        },
    }


def queue_samples(
    book: PolicyBook, known: tuple[Pair, ...], partitions: dict[int, PartitionGauges]
) -> Iterator[tuple[str, Samples] | None]:
    """Merge the partitions, yielding None after each; then yield the samples of each metric."""
    totals = {pair: QueueGauges(waiting={}) for pair in known}
    for now in partitions.values():
        for pair, queue in now.queues.items():
            _merge(totals[pair], queue)
        yield None
    all_ = totals.items()
    promises = {name: policy.promise for name, policy in book.policies.items()}
    due = [((*at, found.band), totals[at]) for at in known if (found := promises.get(at[0]))]
    states = ((pair, state, total) for pair, total in all_ for state in BandState)
    yield "contact_waiting", {(*pair, of): total.waiting.get(of, 0) for pair, of, total in states}
    horizons = ((band, horizon, total) for band, total in due for horizon in HORIZONS)
    yield "contact_due", {(*band, of): total.due.get(of, 0) for band, of, total in horizons}
    yield "contact_reply_waiting", {pair: total.reply_waiting for pair, total in all_}
    for name, moments in (
        ("contact_next_deadline", ((band, total.next_deadline) for band, total in due)),
        ("contact_oldest_waiting", ((pair, total.oldest_waiting) for pair, total in all_)),
        ("contact_reply_oldest_waiting", ((at, total.reply_oldest_waiting) for at, total in all_)),
    ):
        instants: Samples = {labels: at / SECOND for labels, at in moments if at is not None}
        yield f"{name}_timestamp_seconds", instants


def _merge(total: QueueGauges, queue: QueueGauges) -> None:
    for state, count in queue.waiting.items():
        total.waiting[state] = total.waiting.get(state, 0) + count
    for horizon, count in queue.due.items():
        total.due[horizon] = total.due.get(horizon, 0) + count
    total.reply_waiting += queue.reply_waiting
    total.oldest_waiting = _earliest(total.oldest_waiting, queue.oldest_waiting)
    total.next_deadline = _earliest(total.next_deadline, queue.next_deadline)
    total.reply_oldest_waiting = _earliest(total.reply_oldest_waiting, queue.reply_oldest_waiting)


def _earliest(one: int | None, other: int | None) -> int | None:
    return min((at for at in (one, other) if at is not None), default=None)
