"""The documents of /api/v1: states, order, clamps, and names that mean harm."""

import json
from typing import Any

import msgspec
import pytest

from firstreply.domain.calendar import Calendar
from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, HOUR, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Trust
from firstreply.wall.documents import channels_document, instant_text, urgent_document
from firstreply.wall.group import merge
from firstreply.wall.status import ProcessStatus
from tests.unit.domain.builders import T0, band, book, policy
from tests.unit.wall.statuses import channel, queue, status, urgent

OFFICE = Calendar.from_weekly(timezone="UTC", weekly={"mon": [("09:00", "10:00")]})
CHAT = policy("chat", promise="10m")
HOSTILE = "</script><img src=x onerror=alert(1)>\"\u2028\u202e\\'&{contact_id}\x00"


def document(policies: PolicyBook, *statuses: ProcessStatus) -> dict[str, Any]:
    """Return the document as a reader of the JSON gets it."""
    *_, group = merge(statuses)
    assert group is not None
    *_, made = channels_document(group, policies, rate=1.0, timezone="Europe/Paris")
    read: dict[str, Any] = json.loads(msgspec.json.encode(made))
    return read


def chat(*statuses: ProcessStatus, policies: PolicyBook | None = None) -> dict[str, Any]:
    channels = document(policies or book(CHAT), *statuses)["channels"]
    found: dict[str, Any] = next(one for one in channels if one["channel"] == "chat")
    return found


def test_a_channel_is_told_whole() -> None:
    counted = channel(
        received=120,
        answered=100,
        abandoned=9,
        kept=(31, 40),
        bands={"10m": (90, 100), "1h": (50, 50)},
    )
    waiting = queue(
        waiting=(3, 1, 0, 0), oldest=T0 - SECOND, next_deadline=T0 + SECOND, due=(1, 2, 4)
    )

    told = document(book(CHAT, queues=("billing",)), status(channels=[counted], queues=[waiting]))

    nobody = {"within": 0, "at_risk": 0, "overdue": 0, "far_overdue": 0, "total": 0}
    somebody = {
        "waiting": {"within": 3, "at_risk": 1, "overdue": 0, "far_overdue": 0, "total": 4},
        "oldest_waiting_at": "2026-03-02T08:59:59.000Z",
        "next_deadline_at": "2026-03-02T09:00:01.000Z",
        "due": {"5m": 1, "15m": 2, "60m": 4},
    }
    assert told == {
        "clock": {"at": "2026-03-02T09:00:00.000Z", "rate": 1.0, "timezone": "Europe/Paris"},
        "trust": {
            "state": "ok",
            "reasons": [],
            "processes": 1,
            "partitions_covered": 1,
            "partitions_total": 1,
        },
        "channels": [
            {
                "channel": "chat",
                "state": "soon",
                "open": True,
                **somebody,
                "promise": {
                    "band": "10m",
                    "limit_seconds": 600.0,
                    "clock": "elapsed",
                    "objective": 0.9,
                },
                "kept_30m": {"met": 31, "decided": 40, "share": 0.775},
                "today": {
                    "since": "2026-03-02T09:00:00.000Z",
                    "met": 90,
                    "decided": 100,
                    "share": 0.9,
                    "expectation_index": 0.95,
                    "received": 120,
                    "answered": 100,
                    "abandoned": 9,
                },
                "bands": [
                    {
                        "band": name,
                        "limit_seconds": limit,
                        "clock": "elapsed",
                        "weight": 1.0,
                        "met": met,
                        "decided": decided,
                        "share": met / decided,
                    }
                    for name, limit, met, decided in (("10m", 600, 90, 100), ("1h", 3600, 50, 50))
                ],
                "queues": [
                    {
                        "queue": "billing",
                        "state": "ok",
                        "waiting": nobody,
                        "oldest_waiting_at": None,
                        "next_deadline_at": None,
                        "due": {"5m": 0, "15m": 0, "60m": 0},
                    },
                    {"queue": "none", "state": "soon", **somebody},
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("waiting", "state"),
    [
        ((9, 0, 0, 0), "ok"),
        ((0, 1, 0, 0), "soon"),
        ((0, 1, 1, 0), "late"),
        ((9, 9, 0, 1), "late"),
    ],
)
def test_a_channel_stands_as_its_worst_contact_does(
    waiting: tuple[int, int, int, int], state: str
) -> None:
    told = chat(status(queues=[queue(waiting=waiting)]))

    states = {one["queue"]: one["state"] for one in told["queues"]}
    assert (told["state"], states["none"], states["billing"]) == (state, state, "ok")


def test_a_queue_may_stand_better_than_its_channel() -> None:
    told = chat(status(queues=[queue(queue="billing"), queue(waiting=(0, 0, 1, 0))]))

    assert told["state"] == "late"
    assert {one["queue"]: one["state"] for one in told["queues"]} == {
        "billing": "ok",
        "none": "late",
        "support": "ok",
    }


def test_outside_its_hours_a_channel_is_closed_whoever_waits() -> None:
    policies = book(policy("chat", promise="10m", calendar=OFFICE))
    late = [queue(waiting=(0, 0, 1, 0))]

    inside = chat(status(partitions={0: T0 + HOUR - 1}, queues=late), policies=policies)
    outside = chat(status(partitions={0: T0 + HOUR}, queues=late), policies=policies)

    assert (inside["state"], inside["open"]) == ("late", True)
    assert (outside["state"], outside["open"]) == ("closed", False)


@pytest.mark.parametrize("trust", [one for one in Trust if one is not Trust.OK])
def test_without_trust_every_state_is_no_data_and_the_figures_stay(trust: Trust) -> None:
    told = chat(status(trust=trust, queues=[queue(waiting=(0, 0, 1, 0))]))

    assert told["state"] == "no_data"
    assert {one["state"] for one in told["queues"]} == {"no_data"}
    assert told["waiting"]["overdue"] == 1


def test_corrections_of_what_was_counted_earlier_leave_shares_between_0_and_1() -> None:
    told = chat(
        status(
            channels=[
                channel(
                    received=-1,
                    answered=-2,
                    abandoned=-3,
                    kept=(5, 3),
                    bands={"10m": (-2, 4), "1h": (-1, -1)},
                )
            ]
        )
    )

    assert told["kept_30m"] == {"met": 3, "decided": 3, "share": 1.0}
    assert [(one["met"], one["decided"], one["share"]) for one in told["bands"]] == [
        (0, 4, 0.0),
        (0, 0, None),
    ]
    today = told["today"]
    assert [today[name] for name in ("received", "answered", "abandoned")] == [0, 0, 0]
    assert today["expectation_index"] == 0.0


def test_bands_without_weight_or_decisions_make_no_index() -> None:
    weightless = policy("chat", (band("10m", weight=0.0), band("1h")), promise="10m")

    told = chat(status(channels=[channel(bands={"10m": (1, 1)})]), policies=book(weightless))

    assert told["today"]["expectation_index"] is None


def test_channels_come_in_the_order_of_the_configuration_if_they_promise_or_show_anything() -> None:
    policies = book(policy("email"), CHAT)

    def shown(**given: Any) -> list[str]:  # noqa: ANN401 - fields of a status
        return [one["channel"] for one in document(policies, status(**given))["channels"]]

    assert shown() == ["chat"]
    assert shown(queues=[queue("other")]) == ["chat", "other"]
    assert shown(channels=[channel("email", received=1)]) == ["email", "chat"]
    assert shown(channels=[channel("email", abandoned=1)]) == ["email", "chat"]
    assert shown(channels=[channel("email", bands={"10m": (0, 1)})]) == ["email", "chat"]
    assert shown(queues=[queue("of another configuration")]) == ["chat"]


def test_a_channel_without_a_promise_has_none_and_nothing_kept_today() -> None:
    told = document(book(CHAT), status(channels=[channel("email", bands={"1h": (1, 2)})]))
    email = told["channels"][1]

    assert email["promise"] is None
    assert (email["today"]["met"], email["today"]["decided"], email["today"]["share"]) == (
        0,
        0,
        None,
    )


def test_hostile_names_go_through_the_json_unharmed() -> None:
    policies = book(policy(HOSTILE, promise="10m"))
    held = [queue(HOSTILE, HOSTILE)]
    raw = [urgent(HOSTILE)]

    told = document(policies, status(queues=held))
    *_, group = merge([status(late=raw)])
    assert group is not None
    listed = urgent_document(group, ids_shown=True, link=None)

    assert told["channels"][0]["channel"] == HOSTILE
    assert HOSTILE in [one["queue"] for one in told["channels"][0]["queues"]]
    encoded = msgspec.json.encode(listed)
    assert json.loads(encoded)["late"][0]["contact_id"] == HOSTILE
    assert b"\n" not in encoded


def test_ids_are_shown_only_where_they_are_to_be() -> None:
    *_, group = merge([status(late=[urgent("secret")], coming=[urgent("secret")])])
    assert group is not None

    hidden = msgspec.json.encode(urgent_document(group, ids_shown=False, link=None))
    shown = json.loads(
        msgspec.json.encode(urgent_document(group, ids_shown=True, link="https://x/{contact_id}"))
    )

    assert b"secret" not in hidden
    assert [shown[name][0]["contact_id"] for name in ("late", "next")] == ["secret", "secret"]
    assert (shown["ids_shown"], shown["link"]) == (True, "https://x/{contact_id}")


def test_a_contact_without_a_date_is_not_listed() -> None:
    *_, group = merge([status(coming=[urgent(deadline=AFTER_ALL), urgent(deadline=T0)])])
    assert group is not None

    assert len(urgent_document(group, ids_shown=True, link=None).next) == 1


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (T0 + 999_999, "2026-03-02T09:00:00.999Z"),
        (253_402_300_799 * SECOND, "9999-12-31T23:59:59.000Z"),
        (253_402_300_800 * SECOND, None),
        (AFTER_ALL, None),
        (BEFORE_ALL, None),
    ],
)
def test_instants_are_written_in_milliseconds_and_not_at_all_where_there_is_no_date(
    instant: int | None, text: str | None
) -> None:
    assert instant_text(instant) == text
