"""How partitions are shared out when members come, go, fall silent and return.

A group in memory takes the place of the coordinator: members travel to the leader as bytes, in any
order, and each gets its share back as bytes, as aiokafka does it.
"""

import random
from itertools import count

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment as Assigned
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata as Joining
from hypothesis import given
from hypothesis import strategies as st

from firstreply.adapters.kafka.assignor import sticky_assignor

TOPIC = "events"
Assignor = type[StickyPartitionAssignor]
Shares = dict[str, frozenset[int]]


class Cluster:
    """As much of a cluster's metadata as an assignor asks for."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions

    def topics(self) -> set[str]:
        return {TOPIC}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.partitions)) if topic == TOPIC else None


class Group:
    """A consumer group; each change of its members is followed by a rebalance."""

    def __init__(self, partitions: int, chance: random.Random) -> None:
        self.generation = 0
        self.shares: Shares = {}
        self._cluster = Cluster(partitions)
        self._chance = chance
        self._numbers = count()
        self._members: dict[str, Assignor] = {}
        self._silent: list[Assignor] = []

    def join(self, assignor: Assignor | None = None) -> None:
        """Let somebody join, under a new name as the coordinator gives it."""
        name = f"firstreply-{self._chance.randrange(10**6)}-{next(self._numbers)}"
        self._members[name] = assignor or sticky_assignor(lambda: self.generation)

    def leave(self) -> None:
        if len(self._members) > 1:
            del self._members[self._somebody()]

    def fall_silent(self) -> None:
        """Put a member out of the group that still believes to have its partitions."""
        if len(self._members) > 1:
            self._silent.append(self._members.pop(self._somebody()))

    def return_again(self) -> None:
        """Let one that was put out join again, with its word of old."""
        if self._silent:
            self.join(self._silent.pop(self._chance.randrange(len(self._silent))))

    def rebalance(self) -> None:
        self.generation += 1
        joining = [(name, one.metadata([TOPIC]).encode()) for name, one in self._members.items()]
        self._chance.shuffle(joining)
        leader = self._chance.choice(list(self._members.values()))
        told = {name: Joining.decode(said) for name, said in joining}
        shared = leader.assign(self._cluster, told)
        assigned = {name: Assigned.decode(one.encode()) for name, one in shared.items()}
        self.shares = {}
        for name, one in assigned.items():
            self._members[name].on_assignment(one)
            self.shares[name] = frozenset(each.partition for each in one.partitions())

    def require_valid_and_even(self) -> None:
        """Every partition has one owner, and shares differ by one at most."""
        owned = sorted(number for share in self.shares.values() for number in share)
        sizes = [len(self.shares[name]) for name in self._members]
        assert owned == list(range(self._cluster.partitions))
        assert max(sizes) - min(sizes) <= 1

    def _somebody(self) -> str:
        return self._chance.choice(sorted(self._members))


def moved(before: Shares, after: Shares) -> int:
    """Count the partitions that left a member which is still there."""
    return sum(len(share - after[name]) for name, share in before.items() if name in after)


def least_moved(before: Shares, after: Shares) -> int:
    """Count how many have to leave: the largest shares stay the largest, cut to what is even."""
    had = sorted((len(before.get(name, ())) for name in after), reverse=True)
    even = sorted((len(share) for share in after.values()), reverse=True)
    return sum(max(0, size - most) for size, most in zip(had, even, strict=True))


CHANGES = st.lists(
    st.sampled_from([Group.join, Group.leave, Group.fall_silent, Group.return_again]), max_size=12
)


@given(st.integers(1, 24), st.integers(1, 5), CHANGES, st.randoms(use_true_random=False))
def test_shares_are_even_and_no_partition_moves_needlessly(
    partitions: int, members: int, changes: list[object], chance: random.Random
) -> None:
    group = Group(partitions, chance)
    for _ in range(members):
        group.join()
    group.rebalance()

    for change in changes:
        assert callable(change)
        change(group)
        before = group.shares
        group.rebalance()

        group.require_valid_and_even()
        assert moved(before, group.shares) == least_moved(before, group.shares)


@given(st.integers(1, 24), CHANGES, st.randoms(use_true_random=False))
def test_members_of_the_release_before_share_with_ours(
    partitions: int, changes: list[object], chance: random.Random
) -> None:
    group = Group(partitions, chance)
    for name in ("Older", "Oldest"):
        group.join(type(name, (StickyPartitionAssignor,), {}))
    group.rebalance()

    for change in changes:
        assert callable(change)
        change(group)
        group.rebalance()

        group.require_valid_and_even()


def test_the_word_of_who_was_put_out_of_the_group_counts_less_than_the_owners() -> None:
    """The coordinator names members in any order: the one who returns comes first."""
    returning = sticky_assignor(lambda: 1)
    one, two = sticky_assignor(lambda: 2), sticky_assignor(lambda: 2)
    returning.on_assignment(share(0, 1, 2, 3, 4, 5))
    one.on_assignment(share(0, 2, 4))
    two.on_assignment(share(1, 3, 5))

    members = {"returning": returning, "one": one, "two": two}
    assigned = one.assign(
        Cluster(6), {name: member.metadata([TOPIC]) for name, member in members.items()}
    )

    now = {name: {each.partition for each in a.partitions()} for name, a in assigned.items()}
    assert len(now["one"] & {0, 2, 4}) == 2
    assert len(now["two"] & {1, 3, 5}) == 2
    assert len(now["returning"]) == 2


def share(*partitions: int) -> Assigned:
    return Assigned(0, [(TOPIC, list(partitions))], b"")


def test_two_consumers_of_one_process_keep_their_own_share_in_mind() -> None:
    one, two = sticky_assignor(lambda: 1), sticky_assignor(lambda: 1)

    one.on_assignment(share(0, 1))
    two.on_assignment(share(2))

    assert one.member_assignment == [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)]
    assert two.member_assignment == [TopicPartition(TOPIC, 2)]
    assert one.member_assignment is not StickyPartitionAssignor.member_assignment
