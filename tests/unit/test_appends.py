"""What is remembered of a record from its folding until its effect is shown."""

from firstreply.appends import Appends
from tests.unit.domain.builders import at
from tests.unit.fakes import record


def milliseconds(*seconds: float) -> list[int]:
    return [at(one) // 1000 for one in seconds]


def test_records_are_handed_out_once_their_offset_is_shown_and_only_once() -> None:
    appends = Appends()
    appends.folded([record(0, b"", appended=1), record(1, b"", appended=2)])
    appends.folded([record(2, b"", appended=3)])

    assert appends.take(1) == []
    assert appends.take(2) == milliseconds(1, 2)
    assert appends.take(3) == milliseconds(3)
    assert appends.take(3) == []


def test_a_record_that_the_broker_has_not_stamped_is_left_out() -> None:
    appends = Appends()

    appends.folded([record(0, b"", created=1), record(1, b""), record(2, b"", appended=2)])
    appends.folded([record(3, b"", created=3)])

    assert appends.take(4) == milliseconds(2)


def test_nothing_folded_is_nothing_noted() -> None:
    appends = Appends()

    appends.folded([])

    assert appends.take(100) == []
