"""A lost state made anew: from where to where events are folded, and how far log time goes."""

import pytest

from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError
from firstreply.keeping.reading import read_state
from firstreply.ports import Committed, Record
from firstreply.state.assembly import Restored
from firstreply.state_commands.opening import Place
from firstreply.state_commands.rebuild import Rebuilding, Rebuilt, Wish
from firstreply.state_commands.tables import rebuilt as table
from tests.unit.domain.builders import DAY, HOUR, at
from tests.unit.fakes import opened, partition_fold, record, responded
from tests.unit.state_place import place_of

NOW = DAY
SKEW = 1


async def rebuild(place: Place, wish: Wish | None = None, *, now: float = NOW) -> list[Rebuilt]:
    """Rebuild at an instant, in seconds after T0."""
    rebuilding = Rebuilding(
        place,
        new_fold=partition_fold,
        now=lambda: at(now),
        skew=SKEW * 1_000_000,
        wish=wish or Wish(at(0)),
    )
    return await rebuilding.run(lambda _: None)


async def state_of(place: Place, partition: int = 0) -> Restored:
    found = await read_state(place.log, partition, await place.log.bounds(partition))
    assert found.restored is not None
    assert not found.verdict.serious
    return found.restored


def ids(restored: Restored) -> set[str]:
    return {contact.contact_id for contact in restored.store}


async def nothing() -> None:
    """Nobody comes."""


def created(*values: tuple[float, bytes]) -> list[Record]:
    """Write events, each stamped by its producer."""
    return [record(offset, value, created=at_) for offset, (at_, value) in enumerate(values)]


def appended(*values: tuple[float, bytes]) -> list[Record]:
    """Write events, each stamped by the broker."""
    return [record(offset, value, appended=at_) for offset, (at_, value) in enumerate(values)]


# -- from where to where


async def test_events_are_folded_up_to_the_commit_and_not_beyond() -> None:
    events = created((0, opened(0)), (60, responded(60)), (90, opened(90, "d")))
    place, group, _ = place_of(events)
    group.commits[0] = Committed(2, "")

    (done,) = await rebuild(place)

    restored = await state_of(place)
    assert ids(restored) == {"c"}
    assert (restored.tip.offset, group.commits[0].offset) == (2, 2)
    assert (done.events, done.ledger["received"], done.ledger["answered"]) == (2, 1, 1)
    assert restored.tip.last is not None
    assert restored.tip.last.offset == 1


async def test_without_a_commit_events_are_folded_up_to_the_end() -> None:
    place, group, _ = place_of(created((0, opened(0)), (90, opened(90, "d"))))

    (done,) = await rebuild(place)

    assert (done.offset, done.waiting) == (2, 2)
    assert group.commits[0].offset == 2


async def test_events_before_the_time_given_are_left_out() -> None:
    place, _, _ = place_of(created((0, opened(0)), (90, opened(90, "d"))))

    await rebuild(place, Wish(at(90)))

    assert ids(await state_of(place)) == {"d"}


async def test_a_time_after_the_commit_gives_an_empty_state_at_the_commit() -> None:
    place, group, _ = place_of(created((0, opened(0)), (1, opened(1)), (90, opened(90, "d"))))
    group.commits[0] = Committed(1, "")

    (done,) = await rebuild(place, Wish(at(90)))

    restored = await state_of(place)
    assert (done.begin, done.offset, done.events) == (1, 1, 0)
    assert restored.tip.last is not None  # the topic can still be told from another one
    assert restored.tip.last.offset == 0


async def test_events_that_retention_removed_are_begun_after() -> None:
    place, group, _ = place_of(created((0, opened(0)), (1, opened(1)), (2, opened(2, "d"))))
    group.commits[0] = Committed(1, "")
    group.first = 2

    (done,) = await rebuild(place)

    assert (done.begin, done.offset) == (2, 2)


async def test_a_topic_made_anew_is_begun_at_the_time_given_for_nothing_of_it_was_counted() -> None:
    place, group, _ = place_of(created((0, opened(0)), (90, opened(90, "d"))))
    group.commits[0] = Committed(500, "")

    (done,) = await rebuild(place, Wish(at(90)))

    assert (done.offset, done.contacts) == (1, 0)
    assert group.commits[0].offset == 1


async def test_a_topic_made_anew_is_known_also_where_its_commits_went_with_the_old_one() -> None:
    place, _, log = place_of(created((0, opened(0))))
    await rebuild(place)
    anew, group, _ = place_of(created((5, opened(5, "x")), (90, opened(90, "y"))))

    (done,) = await rebuild(Place(anew.group, log), Wish(at(90)))

    assert (done.offset, done.contacts) == (1, 0)
    assert group.commits[0].offset == 1


async def test_without_a_commit_the_state_log_says_how_far_events_were_read() -> None:
    events = created((0, opened(0)), (90, opened(90, "d")))
    before, _, log = place_of(events[:1])
    await rebuild(before)
    place, group, _ = place_of(events)

    (done,) = await rebuild(Place(place.group, log), Wish(at(0), good_too=True))

    assert (done.offset, done.waiting) == (1, 1)
    assert group.commits[0].offset == 1


async def test_a_state_of_another_topic_is_replaced_by_an_empty_one() -> None:
    place, group, log = place_of(created((0, opened(0))))
    await rebuild(place)
    other, anew, _ = place_of(created((5, opened(5, "x")), (6, opened(6, "y"))))
    anew.commits = group.commits

    (done,) = await rebuild(Place(other.group, log))

    assert (done.offset, done.contacts) == (0, 0)
    assert "another record at offset 0" in done.why


# -- what is kept, what is above what


async def test_a_state_that_can_be_gone_on_from_is_kept() -> None:
    place, _, log = place_of(created((0, opened(0))), created((0, opened(0, "d"))))
    await rebuild(place)
    log.records[1].clear()
    written = log.ends[0]

    kept, done = await rebuild(place)

    assert (kept.kept, done.kept) == (True, False)
    assert log.ends[0] == written
    assert ids(await state_of(place, 1)) == {"d"}


async def test_all_replaces_a_good_state_from_above() -> None:
    place, _, _ = place_of(created((0, opened(0)), (90, opened(90, "d"))))
    await rebuild(place)
    before = (await state_of(place)).tip

    (done,) = await rebuild(place, Wish(at(90), good_too=True))

    after = await state_of(place)
    assert ids(after) == {"d"}
    assert done.incarnation == after.tip.incarnation == before.incarnation + 1


async def test_a_new_state_beats_what_the_commit_remembers_of_a_log_that_is_empty() -> None:
    place, group, _ = place_of(created((0, opened(0))))
    group.commits[0] = Committed(1, "v1:0:9:4:77")

    (done,) = await rebuild(place)

    assert done.incarnation == 5
    assert (await state_of(place)).tip.generation == 0


async def test_the_commit_says_where_the_state_is() -> None:
    place, group, log = place_of(created((0, opened(0))))
    log.ends[0] = 40

    await rebuild(place)

    assert group.commits[0].note == "v2:40:40:0:0:"


async def test_only_the_partitions_named_are_looked_at() -> None:
    place, _, log = place_of([], created((0, opened(0))), [])

    (done,) = await rebuild(place, Wish(at(0), partitions=frozenset({1})))

    assert done.partition == 1
    assert dict(log.ends) == {1: 1}


async def test_a_dry_run_tells_the_same_and_writes_nothing() -> None:
    place, group, log = place_of(created((0, opened(0)), (60, responded(60))))

    (planned,) = await rebuild(place, Wish(at(0), dry_run=True))
    touched = (dict(log.ends), dict(group.commits))
    (done,) = await rebuild(place)

    assert touched == ({0: 0}, {})
    assert planned.incarnation is None
    assert (planned.events, planned.ledger, planned.log_time) == (
        done.events,
        done.ledger,
        done.log_time,
    )


# -- how far log time goes


async def test_deadlines_that_passed_until_now_are_not_counted_again() -> None:
    place, group, _ = place_of(created((0, opened(0))))
    group.commits[0] = Committed(1, "")

    await rebuild(place, now=2 * HOUR)

    restored = await state_of(place)
    (contact,) = restored.store
    assert restored.tip.log_time == at(2 * HOUR - SKEW)
    assert set(contact.outcomes or {}) == {"10m", "1h"}


async def test_deadlines_after_the_service_stopped_are_left_to_be_counted() -> None:
    place, group, _ = place_of(created((0, opened(0))))
    group.commits[0] = Committed(1, "")

    await rebuild(place, Wish(at(0), stopped=at(700)), now=2 * HOUR)

    (contact,) = (await state_of(place)).store
    assert set(contact.outcomes or {}) == {"10m"}


async def test_log_time_stays_before_the_first_event_that_was_not_folded() -> None:
    place, group, _ = place_of(appended((0, opened(0)), (900, opened(900, "d"))))
    group.commits[0] = Committed(1, "")

    await rebuild(place)

    assert (await state_of(place)).tip.log_time == at(900)


async def test_a_transaction_marker_before_that_event_does_not_hide_it() -> None:
    first = record(0, opened(0), appended=0)
    second = record(3, opened(900, "d"), appended=900)
    place, group, _ = place_of([first, second])
    group.commits[0] = Committed(1, "")

    await rebuild(place, now=2 * HOUR)

    restored = await state_of(place)
    (contact,) = restored.store
    assert restored.tip.log_time == at(900)
    assert set(contact.outcomes or {}) == {"10m"}


async def test_log_time_is_that_of_the_last_checkpoint_where_its_header_is_left() -> None:
    place, group, _ = place_of(created((0, opened(0))))
    await rebuild(place, now=1000)
    group.commits[0] = Committed(1, "")
    lost = (await state_of(place)).tip

    (done,) = await rebuild(place, Wish(at(0), good_too=True))

    assert (await state_of(place)).tip.log_time == lost.log_time == at(1000 - SKEW)
    assert done.incarnation == 1


# -- what is refused


async def test_nothing_is_read_while_a_member_lives() -> None:
    place, group, _ = place_of(created((0, opened(0))))
    group.running = [2]

    with pytest.raises(FatalError, match=r"firstreply has 2 live members \(Stable\).*Stop"):
        await rebuild(place)

    assert group.read_from == []


async def test_nothing_is_written_when_a_member_came_meanwhile() -> None:
    place, group, log = place_of(created((0, opened(0))))
    group.running = [0, 1]

    with pytest.raises(FatalError, match="1 live members"):
        await rebuild(place)

    assert log.ends[0] == 0


async def test_nothing_is_written_over_what_a_service_that_came_and_went_has_written() -> None:
    place, group, log = place_of(created((0, opened(0)), (90, opened(90, "d"))))
    group.commits[0] = Committed(1, "")

    async def wrote() -> None:
        await log.append(0, [b"a checkpoint"])

    async def committed() -> None:
        group.commits[0] = Committed(2, "")

    for came in (wrote, committed):
        group.before_members = [nothing, came]
        with pytest.raises(RetryableError, match=r"partition 0: .* meanwhile; nothing was"):
            await rebuild(place)

    assert log.ends[0] == 1
    assert group.commits[0] == Committed(2, "")


async def test_a_state_that_was_written_just_after_somebody_else_s_counts_for_nothing() -> None:
    place, group, log = place_of(created((0, opened(0))))
    log.came_between = [b"a claim"]

    with pytest.raises(RetryableError, match="somebody else wrote there"):
        await rebuild(place)

    found = await read_state(log, 0, await log.bounds(0))
    assert (found.restored, log.ends[0], dict(group.commits)) == (None, 2, {})


async def test_a_state_that_was_written_twice_is_not_committed() -> None:
    place, group, log = place_of(created((0, opened(0))))
    log.repeats = True

    with pytest.raises(RetryableError, match="Give the command again"):
        await rebuild(place)
    log.repeats = False
    (done,) = await rebuild(place, Wish(at(0), good_too=True))

    assert (done.incarnation, (await state_of(place)).tip.incarnation) == (1, 1)
    assert group.commits[0] == Committed(1, "v2:2:2:1:0:")


async def test_a_commit_that_is_refused_is_told() -> None:
    place, group, _ = place_of(created((0, opened(0))))
    group.refuses = True

    with pytest.raises(FatalError, match="did not accept the commit of offset 1"):
        await rebuild(place)


async def test_a_partition_that_does_not_exist_is_named() -> None:
    place, _, _ = place_of([], [])

    with pytest.raises(ConfigurationError, match=r"--partition 2, 7: .* partitions 0 to 1"):
        await rebuild(place, Wish(at(0), partitions=frozenset({0, 2, 7})))


async def test_a_time_that_lies_ahead_is_refused() -> None:
    place, _, _ = place_of([])

    with pytest.raises(ConfigurationError, match=r"--from 2026-03-03T09:00:01.000Z lies ahead"):
        await rebuild(place, Wish(at(NOW + 1)))


async def test_the_table_tells_what_was_written_and_why() -> None:
    place, group, _ = place_of(created((0, opened(0))), created((0, opened(0, "d"))))
    group.commits[0] = Committed(1, "")

    text = table(await rebuild(place), dry_run=False)

    assert text.splitlines()[:3] == [
        "part           from  state at  events  contacts  waiting              log time",
        "   0  written     0         1       1         1        1  2026-03-03T08:59:59Z",
        "   1  written     0         1       1         1        1  2026-03-03T08:59:59Z",
    ]
    assert "partition 0, why: no state, and the group has read up to offset 1" in text
