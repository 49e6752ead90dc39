"""The standing invariants: what must hold after, and during, every fault.

Each takes what was seen and returns what is wrong, as sentences; nothing is right. The names are
those of the fault catalogue (V1 to V8).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from tests.faults.samples import (
    CLOCK,
    CORRECTIONS,
    LEDGER,
    OUTCOMES,
    RECEIVED,
    Scrape,
    Series,
    increases,
    label,
    ledger_by_reset_rule,
    merged,
)
from tests.faults.truth import Place, Truth

Wrong = list[str]
Key = TypeVar("Key")


class Checkpoint(msgspec.Struct, frozen=True):
    """What the header of a record of the state log says, as far as it is looked at."""

    partition: int
    at: int
    """Its offset in the state log."""
    parent: int | None
    """Offset of the checkpoint that it continues."""
    order: tuple[int, ...]
    offset: int
    """N: everything of the input below it is folded."""
    ledger: Mapping[str, int]


class Allowance(msgspec.Struct, frozen=True):
    """What business counters may lack."""

    received: int = 0
    decided: int = 0


def v1_final_ledger_is_the_truth(scrapes: Iterable[Scrape], truth: Truth) -> Wrong:
    """The ledger that is shown in the end is the oracle's."""
    final: dict[Series, float] = {}
    for _, highest in merged(scrapes, LEDGER):
        final = highest
    shown = {key: int(value) for key, value in _by_kind(final).items()}
    return _differences("the ledger shows", shown, _true_ledger(truth))


def v2_nothing_shown_goes_back(scrapes: Iterable[Scrape]) -> Wrong:
    """A series of the merged ledger never falls, over owners and over gaps."""
    wrong: Wrong = []
    before: dict[Series, float] = {}
    for at, highest in merged(scrapes, LEDGER):
        for series, value in highest.items():
            if value < before.get(series, value):
                wrong.append(f"{_name(series)} fell from {before[series]:g} to {value:g} at {at:g}")
            before[series] = value
    return wrong


def v3_ledger_adds_up_to_the_truth(scrapes: Iterable[Scrape], truth: Truth) -> Wrong:
    """The raw samples of the merged ledger, by the reset rule, give the oracle's figures."""
    summed = {key: int(value) for key, value in _by_kind(ledger_by_reset_rule(scrapes)).items()}
    return _differences("by the reset rule the ledger gives", summed, _true_ledger(truth))


def v3_business_counters_are_never_above(scrapes: Sequence[Scrape], truth: Truth) -> Wrong:
    """Nobody is counted twice, and no outcome."""
    received, decided = counted(scrapes)
    wrong = []
    if received > truth.contacts:
        wrong.append(f"{received} contacts were counted, {truth.contacts} came")
    wrong += [
        f"band {band}: {number} outcomes were counted, {truth.decided[band]} fell"
        for band, number in decided.items()
        if number > truth.decided[band]
    ]
    return wrong


def v3_business_counters_lack_no_more_than(
    scrapes: Sequence[Scrape], truth: Truth, allowed: Allowance
) -> Wrong:
    """What is missing is bounded by the hard crashes."""
    received, decided = counted(scrapes)
    wrong = []
    if received < truth.contacts - allowed.received:
        wrong.append(
            f"{truth.contacts - received} of {truth.contacts} contacts were never counted, "
            f"{allowed.received} may be"
        )
    wrong += [
        f"band {band}: {number - decided[band]} of {number} outcomes were never counted, "
        f"{allowed.decided} may be"
        for band, number in truth.decided.items()
        if decided[band] < number - allowed.decided
    ]
    return wrong


def v3_net_outcomes_are_the_truth(scrapes: Sequence[Scrape], truth: Truth) -> Wrong:
    """Outcomes with their corrections: exact where nothing crashed."""
    net: Counter[tuple[str, str, str]] = Counter()
    for (_, series), value in increases(scrapes, OUTCOMES).items():
        net[label(series, "channel"), label(series, "band"), label(series, "outcome")] += int(value)
    for (_, series), value in increases(scrapes, CORRECTIONS).items():
        channel, band = label(series, "channel"), label(series, "band")
        net[channel, band, label(series, "from")] -= int(value)
        net[channel, band, label(series, "to")] += int(value)
    shown = {key: value for key, value in net.items() if value and key[2] != "none"}
    return _differences("net outcomes are", shown, dict(truth.net))


def v4_no_chain_goes_back(checkpoints: Iterable[Checkpoint]) -> Wrong:
    """Along the chain of checkpoints that wins, the input offset and the ledger never fall."""
    wrong: Wrong = []
    by_partition: defaultdict[int, dict[int, Checkpoint]] = defaultdict(dict)
    for checkpoint in checkpoints:
        by_partition[checkpoint.partition][checkpoint.at] = checkpoint
    for partition, known in by_partition.items():
        now = max(known.values(), key=lambda one: one.order)
        while now.parent is not None and (parent := known.get(now.parent)) is not None:
            if parent.offset > now.offset:
                wrong.append(
                    f"partition {partition}: N went back from {parent.offset} to {now.offset} "
                    f"at offset {now.at} of the state log"
                )
            for kind, value in parent.ledger.items():
                if value > now.ledger.get(kind, 0):
                    wrong.append(
                        f"partition {partition}: {kind} went back from {value} to "
                        f"{now.ledger.get(kind, 0)} at offset {now.at} of the state log"
                    )
            now = parent
    return wrong


def v5_received_is_settled_or_waiting(scrapes: Iterable[Scrape]) -> Wrong:
    """In the end every contact is settled, moved or waiting."""
    final: dict[str, Scrape] = {}
    for scrape in scrapes:
        final[scrape.instance] = scrape
    ledger: Counter[str] = Counter()
    waiting = 0
    for scrape in final.values():
        for series, value in (scrape.values or {}).items():
            if series[0] == LEDGER:
                ledger[label(series, "kind")] += int(value)
            elif series[0] == "contact_waiting":
                waiting += int(value)
    settled = sum(
        ledger[kind]
        for kind in ("answered", "abandoned", "excluded", "closed_unanswered", "given_up", "moved")
    )
    if ledger["received"] == settled + waiting:
        return []
    return [f"{ledger['received']} received, but {settled} settled or moved and {waiting} wait"]


def v6_one_owner_at_a_time(scrapes: Iterable[Scrape], lease_seconds: float) -> Wrong:
    """No partition is shown by two instances for longer than the lease and a scrape."""
    wrong: Wrong = []
    shows: dict[str, frozenset[str]] = {}
    twice_since: dict[str, float] = {}
    for scrape in scrapes:
        shows[scrape.instance] = frozenset(
            label(series, "partition") for series in scrape.values or {} if series[0] == CLOCK
        )
        owners = Counter(partition for shown in shows.values() for partition in shown)
        twice = {partition for partition, number in owners.items() if number > 1}
        twice_since = {name: twice_since.get(name, scrape.at) for name in twice}
        for partition, since in twice_since.items():
            if scrape.at - since > lease_seconds:
                wrong.append(
                    f"partition {partition} had two owners from {since:g} to {scrape.at:g}"
                )
                twice_since = {**twice_since, partition: scrape.at}
    return wrong


def v7_recovered_in_time(seconds: float | None, bound: float) -> Wrong:
    """Every partition is shown again, and read to its end, within the bound."""
    if seconds is None:
        return [f"not recovered within {bound:g} s"]
    return [] if seconds <= bound else [f"recovered after {seconds:.1f} s, {bound:g} s may pass"]


def v8_every_record_is_applied_or_a_dead_letter(
    letters: Iterable[Place], applied: int, truth: Truth
) -> Wrong:
    """Dead letters are exactly the bad records, and no good one is left out.

    Args:
        letters: where the dead letters came from; one may stand twice after a crash.
        applied: good records below the offsets that were committed.
        truth: of the whole topic.
    """
    found = set(letters)
    wrong = [f"bad record {place} is no dead letter" for place in sorted(truth.bad - found)]
    wrong += [f"good record {place} is a dead letter" for place in sorted(found - truth.bad)]
    if applied != truth.good:
        wrong.append(f"{applied} of {truth.good} good records are below the committed offsets")
    return wrong


def counted(scrapes: Sequence[Scrape]) -> tuple[int, Counter[str]]:
    """Return the contacts that were counted as received, and the outcomes of each band."""
    received = int(sum(increases(scrapes, RECEIVED).values()))
    decided: Counter[str] = Counter()
    for (_, series), value in increases(scrapes, OUTCOMES).items():
        decided[label(series, "band")] += int(value)
    return received, decided


def _by_kind(series: Mapping[Series, float]) -> dict[tuple[int, str], float]:
    return {
        (int(label(one, "partition")), label(one, "kind")): value
        for one, value in series.items()
        if value
    }


def _true_ledger(truth: Truth) -> dict[tuple[int, str], int]:
    return {
        (partition, kind): value
        for partition, kinds in truth.ledger.items()
        for kind, value in kinds.items()
        if value
    }


def _differences(what: str, shown: Mapping[Key, int], true: Mapping[Key, int]) -> Wrong:
    return [
        f"{what} {shown.get(key, 0)} for {key}, {true.get(key, 0)} is true"
        for key in sorted({*shown, *true}, key=str)
        if shown.get(key, 0) != true.get(key, 0)
    ]


def _name(series: Series) -> str:
    labels = ",".join(f"{name}={value}" for name, value in series[1] if name != "topic")
    return f"{series[0]}{{{labels}}}"
