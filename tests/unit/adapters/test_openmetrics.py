"""The text of a history: its order, its labels, and that memory does not decide what it says."""

from io import BytesIO

import pytest

from firstreply.adapters import openmetrics
from firstreply.adapters.openmetrics import OpenMetricsHistory
from tests.history_text import HistoryText

RECEIVED = "contact_received_total"
OLDEST = "contact_oldest_waiting_timestamp_seconds"
REPLIES = "contact_reply_seconds"
LABELS = {"job": "firstreply", "instance": "here"}


def text_of(*steps: tuple[int, dict[str, str]], **labels: str) -> str:
    with BytesIO() as spool:
        history = OpenMetricsHistory(spool, labels)
        for at, families in steps:
            history.step(at, {name: body.encode() for name, body in families.items()})
        text = "".join(history.text())
    assert history.samples == sum(line[:1] not in {"#", ""} for line in text.split("\n"))
    return text


def received(**channels: int) -> dict[str, str]:
    rows = (f'{RECEIVED}{{channel="{name}"}} {value}\n' for name, value in channels.items())
    return {RECEIVED: "".join(rows)}


def reply(count: int, seconds: float, channel: str = "chat") -> str:
    at = f'channel="{channel}"'
    return (
        f'{REPLIES}_bucket{{{at},le="60.0"}} {count}\n{REPLIES}_bucket{{{at},le="+Inf"}} {count}\n'
        f"{REPLIES}_count{{{at}}} {count}\n{REPLIES}_sum{{{at}}} {seconds}\n"
    )


def samples(text: str, name: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(name)]


def test_a_family_is_in_one_piece_and_in_it_each_series_with_a_sample_for_every_step() -> None:
    text = text_of((1_000, received(chat=0, sms=0)), (2_000, received(chat=0, sms=4)))

    assert samples(text, RECEIVED) == [
        f'{RECEIVED}{{channel="chat"}} 0 1',
        f'{RECEIVED}{{channel="chat"}} 0 2',
        f'{RECEIVED}{{channel="sms"}} 0 1',
        f'{RECEIVED}{{channel="sms"}} 4 2',
    ]


def test_every_family_has_its_type_once_and_the_end_is_marked() -> None:
    text = text_of((1_000, received(chat=0)))

    assert text.count("# TYPE contact_received counter\n") == 1
    assert text.endswith("\n# EOF\n")


def test_the_buckets_of_a_histogram_stand_together_instant_by_instant() -> None:
    both = {REPLIES: reply(0, 0, "chat") + reply(0, 0, "sms")}
    then = {REPLIES: reply(1, 30.5, "chat") + reply(0, 0, "sms")}

    text = text_of((1_000, both), (2_000, then))

    values = [line.rsplit(" ", 2)[1:] for line in samples(text, REPLIES)]
    assert values[:8] == [["0", "1"]] * 4 + [["1", "2"]] * 3 + [["30.5", "2"]]
    assert values[8:] == [["0", "1"]] * 4 + [["0", "2"]] * 4


def test_a_gauge_that_is_absent_has_no_sample_and_may_come_back() -> None:
    here = {OLDEST: f'{OLDEST}{{channel="chat"}} 7.5\n'}

    text = text_of((1_000, here), (2_000, {OLDEST: ""}), (3_000, here), (4_000, here))

    assert [line.rsplit(" ", 1)[1] for line in samples(text, OLDEST)] == ["1", "3", "4"]


def test_a_gauge_of_first_use_is_not_at_0_before() -> None:
    here = {OLDEST: f'{OLDEST}{{channel="chat"}} 7.5\n'}

    text = text_of((1_000, {OLDEST: ""}), (2_000, here))

    assert samples(text, OLDEST) == [f'{OLDEST}{{channel="chat"}} 7.5 2']


@pytest.mark.parametrize(("value", "instants"), [(0, ["2"]), (3, ["1", "2"])])
def test_a_counter_of_first_use_is_at_0_in_the_step_before_unless_it_is_0(
    value: int, instants: list[str]
) -> None:
    text = text_of((1_000, received()), (2_000, received(sms=value)))

    assert [line.rsplit(" ", 1)[1] for line in samples(text, RECEIVED)] == instants


def test_a_counter_that_is_there_at_the_first_step_is_not_told_to_have_begun_then() -> None:
    text = text_of((1_000, received(sms=3)))

    assert samples(text, RECEIVED) == [f'{RECEIVED}{{channel="sms"}} 3 1']


@pytest.mark.parametrize(
    ("at", "written"), [(1_772_431_200_000, "1772431200"), (1_772_431_200_007, "1772431200.007")]
)
def test_times_are_in_seconds_to_the_millisecond(at: int, written: str) -> None:
    text = text_of((at, received(chat=0)))

    assert samples(text, RECEIVED)[0].endswith(f" 0 {written}")


def test_labels_stand_on_every_series_with_and_without_labels_of_its_own() -> None:
    families = received(chat=0) | {"firstreply_ready": "firstreply_ready 1\n"}

    text = text_of((1_000, families), **LABELS)

    both = 'job="firstreply",instance="here"'
    assert samples(text, RECEIVED) == [f'{RECEIVED}{{{both},channel="chat"}} 0 1']
    assert samples(text, "firstreply_ready") == [f"firstreply_ready{{{both}}} 1 1"]


def test_a_label_value_with_spaces_braces_and_odd_line_ends_stays_what_it_is() -> None:
    name = 'a {b} \\"c\\" \u2028 d'

    text = text_of((1_000, {RECEIVED: f'{RECEIVED}{{channel="{name}"}} 5\n'}), **LABELS)

    assert f'{RECEIVED}{{job="firstreply",instance="here",channel="{name}"}} 5 1\n' in text


def test_what_went_to_the_file_and_what_stayed_in_memory_is_one_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = [
        (1_000 * n, received(chat=n // 3, sms=n % 7 // 7) | {REPLIES: reply(n, n / 4)})
        for n in range(1, 60)
    ]
    whole = text_of(*steps)

    monkeypatch.setattr(openmetrics, "_KEPT_BYTES", 100)
    monkeypatch.setattr(openmetrics, "_STEPS", 4)

    assert text_of(*steps) == whole
    assert len(HistoryText(whole).of(f"{REPLIES}_sum", channel="chat")) == 59
