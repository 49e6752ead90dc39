"""Two members, one broker, any order of what can go wrong: nothing is counted twice.

Every opening has a contact and a channel of its own, so that ``contact_received_total{channel}``
tells of one record whether it was published, and how often. A record may go uncounted only when
its commit was accepted and its member does not know (``FakeBroker.untold``): then its increments
may be lost with the process or the partition, but are never counted twice.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firstreply.domain.policy_book import PolicyBook
from tests.unit.domain.builders import policy
from tests.unit.fakes import NO_JSON, OF_ANOTHER, Answer, FakeBroker, opened
from tests.unit.shell import Shell

PARTITIONS: Final = (0, 1)
_MOST: Final = 40
_BOOK: Final = PolicyBook(
    [policy("other"), *(policy(f"{p}-{n}") for p in PARTITIONS for n in range(_MOST))]
)
Place = tuple[int, int]

ANSWERS = st.sampled_from(["accept", "accept", "accept", "refuse", "lose"])
STAGES = st.sampled_from(["dead letters", "append", "commit", "committed"])
OWNERS = st.sampled_from([[0, 0], [0, 1], [1, 0], [1, 1], [None, 0], [1, None], [None, None]])


class TwoMembers(RuleBasedStateMachine):
    """A rebalance is the broker's word; a member knows of it once it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.broker = FakeBroker()
        self.broker.accepted = self._accepted
        self.bad: set[Place] = set()
        self.good: set[Place] = set()
        self.kept: set[Place] = set()
        """Bad records that are dead letters."""
        self.dead: Counter[tuple[int, str, tuple[str, ...]]] = Counter()
        """What processes that are gone had published."""
        self.lost_letters: set[Place] = set()
        """Bad records that were committed without being dead letters."""
        self.members = [self._started(), self._started()]

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)

    def _started(self) -> Shell:
        shell = Shell(self.broker, policies=_BOOK)
        self._run(_enter(shell))
        return shell

    def _accepted(self, partition: int, before: int, after: int) -> None:
        back = {(partition, offset) for offset in range(after, before)}
        assert back <= self.broker.untold, (
            f"partition {partition} went back from {before} to {after}"
        )
        self.broker.untold -= back  # its member takes back what it was never told
        self._keep_letters()
        passed = {(partition, offset) for offset in range(before, after)}
        self.lost_letters |= (self.bad & passed) - self.kept

    def _keep_letters(self) -> None:
        for member in self.members:
            for letter in member.letters.kept:
                self.kept.add((letter.partition, letter.offset))
                assert letter.value == NO_JSON

    def published(self) -> Counter[tuple[int, str, tuple[str, ...]]]:
        total = Counter(self.dead)
        for member in self.members:
            total.update(member.publisher.counted)
        return total

    # What happens

    @initialize(owners=st.sampled_from([[0, 0], [0, 1]]))
    def begin(self, owners: list[int | None]) -> None:
        self.rebalance(owners, told=[True, True], between=False)

    @rule(
        partition=st.sampled_from(PARTITIONS),
        kinds=st.lists(st.sampled_from(["good", "bad", "unknown"]), min_size=1, max_size=3),
        read=st.sampled_from([True, True, False]),
    )
    def append(self, partition: int, kinds: list[str], *, read: bool) -> None:
        for kind in kinds:
            number = len(self.broker.log[partition])
            if number == _MOST:
                return
            name = f"{partition}-{number}"
            value = {"good": opened(0, name, name), "bad": NO_JSON, "unknown": OF_ANOTHER}[kind]
            self.broker.append(value, partition)
            if kind != "unknown":
                (self.bad if kind == "bad" else self.good).add((partition, number))
        for member in self.members if read else ():
            self._run(member.turn())

    @rule(member=st.sampled_from([0, 1]), times=st.integers(1, 2))
    def turn(self, member: int, times: int) -> None:
        self._run(self.members[member].turn(times))

    @rule(member=st.sampled_from([0, 1]), seconds=st.sampled_from([1, 700]))
    def prove(self, member: int, seconds: int) -> None:
        shell = self.members[member]
        shell.clock.seconds += seconds
        self._run(shell.processor.prove_once())

    @rule(
        owners=OWNERS, told=st.lists(st.booleans(), min_size=2, max_size=2), between=st.booleans()
    )
    def rebalance(self, owners: list[int | None], told: list[bool], *, between: bool) -> None:
        """A member that is not told goes on as if nothing had happened."""
        self._share_out(owners)
        for member, learns in zip(self.members, told, strict=True):
            if learns:
                self._run(self._learn(member, between=between))
                self._run(member.turn(2))

    @rule(member=st.sampled_from([0, 1]), letters=ANSWERS, state=ANSWERS, commit=ANSWERS)
    def checkpoint(self, member: int, letters: Answer, state: Answer, commit: Answer) -> None:
        shell = self.members[member]
        for port, answer in (
            (shell.letters, letters),
            (shell.checkpoints, state),
            (shell.source, commit),
        ):
            port.answers.clear()
            port.answers.append(answer)
        self._run(shell.checkpoint())

    @rule(
        member=st.sampled_from([0, 1]),
        stage=STAGES,
        owners=OWNERS,
        other=st.booleans(),
        back=st.booleans(),
        between=st.booleans(),
    )
    def checkpoint_through_a_rebalance(
        self,
        member: int,
        stage: str,
        owners: list[int | None],
        *,
        other: bool,
        back: bool,
        between: bool,
    ) -> None:
        """The other member may read and commit before partitions come back to this one."""
        shell, peer = self.members[member], self.members[1 - member]

        async def rebalance() -> None:
            self._share_out(owners)
            await self._learn(shell, between=between)
            await shell.turn()
            if other:
                await self._learn(peer, between=between)
                await peer.turn(2)
                await peer.checkpoint()
            if back:
                self._share_out([member, member])
                await self._learn(shell, between=between)
                await shell.turn(2)

        if not shell.processor.folds:
            self.rebalance([member, member], told=[True, True], between=False)
        for partition in PARTITIONS:
            self.append(partition, ["good", "bad"], read=True)
        port = {"dead letters": shell.letters, "append": shell.checkpoints}.get(stage, shell.source)
        port.meanwhile[stage] = rebalance
        self._run(shell.checkpoint())
        port.meanwhile.clear()

    @rule(member=st.sampled_from([0, 1]))
    def crash(self, member: int) -> None:
        shell = self.members[member]
        self._run(shell.kill())
        self._keep_letters()
        self.dead.update(shell.publisher.counted)
        self.broker.owners = {n: s for n, s in self.broker.owners.items() if s is not shell.source}
        self.members[member] = self._started()

    @precondition(lambda self: any(self.broker.log.values()))
    @rule()
    def come_to_rest(self) -> None:
        """Everything works and one member owns all: it reads and commits to the end."""
        shell = self.members[0]
        self._share_out([0, 0])
        for port in (shell.letters, shell.checkpoints, shell.source):
            port.answers.clear()
        self._run(self._learn(shell, between=False))
        self._run(shell.turn(2))
        self._run(shell.checkpoint())

        for number in PARTITIONS:
            assert self.broker.committed.get(number, 0) == len(self.broker.log[number])

    @invariant()
    def what_a_member_knows_to_be_committed_was_counted(self) -> None:
        published = self.published()
        for partition, offset in self.good - self.broker.untold:
            if offset < self.broker.committed.get(partition, 0):
                assert published[_received((partition, offset))] == 1

    # What must always be so

    @invariant()
    def no_record_is_counted_twice_or_before_its_commit(self) -> None:
        for (partition, metric, labels), amount in self.published().items():
            if metric == "contact_received_total":
                assert amount == 1, f"{labels} was counted {amount} times"
                offset = int(labels[0].partition("-")[2])
                assert offset < self.broker.committed.get(partition, 0)

    @invariant()
    def no_more_was_counted_than_was_committed(self) -> None:
        total: Counter[tuple[int, bool]] = Counter()
        for (partition, metric, _), amount in self.published().items():
            if metric in ("firstreply_events_total", "firstreply_events_rejected_total"):
                total[partition, metric == "firstreply_events_rejected_total"] += amount
        for (partition, rejected), amount in total.items():
            committed = range(self.broker.committed.get(partition, 0))
            records = sum(((partition, n) in self.bad) is rejected for n in committed)
            assert amount <= records

    @invariant()
    def no_outcome_is_counted_of_a_contact_that_was_not(self) -> None:
        published = self.published()
        for (partition, metric, labels), amount in published.items():
            if metric == "contact_expectation_outcomes_total":
                received = (partition, "contact_received_total", labels[:2])
                assert amount <= published[received] == 1

    @invariant()
    def every_bad_record_below_a_committed_offset_is_a_dead_letter(self) -> None:
        assert not self.lost_letters

    @invariant()
    def only_partitions_that_a_member_knows_as_its_own_are_shown(self) -> None:
        for member in self.members:
            shown = set(member.publisher.shown)
            assert shown <= member.source.assignment().partitions | set(member.processor.folds)

    def teardown(self) -> None:
        for member in self.members:
            self._run(member.kill())
        self.runner.close()

    # How it is done

    def _share_out(self, owners: list[int | None]) -> None:
        self.broker.owners = {
            number: self.members[owner].source
            for number, owner in zip(PARTITIONS, owners, strict=True)
            if owner is not None
        }
        # Whoever does not know of it is in a generation that the group accepts nothing of.
        self.broker.outdated = {member.source for member in self.members}

    async def _learn(self, shell: Shell, *, between: bool) -> None:
        if between:
            shell.source.learn()
            await shell.turn()
        shell.source.learn(
            *(number for number, owner in self.broker.owners.items() if owner is shell.source)
        )


def _received(place: Place) -> tuple[int, str, tuple[str, ...]]:
    partition, offset = place
    return partition, "contact_received_total", (f"{partition}-{offset}", "none")


async def _enter(shell: Shell) -> None:
    await shell.__aenter__()


TestTwoMembers = TwoMembers.TestCase
TestTwoMembers.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
