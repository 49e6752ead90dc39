"""Which member of the group gets which partition: as even as can be, and nothing moves needlessly.

aiokafka's own sticky assignor does the sharing out. Each member says in its join request what it
had and in which generation; the leader leaves that where it is, as far as shares differ by one
partition at most. Two things of it are mended here: it keeps what it knows on the class, so two
consumers of one process would share it; and nothing tells it the generation, so it always sends
-1. Without the generation the word of a member that was put out of the group counts as much as the
present owner's: when it comes back, partitions move that could have stayed.

Its name and format on the wire stay aiokafka's (``sticky``, and ``StickyAssignorUserDataV1``), so
members of a release before this one share a group with ours; they count as generation -1. Changing
the name would need a release that offers both, and aiokafka 0.14 sends a join request for each it
is given: every rebalance would come twice.
"""

from collections.abc import Callable

from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment


def sticky_assignor(generation: Callable[[], int]) -> type[StickyPartitionAssignor]:
    """Return an assignor for one consumer; aiokafka wants a class.

    Args:
        generation: tells the group's generation that the consumer is a member of. Asked at each
            assignment, when the join that led to it has just been answered.
    """

    class OwnStickyAssignor(StickyPartitionAssignor):  # type: ignore[misc]  # aiokafka has no types
        @classmethod
        def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
            """Remember what was assigned, and when: both travel with the next join request."""
            super().on_assignment(assignment)
            cls.on_generation_assignment(generation())

    return OwnStickyAssignor
