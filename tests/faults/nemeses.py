"""What goes wrong, as the tests and the soak make it go wrong: each does its harm and mends it.

A nemesis takes a trial and chance; it counts what it did. Afterwards the trial has to recover.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from tests.faults import topics
from tests.faults.cluster import BROKERS
from tests.faults.member import Member
from tests.faults.proxy import Api, Toxics, Trap
from tests.faults.trial import RECOVERY_SECONDS, SESSION_SECONDS, Trial

LONGER_THAN_A_SESSION: Final = SESSION_SECONDS + 4.0

Nemesis = Callable[[Trial, random.Random], Awaitable[None]]


async def kill_an_owner(trial: Trial, chance: random.Random) -> None:
    """SIGKILL; a moment later a new process takes the place."""
    victim = await trial.an_owner(chance)
    await crash(trial, victim)
    await trial.lasting(chance.uniform(0.1, 1.0))
    victim.start()


async def crash(trial: Trial, victim: Member) -> None:
    """SIGKILL, and count it."""
    trial.crashed(victim)
    await asyncio.to_thread(victim.kill)
    trial.injected += 1


async def restart_in_order(trial: Trial, chance: random.Random) -> None:
    """SIGTERM for an owner; then a new process."""
    await restart(trial, await trial.an_owner(chance))


async def restart(trial: Trial, victim: Member) -> None:
    """SIGTERM; then a new process."""
    code = await asyncio.to_thread(victim.stop)
    trial.injected += 1
    assert code == 0, f"exit code {code} after SIGTERM: {victim.log[-2000:]}"
    victim.start()


async def freeze_an_owner(trial: Trial, chance: random.Random) -> None:
    """SIGSTOP for longer than a session: others take over; then SIGCONT makes a zombie of it."""
    await freeze(trial, await trial.an_owner(chance), LONGER_THAN_A_SESSION)


async def freeze(trial: Trial, victim: Member, seconds: float) -> None:
    """SIGSTOP for so long."""
    await asyncio.to_thread(victim.pause)
    trial.injected += 1
    await trial.lasting(seconds)
    victim.resume()


async def bounce_a_broker(trial: Trial, chance: random.Random) -> None:
    """A broker is stopped or killed, and started again: a leader, or the coordinator."""
    node = chance.randrange(BROKERS)
    await bounce(trial, node, hard=chance.random() < 0.5)


async def bounce(trial: Trial, node: int, *, hard: bool) -> None:
    """End a broker, as a power cut would or in order, and start it again."""
    broker = trial.cluster.brokers[node]
    await asyncio.to_thread(broker.kill if hard else broker.stop)
    trial.injected += 1
    await trial.lasting(2.0)
    await asyncio.to_thread(broker.start)


async def cut_from_all_brokers(trial: Trial, chance: random.Random) -> None:
    """Nothing passes between one owner and any broker, for longer than a session."""
    victim = await trial.an_owner(chance)
    await silence(trial, victim, range(BROKERS), LONGER_THAN_A_SESSION)


async def cut_from_the_coordinator(trial: Trial, chance: random.Random) -> None:
    """Nothing passes between one owner and the broker that coordinates its group."""
    victim = await trial.an_owner(chance)
    node = await topics.coordinator(trial.servers, trial.topic)
    await silence(trial, victim, [node], LONGER_THAN_A_SESSION)


async def silence(trial: Trial, victim: Member, nodes: range | list[int], seconds: float) -> None:
    """Let nothing pass on some lines of a member."""
    for node in nodes:
        victim.lines[node].toxics = Toxics(silent=True)
    trial.injected += 1
    await trial.lasting(seconds)
    for node in nodes:
        victim.lines[node].heal()


async def isolate_a_broker(trial: Trial, chance: random.Random) -> None:
    """A broker is cut off from its peers, and clients still reach it; skips without namespaces."""
    if trial.cluster.network is None:
        return
    await isolate(trial, chance.randrange(BROKERS))


async def isolate(trial: Trial, node: int) -> None:
    """Cut a broker off from its peers for some seconds."""
    network = trial.cluster.network
    assert network is not None
    await asyncio.to_thread(network.isolate, node)
    trial.injected += 1
    await trial.lasting(12.0)
    await asyncio.to_thread(network.heal)


SICKNESSES: Final = {
    "slices of seven bytes": Toxics(slices=7),
    "slow and narrow": Toxics(latency=0.1, rate=375_000),
    "connections that close late": Toxics(slow_close=2.0),
    "connections that hang, then break": Toxics(hang_up=3.0),
    "connections that end in a reply": Toxics(limit=20_000),
    "refused": Toxics(down=True),
}
"""What may be wrong with the lines of a client."""


async def sicken(trial: Trial, victim: Member, toxics: Toxics, seconds: float = 8.0) -> None:
    """Spoil all lines of a member for some seconds."""
    for line in victim.lines:
        line.toxics = toxics
    trial.injected += 1
    await trial.lasting(seconds)
    for line in victim.lines:
        line.heal()


async def sicken_an_owner(trial: Trial, chance: random.Random) -> None:
    """Spoil the lines of an owner in one way or another."""
    victim = await trial.an_owner(chance)
    await sicken(trial, victim, SICKNESSES[chance.choice(sorted(SICKNESSES))])


async def reset_connections(trial: Trial, chance: random.Random) -> None:
    """Reset all connections of an owner, several times."""
    victim = await trial.an_owner(chance)
    for _ in range(5):
        for line in victim.lines:
            line.reset()
        trial.injected += 1
        await trial.lasting(chance.uniform(0.2, 1.0))


async def spring(trial: Trial, victim: Member, trap: Trap, seconds: float = 30.0) -> None:
    """Set a trap on all lines of a member and wait until it springs."""
    for line in victim.lines:
        line.traps.append(trap)
    await trial.until(trap.sprung.is_set, seconds)
    trial.injected += 1


def disarm(victim: Member) -> None:
    """Take all traps off a member's lines, and let go what they held."""
    for line in victim.lines:
        line.heal()


async def lose_an_answer(trial: Trial, chance: random.Random) -> None:
    """The broker has done what was asked; its answer never arrives."""
    victim = await trial.an_owner(chance)
    api = chance.choice([Api.PRODUCE, Api.OFFSET_COMMIT])
    await spring(trial, victim, Trap(api, "reply", "cut"))
    disarm(victim)


ALL: Final[tuple[Nemesis, ...]] = (
    kill_an_owner,
    restart_in_order,
    freeze_an_owner,
    bounce_a_broker,
    cut_from_all_brokers,
    cut_from_the_coordinator,
    isolate_a_broker,
    sicken_an_owner,
    reset_connections,
    lose_an_answer,
)
"""What a soak draws from."""


async def then_recover(
    trial: Trial, nemesis: Nemesis, chance: random.Random, bound: float = RECOVERY_SECONDS
) -> None:
    """Let one nemesis act, and wait until the service is whole again."""
    await nemesis(trial, chance)
    await trial.recovered(bound)
