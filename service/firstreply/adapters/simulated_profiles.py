"""The simulated contact centre as data: how many customers, how patient, how many agents.

The figures are invented, and chosen for what a day must show: a morning peak, a bot that answers
chats first, an e-mail queue with too few agents, a phone queue that nobody answers for a while
around midday, a social channel where every fifth customer is never looked at.
"""

from typing import Final

import msgspec

_OFFICE: Final = (0, 0, 0, 0, 0, 0, 0, 3, 8, 12, 13, 11, 7, 7, 9, 9, 8, 6, 3, 2, 0, 0, 0, 0)
_ROUND_THE_CLOCK: Final = (1, 1, 1, 1, 1, 2, 3, 5, 8, 11, 11, 9, 7, 6, 7, 7, 7, 6, 5, 4, 4, 3, 2, 2)
_EVENING: Final = (2, 1, 1, 1, 1, 1, 2, 3, 5, 7, 7, 6, 7, 6, 5, 5, 6, 7, 9, 10, 10, 8, 6, 4)


class Profile(msgspec.Struct, frozen=True):
    """One channel: its customers and those who answer them. Hours are local, shares are 0 to 1."""

    channel: str
    contacts_a_day: int
    arrivals: tuple[int, ...]
    """Relative rate at the full hours 0 to 23, a straight line in between."""
    seats: tuple[int, ...]
    """Conversations that can be held at once in each hour: agents times conversations each."""
    handling_seconds: tuple[float, float]
    """Median and sigma (of the logarithm) of the work on one contact."""
    answer_at: float = 0.0
    """Part of the handling that passes before the customer sees the answer; 0 on voice."""
    menu_seconds: float | None = None
    """Mean time in the menu or with the bot before the contact is queued; None: no such step."""
    self_served: float = 0.0
    """Share that has what it wanted in the menu or from the bot."""
    greeting: str | None = None
    """``bot`` or ``system``: who answers automatically."""
    greeting_seconds: float = 2.0
    patience_seconds: float | None = None
    """Mean time until a waiting customer gives up; None: never."""
    ignored: float = 0.0
    """Share that nobody ever looks at."""
    junk: float = 0.0
    """Share closed as spam or duplicate without an answer."""
    expires_seconds: float | None = None
    """Unanswered for so long, a contact is closed by the system."""
    transfer: float = 0.0
    follow_up: float = 0.0
    """Share of handled contacts whose customer writes again."""
    follow_up_seconds: float = 3600.0
    outbound: float = 0.0
    """Share of conversations that an agent starts."""
    outage: tuple[int, int] | None = None
    """First and last minute of the day (the last exclusive) in which nobody answers; in tens."""


QUEUES: Final = ("billing", "support", "sales")
QUEUE_WEIGHTS: Final = (3, 5, 2)


def _hours(**seats: int) -> tuple[int, ...]:
    """Spell out shifts: ``h8=5, h17=0`` is five seats from 8 to 17 and none otherwise."""
    by_hour, now = [], 0
    for hour in range(24):
        now = seats.get(f"h{hour}", now)
        by_hour.append(now)
    return tuple(by_hour)


PROFILES: Final = (
    Profile(
        channel="phone",
        contacts_a_day=2600,
        arrivals=_OFFICE,
        seats=_hours(h6=3, h7=15, h8=23, h9=28, h10=30, h11=27, h12=22, h14=24, h18=12, h20=0),
        handling_seconds=(220, 0.6),
        menu_seconds=18,
        self_served=0.06,
        patience_seconds=300,
        transfer=0.07,
        outage=(11 * 60 + 50, 12 * 60 + 30),
    ),
    Profile(
        channel="chat",
        contacts_a_day=1600,
        arrivals=_ROUND_THE_CLOCK,
        seats=_hours(h6=4, h8=12, h9=18, h12=14, h14=17, h18=9, h22=2),
        handling_seconds=(420, 0.5),
        answer_at=0.08,
        menu_seconds=45,
        self_served=0.28,
        greeting="bot",
        patience_seconds=1500,
        junk=0.01,
        transfer=0.05,
    ),
    Profile(
        channel="email",
        contacts_a_day=1400,
        arrivals=_ROUND_THE_CLOCK,
        seats=_hours(h7=5, h8=13, h12=6, h13=9, h16=6, h18=0),
        handling_seconds=(300, 0.5),
        answer_at=0.9,
        greeting="system",
        greeting_seconds=40,
        junk=0.05,
        expires_seconds=30 * 3600,
        transfer=0.06,
        follow_up=0.15,
        follow_up_seconds=3 * 3600,
        outbound=0.02,
    ),
    Profile(
        channel="messaging",
        contacts_a_day=900,
        arrivals=_EVENING,
        seats=_hours(h8=12, h12=10, h20=6, h22=0),
        handling_seconds=(400, 0.6),
        answer_at=0.2,
        patience_seconds=6 * 3600,
        transfer=0.03,
        follow_up=0.35,
        follow_up_seconds=1800,
        outbound=0.03,
    ),
    Profile(
        channel="social",
        contacts_a_day=500,
        arrivals=_EVENING,
        seats=_hours(h9=3, h18=1, h21=0),
        handling_seconds=(240, 0.6),
        answer_at=0.8,
        ignored=0.2,
        junk=0.08,
        expires_seconds=48 * 3600,
        follow_up=0.2,
        follow_up_seconds=2400,
    ),
    Profile(
        channel="web_form",
        contacts_a_day=350,
        arrivals=_ROUND_THE_CLOCK,
        seats=_hours(h9=4, h17=0),
        handling_seconds=(360, 0.4),
        answer_at=0.9,
        greeting="system",
        greeting_seconds=5,
        junk=0.07,
        expires_seconds=72 * 3600,
        follow_up=0.1,
        follow_up_seconds=5 * 3600,
    ),
)
