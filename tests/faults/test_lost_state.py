"""Faults 19, 20 and 21: the state, its pointer or its input is gone, truncated or another one.

What can be mended is mended without a loss; all else is refused with the reason and the way out.
"""

import asyncio

import msgspec
import pytest

from firstreply.state.chunk import FOLD, decode, encode
from tests.faults import topics
from tests.faults.conftest import NewTrial
from tests.faults.member import Member
from tests.faults.trial import Trial

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


async def has_run(trial: Trial) -> Member:
    """Let one member count some contacts and stop in order."""
    await trial.start(1)
    feed = await trial.feed()
    await trial.lasting(4.0)
    await feed.stop()
    await trial.recovered()
    (member,) = trial.members
    assert await asyncio.to_thread(member.stop) == 0
    trial.injected += 1
    return member


async def refusal(trial: Trial, member: Member) -> str:
    """Start a member that must end by itself; return what it said."""
    before = len(member.log)
    member.start()
    return await ending(trial, member, before)


async def ending(trial: Trial, member: Member, log_from: int, seconds: float = 60.0) -> str:
    """Wait until a member ends by itself, as one that found something wrong."""
    member.is_wanted = False  # no supervisor
    await trial.until(lambda: not member.is_running(), seconds)
    assert member.exit_code in {1, 2}, member.log[-2000:]
    return member.log[log_from:]


async def test_what_of_the_state_can_be_missing_is_made_good(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        member = await has_run(trial)
        for harm in (topics.commit_without_notes, topics.delete_group, topics.delete_older_half):
            await harm(trial.servers, trial.topic, trial.state_topic)
            trial.injected += 1
            member.start()
            feed = await trial.feed(name=harm.__name__)
            await trial.lasting(3.0)
            await feed.stop()
            await trial.recovered()
            assert await asyncio.to_thread(member.stop) == 0
        member.start()
        await trial.recovered()
        await trial.passes(19, "pointer, group or part of the state log missing")


async def test_a_state_log_that_was_emptied_is_not_passed_over(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        member = await has_run(trial)
        await topics.delete_records(trial.servers, trial.state_topic)
        said = await refusal(trial, member)
    assert "holds nothing any more" in said
    assert "firstreply state rebuild --from" in said


async def test_input_that_retention_took_before_it_was_read_is_missed(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        member = await has_run(trial)
        feed = await trial.feed(name="unread")
        await trial.lasting(2.0)
        await feed.stop()
        await topics.delete_records(trial.servers, trial.topic)
        said = await refusal(trial, member)
    assert "retention has removed" in said


async def test_an_unclean_election_that_lost_events_is_noticed(new_trial: NewTrial) -> None:
    async with new_trial(
        partitions=1,
        replicas=2,
        unclean_leader_election_enable="true",
        min_insync_replicas="1",
    ) as trial:
        await trial.start(1)
        feed = await trial.feed()
        await trial.lasting(2.0)
        (member,) = trial.members
        leader, follower = await topics.replicas(trial.servers, trial.topic)
        brokers = trial.cluster.brokers
        await asyncio.to_thread(brokers[follower].kill)
        await trial.lasting(10.0)  # the leader goes on alone
        await feed.stop()
        await trial.recovered()
        before = len(member.log)
        await asyncio.to_thread(brokers[leader].kill)
        await asyncio.to_thread(brokers[follower].start)
        await topics.led_by(trial.servers, trial.topic, follower)

        running = await ending(trial, member, before, 90.0)
        restarted = await refusal(trial, member)
    assert "was truncated or made anew" in running
    assert "or lost events" in restarted


async def test_partitions_that_were_added_are_refused_while_it_runs_and_when_it_starts(
    new_trial: NewTrial,
) -> None:
    async with new_trial(partitions=2) as trial:
        await trial.start(1)
        (member,) = trial.members
        before = len(member.log)
        await topics.add_partitions(trial.servers, trial.topic, 3)
        running = await ending(trial, member, before, 120.0)
        restarted = await refusal(trial, member)
    assert "has a new partition 2, and had 2" in running
    assert "has 2 partitions" in restarted
    assert all("kafka.group" in said for said in (running, restarted))


async def test_a_state_of_newer_rules_is_refused(new_trial: NewTrial) -> None:
    async with new_trial(partitions=1) as trial:
        member = await has_run(trial)
        *_, last = await topics.read_topic(trial.servers, trial.state_topic)
        chunk = decode(last.value)
        header = msgspec.structs.replace(chunk.header, fold=FOLD + 1, seq=chunk.header.seq + 1)
        (record,) = encode(header, [bytes(chunk.payload)], 1 << 20)
        await topics.send_raw(trial.servers, trial.state_topic, 0, record)
        said = await refusal(trial, member)
    assert f"rules {FOLD + 1}, and this one knows up to {FOLD}" in said
