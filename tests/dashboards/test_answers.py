"""What queries of the other boards answer on made-up figures, by promtool's own PromQL."""

from pathlib import Path
from typing import Final

import pytest

from firstreply.dashboards.messages import PANELS
from tests.dashboards.floor import NOW, expect
from tests.dashboards.panel_queries import every_query

PROMISE: Final = {"channel": "phone", "band": "20s"}
_AT: Final = 'channel="phone",queue="none"'


def asked(key: str, ref: str = "A") -> str:
    """Return a query of a panel, by its key in the table of texts."""
    board = f"firstreply-{key.partition('.')[0]}"
    title = PANELS[key].title.en
    (query,) = (
        one for one in every_query() if (one.board, one.panel, one.ref) == (board, title, ref)
    )
    return query.promql(range_="1h", rate_interval="10m")


def grows(name: str, a_minute: float) -> dict[str, str]:
    return {"series": name, "values": f"0+{a_minute}x{NOW}"}


def holds(name: str, value: float) -> dict[str, str]:
    return {"series": name, "values": f"{value}x{NOW}"}


def outcome(name: str, a_minute: float) -> dict[str, str]:
    labels = f'{_AT},band="20s",outcome="{name}"'
    return grows(f"contact_expectation_outcomes_total{{{labels}}}", a_minute)


def corrected(old: str, new: str, a_minute: float) -> dict[str, str]:
    labels = f'{_AT},band="20s",from="{old}",to="{new}"'
    return grows(f"contact_expectation_corrections_total{{{labels}}}", a_minute)


DECIDED: Final = [
    outcome("met", 8),
    outcome("missed", 2),
    outcome("abandoned", 10),
    corrected("missed", "met", 1),
]
"""A minute: 9 met, 1 missed, 10 abandoned, net."""


@pytest.mark.parametrize(("counts", "kept"), [(1, 0.45), (0, 0.9)])
def test_the_share_within_a_band_is_net_and_follows_what_abandoned_counts(
    promtool: Path, tmp_path: Path, counts: int, kept: float
) -> None:
    processes = [
        holds(f'contact_abandoned_counts{{channel="phone",instance="{instance}"}}', counts)
        for instance in ("a", "b")
    ]

    expect(promtool, tmp_path, [*DECIDED, *processes], {asked("channel.bands"): [(PROMISE, kept)]})


def test_misses_an_hour_are_net_and_of_the_promise_alone(promtool: Path, tmp_path: Path) -> None:
    longer = f'contact_expectation_outcomes_total{{{_AT},band="24h",outcome="missed"}}'
    promise = 'channel_band:contact_promise_objective:ratio{channel="phone",band="20s"}'

    expect(
        promtool,
        tmp_path,
        [*DECIDED, grows(longer, 100), holds(promise, 0.8)],
        {asked("channel.flow", "C"): [({}, 60.0)]},
    )


def test_received_is_net_of_contacts_that_an_earlier_opening_moved(
    promtool: Path, tmp_path: Path
) -> None:
    moved = "contact_received_corrections_total"

    expect(
        promtool,
        tmp_path,
        [
            grows(f"contact_received_total{{{_AT}}}", 10),
            grows(f'{moved}{{{_AT},direction="in"}}', 2),
            grows(f'{moved}{{{_AT},direction="out"}}', 5),
        ],
        {asked("channel.flow"): [({}, 420.0)], asked("channel.received"): [({}, 420.0)]},
    )


def test_transfers_are_counted_for_a_hundred_contacts(promtool: Path, tmp_path: Path) -> None:
    expect(
        promtool,
        tmp_path,
        [
            grows(f"contact_received_total{{{_AT}}}", 10),
            grows(f"contact_transferred_total{{{_AT}}}", 1),
        ],
        {asked("channel.transfers"): [({}, 10.0)]},
    )


PROMISED: Final = [
    holds('channel_band:contact_promise_objective:ratio{channel="phone",band="20s"}', 0.75),
    holds('channel_band:contact_promise_objective:ratio{channel="chat",band="10m"}', 0.5),
]


def test_the_budget_left_is_the_part_of_the_allowed_misses_that_was_not_used(
    promtool: Path, tmp_path: Path
) -> None:
    counted = 'channel_band:contact_expectation_%s:increase28d{channel="phone",band="20s"}'

    expect(
        promtool,
        tmp_path,
        [*PROMISED, holds(counted % "decided", 160), holds(counted % "broken", 50)],
        {asked("promises.budget"): [(PROMISE, -0.25)]},
    )


def test_a_burn_of_1_just_holds_the_objective(promtool: Path, tmp_path: Path) -> None:
    broken = 'channel_band:contact_promise_broken:ratio1h{channel="phone",band="20s"}'

    expect(
        promtool,
        tmp_path,
        [*PROMISED, holds(broken, 0.25)],
        {asked("promises.burn"): [(PROMISE, 1.0)]},
    )


def test_a_month_is_summed_from_full_hours_and_of_the_promise_alone(
    promtool: Path, tmp_path: Path
) -> None:
    hourly = 'channel_band:contact_expectation_%s_net:increase1h{channel="phone",band="%s"}'

    expect(
        promtool,
        tmp_path,
        [
            *PROMISED,
            holds(hourly % ("decided", "20s"), 40),
            holds(hourly % ("broken", "20s"), 5),
            holds(hourly % ("decided", "24h"), 40),
            holds(hourly % ("broken", "24h"), 40),
        ],
        {asked("promises.month"): [(PROMISE, 0.875)]},
    )


def firing(name: str, severity: str, team: str, **more: str) -> dict[str, str]:
    labels = {"alertname": name, "alertstate": "firing", "severity": severity, "team": team, **more}
    texts = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return holds(f"ALERTS{{{texts}}}", 1)


WATCHDOG: Final = firing("Watchdog", "none", "platform")
QUEUED: Final = {"channel": "phone", "queue": "none"}


def test_alerts_are_ours_and_of_the_channel_the_most_urgent_with_the_highest_value(
    promtool: Path, tmp_path: Path
) -> None:
    expect(
        promtool,
        tmp_path,
        [
            WATCHDOG,
            firing("ContactOverdue", "warning", "floor", band="20s", **QUEUED),
            firing("ContactFarOverdue", "critical", "floor", band="20s", **QUEUED),
            firing("ContactFarOverdue", "critical", "floor", channel="chat", queue="none"),
            firing("DiskFull", "critical", "storage", channel="phone"),
            firing("FirstreplyNotReady", "warning", "platform", instance="a"),
        ],
        {
            asked("channel.alerts"): [
                ({"alertname": "ContactOverdue", "severity": "warning", **QUEUED}, 3),
                ({"alertname": "ContactFarOverdue", "severity": "critical", **QUEUED}, 4),
            ],
            asked("pipeline.alerts"): [
                ({"alertname": "FirstreplyNotReady", "severity": "warning"}, 3)
            ],
        },
    )


def test_a_watchdog_that_does_not_fire_is_the_most_urgent_row(
    promtool: Path, tmp_path: Path
) -> None:
    silent = [({"alertname": "Watchdog"}, 9.0)]

    expect(promtool, tmp_path, PROMISED, {asked("channel.alerts"): silent})
    expect(
        promtool,
        tmp_path,
        PROMISED,
        {
            asked("wall.alerts"): [
                (
                    {
                        "alertname": "Watchdog",
                        "channel": "firstreply",
                        "where": "firstreply ",
                    },
                    9.0,
                )
            ]
        },
    )


def test_the_wall_names_the_four_most_urgent_alerts_and_where(
    promtool: Path, tmp_path: Path
) -> None:
    many = [
        firing("ContactOverdue", "warning", "floor", channel="chat", queue=f"q{number}")
        for number in range(5)
    ]
    worst = firing("ContactFarOverdue", "critical", "floor", channel="phone", queue="none")

    expect(
        promtool,
        tmp_path,
        [WATCHDOG, *many[:3], worst],
        {
            asked("wall.alerts"): [
                (
                    {
                        "alertname": "ContactFarOverdue",
                        "severity": "critical",
                        "channel": "phone",
                        "where": "phone ",
                    },
                    4,
                ),
                *(
                    (
                        {
                            "alertname": "ContactOverdue",
                            "severity": "warning",
                            "channel": "chat",
                            "queue": f"q{number}",
                            "where": f"chat q{number}",
                        },
                        3,
                    )
                    for number in range(3)
                ),
            ],
            f"count({asked('wall.alerts')})": [({}, 4)],
        },
    )
    expect(
        promtool,
        tmp_path,
        [WATCHDOG, *many, worst],
        {f"count({asked('wall.alerts')})": [({}, 4)], asked("wall.alerts_all"): [({}, 6)]},
    )


def test_books_balance_over_the_owners_of_a_partition_that_both_export_it(
    promtool: Path, tmp_path: Path
) -> None:
    ledger = [
        holds(
            f'firstreply_ledger_total{{topic="t",partition="0",kind="{kind}",instance="{at}"}}',
            count,
        )
        for at in ("a", "b")
        for kind, count in (("received", 100), ("answered", 80), ("given_up", 3), ("resettled", 1))
    ]
    waiting = holds(f'contact_waiting{{{_AT},band_state="within"}}', 16)

    expect(
        promtool,
        tmp_path,
        [*ledger, waiting],
        {asked("pipeline.books"): [({}, 1)], asked("pipeline.books", "B"): [({}, 1)]},
    )
