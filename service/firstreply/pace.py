"""How often the loops of the processor turn, and for how long things may stand still."""

from typing import Final

import msgspec

from firstreply.domain.instants import SECOND

IDLE_COMMIT_SECONDS: Final = 5.0
"""A commit without news proves that we are still a member; sooner where the lease is short."""


class Pace(msgspec.Struct, frozen=True):
    """How often the loops turn, in seconds, and what a proof allows for, in microseconds."""

    checkpoint_seconds: float = 1.0
    proof_seconds: float = 1.0
    proof_skew: int = SECOND
    stall_seconds: float = 60.0
    lease_seconds: float = 16.0
    """Without an accepted commit for so long another may own our partitions: gauges go."""

    @property
    def idle_commit_seconds(self) -> float:
        """How long to go without a commit when there is no news: one proves our membership."""
        return min(IDLE_COMMIT_SECONDS, self.lease_seconds / 3)
