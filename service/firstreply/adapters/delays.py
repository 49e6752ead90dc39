"""Many delays as one observation of a histogram.

Instants of one millisecond clock come in, cells of a histogram go out. The cost is that of sorting
what is nearly sorted, once a checkpoint, and not of an observation for each record.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise


def observed(began: Sequence[int], now: float, bounds: Sequence[float]) -> tuple[list[int], float]:
    """Return how many delays fall into each bucket (the last: +Inf), and their sum in seconds.

    Args:
        began: when each began, in milliseconds, in any order. What begins after now, by a clock
            that is ahead of ours, took no time.
        now: when all of them end, in milliseconds.
        bounds: of the buckets, in seconds, inclusive, ascending.
    """
    ordered = sorted(began)
    past = ordered[: bisect_right(ordered, now)]
    ahead = len(ordered) - len(past)
    within = [len(past) - bisect_left(past, now - 1000 * bound) for bound in bounds]
    cumulated = [ahead + count for count in (*within, len(past))]
    cells = [after - before for before, after in pairwise((0, *cumulated))]
    return cells, (len(past) * now - sum(past)) / 1000
