"""The ledger: absolute counts of one partition, moved with its state (design, section 7).

It counts the *first* settlement of each contact; a later change of mind is ``resettled``. A
contact that leaves its channel unsettled, because its earliest opening came late, is ``moved``, and
received anew on the other one. A contact that has to make room for others while it waits is
``evicted`` (decision 0009). So at every instant:
received = answered + abandoned + excluded + closed_unanswered + given_up + moved + evicted
+ waiting.
"""

from collections.abc import Mapping
from typing import Final

from firstreply.domain.contact import Phase

RECEIVED: Final = "received"
RESETTLED: Final = "resettled"
MOVED: Final = "moved"
EVICTED: Final = "evicted"

SETTLEMENTS: Final = {
    Phase.ANSWERED: "answered",
    Phase.ABANDONED: "abandoned",
    Phase.EXCLUDED: "excluded",
    Phase.CLOSED: "closed_unanswered",
    Phase.GIVEN_UP: "given_up",
}

KINDS: Final = (RECEIVED, *SETTLEMENTS.values(), MOVED, EVICTED, RESETTLED)


_SETTLED: Final = (*SETTLEMENTS.values(), MOVED, EVICTED)


def imbalance(ledger: Mapping[str, int], waiting: int) -> int:
    """Return how many more were received than are settled or waiting; 0 unless there is a defect.

    Args:
        ledger: of one partition; a kind that an older version did not know counts as 0.
        waiting: how many wait for a first response, at the same instant.
    """
    return ledger.get(RECEIVED, 0) - sum(ledger.get(kind, 0) for kind in _SETTLED) - waiting


def empty_ledger() -> dict[str, int]:
    """Return a ledger with every kind at 0."""
    return dict.fromkeys(KINDS, 0)
