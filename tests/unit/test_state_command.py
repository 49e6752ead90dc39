"""``state inspect``, ``verify`` and ``adopt`` on a group and a log in memory; the command line."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from firstreply.domain.engine import Engine
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.domain.instants import SECOND
from firstreply.keeping.reading import read_state
from firstreply.ports import Committed, Record
from firstreply.state.assembly import Restored
from firstreply.state_commands import tables
from firstreply.state_commands.adopt import Adopted, Adopting
from firstreply.state_commands.inspect import Inspection, inspect
from firstreply.state_commands.ledgers import unbalanced
from firstreply.state_commands.looking import look
from firstreply.state_commands.opening import AbsentLog, Place
from firstreply.state_commands.progress import progress
from firstreply.state_commands.rebuild import Rebuilding, Wish
from firstreply.state_commands.run import print_found
from firstreply.state_commands.verify import Verification, verify
from firstreply.state_commands.writing import write_whole
from tests.unit.commands import invoke
from tests.unit.domain.builders import GRACE, HOUR, at, book
from tests.unit.domain.builders import opened as opening
from tests.unit.fakes import event, opened, partition_fold, record, responded
from tests.unit.state_place import FakeGroup, FakeLog, place_of


def events(*values: bytes) -> list[Record]:
    return [record(offset, value, created=offset) for offset, value in enumerate(values)]


async def with_state(
    *logs: Sequence[Record], name: str = "firstreply"
) -> tuple[Place, FakeGroup, FakeLog]:
    """Build a group whose state is that of all its events."""
    place, group, log = place_of(*logs, name=name)
    rebuilding = Rebuilding(
        place, new_fold=partition_fold, now=lambda: at(HOUR), skew=0, wish=Wish(at(0))
    )
    await rebuilding.run(lambda _: None)
    return place, group, log


async def judged(place: Place) -> Verification:
    return await verify(place, range(place.group.partitions), lambda _: None)


async def inspected(place: Place) -> Inspection:
    now = 1_002 * SECOND + 500_000
    return await inspect(place, range(place.group.partitions), lambda: now, lambda _: None)


async def state_of(place: Place, partition: int = 0) -> Restored:
    found = await read_state(place.log, partition, await place.log.bounds(partition))
    assert found.restored is not None
    return found.restored


# -- verify


async def test_a_sound_state_is_ok() -> None:
    place, _, _ = await with_state(events(opened(0), responded(1), opened(2, "d")), [])

    found = await judged(place)

    assert found.ok
    assert [(one.offset, one.contacts, one.waiting) for one in found.partitions] == [
        (3, 2, 1),
        (0, 0, 0),
    ]


async def test_a_damaged_newest_record_is_wrong() -> None:
    place, _, log = await with_state(events(opened(0)))
    await log.append(0, [b"frst and no more"])

    found = await judged(place)

    assert not found.ok
    assert found.partitions[0].wrong == (
        "state log: offset 1 is damaged: its checksum does not fit",
    )


async def test_damage_before_the_state_is_a_note() -> None:
    place, _, log = place_of(events(opened(0)))
    await log.append(0, [b"frst and no more"])
    rebuilding = Rebuilding(
        place, new_fold=partition_fold, now=lambda: at(HOUR), skew=0, wish=Wish(at(0))
    )
    await rebuilding.run(lambda _: None)

    found = await judged(place)

    assert found.ok
    assert "offset 0 is damaged" in found.partitions[0].notes[0]


async def test_a_commit_without_a_state_is_wrong_and_neither_of_them_is_not() -> None:
    place, group, log = await with_state(events(opened(0)), [])
    log.empty()
    del group.commits[1]
    log.ends[1] = 0

    lost, never = (await judged(place)).partitions

    assert lost.wrong == ("no state, and the group has read up to offset 1",)
    assert (never.wrong, never.notes) == ((), ("no state, and the group has never read it",))


async def test_a_log_without_a_complete_state_is_wrong() -> None:
    place, _, log = await with_state(events(opened(0)))
    log.damage()

    (found,) = (await judged(place)).partitions

    assert any("no complete state: offset 0 is damaged" in text for text in found.wrong)


async def test_a_state_of_another_input_is_wrong() -> None:
    place, group, _ = await with_state(events(opened(0), opened(1, "d")))
    group.logs = (events(opened(0), opened(1, "x")),)

    (found,) = (await judged(place)).partitions

    assert "another record at offset 1" in found.wrong[0]


async def test_a_commit_beyond_the_state_is_a_note() -> None:
    place, group, _ = await with_state(events(opened(0)))
    group.commits[0] = Committed(9, "")

    (found,) = (await judged(place)).partitions

    assert found.wrong == ()
    assert "committed offset 9, the state stands at 1" in found.notes[0]


async def test_the_whole_log_is_read_and_not_only_what_the_commit_names() -> None:
    place, group, log = place_of(events(opened(0)))
    await log.append(0, [b"no record of ours"])
    rebuilding = Rebuilding(
        place, new_fold=partition_fold, now=lambda: at(HOUR), skew=0, wish=Wish(at(0))
    )
    await rebuilding.run(lambda _: None)
    assert group.commits[0].note.startswith("v2:1:")

    whole = (await judged(place)).partitions[0].notes
    short = (await inspected(place)).partitions[0].findings

    assert (len(whole), len(short)) == (1, 0)


async def test_a_ledger_that_does_not_add_up_is_told_in_full() -> None:
    place, _, _ = await with_state(
        events(
            opened(0), responded(1), opened(2, "d"), event("abandoned", 400, "d"), opened(3, "e")
        )
    )
    ledger = (await state_of(place)).tip.ledger

    assert unbalanced(ledger, 1) is None
    assert unbalanced(ledger, 2) == (
        "the ledger does not add up: 3 received, but 1 answered + 1 abandoned + 0 excluded + "
        "0 closed_unanswered + 0 given_up + 0 moved + 0 evicted + 2 waiting = 4"
    )
    assert unbalanced({"received": 1}, 1) is not None


async def test_a_state_whose_ledger_does_not_add_up_is_wrong() -> None:
    place, _, log = await with_state(events(opened(0)))
    engine = partition_fold(offset=1).engine
    engine.receive(opening(0))
    standing = engine.standing()
    wrong = msgspec.structs.replace(standing, ledger={**standing.ledger, "received": 5})
    tampered = Engine.resume(wrong, engine.store, engine.book, grace=engine.grace)
    before = (await state_of(place)).tip
    await write_whole(place, await look(place, 0, lambda _: None), tampered, before.last)

    (found,) = (await judged(place)).partitions

    assert log.ends[0] == 2
    assert found.wrong[0].startswith("the ledger does not add up: 5 received, but 0 answered")


async def test_a_state_in_the_place_of_another_partition_is_wrong() -> None:
    place, _, log = await with_state(events(opened(0)), events(opened(0)))
    log.records[1] = log.records[0]

    _, found = (await judged(place)).partitions

    assert found.wrong == ("the state is that of partition 0",)


# -- inspect


async def test_inspect_tells_where_everything_stands() -> None:
    place, group, _ = await with_state(events(opened(0), responded(1), opened(2, "d")))
    group.logs = (events(opened(0), responded(1), opened(2, "d"), opened(3, "e")),)
    group.running = [3]

    found = msgspec.to_builtins(await inspected(place))

    assert (found["group_state"], found["members"]) == ("Stable", 3)
    (one,) = found["partitions"]
    assert one["log"] == {"first": 0, "end": 1}
    assert one["input"] == {"first": 0, "end": 4}
    assert (one["commit"], one["lag"], one["lost"], one["findings"]) == (3, 1, None, ())
    assert one["chain"].pop("bytes") > 0
    assert one["chain"] == {"first": 0, "end": 1, "checkpoints": 1, "records": 1}
    assert one["tip"] == {
        "offset": 3,
        "log_time": "2026-03-02T10:00:00.000Z",
        "generation": 0,
        "incarnation": 0,
        "contacts": 2,
        "waiting": 1,
        "written": "1970-01-01T00:16:40.000Z",
        "age_seconds": 2.5,
    }
    assert (one["ledger"]["received"], one["ledger"]["answered"]) == (2, 1)


async def test_the_table_fits_80_columns_also_with_large_figures() -> None:
    place, group, log = await with_state(events(opened(0)), events(opened(0)))
    found = await inspected(place)
    log.empty()
    lost = await inspected(place)
    large = [
        msgspec.structs.replace(
            one,
            log=msgspec.structs.replace(one.log, first=1_203_456, end=2_413_056),
            commit=123_456_789,
            lag=123_456,
            tip=msgspec.structs.replace(one.tip, offset=123_456_789, contacts=1_234_567),
            ledger=dict.fromkeys(one.ledger or (), 12_345_678),
        )
        for one in found.partitions
        if one.tip is not None
    ]

    text = tables.inspection(msgspec.structs.replace(found, partitions=tuple(large)))
    text_lost = tables.inspection(lost)

    assert max(map(len, text.splitlines())) <= 80, text
    assert max(map(len, text_lost.splitlines())) <= 80
    assert "123456789" in text
    assert "partition 1, lost: no state" in text_lost
    assert group.name in text


async def test_tables_that_would_be_empty_are_left_out() -> None:
    place, _, _ = place_of([], [])

    text = tables.inspection(await inspect(place, [0, 1], lambda: 0, lambda _: None))

    assert text.partition("\n\n")[2].splitlines() == [
        "part  state log  chain  size  state at  commit  lag",
        "   0       0..0      -     -         -       -    -",
        "   1       0..0      -     -         -       -    -",
    ]


async def test_a_state_topic_that_does_not_exist_holds_nothing() -> None:
    _, group, _ = place_of(events(opened(0)), [])
    group.commits[0] = Committed(1, "")

    found = await inspected(Place(group, AbsentLog("firstreply-state"), present=False))

    assert not found.state_topic_exists
    assert [one.lost is None for one in found.partitions] == [False, True]
    assert "which does not exist" in tables.inspection(found)


# -- adopt


async def adopt(ours: Place, theirs: Place, *, dry_run: bool = False) -> list[Adopted]:
    adopting = Adopting(ours, theirs, book=book(), grace=GRACE * SECOND, dry_run=dry_run)
    return await adopting.run(lambda _: None)


async def test_the_adopted_state_is_the_old_one_at_its_offset() -> None:
    log = events(opened(0), responded(1), opened(2, "d"))
    theirs, _, old_log = await with_state(log, [], name="old")
    ours, group, _ = place_of(log, [], name="new")
    written = dict(old_log.ends)

    done, empty = await adopt(ours, theirs)

    before, after = await state_of(theirs), await state_of(ours)
    assert after.standing == before.standing
    assert list(after.store) == list(before.store)
    assert after.tip.last == before.tip.last
    assert (done.offset, done.contacts, done.waiting, empty.offset) == (3, 2, 1, 0)
    assert {number: one.offset for number, one in group.commits.items()} == {0: 3, 1: 0}
    assert old_log.ends == written
    assert (await judged(ours)).ok


async def test_a_partition_that_was_never_read_is_left_to_kafka_start() -> None:
    theirs, group, old_log = await with_state(events(opened(0)), [], name="old")
    old_log.records[1].clear()
    old_log.ends[1] = 0
    del group.commits[1]
    ours, ours_group, _ = place_of(events(opened(0)), [], name="new")

    _, never = await adopt(ours, theirs)

    assert never.offset is None
    assert list(ours_group.commits) == [0]


async def test_a_second_attempt_passes_over_what_is_there_and_commits_what_was_not() -> None:
    log = events(opened(0))
    theirs, _, _ = await with_state(log, log, name="old")
    ours, group, own_log = place_of(log, log, name="new")
    await adopt(ours, theirs)
    del group.commits[1]

    done = await adopt(ours, theirs)

    assert [one.before for one in done] == [True, False]
    assert own_log.ends == {0: 1, 1: 2}
    assert group.commits[1].offset == 1
    assert (await judged(ours)).ok


async def test_a_dry_run_adopts_nothing() -> None:
    theirs, _, _ = await with_state(events(opened(0)), name="old")
    ours, group, own_log = place_of(events(opened(0)), name="new")

    (done,) = await adopt(ours, theirs, dry_run=True)

    assert done.offset == 1
    assert (own_log.ends[0], group.commits) == (0, {})
    assert "would write" in tables.adopted([done], dry_run=True)


async def test_a_group_with_a_state_or_a_commit_of_its_own_adopts_nothing() -> None:
    log = events(opened(0), opened(1, "d"))
    theirs, _, _ = await with_state(log, name="old")
    ours, group, _ = await with_state(log[:1], name="new")
    group.logs = (log,)
    other, other_group, other_log = place_of(log, name="new")
    other_group.commits[0] = Committed(1, "")

    with pytest.raises(FatalError, match=r"new, partition 0 has a state of its own in new-state"):
        await adopt(ours, theirs)
    with pytest.raises(FatalError, match=r"has committed offset 1 of its own"):
        await adopt(other, theirs)

    assert other_log.ends[0] == 0


async def test_a_lost_or_foreign_state_is_not_adopted() -> None:
    theirs, group, log = await with_state(events(opened(0)), name="old")
    ours, _, _ = place_of(events(opened(0)), name="new")
    group.logs = (events(opened(0, "x")),)
    with pytest.raises(FatalError, match="another record at offset 0"):
        await adopt(ours, theirs)

    log.empty()
    with pytest.raises(FatalError, match=r"old, partition 0: no state, .*under its old name"):
        await adopt(ours, theirs)

    nothing, _, _ = place_of(events(opened(0)), name="old")
    with pytest.raises(FatalError, match=r"group old has no state in old-state"):
        await adopt(ours, nothing)


async def test_an_older_state_is_adopted_with_a_warning() -> None:
    theirs, group, log = await with_state(events(opened(0)), name="old")
    await log.append(0, [b"frst and no more"])
    ours, _, _ = place_of(group.logs[0], name="new")

    (done,) = await adopt(ours, theirs)

    assert "an older one was taken" in done.warnings[0]
    assert "partition 0, damage: the newest state" in tables.adopted([done], dry_run=False)


async def test_nothing_is_adopted_while_either_runs() -> None:
    theirs, old, _ = await with_state(events(opened(0)), name="old")
    ours, new, _ = place_of(events(opened(0)), name="new")

    old.running = [1]
    with pytest.raises(FatalError, match="group old has 1 live members"):
        await adopt(ours, theirs)
    new.running = [2]
    with pytest.raises(FatalError, match="group new has 2 live members"):
        await adopt(ours, theirs)


async def test_a_group_does_not_adopt_itself() -> None:
    theirs, _, _ = await with_state(events(opened(0)))

    with pytest.raises(ConfigurationError, match="is this group"):
        await adopt(theirs, theirs)


# -- the command line


@pytest.mark.parametrize("command", ["inspect", "verify", "rebuild", "adopt"])
def test_every_command_has_a_help_with_an_example_of_itself(command: str) -> None:
    result = invoke("state", command, "--help")

    assert result.exit_code == 0
    assert f"Example: firstreply state {command} " in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect",),
        ("verify", "--format", "json"),
        ("rebuild", "--from", "2026-03-02T09:00:00Z"),
        ("adopt", "--from-group", "old"),
    ],
)
def test_without_a_state_topic_there_is_nothing_to_look_at(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    config = tmp_path / "firstreply.yaml"
    config.write_text("kafka: {state_topic: null}\n")

    result = invoke("state", *arguments, "--config", str(config))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "kafka.state_topic is null" in result.stderr


@pytest.mark.parametrize("option", ["--from", "--stopped"])
def test_a_time_that_cannot_be_read_is_named(option: str) -> None:
    times = {"--from": "2026-03-02T09:00:00Z", option: "2026-03-02T09:00:00"}
    arguments = [text for pair in times.items() for text in pair]

    result = invoke("state", "rebuild", *arguments)

    assert result.exit_code == 2
    assert f"{option} 2026-03-02T09:00:00: has no offset; append Z" in result.stderr


def test_json_is_what_a_program_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    print_found({"partitions": [Adopted(0, 3, 2, 1, None, before=False, warnings=())]}, "", "json")

    assert json.loads(capsys.readouterr().out)["partitions"][0]["offset"] == 3


@pytest.mark.parametrize(("terminal", "shown"), [("1", True), ("0", False)])
def test_a_bar_is_shown_on_a_terminal_alone(
    terminal: str,
    shown: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)

    with progress("rebuild") as told:
        told(0.5)

    printed = capsys.readouterr()
    assert (printed.out, "rebuild" in printed.err) == ("", shown)
