"""Turns verdicts into counter increments: what is new is counted, what changed is corrected.

Counters never go down (rule 8). A contact remembers what was counted for it; when a later verdict
differs, ``corrections{from,to}`` says so and nothing else moves, so that
net X = outcomes{X} + corrections{to=X} - corrections{from=X} equals what a replay gives.
``none`` stands for undecided: a contact that moves to another channel, because its earliest
opening came late, leaves the old one with ``to=none`` and enters the new one with ``from=none``.
"""

from typing import Final

from firstreply.domain.bands import Policy
from firstreply.domain.contact import Contact, Counted, Once, Outcome, Phase, current_queue
from firstreply.domain.events import EventType
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.domain.ledger import (
    EVICTED,
    MOVED,
    RECEIVED,
    RESETTLED,
    SETTLEMENTS,
    empty_ledger,
)
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.verdict import (
    SHORT_ABANDON,
    Verdict,
    acknowledged,
    deadline_of,
    outcome_of,
)

UNDECIDED: Final = "none"
OTHER_REASON: Final = "other"
EVICTED_WAITING: Final = "waiting"
"""Whoever made room for others waited; counts as unanswered."""
EVICTED_SETTLED: Final = "settled"
"""Whoever made room was kept for late events alone, or for an opening that did not come."""
_UNCOMMON: Final = Once.WAS_OPENED | Once.WAS_TRANSFERRED | Once.WAS_REOPENED
UNANSWERED: Final = {Phase.CLOSED: "closed", Phase.GIVEN_UP: "given_up"}


class Tally:
    """The increments of one partition since they were last taken, and its ledger."""

    def __init__(self, ledger: dict[str, int] | None = None) -> None:
        self.increments = Increments()
        self.received = dict.fromkeys(EventType, 0)
        """Events by type. Apart, because counting each by its labels is dearer."""
        self.ledger = {**empty_ledger(), **(ledger or {})}  # an older state may lack a kind

    def take(self) -> Increments:
        """Return the increments and start afresh."""
        taken, self.increments = self.increments, Increments()
        for kind, number in self.received.items():
            if number:
                taken.count("firstreply_events_total", kind.value, amount=number)
                self.received[kind] = 0
        return taken

    def self_served(self, contact: Contact, channel: str, book: PolicyBook) -> None:
        """Count a contact that ended before any queue held it (rule 1)."""
        if contact.first_time(Once.COUNTED_SELF_SERVED):
            queue = book.queue(channel, current_queue(contact))
            self.increments.count("contact_self_served_total", channel, queue)

    def withdraw(self, contact: Contact) -> dict[str, Counted]:
        """Take a contact off the channel it was counted on; return what was counted there."""
        if contact.received is None:
            return {}
        channel, queue = contact.received
        self.increments.count("contact_received_corrections_total", channel, queue, "out")
        if contact.settled_as is None:
            self.ledger[MOVED] += 1
        contact.settled_as = None
        withdrawn = contact.outcomes or {}
        for band, counted in withdrawn.items():
            self._correct(channel, counted.queue, band, counted.outcome, UNDECIDED)
        contact.received = contact.outcomes = None
        return withdrawn

    def count(self, contact: Contact, verdict: Verdict, policy: Policy, book: PolicyBook) -> None:
        """Count what the verdict adds to, or changes in, what was counted before."""
        withdrawn: dict[str, Counted] = {}
        if contact.received is not None and contact.received[0] != policy.channel:
            withdrawn = self.withdraw(contact)
        if contact.received is None:
            self._receive(contact, verdict, policy.channel, book)
        # While it waits nothing is decided, as long as no deadline can have passed. Looking at each
        # band all the same took a tenth of the engine's time.
        if verdict.decided_at is not None or contact.lapsed >= verdict.start:
            self._count_outcomes(contact, verdict, policy, book, withdrawn)
        self._count_once(contact, verdict, policy, book)
        self._settle(contact, verdict.phase)

    def greeted(self, contact: Contact, policy: Policy, book: PolicyBook) -> None:
        """Count what an automatic reply adds to a contact that waits."""
        if (
            not contact.has(Once.COUNTED_ACKNOWLEDGED)
            and contact.start is not None
            and acknowledged(contact, contact.start, policy)
        ):
            contact.once |= Once.COUNTED_ACKNOWLEDGED
            self._per_contact("contact_acknowledged_total", contact, policy.channel, book)

    def evict(self, contact: Contact, policy: Policy, book: PolicyBook) -> None:
        """Count a waiting contact that makes room: it is unanswered, its open bands are missed."""
        channel = policy.channel
        queue = book.queue(channel, current_queue(contact))
        outcomes = contact.outcomes or {}
        for band in policy.bands:
            if band.name not in outcomes:
                outcomes[band.name] = Counted(Outcome.MISSED, queue)
                self.increments.count(
                    "contact_expectation_outcomes_total",
                    channel,
                    queue,
                    band.name,
                    Outcome.MISSED,
                )
        contact.outcomes = outcomes
        if contact.first_time(Once.COUNTED_UNANSWERED):
            self.increments.count("contact_unanswered_total", channel, queue, EVICTED)
        self.ledger[EVICTED] += 1

    def _receive(self, contact: Contact, verdict: Verdict, channel: str, book: PolicyBook) -> None:
        queue = book.queue(channel, contact.queue_at(verdict.start))
        contact.received = (channel, queue)
        self.ledger[RECEIVED] += 1
        if contact.first_time(Once.COUNTED_RECEIVED):
            self.increments.count("contact_received_total", channel, queue)
        else:
            self.increments.count("contact_received_corrections_total", channel, queue, "in")

    def _count_outcomes(
        self,
        contact: Contact,
        verdict: Verdict,
        policy: Policy,
        book: PolicyBook,
        withdrawn: dict[str, Counted],
    ) -> None:
        channel = policy.channel
        outcomes = contact.outcomes or {}
        asked_at, queue = None, ""
        for band in policy.bands:
            before = outcomes.get(band.name)
            after = outcome_of(verdict, deadline_of(policy, band, verdict), contact.lapsed)
            if after is None:  # a decided band stays decided while the contact keeps its channel
                continue
            outcome, fell_at = after
            if before is not None:
                if before.outcome is not outcome:
                    self._correct(channel, before.queue, band.name, before.outcome, outcome)
                    outcomes[band.name] = Counted(outcome, before.queue)
                continue
            if fell_at != asked_at:  # most bands fall with the one response
                asked_at, queue = fell_at, book.queue(channel, contact.queue_at(fell_at))
            outcomes[band.name] = Counted(outcome, queue)
            if band.name in withdrawn:
                self._correct(channel, queue, band.name, UNDECIDED, outcome)
            else:
                self.increments.count(
                    "contact_expectation_outcomes_total", channel, queue, band.name, outcome
                )
        contact.outcomes = outcomes or None

    def _correct(self, channel: str, queue: str, band: str, before: str, after: str) -> None:
        self.increments.count(
            "contact_expectation_corrections_total", channel, queue, band, before, after
        )

    def _count_once(
        self, contact: Contact, verdict: Verdict, policy: Policy, book: PolicyBook
    ) -> None:
        """Count what is counted once per contact."""
        channel = policy.channel
        if contact.once & _UNCOMMON != Once.WAS_OPENED:
            self._count_uncommon(contact, channel, book)
        if verdict.phase is Phase.EXCLUDED:
            self._count_exclusion(contact, verdict, policy, book)
            return
        if (
            contact.automatic
            and acknowledged(contact, verdict.start, policy)
            and contact.first_time(Once.COUNTED_ACKNOWLEDGED)
        ):
            self._per_contact("contact_acknowledged_total", contact, channel, book)
        if verdict.response is not None:
            self._count_response(contact, verdict, verdict.response, policy, book)
        elif verdict.phase is not Phase.WAITING:
            self._count_end(contact, verdict, channel, book)

    def _count_uncommon(self, contact: Contact, channel: str, book: PolicyBook) -> None:
        """Count a contact that was transferred or reopened, or has no opening."""
        if contact.has(Once.WAS_TRANSFERRED) and contact.first_time(Once.COUNTED_TRANSFERRED):
            self._per_contact("contact_transferred_total", contact, channel, book)
        if contact.has(Once.WAS_REOPENED) and contact.first_time(Once.COUNTED_REOPENED):
            self._per_contact("contact_reopened_total", contact, channel, book)
        if not contact.has(Once.WAS_OPENED) and contact.first_time(Once.COUNTED_WITHOUT_OPENING):
            self.increments.count("firstreply_without_opening_total")

    def _count_end(
        self, contact: Contact, verdict: Verdict, channel: str, book: PolicyBook
    ) -> None:
        """Count the abandonment, the close or the giving up of an unanswered contact."""
        phase, at = verdict.phase, verdict.ended
        if at is None or phase is Phase.GIVEN_UP:
            at = verdict.gives_up
        queue = book.queue(channel, contact.queue_at(at))
        if phase is Phase.ABANDONED and contact.first_time(Once.COUNTED_ABANDONED):
            wait = (at - verdict.start) / SECOND
            self.increments.count("contact_abandoned_total", channel, queue)
            self.increments.observe("contact_abandoned_wait_seconds", channel, queue, seconds=wait)
        elif phase in UNANSWERED and contact.first_time(Once.COUNTED_UNANSWERED):
            reason = UNANSWERED[phase]
            self.increments.count("contact_unanswered_total", channel, queue, reason)

    def _per_contact(self, metric: str, contact: Contact, channel: str, book: PolicyBook) -> None:
        self.increments.count(metric, channel, book.queue(channel, current_queue(contact)))

    def _count_exclusion(
        self, contact: Contact, verdict: Verdict, policy: Policy, book: PolicyBook
    ) -> None:
        """Count an exclusion; its reason becomes a label only if it is one of the closed list."""
        reason = verdict.excluded_for
        if reason == SHORT_ABANDON and contact.first_time(Once.COUNTED_SHORT_ABANDONED):
            self._per_contact("contact_short_abandoned_total", contact, policy.channel, book)
        if contact.first_time(Once.COUNTED_EXCLUDED):
            known = reason is not None and (
                reason == SHORT_ABANDON or reason in policy.excluded_reasons
            )
            queue = book.queue(policy.channel, current_queue(contact))
            label = reason if known and reason is not None else OTHER_REASON
            self.increments.count("contact_excluded_total", policy.channel, queue, label)

    def _count_response(
        self,
        contact: Contact,
        verdict: Verdict,
        response: int,
        policy: Policy,
        book: PolicyBook,
    ) -> None:
        """Observe the first response once; count a later, different one as a revision (rule 8)."""
        latency = response - verdict.start
        if contact.latency is not None:
            if contact.latency != latency:
                self.increments.count("firstreply_first_response_revised_total")
                contact.latency = latency
            return
        contact.latency = latency
        channel = policy.channel
        queue = book.queue(channel, contact.queue_at(response))
        self.increments.observe(
            "contact_first_response_seconds", channel, queue, seconds=latency / SECOND
        )
        if policy.calendar is not None:
            business = policy.calendar.elapsed_us(verdict.start, response)
            self.increments.observe(
                "contact_first_response_business_seconds",
                channel,
                queue,
                seconds=business / SECOND,
            )

    def _settle(self, contact: Contact, phase: Phase) -> None:
        """Count the first settlement in the ledger, and every later change of it."""
        if contact.settled_as is None:
            if phase in SETTLEMENTS:
                self.ledger[SETTLEMENTS[phase]] += 1
                contact.settled_as = phase
        elif contact.settled_as is not phase:
            self.ledger[RESETTLED] += 1
            contact.settled_as = phase
