"""Which deadline of a waiting contact comes first: asked of few bands, equal to asking all."""

from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.bands import Clock
from firstreply.domain.contact import Contact, Counted, Outcome
from firstreply.domain.deadlines import deadline_of_band
from firstreply.domain.instants import HOUR, SECOND
from firstreply.domain.verdict import next_deadline
from tests.unit.domain.builders import OFFICE, T0, band, policy

BANDS = (
    band("1h", clock=Clock.BUSINESS),
    band("8h", clock=Clock.BUSINESS),
    band("24h"),
)


@given(
    start=st.integers(0, 14 * 24).map(lambda hours: T0 + hours * HOUR + 7 * SECOND),
    decided=st.sets(st.sampled_from([one.name for one in BANDS])),
    gives_up=st.none() | st.integers(1, 16).map(float),
)
def test_the_first_deadline_is_the_least_of_all(
    start: int, decided: set[str], gives_up: float | None
) -> None:
    give_up_after = None if gives_up is None else gives_up * 3600
    kept = policy("chat", BANDS, calendar=OFFICE, give_up_after=give_up_after)
    outcomes = {name: Counted(Outcome.MISSED, "none") for name in decided}
    contact = Contact("one", outcomes=outcomes)

    found = next_deadline(contact, kept, start)

    left = [deadline_of_band(kept, one, start) for one in BANDS if one.name not in decided]
    left += [] if kept.give_up_after is None else [start + kept.give_up_after]
    assert found == min(left, default=None)
