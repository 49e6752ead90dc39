"""The identity that a state must keep: received = settled at first + moved + evicted + waiting."""

from collections.abc import Iterable, Mapping

from firstreply.domain.contact import Contact
from firstreply.domain.ledger import EVICTED, KINDS, RECEIVED, RESETTLED, imbalance

_PARTS = tuple(kind for kind in KINDS if kind not in {RECEIVED, RESETTLED})


def waiting(contacts: Iterable[Contact]) -> int:
    """Return how many contacts were received and are not settled yet."""
    return sum(1 for one in contacts if one.received is not None and one.settled_as is None)


def unbalanced(ledger: Mapping[str, int], waits: int) -> str | None:
    """Return what does not add up; None if all does."""
    ledger = {EVICTED: 0, **ledger}  # a state may be older than this kind
    missing = [kind for kind in KINDS if kind not in ledger]
    if missing:
        return f"the ledger has no {', '.join(missing)}"
    surplus = imbalance(ledger, waits)
    if not surplus:
        return None
    told = " + ".join(f"{ledger[kind]} {kind}" for kind in _PARTS)
    return (
        f"the ledger does not add up: {ledger[RECEIVED]} received, but {told} + {waits} waiting "
        f"= {ledger[RECEIVED] - surplus}"
    )
