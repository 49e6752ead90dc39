from datetime import timedelta

import pytest

from firstreply.adapters.kafka.retention import OUTAGE, retention_cautions
from firstreply.adapters.kafka.topics import Topic

DAY = timedelta(days=1)
MONTH = 30 * DAY


def topic(configuration: dict[str, str] | None) -> Topic:
    return Topic("events", 4, 3, configuration)


def keeping(kept: timedelta) -> Topic:
    return topic({"retention.ms": str(kept // timedelta(milliseconds=1))})


@pytest.mark.parametrize(
    "source",
    [
        topic(None),
        topic({"cleanup.policy": "delete"}),
        topic({"retention.ms": "-1", "retention.bytes": "-1"}),
        keeping(MONTH),
    ],
    ids=["hidden", "unlimited by default", "unlimited", "the longest wait"],
)
def test_an_input_that_keeps_events_for_as_long_as_a_contact_may_wait_is_fine(
    source: Topic,
) -> None:
    assert list(retention_cautions(source, MONTH)) == []


def test_an_input_that_keeps_less_than_a_contact_may_wait_could_not_give_the_state_back() -> None:
    (told,) = retention_cautions(keeping(MONTH - timedelta(seconds=1)), MONTH)

    assert "keeps events for 29d23h59m59s, and a contact may wait 30d (give_up_after)" in told
    assert told.endswith("Raise its retention.ms, or lower give_up_after")


def test_where_nobody_is_given_up_only_an_unlimited_input_could_give_the_state_back() -> None:
    (told,) = retention_cautions(keeping(1000 * DAY), None)

    assert "a contact may wait for ever" in told
    assert list(retention_cautions(topic({"retention.ms": "-1"}), None)) == []


def test_an_input_that_forgets_over_a_weekend_bounds_how_long_the_service_may_be_down() -> None:
    short = list(retention_cautions(keeping(OUTAGE - timedelta(seconds=1)), DAY))
    enough = list(retention_cautions(keeping(OUTAGE), DAY))

    assert [one.partition(":")[0] for one in short] == ["events keeps events for 71h59m59s"]
    assert enough == []


def test_an_input_that_is_limited_by_size_is_told() -> None:
    (told,) = retention_cautions(topic({"retention.bytes": "1000000"}), MONTH)

    assert "retention.bytes=1000000" in told
