"""``dlq list``, ``show`` and ``replay`` on letters in memory."""

import json
from typing import Final

import msgspec
import pytest

from firstreply.adapters.codec import Decoder
from firstreply.adapters.kafka.letter import Letter, read_letter
from firstreply.adapters.records import FileRecord
from firstreply.check_event import check
from firstreply.dlq_commands import tables
from firstreply.dlq_commands.choosing import Filter
from firstreply.dlq_commands.escaping import escaped, escaped_lines, hexadecimal
from firstreply.dlq_commands.listing import Listing, list_letters
from firstreply.dlq_commands.replaying import Held, Plan, Replaying, Wish
from firstreply.dlq_commands.run import filter_of
from firstreply.dlq_commands.showing import fetch, read_place, shown
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError
from tests.unit.fakes import NO_JSON, OF_ANOTHER, opened
from tests.unit.letters import NOON, FakeBox, letter

GOOD: Final = opened()
UNDATED: Final = b'{"type":"contact.opened","contact_id":"c","channel":"chat"}'
FOREIGN: Final = read_letter(FileRecord(0, b"what another tool wrote"))
HOURS: Final = 3_600_000_000
HOSTILE: Final = "\x1b]0;title\x07\x9b31m\u202e\nnext"


def foreign(offset: int, value: bytes | None = None) -> Letter:
    return msgspec.structs.replace(FOREIGN, offset=offset, value=value)


async def listed(box: FakeBox, wanted: Filter | None = None, limit: int = 20) -> Listing:
    return await list_letters(box, wanted or Filter(), limit, lambda _: None)


def replaying(
    box: FakeBox,
    wish: Wish | None = None,
    decoder: Decoder | None = None,
    *,
    settle_for: int | None = None,
) -> Replaying:
    return Replaying(
        box, decoder or Decoder(), wish or Wish(), now=lambda: NOON, settle_for=settle_for
    )


async def planned(box: FakeBox, wish: Wish | None = None, decoder: Decoder | None = None) -> Plan:
    return await replaying(box, wish, decoder).plan(lambda _: None)


async def replayed(box: FakeBox, wish: Wish | None = None) -> Plan:
    one = replaying(box, wish)
    return await one.send(await one.plan(lambda _: None), lambda _: None)


def told(plan: Plan) -> str:
    """Return what is printed, on one line."""
    return " ".join(tables.plan(plan, done=False).split())


def held(plan: Plan) -> dict[Held, int]:
    return {each.why: each.letters for each in plan.held_back}


# Choosing


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (Filter(), [0, 1, 2, 3]),
        (Filter(frozenset({"no_time"})), [1, 2]),
        (Filter(frozenset({"no_time", "oversize"})), [1, 2, 3]),
        (Filter(partition=1), [1, 3]),
        (Filter(since=(NOON + 1) * 1000), [1]),
        (Filter(until=NOON * 1000), [0, 3]),
        (Filter(since=NOON * 1000, until=NOON * 1000), [0, 3]),
        (Filter(frozenset({"no_time"}), partition=0), [2]),
    ],
)
async def test_filters_let_through_what_fits_all_of_them_edges_included(
    wanted: Filter, offsets: list[int]
) -> None:
    box = FakeBox(
        letter(0),
        letter(1, reason="no_time", source=1, timestamp=NOON + 1),
        letter(2, reason="no_time", timestamp=None),
        letter(3, reason="oversize", source=1),
    )

    plan = await planned(box, Wish(wanted, all=True))
    found = await listed(box, wanted)

    assert plan.to_send == found.letters == len(offsets)
    assert {int(entry.letter.split(":")[1]) for entry in found.newest} == set(offsets)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="later than --until"):
        filter_of((), None, "2026-03-02T12:00:00Z", "2026-03-02T11:59:59Z")


async def test_progress_ends_at_all() -> None:
    shares: list[float] = []

    await list_letters(FakeBox(*map(letter, range(5, 10)), first=5), Filter(), 20, shares.append)

    assert shares == [0.4, 0.8, 1.0]


# list


async def test_the_newest_come_last_and_all_are_counted_by_reason() -> None:
    box = FakeBox(
        letter(0, timestamp=NOON + 5),
        letter(1, timestamp=NOON + 9),
        letter(2, reason="no_time", timestamp=NOON + 7),
        letter(3, timestamp=None),
    )

    found = await listed(box, limit=2)

    assert [entry.letter for entry in found.newest] == ["0:2", "0:1"]
    assert found.reasons == {"not_json": 3, "no_time": 1}
    assert list(found.reasons) == ["not_json", "no_time"]
    assert "2 older: raise --limit" in tables.listing(found)


async def test_a_list_shows_nothing_of_what_the_record_holds() -> None:
    secret = letter(0, value=b'"secret"', headers=[("secret", b"secret")])
    box = FakeBox(msgspec.structs.replace(secret, key=b"secret"))

    found = await listed(box)

    assert "secret" not in tables.listing(found)
    assert "secret" not in json.dumps(msgspec.to_builtins(found))


async def test_a_list_fits_80_columns_and_escapes_what_a_terminal_would_obey() -> None:
    long = "what is wrong with it, at length, " * 6
    box = FakeBox(
        letter(123_456, source=11, reason="no_contact_id", detail=long + HOSTILE),
        foreign(123_457),
    )

    text = tables.listing(await listed(box))

    assert max(map(len, text.splitlines())) <= 80
    assert text.replace("\n", "").isprintable()
    assert "foreign   " in text


async def test_an_empty_topic_is_listed_as_such() -> None:
    found = await listed(FakeBox())

    assert tables.listing(found) == "topic events.dead-letters at b:1: 0 letters"


async def test_a_time_beyond_the_calendar_is_no_reason_to_fail() -> None:
    found = await listed(FakeBox(letter(0, timestamp=2**62)))

    assert found.newest[0].time is None


# show


@pytest.mark.parametrize("text", ["", "17", "0:", ":17", "0:-1", "0:x", "0:1:2", "0:²", "0: 1"])
def test_a_place_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"give PARTITION:OFFSET .* such as 0:17"):
        read_place(text)


@pytest.mark.parametrize(
    ("partition", "offset", "told"),
    [
        (1, 5, "has partitions 0 to 0"),
        (0, 4, "holds offsets 5 to 7"),
        (0, 8, "holds offsets 5 to 7"),
    ],
)
async def test_a_letter_that_is_not_there_is_told_with_those_that_are(
    partition: int, offset: int, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        await fetch(FakeBox(letter(5), letter(7), first=5), partition, offset)


async def test_an_offset_without_a_letter_is_told() -> None:
    with pytest.raises(
        ConfigurationError, match=r"0:6: topic events\.dead-letters holds no letter"
    ):
        await fetch(FakeBox(letter(5), letter(7), first=5), 0, 6)


async def test_a_letter_is_shown_with_nothing_that_a_terminal_would_obey() -> None:
    value = b'{"type": "contact.opened",\n "contact_id": "' + HOSTILE.encode() + b'\xff"}'
    one = letter(17, value=value, headers=[(HOSTILE, HOSTILE.encode()), ("null", None)])

    text = tables.letter("t", one, check(one.value, headers=one.headers), as_hex=False)

    assert text.replace("\n", "").isprintable()
    assert '{"type": "contact.opened",\n   "contact_id": "\\x1b]0;title\\x07\\x9b31m' in text
    assert "\\u202e" in text
    assert "null: null" in text
    assert text.splitlines()[-2].startswith("  rejected (flat): not_json")


async def test_an_accepted_event_s_own_words_are_escaped_too() -> None:
    hostile = opened(contact="\x1b[2J")

    text = tables.letter("t", letter(value=hostile), check(hostile), as_hex=False)

    assert "accepted (flat)" in text
    assert "contact_id \\x1b[2J" in text


def test_a_large_value_is_cut_and_the_way_to_all_of_it_told() -> None:
    one = letter(value=b"x" * 10_000)

    text = tables.letter("t", one, check(one.value), as_hex=False)

    assert "... and 1808 bytes more; --raw or --hex shows all" in text


def test_hexadecimal_shows_every_byte() -> None:
    rows = list(hexadecimal(bytes(range(0x3C, 0x4D))))

    assert rows[0] == (
        "00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  |<=>?@ABCDEFGHIJK|"
    )
    assert rows[1].split() == ["00000010", "4c", "|L|"]
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"plain \xc3\xa9", "plain é"),
        (b"\xff\x00", "\\xff\\x00"),
        ("\x7f\x85\u2028\u200b", "\\x7f\\x85\\u2028\\u200b"),
        ("\ud800", "\\ud800"),
    ],
)
def test_escapes_stand_for_what_is_not_printable(content: bytes | str, text: str) -> None:
    assert escaped(content) == text


def test_a_carriage_return_does_not_hide_a_line() -> None:
    assert escaped_lines(b"seen\rhidden\nnext") == ["seen\\rhidden", "next"]


async def test_for_a_program_every_byte_is_there() -> None:
    one = letter(3, value=NO_JSON, headers=[("a", None), ("b", b"text")])

    found = msgspec.to_builtins(shown("t", one, check(one.value)))

    assert found["value"] == {"base64": "ACBubyBqc29uIP8=", "text": None}
    assert found["headers"] == (("a", None), ("b", {"base64": "dGV4dA==", "text": "text"}))
    assert found["now"]["verdict"] == "rejected"


# replay


async def test_only_what_decodes_now_is_sent_and_the_rest_is_told_by_cause() -> None:
    box = FakeBox(
        letter(0, reason="oversize", value=GOOD),
        letter(1, value=NO_JSON),
        letter(2, value=OF_ANOTHER),
        letter(3, value=GOOD, topic="others"),
        foreign(4, GOOD),
        letter(5, value=GOOD),
    )

    done = await replayed(box)

    assert [one.offset for one in box.sent] == [0, 5]
    assert (done.chosen, done.to_send, done.sent) == (6, 2, 2)
    assert held(done) == {
        Held.REJECTED: 1,
        Held.IGNORED: 1,
        Held.OTHER_TOPIC: 1,
        Held.FOREIGN: 1,
    }
    text = tables.plan(done, done=True)
    assert "came from topic others; --to sends it all the same" in text
    assert max(map(len, text.splitlines())) <= 80


async def test_a_plan_sends_nothing() -> None:
    box = FakeBox(letter(value=GOOD))

    plan = await planned(box)

    assert (plan.to_send, plan.sent, box.sent, box.connected) == (1, 0, [], False)


async def test_the_limits_of_the_configuration_decide_what_decodes() -> None:
    box = FakeBox(letter(reason="oversize", value=GOOD))

    assert held(await planned(box, decoder=Decoder(max_event_bytes=20))) == {Held.REJECTED: 1}
    assert (await planned(box, decoder=Decoder(max_event_bytes=2000))).to_send == 1


async def test_all_sends_what_is_bad_too_but_never_what_firstreply_did_not_write() -> None:
    box = FakeBox(
        letter(0, value=NO_JSON), letter(1, value=OF_ANOTHER), letter(2, value=GOOD), foreign(3)
    )

    done = await replayed(box, Wish(all=True))

    assert [one.offset for one in box.sent] == [0, 1, 2]
    assert (done.rejected_again, held(done)) == (1, {Held.FOREIGN: 1})
    assert "1 letter of these would be rejected again" in " ".join(
        tables.plan(done, done=True).split()
    )


async def test_a_letter_of_another_topic_goes_where_it_is_told_to() -> None:
    box = FakeBox(letter(0, value=GOOD, topic="others"))

    done = await replayed(box, Wish(any_topic=True))

    assert (done.sent, done.held_back) == (1, ())


async def test_a_limit_sends_the_first_ones_and_tells_of_the_rest() -> None:
    box = FakeBox(letter(0, value=NO_JSON), *(letter(n, value=GOOD) for n in range(1, 7)))

    done = await replayed(box, Wish(limit=2))

    assert [one.offset for one in box.sent] == [1, 2]  # in the middle of a batch
    assert (done.to_send, done.sent, done.left_over) == (2, 2, 4)


async def test_letters_that_came_after_the_plan_are_not_sent() -> None:
    box = FakeBox(letter(0, value=GOOD))
    one = replaying(box)
    plan = await one.plan(lambda _: None)
    box.letters.append(letter(1, value=GOOD))

    await one.send(plan, lambda _: None)

    assert [each.offset for each in box.sent] == [0]
    assert box.asked == 1


async def test_an_event_without_time_is_not_sent_where_it_would_seem_to_happen_now() -> None:
    undated = letter(reason="no_time", value=UNDATED)

    lenient = Decoder(timestamp_fallback=True)
    all_ = Wish(all=True)

    stamped = await planned(FakeBox(undated, keeps_timestamps=False), decoder=lenient)
    kept = await planned(FakeBox(undated), decoder=lenient)
    forced = await planned(FakeBox(undated, keeps_timestamps=False), all_, lenient)

    assert held(stamped) == {Held.WOULD_BE_NOW: 1}
    assert (kept.to_send, forced.to_send) == (1, 1)


@pytest.mark.parametrize(
    ("settle_for", "sent"), [(3 * HOURS, 1), (3 * HOURS + 1, 2), (None, 2), (2 * HOURS, 0)]
)
async def test_an_event_as_old_as_settle_for_is_held_back_for_it_may_have_counted_already(
    settle_for: int | None, sent: int
) -> None:
    # at 9:00 and a microsecond later, and now it is 12:00
    box = FakeBox(letter(0, value=opened()), letter(1, value=opened(0.000001, "d")))
    one = replaying(box, settle_for=settle_for)

    done = await one.send(await one.plan(lambda _: None), lambda _: None)

    assert (done.sent, done.old, held(done).get(Held.OLD, 0)) == (sent, 0, 2 - sent)
    assert [each.offset for each in box.sent] == [0, 1][2 - sent :]


async def test_old_events_are_sent_by_a_word_of_their_own_and_told() -> None:
    box = FakeBox(letter(0, value=opened()), letter(1, value=NO_JSON))

    all_ = await replaying(box, Wish(all=True), settle_for=HOURS).plan(lambda _: None)
    old_too = await replaying(box, Wish(also_old=True), settle_for=HOURS).plan(lambda _: None)

    assert held(all_) == {Held.OLD: 1}
    assert (old_too.to_send, old_too.old, held(old_too)) == (1, 1, {Held.REJECTED: 1})
    assert "if it was sent before, it would count anew" in told(all_)
    assert "what of them was sent before counts anew" in told(old_too)


async def test_many_causes_are_told_in_sum() -> None:
    broken = [letter(n, value=b"{" + b" " * n + b"x") for n in range(14)]

    plan = await planned(FakeBox(*broken))
    text = tables.plan(plan, done=False)

    assert len(plan.held_back) == 14
    assert text.count("would be rejected again") == 10
    assert text.endswith("held back, 4 letters for 4 other causes: --format json tells them")


async def test_the_record_s_own_timestamp_counts_only_where_the_topic_keeps_it() -> None:
    later = letter(reason="absurd_time", value=opened(), timestamp=NOON - 400 * 86_400_000)

    assert held(await planned(FakeBox(later))) == {Held.REJECTED: 1}
    assert (await planned(FakeBox(later, keeps_timestamps=False))).to_send == 1


async def test_a_plan_tells_from_when_the_records_are() -> None:
    box = FakeBox(
        letter(0, value=GOOD, timestamp=NOON + 1000),
        letter(1, value=GOOD, timestamp=NOON),
        letter(2, value=GOOD, timestamp=NOON + 2000),
    )

    plan = await planned(box)

    assert (plan.oldest, plan.newest) == ("2026-03-02T12:00:00.000Z", "2026-03-02T12:00:02.000Z")


@pytest.mark.parametrize("kind", [RetryableError, FatalError])
async def test_an_interruption_tells_how_many_were_sent(kind: type[Exception]) -> None:
    box = FakeBox(*(letter(number, value=GOOD) for number in range(5)))
    box.failure, box.fails_after = kind("no answer"), 4

    with pytest.raises(kind, match=r"no answer \(4 of 5 letters were sent before\)"):
        await replayed(box)
