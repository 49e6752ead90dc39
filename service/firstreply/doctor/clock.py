"""Whether this machine and the brokers agree on the time.

The service compares its own clock with the time that the brokers stamp on records, and allows for
``proof_skew`` between the two.
"""

from datetime import timedelta

from firstreply.adapters.kafka.seen import ClockSeen
from firstreply.doctor.finding import Finding, ok, skipped, warning
from firstreply.durations import canonical


def clock_verdict(seen: ClockSeen | None, newest: float | None, allowed: timedelta) -> Finding:
    """Judge the two clocks.

    Args:
        seen: what the controller told of its clock; None: nothing.
        newest: by how many milliseconds the newest record that a broker stamped was in our future
            (below 0: in our past); None: there is none.
        allowed: ``proof_skew``.
    """
    limit = allowed / timedelta(milliseconds=1)
    if seen is not None:
        if abs(seen.ahead) > limit:
            return _apart(seen.ahead, allowed)
        within = max(seen.after - seen.theirs, seen.theirs - seen.before)
        return ok("clock", f"the controller's and ours agree within {max(within, 1):.0f} ms")
    if newest is not None and newest > limit:
        return _apart(newest, allowed)
    return skipped(
        "clock",
        "cannot be told: needs DESCRIBE on the cluster, and a cluster in KRaft mode (Kafka 3.3 or "
        "newer)",
    )


def _apart(ahead: float, allowed: timedelta) -> Finding:
    by = f"{abs(ahead) / 1000:.1f} s {'ahead of' if ahead > 0 else 'behind'}"
    return warning(
        "clock",
        f"the brokers' clock is at least {by} ours; proof_skew allows {canonical(allowed)}, so "
        "misses may be counted early and corrected later",
        "Set both clocks by NTP (chronyc tracking tells), or raise proof_skew.",
    )
