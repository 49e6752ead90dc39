"""The ledger: absolute counts of one partition, moved with its state (design, section 7).

It counts the *first* settlement of each contact; a later change of mind is ``resettled``. So at
every instant: received = answered + abandoned + excluded + closed_unanswered + given_up + waiting.
"""

from typing import Final

from firstreply.domain.contact import Phase

RECEIVED: Final = "received"
RESETTLED: Final = "resettled"

SETTLEMENTS: Final = {
    Phase.ANSWERED: "answered",
    Phase.ABANDONED: "abandoned",
    Phase.EXCLUDED: "excluded",
    Phase.CLOSED: "closed_unanswered",
    Phase.GIVEN_UP: "given_up",
}

KINDS: Final = (RECEIVED, *SETTLEMENTS.values(), RESETTLED)


def empty_ledger() -> dict[str, int]:
    """Return a ledger with every kind at 0."""
    return dict.fromkeys(KINDS, 0)
