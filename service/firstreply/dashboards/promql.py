"""The PromQL that several boards share. Recorded series (alerts/recording.yml) where there are any.

As in the rules: counts are net, outcomes plus corrections to, minus corrections from; processes are
summed; what every process exports, the configuration, is taken once; ages are those of the service
clock, never of ``time()``. What a board asks without ``$`` it asks of the whole installation.
"""

from typing import Final

STEADY: Final = "firstreply:figures_steady:bool"
"""1 while the figures are those of now; always there while Prometheus evaluates the rules."""
CLOCK: Final = "min(firstreply_clock_timestamp_seconds)"
OPEN: Final = "channel:contact_channel_open:min"
OBJECTIVE: Final = "channel_band:contact_promise_objective:ratio"
LIMIT: Final = "channel_band:contact_promise_threshold:seconds"
KEPT_30M: Final = "channel_band:contact_promise_kept:ratio30m"
INDEX_1D: Final = "channel:contact_expectation_index:ratio1d"
INDEX_28D: Final = "channel:contact_expectation_index:ratio28d"
KEPT_28D: Final = "channel_band:contact_expectation_kept:ratio28d"
DECIDED_28D: Final = "channel_band:contact_expectation_decided:increase28d"
BROKEN_28D: Final = "channel_band:contact_expectation_broken:increase28d"
OLDEST: Final = "channel_queue:contact_oldest_waiting:age_seconds"

LATE: Final = 'band_state=~"overdue|far_overdue"'
AT_RISK: Final = 'band_state="at_risk"'

_OURS: Final = 'team=~"floor|platform"'
"""What all our alerts have, and those of others may not."""
FIRING: Final = f'ALERTS{{{_OURS}, alertstate="firing", severity=~"critical|warning"}}'

CHANNEL: Final = 'channel="$channel"'
QUEUE: Final = 'channel="$channel", queue=~"$queue"'


def of_promise(expr: str) -> str:
    """Return only the band of the promise."""
    return f"{expr} and on (channel, band) {OBJECTIVE}"


def when_steady(expr: str) -> str:
    """Return nothing while the figures are not those of now."""
    return f"{expr} and on () {STEADY} == 1"


def per_hour(expr: str) -> str:
    """Return contacts an hour from contacts a second; net figures can dip below 0 for a while."""
    return f"3600 * clamp_min({expr}, 0)"


def counted(metric: str, selector: str, window: str = "$__rate_interval") -> str:
    """Return how many a second a counter without corrections counts."""
    return f"sum(rate({metric}{{{selector}}}[{window}]))"


def received(selector: str, window: str = "$__rate_interval", function: str = "rate") -> str:
    """Return how many were received, net."""
    moved = "contact_received_corrections_total"
    return (
        f"sum({function}(contact_received_total{{{selector}}}[{window}])"
        f' or {function}({moved}{{{selector}, direction="in"}}[{window}])'
        f' or -{function}({moved}{{{selector}, direction="out"}}[{window}]))'
    )


def net(outcome: str, selector: str, window: str, function: str = "increase") -> str:
    """Return the contacts with this outcome, net, by channel and band."""
    total, moved = "contact_expectation_outcomes_total", "contact_expectation_corrections_total"
    return (
        f'sum by (channel, band) ({function}({total}{{{selector}, outcome="{outcome}"}}[{window}])'
        f' or {function}({moved}{{{selector}, to="{outcome}"}}[{window}])'
        f' or -{function}({moved}{{{selector}, from="{outcome}"}}[{window}]))'
    )


def kept_within(selector: str, window: str) -> str:
    """Return the share answered within each band, by channel and band."""
    met, missed, abandoned = (
        net(outcome, selector, window) for outcome in ("met", "missed", "abandoned")
    )
    counts = "on (channel) group_left () max by (channel) (contact_abandoned_counts)"
    decided = f"{met} + on (channel, band) {missed} + on (channel, band) {abandoned} * {counts}"
    return f"clamp_max(clamp_min({met}, 0) / on (channel, band) (({decided}) > 0), 1)"


def burn(window: str, selector: str = "") -> str:
    """Return how many times faster than the objective allows the promise is broken."""
    series = f"channel_band:contact_promise_broken:ratio{window}{{{selector}}}"
    return f"{series} / on (channel, band) ((1 - {OBJECTIVE}) > 0)"


def budget_left(broken: str, decided: str) -> str:
    """Return which part of the misses the objective allows is left; negative: overdrawn."""
    spent = f"{broken} / on (channel, band) ({decided} > 0)"
    return f"1 - {spent} / on (channel, band) ((1 - {OBJECTIVE}) > 0)"


def quantile(share: float, histogram: str, selector: str) -> str:
    """Return the time within which this share lies."""
    buckets = f"sum by (le) (rate({histogram}_bucket{{{selector}}}[$__rate_interval]))"
    return f"histogram_quantile({share}, {buckets})"


def standing(channels: str, selector: str = "") -> str:
    """Return how channels stand, as a number: the index of the word in ``Standing``.

    ``channels`` yields 0 for each that is shown.
    """
    at = f"{selector}, " if selector else ""
    waiting = f"sum by (channel) (contact_waiting{{{at}%s}}) > 0"
    return (
        f"(\n  {channels} + 4 unless on () {STEADY} == 1"
        f"\n  or 3 + 0 * ({OPEN} == 0)"
        f"\n  or 2 + 0 * ({waiting % LATE})"
        f"\n  or 1 + 0 * ({waiting % AT_RISK})"
        f"\n  or {channels}\n)\nand on (channel) {channels}"
    )


def countdown(selector: str = "") -> str:
    """Return how long it is until the next customer becomes late, by channel."""
    deadline = f"min by (channel) (contact_next_deadline_timestamp_seconds{{{selector}}})"
    return f"clamp_min({deadline} - on () group_left () {CLOCK}, 0)"


def firing(selector: str = "") -> str:
    """Return the firing alerts, but for the one that always fires, with the labels that name them.

    The higher the value, the more urgent. While the Watchdog does not fire, no other alert would,
    either: then it is the most urgent row.
    """
    at = f"{selector}, {_OURS}" if selector else _OURS
    levels = "\n  or ".join(
        f'{rank} * ALERTS{{{at}, alertstate="firing", severity="{severity}"}}'
        for rank, severity in ((4, "critical"), (3, "warning"), (2, "ticket"), (1, "info"))
    )
    missing = '9 * absent(ALERTS{alertname="Watchdog", alertstate="firing"})'
    return f"max by (alertname, severity, channel, queue) (\n  {levels}\n  or {missing}\n)"
