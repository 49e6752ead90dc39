"""From what was seen of a trial to what is wrong with it, and to the figures of the record."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
from aiokafka import ConsumerRecord

from firstreply.domain.bands import Policy
from tests.faults import checks
from tests.faults.checks import Allowance, Checkpoint, Wrong
from tests.faults.samples import LEDGER, Scrape, Series, label, merged
from tests.faults.truth import InputRecord, Place, Truth, truth_of


class Seen(msgspec.Struct, frozen=True):
    """What there is to judge."""

    scrapes: list[Scrape]
    input: list[ConsumerRecord]
    checkpoints: list[Checkpoint]
    letters: list[Place]
    committed: dict[int, int]
    crashes: Mapping[int, int]
    """Partition to how often a process that had it died."""
    recovery: float | None


class Verdict(msgspec.Struct):
    """What is wrong, by invariant, and the figures."""

    wrong: dict[str, Wrong]
    truth: Truth
    lost: int
    twice: int
    lacking: int
    gap_seconds: float

    def summary(self) -> str:
        """Return all that is wrong, some lines of each invariant."""
        return "\n".join(
            f"{name}: {'; '.join(texts[:4])}" + (f" ... ({len(texts)})" if len(texts) > 4 else "")
            for name, texts in self.wrong.items()
            if texts
        )


def judge(seen: Seen, policies: Mapping[str, Policy], *, until: int, lease: float) -> Verdict:
    """Hold what was seen against the truth of its input.

    Args:
        seen: of one trial.
        policies: by channel.
        until: all deadlines up to this instant (microseconds) have passed, and no later one.
        lease: seconds for which a partition may be shown twice.
    """
    records = [
        InputRecord(Place(record.partition, record.offset), record.value or b"")
        for record in seen.input
    ]
    truth = truth_of(records, policies, until=until)
    scrapes = seen.scrapes
    allowed = allowance(seen.checkpoints, seen.crashes)
    below = [record for record in records if _is_below(record.place, seen.committed)]
    applied = sum(record.place not in truth.bad for record in below)
    wrong = {
        "V1": checks.v1_final_ledger_is_the_truth(scrapes, truth),
        "V2": checks.v2_nothing_shown_goes_back(scrapes),
        "V3 ledger": checks.v3_ledger_adds_up_to_the_truth(scrapes, truth),
        "V3 above": checks.v3_business_counters_are_never_above(scrapes, truth),
        "V3 below": checks.v3_business_counters_lack_no_more_than(scrapes, truth, allowed),
        "V4": checks.v4_no_chain_goes_back(seen.checkpoints),
        "V5": checks.v5_received_is_settled_or_waiting(scrapes),
        "V6": checks.v6_one_owner_at_a_time(scrapes, lease),
        "V8": checks.v8_every_record_is_applied_or_a_dead_letter(seen.letters, applied, truth),
    }
    if not seen.crashes:
        wrong["V3 net"] = checks.v3_net_outcomes_are_the_truth(scrapes, truth)
    lost, twice = _lost_and_twice(scrapes, truth)
    received, _ = checks.counted(scrapes)
    return Verdict(
        wrong=wrong,
        truth=truth,
        lost=lost,
        twice=twice + max(0, received - truth.contacts),
        lacking=max(0, truth.contacts - received),
        gap_seconds=longest_gap(scrapes),
    )


def allowance(found: Iterable[Checkpoint], crashes: Mapping[int, int]) -> Allowance:
    """Return what hard crashes may cost the business counters.

    A crash may take with it, of each partition that the process had, the checkpoint that was under
    way and the one that no scrape had shown yet: at most the two that hold most.
    """
    known = {(one.partition, one.at): one for one in found}
    received: dict[int, list[int]] = {}
    folded: dict[int, list[int]] = {}
    for one in known.values():
        parent = known.get((one.partition, -1 if one.parent is None else one.parent))
        before = 0 if parent is None else parent.ledger.get("received", 0)
        received.setdefault(one.partition, []).append(one.ledger.get("received", 0) - before)
        folded.setdefault(one.partition, []).append(
            one.offset - (0 if parent is None else parent.offset)
        )
    return Allowance(
        sum(_greatest(received[number], 2 * crashes.get(number, 0)) for number in received),
        sum(_greatest(folded[number], 2 * crashes.get(number, 0)) for number in folded),
    )


def _greatest(amounts: list[int], count: int) -> int:
    """Return the sum of so many of the greatest."""
    return sum(sorted(amounts, reverse=True)[:count])


def longest_gap(scrapes: Iterable[Scrape]) -> float:
    """Return the longest time in which some series of the merged ledger was not shown."""
    seen_at: dict[Series, float] = {}
    longest = 0.0
    for at, highest in merged(scrapes, LEDGER):
        for series in highest:
            longest = max(longest, at - seen_at.get(series, at))
            seen_at[series] = at
    return longest


def _is_below(place: Place, committed: Mapping[int, int]) -> bool:
    return place.offset < committed.get(place.partition, 0)


def _lost_and_twice(scrapes: Iterable[Scrape], truth: Truth) -> tuple[int, int]:
    final: dict[Series, float] = {}
    for _, highest in merged(scrapes, LEDGER):
        final = highest
    shown: Counter[str] = Counter()
    for series, value in final.items():
        shown[label(series, "kind")] += int(value)
    true = truth.total()
    return sum((true - shown).values()), sum((shown - true).values())
