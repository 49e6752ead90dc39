"""Situations that the wall has to show well: a busy morning, a calm one, many channels."""

from typing import Final

from tests.wall.messages import (
    Json,
    bands,
    channel,
    contact,
    promise,
    queue,
    state_of,
    waiting,
)

PHONE: Final = promise("20s", 20, 0.80)
CHAT: Final = promise("10m", 600, 0.90)
EMAIL: Final = promise("8h", 28800, 0.85, "business")
MESSAGING: Final = promise("1h", 3600, 0.90)
SOCIAL: Final = promise("1h", 3600, 0.80)


def busy_morning() -> list[Json]:
    """Return the demo's six channels on a morning when the phone is late."""
    return [
        channel(
            "phone",
            waiting(3, 2, 2, 1),
            oldest=154,
            deadline=4,
            due=(5, 5, 5),
            promised=PHONE,
            kept=0.775,
            index=0.84,
            in_bands=bands(0.77, 0.97, 1.0, 1.0, None, first=("20s", 20.0)),
            queues=[
                queue("sales", waiting(1, 1, 2, 1), oldest=154, deadline=4),
                queue("support", waiting(2, 1), oldest=17, deadline=9),
            ],
        ),
        channel(
            "chat",
            waiting(5, 2),
            oldest=561,
            deadline=39,
            due=(2, 6, 7),
            promised=CHAT,
            kept=0.93,
            index=0.96,
            in_bands=bands(0.93, 0.99, 1.0, None),
            queues=[
                queue("support", waiting(4, 2), oldest=561, deadline=39),
                queue("sales", waiting(1), oldest=80, deadline=520),
            ],
        ),
        channel(
            "email",
            waiting(41),
            oldest=15_723,
            deadline=5_402,
            due=(0, 0, 0),
            promised=EMAIL,
            kept=0.91,
            index=0.71,
            in_bands=bands(0.12, 0.38, 0.9, None),
            queues=[
                queue("billing", waiting(18), oldest=15_723, deadline=5_402),
                queue("support", waiting(23), oldest=9_000, deadline=9_900),
            ],
        ),
        channel(
            "messaging",
            waiting(6),
            oldest=1_264,
            deadline=2_336,
            due=(0, 0, 4),
            promised=MESSAGING,
            kept=0.96,
            index=0.88,
            in_bands=bands(0.61, 0.96, 1.0, None),
        ),
        channel(
            "social",
            waiting(4),
            oldest=611,
            deadline=2_989,
            due=(0, 0, 1),
            promised=SOCIAL,
            kept=0.82,
            index=0.79,
            in_bands=bands(0.48, 0.82, 0.97, None),
        ),
        channel(
            "web_form",
            waiting(7),
            is_open=False,
            oldest=61_300,
            deadline=78_900,
            promised=EMAIL,
            index=0.66,
            in_bands=bands(0.05, 0.31, 0.88, None),
        ),
    ]


def busy_urgent(*, ids: bool = False) -> Json:
    """Return who is most urgent on that morning, as arguments of ``status``."""

    def one(name: str, queue_name: str, deadline: float, number: int) -> Json:
        return contact(name, queue_name, deadline, contact_id=f"2026-{number:06d}" if ids else None)

    return {
        "late": [
            one("phone", "sales", -134, 41_877),
            one("phone", "sales", -28, 41_902),
            one("phone", "sales", -6, 41_911),
        ],
        "upcoming": [
            one("phone", "sales", 4, 41_913),
            one("phone", "support", 9, 41_915),
            one("phone", "support", 12, 41_916),
            one("chat", "support", 39, 41_820),
            one("chat", "support", 101, 41_833),
            one("chat", "sales", 520, 41_860),
            one("messaging", "none", 2_336, 41_702),
            one("social", "none", 2_989, 41_744),
            one("email", "billing", 5_402, 40_018),
            one("email", "support", 9_900, 40_377),
        ],
        "link": "https://crm.example/{contact_id}" if ids else None,
    }


def twelve_channels() -> list[Json]:
    """Return as many channels as a wall must hold without scrolling, in every state."""
    more = [
        channel(
            "sms",
            waiting(2, 1),
            oldest=3_111,
            deadline=489,
            promised=MESSAGING,
            kept=0.97,
            index=0.91,
            in_bands=bands(0.7, 0.97, 1.0, None),
        ),
        channel("app", waiting(0), promised=MESSAGING, kept=1.0, index=0.97),
        channel("video", waiting(1), oldest=3, deadline=17, promised=PHONE, kept=0.88, index=0.9),
        channel("post", waiting(112), oldest=412_000, deadline=90_000, promised=EMAIL, index=0.55),
        channel("in_person", waiting(0), is_open=False, promised=CHAT),
        channel("other", waiting(3), oldest=7_000, state="no_data"),
    ]
    return [*busy_morning(), *more]


def many_channels(count: int = 200, late: int = 3, queues: int = 5) -> list[Json]:
    """Return channels enough to break a layout; the last ``late`` of them are late."""
    crowd = []
    for i in range(count):
        counts = waiting(3, 0, 2 if i >= count - late else 0)
        crowd.append(
            channel(
                f"brand-{i:03d}-service-desk",
                counts,
                oldest=100 + i,
                deadline=30 + i,
                promised=CHAT,
                kept=0.9,
                index=0.8,
                in_bands=bands(0.4, 0.6, 0.8, 0.9),
                queues=[
                    queue(f"team-{i}-{j}", waiting(1), oldest=10, deadline=500)
                    for j in range(queues)
                ],
            )
        )
    return crowd


def calm_morning() -> list[Json]:
    """Return the same channels an hour before, when nobody is late."""
    calm = []
    for one in busy_morning():
        counts = waiting(one["waiting"]["total"])
        calm.append({**one, "waiting": counts, "state": state_of(counts, is_open=one["open"])})
    for one in calm[:2]:
        one.update(
            waiting=waiting(),
            oldest_waiting_at=None,
            next_deadline_at=None,
            kept_30m={"met": 38, "decided": 40, "share": 0.95},
            queues=[],
        )
    return calm
