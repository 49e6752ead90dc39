"""Faults 17 and 18: deadlines that pass while nothing comes, and clocks that are off."""

import asyncio
import time

import pytest

from tests.faults import nemeses, topics
from tests.faults.conftest import NewTrial
from tests.faults.samples import CORRECTIONS, OUTCOMES, increases, label
from tests.faults.trial import Trial
from tests.faults.workload import BAND_SECONDS, event

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

CONTACTS = 40


def missed(trial: Trial) -> int:
    """Return how many misses of the short band were ever counted."""
    return int(
        sum(
            value
            for (_, series), value in increases(trial.scraper.scrapes, OUTCOMES).items()
            if (label(series, "band"), label(series, "outcome")) == ("5s", "missed")
        )
    )


def corrected(trial: Trial) -> int:
    return int(sum(increases(trial.scraper.scrapes, CORRECTIONS).values()))


async def an_hour_passes(trial: Trial) -> None:
    """Let log time go on from where a clock ahead by an hour had brought it.

    Until then nobody is missed who became known meanwhile: an answer might still be in the backlog.
    A member whose clock is ahead by two hours takes over from the others.
    """
    later = trial.member(4, ("-m", "tests.faults.ahead", str(2 * 3600)))
    others = list(trial.running())
    later.start()
    for member in others:
        assert await asyncio.to_thread(member.stop) == 0
    await trial.recovered()
    for feed in trial.feeds:
        await feed.stop()
    await trial.lasting(2 * BAND_SECONDS)


async def test_deadlines_pass_without_traffic_and_while_their_owner_dies(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start()
        began = time.time()
        await topics.send(
            trial.servers,
            trial.topic,
            [event(f"c{n}", "opened", began, channel="chat") for n in range(CONTACTS)],
        )
        trial.last_at = began
        await trial.lasting(2.0)
        await nemeses.crash(trial, trial.owner(0))
        await trial.until(lambda: missed(trial) == CONTACTS, 60.0)
        await trial.recovered()
        await trial.passes(17, "deadlines without traffic")
        assert corrected(trial) == 0


async def test_an_answer_in_the_backlog_leaves_no_miss_however_late_it_is_read(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start()
        for member in trial.members:
            await asyncio.to_thread(member.stop)
        began = time.time()
        opened = [event(f"c{n}", "opened", began, channel="chat") for n in range(CONTACTS)]
        answers = [event(f"c{n}", "responded", began + 1, actor="agent") for n in range(CONTACTS)]
        await topics.send(trial.servers, trial.topic, [*opened, *answers])
        trial.last_at = began + 1
        trial.injected += 1
        await asyncio.sleep(2 * BAND_SECONDS)
        for member in trial.members:
            member.start()
        await trial.recovered()
        await trial.passes(17, "an answer in the backlog")
        assert (missed(trial), corrected(trial)) == (0, 0)


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_process_whose_clock_is_an_hour_off_spoils_nothing(
    new_trial: NewTrial, hours: int
) -> None:
    async with new_trial() as trial:
        await trial.start(2)
        off = trial.member(3, ("-m", "tests.faults.ahead", str(hours * 3600)))
        off.start()
        await trial.feed()
        await trial.until(lambda: off.instance in trial.shown().values(), 60.0)
        trial.injected += 1
        await trial.lasting(8.0)
        await nemeses.freeze(trial, off, nemeses.LONGER_THAN_A_SESSION)
        await trial.lasting(5.0)
        assert await asyncio.to_thread(off.stop) == 0
        await trial.recovered()
        if hours > 0:
            await an_hour_passes(trial)
        await trial.passes(18, f"a clock {'ahead' if hours > 0 else 'behind'} by an hour")
