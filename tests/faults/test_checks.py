"""Each invariant accepts what is right, and says what is wrong."""

from collections import Counter
from collections.abc import Sequence

from tests.faults import checks
from tests.faults.checks import Allowance, Checkpoint
from tests.faults.samples import CLOCK, CORRECTIONS, LEDGER, OUTCOMES, RECEIVED, Scrape, Series
from tests.faults.truth import Place, Truth
from tests.faults.verdict import allowance, longest_gap

TRUE = Truth(
    {0: Counter(received=3, answered=2)},
    contacts=3,
    waiting=1,
    decided=Counter({"5s": 2}),
    net=Counter({("chat", "5s", "met"): 2}),
    good=5,
    bad=frozenset({Place(0, 7)}),
)


def ledger(received: float, answered: float, partition: int = 0) -> dict[Series, float]:
    return {
        (LEDGER, (("kind", kind), ("partition", str(partition)), ("topic", "t"))): value
        for kind, value in (("received", received), ("answered", answered))
    }


def shown(*values: tuple[str, dict[Series, float] | None]) -> list[Scrape]:
    """Scrape an instance each second."""
    return [Scrape(float(at), instance, of) for at, (instance, of) in enumerate(values)]


def counter(metric: str, value: float, **labels: str) -> dict[Series, float]:
    return {(metric, tuple(sorted(labels.items()))): value}


def outcome(value: float) -> dict[Series, float]:
    return counter(OUTCOMES, value, channel="chat", band="5s", outcome="met")


def corrected(value: float) -> dict[Series, float]:
    labels = {"channel": "chat", "band": "5s", "from": "missed", "to": "met"}
    return counter(CORRECTIONS, value, **labels)


GOOD = shown(("a", ledger(0, 0)), ("a", ledger(2, 1)), ("b", ledger(3, 2)))


def test_v1_compares_what_is_shown_last() -> None:
    assert checks.v1_final_ledger_is_the_truth(GOOD, TRUE) == []
    assert checks.v1_final_ledger_is_the_truth(GOOD[:-1], TRUE)


def test_v1_misses_a_partition() -> None:
    truth = Truth({**TRUE.ledger, 1: Counter(received=1)})
    (wrong,) = checks.v1_final_ledger_is_the_truth(GOOD, truth)
    assert "0 for (1, 'received'), 1 is true" in wrong


def test_v2_sees_a_fall_over_a_change_of_owner_and_over_a_gap() -> None:
    assert checks.v2_nothing_shown_goes_back(GOOD) == []
    handed_over = shown(("a", ledger(3, 2)), ("a", {}), ("b", ledger(2, 2)), ("b", ledger(3, 2)))
    (wrong,) = checks.v2_nothing_shown_goes_back(handed_over)
    assert "fell from 3 to 2" in wrong


def test_v2_does_not_see_a_zombie_below_the_owner() -> None:
    zombie = shown(("b", ledger(3, 2)), ("a", ledger(2, 1)), ("b", ledger(4, 2)))
    assert checks.v2_nothing_shown_goes_back(zombie) == []


def test_v3_a_see_saw_adds_up_to_too_much() -> None:
    assert checks.v3_ledger_adds_up_to_the_truth(GOOD, TRUE) == []
    see_saw = [*GOOD[:2], *shown(("a", None), ("b", ledger(1, 1)), ("b", ledger(3, 2)))]
    assert "gives 5 for (0, 'received'), 3 is true" in str(
        checks.v3_ledger_adds_up_to_the_truth(see_saw, TRUE)
    )


def received(*values: float | None) -> list[Scrape]:
    return shown(
        *(
            ("a", None if value is None else counter(RECEIVED, value, channel="c"))
            for value in values
        )
    )


def test_v3_a_contact_counted_twice_is_seen_over_a_restart() -> None:
    assert checks.v3_business_counters_are_never_above(received(0, 2, None, 0, 1), TRUE) == []
    (wrong,) = checks.v3_business_counters_are_never_above(received(0, 2, None, 0, 2), TRUE)
    assert wrong == "4 contacts were counted, 3 came"


def test_v3_an_outcome_counted_twice_is_seen() -> None:
    scrapes = shown(("a", outcome(0)), ("a", outcome(3)))
    (wrong,) = checks.v3_business_counters_are_never_above(scrapes, TRUE)
    assert "band 5s" in wrong


def test_v3_what_is_missing_is_bounded() -> None:
    def lacking(allowed: Allowance) -> Sequence[str]:
        return checks.v3_business_counters_lack_no_more_than(received(0, 2), TRUE, allowed)

    assert lacking(Allowance(received=1, decided=2)) == []
    assert len(lacking(Allowance(received=0, decided=2))) == 1
    assert len(lacking(Allowance(received=1, decided=1))) == 1


def test_v3_net_outcomes_take_corrections_in() -> None:
    right = shown(("a", {**outcome(0), **corrected(0)}), ("a", {**outcome(2), **corrected(0)}))
    assert checks.v3_net_outcomes_are_the_truth(right, TRUE) == []
    wrong = shown(("a", {**outcome(0), **corrected(0)}), ("a", {**outcome(2), **corrected(1)}))
    assert len(checks.v3_net_outcomes_are_the_truth(wrong, TRUE)) == 2


def checkpoint(at: int, parent: int | None, n: int, answered: int, generation: int) -> Checkpoint:
    return Checkpoint(0, at, parent, (1, generation, n), n, {"answered": answered})


def test_v4_follows_the_chain_that_wins() -> None:
    chain = [checkpoint(0, None, 5, 1, 1), checkpoint(1, 0, 9, 2, 1), checkpoint(3, 1, 9, 2, 2)]
    zombie = checkpoint(2, 0, 7, 1, 1)
    assert checks.v4_no_chain_goes_back([*chain, zombie]) == []
    assert "N went back from 9 to 8" in str(
        checks.v4_no_chain_goes_back([*chain, checkpoint(4, 3, 8, 2, 3)])
    )
    assert "answered went back from 2 to 1" in str(
        checks.v4_no_chain_goes_back([*chain, checkpoint(4, 3, 9, 1, 3)])
    )


def test_v5_finds_who_is_neither_settled_nor_waiting() -> None:
    def waiting(number: float) -> list[Scrape]:
        return shown(("a", {**ledger(3, 2), **counter("contact_waiting", number, channel="c")}))

    assert checks.v5_received_is_settled_or_waiting(waiting(1)) == []
    assert checks.v5_received_is_settled_or_waiting(waiting(2))


def test_v6_allows_two_owners_for_as_long_as_a_lease() -> None:
    mine = counter(CLOCK, 1.0, partition="0", topic="t")
    both = shown(("a", mine), ("b", mine), ("a", mine), ("b", mine), ("a", {}), ("b", mine))
    assert checks.v6_one_owner_at_a_time(both, 2.0) == []
    assert "two owners" in str(checks.v6_one_owner_at_a_time(both, 1.5))


def test_v7_knows_late_from_never() -> None:
    assert checks.v7_recovered_in_time(9.0, 10.0) == []
    assert checks.v7_recovered_in_time(11.0, 10.0)
    assert checks.v7_recovered_in_time(None, 10.0)


def test_v8_every_record_has_its_place() -> None:
    def wrong(letters: list[Place], applied: int) -> Sequence[str]:
        return checks.v8_every_record_is_applied_or_a_dead_letter(letters, applied, TRUE)

    assert wrong([Place(0, 7), Place(0, 7)], 5) == []  # twice, after a crash
    assert "is no dead letter" in str(wrong([], 5))
    assert "good record" in str(wrong([Place(0, 7), Place(0, 1)], 5))
    assert "4 of 5" in str(wrong([Place(0, 7)], 4))


def test_a_crash_may_cost_the_two_largest_checkpoints_of_the_partitions_it_had() -> None:
    def one(at: int, parent: int | None, received: int) -> Checkpoint:
        return Checkpoint(0, at, parent, (at,), 10 * received, {"received": received})

    chain = [one(0, None, 1), one(1, 0, 4), one(2, 1, 5), one(3, 2, 10)]
    assert allowance(chain, {}) == allowance(chain, {1: 3}) == Allowance()
    assert allowance(chain, {0: 1}) == Allowance(received=5 + 3, decided=50 + 30)


def test_the_longest_gap_is_that_of_the_series_shown_least() -> None:
    scrapes = shown(
        ("a", ledger(1, 1)),
        ("b", ledger(1, 1, partition=1)),
        ("a", {}),
        ("b", {}),
        ("a", {}),
        ("a", ledger(1, 1)),
    )
    assert longest_gap(scrapes) == 4.0
