"""The engine of one partition: a keyed store of contacts, their timers, and what they count.

Driven from outside, in the manner of a sans-IO protocol:

``receive(event, log_time)``  fold one event; log time None leaves the log clock alone
``advance(log_time)``         move the log clock; due deadlines fire
``next_deadline()``           log time after which ``advance`` may have something to do
``take_increments()``         what was counted since the last call
``changes()``                 contacts changed and removed since the last call
``gauges()``                  who waits, at the service clock
``snapshot()`` / ``restore``  the whole state as a value
``standing()`` / ``resume``   the same in pieces: all but the contacts, and the contacts

At most ``max_tracked`` contacts are kept: a further one evicts another before it is let in, which
is a function of the events and their log times alone (decision 0009).

Guarantees: final figures depend on the set of events alone (named exceptions in design.md,
section 6). Log time decides only when a miss is counted. The log clock is clamped, never asserted:
an earlier log time is ignored. Nothing raises on any event the codec lets through.
"""

from collections.abc import Callable, Iterator

import msgspec

from firstreply.domain.bands import OTHER, Policy
from firstreply.domain.contact import KEPT, Contact, Once, Phase, current_queue
from firstreply.domain.counting import EVICTED_SETTLED, EVICTED_WAITING, Tally
from firstreply.domain.events import ContactEvent
from firstreply.domain.facts import Follows, Scene, apply, reply_pair
from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instant_index import InstantIndex
from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL
from firstreply.domain.places import Places
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.snapshot import Snapshot, Standing, decode_rows, encode_rows
from firstreply.domain.store import SHARDS, ContactStore
from firstreply.domain.timers import TimerQueue
from firstreply.domain.transitions import TABLE, classify
from firstreply.domain.verdict import (
    ended_unqueued,
    find_start,
    judge,
    next_deadline,
    start_channel,
)
from firstreply.domain.waiting import Urgent, WaitingRoom

_NO_REPLY_WAIT = frozenset({Phase.WAITING, Phase.EXCLUDED})
"""A contact waits for its first response or for a reply, never for both; excluded for neither."""


_PLACES_AT_A_TIME = 1000
"""Contacts restored before whoever shares the event loop gets a turn."""


class Changes(msgspec.Struct, frozen=True):
    """Contact ids changed and removed since the last call; disjoint."""

    dirty: frozenset[str]
    removed: frozenset[str]


def _forget_nothing(_: Contact) -> None:
    """Stand in for a listener that wants no forgotten contacts."""


class Engine:
    """One partition.

    Args:
        book: the policies for contacts that start from now on; may be replaced at any time.
        grace: microseconds that log time must be past a deadline before its miss is counted.
        max_tracked: how many contacts to keep at most; None: any number.
        forgotten: called with each contact just before it is forgotten (rule 13) or evicted.
    """

    def __init__(
        self,
        book: PolicyBook,
        *,
        grace: int,
        max_tracked: int | None = None,
        forgotten: Callable[[Contact], None] = _forget_nothing,
    ) -> None:
        self.book = book
        self.grace = grace
        self.max_tracked = max_tracked
        self.log_time: int = BEFORE_ALL
        self.offset: int | None = None
        """Offset after the last folded record; set by the processor, moves with the state."""
        self.proof: int | None = None
        """Log time of the last idle proof."""
        self.timers_looked_at = 0
        """How many timers ``advance`` has looked at: the work a caller may want to bound."""
        self._forgotten = forgotten
        self._store = ContactStore()
        self._deadlines = TimerQueue()
        """When to look at which waiting contact, at the service clock: log time less grace. So a
        timer holds good after a restart with another grace."""
        self._keeping = InstantIndex()
        """Until when each of the others is kept: who is settled, or has no start yet. Exact, so
        that the first to be forgotten is known whenever one has to make room."""
        self._room = WaitingRoom()
        self._tally = Tally()
        self.policies: dict[str, Policy] = {}
        """Every policy pinned by a contact, by digest."""
        self._dirty: set[str] = set()
        self._removed: set[str] = set()

    # -- the three inputs: an event, log time, the end of a replay

    def receive(self, event: ContactEvent, log_time: int | None = None) -> None:
        """Fold one event. Deadlines that fall due by ``log_time`` fire first."""
        self.advance(self.log_time if log_time is None else log_time)
        now, time = self.log_time, event.time
        self._tally.received[event.type] += 1
        contact = self._store.get(event.contact_id) or self._admit(event.contact_id)
        if event.id in contact.recent_ids:
            self._tally.increments.count("firstreply_events_duplicate_total")
            return
        if time < now - self.grace:
            self._tally.increments.count("firstreply_events_late_total")
        contact.recent_ids = (*contact.recent_ids[1 - KEPT :], event.id)
        # Of two at a time: compiled code calls ``max`` of three by name (see ``domain.deadlines``).
        contact.touched = max(contact.touched, max(now, time))  # noqa: PLW3301
        policy = self.policies.get(contact.policy) or self.book.policies[OTHER]
        scene = Scene(contact, event, self.book, self._tally.increments, policy)
        follows = apply(TABLE[contact.phase][classify(event)], scene)
        if follows & Follows.VERDICT or contact.phase is Phase.UNSEEN:
            self._settle(contact)
            return
        if follows & Follows.GREETING:
            self._tally.greeted(contact, policy, self.book)
        if follows & Follows.PLACE or self.book.replaced:  # a reload may list other queues
            self._follow(contact)
            return
        if contact.waits_in is None:
            self._keep(contact)
        self._note(contact)

    def advance(self, log_time: int, at_most: int | None = None) -> bool:
        """Move log time forward and fire the deadlines it has passed. Idempotent.

        Args:
            log_time: earlier than before changes nothing.
            at_most: how many timers to look at, so that a caller who shares an event loop can go
                on later; ``receive`` always fires what is left first. None: all.

        Returns:
            Whether none is left.
        """
        self.log_time = max(self.log_time, log_time)
        until = None if at_most is None else self.timers_looked_at + at_most
        while self._deadlines.first < self.log_time - self.grace:
            if self.timers_looked_at == until:
                return False
            self.timers_looked_at += 1
            self._fire(*self._deadlines.pop())
        while (kept_until := self._keeping.first()) is not None and kept_until < self.log_time:
            if self.timers_looked_at == until:
                return False
            self.timers_looked_at += 1
            self._forget(self._store[self._keeping.head()[1]])
        return True

    def finish(self, until: int) -> None:
        """Decide every deadline up to and including ``until``, without grace: a replay's end."""
        for contact in self._store:
            if contact.phase is Phase.WAITING:
                self._lapse(self._store[contact.contact_id], until)

    def next_deadline(self) -> int | None:
        """Return the log time that must be passed for the next timer, or None."""
        kept_until = self._keeping.first()
        due = self._deadlines.head()[0] + self.grace if self._deadlines else None
        if due is None or kept_until is None:
            return kept_until if due is None else due
        return min(due, kept_until)

    # -- what comes out

    def take_increments(self) -> Increments:
        """Return what was counted since the last call."""
        return self._tally.take()

    def changes(self) -> Changes:
        """Return which contacts changed or were removed since the last call."""
        changes = Changes(frozenset(self._dirty), frozenset(self._removed))
        self._dirty.clear()
        self._removed.clear()
        return changes

    def keep_changes(self, changes: Changes) -> None:
        """Take back changes that could not be made durable; they come with the next ones."""
        self._dirty |= changes.dirty - self._removed
        self._removed |= changes.removed - self._dirty

    def contacts(self) -> Iterator[Contact]:
        """Iterate over the kept contacts, in an order that is equal in every process."""
        return iter(self._store)

    def contact(self, contact_id: str) -> Contact | None:
        """Return a kept contact, only to be read."""
        return self._store.peek(contact_id)

    def gauges(self) -> PartitionGauges:
        """Return who waits, at the service clock: log time less grace."""
        at = None if self.log_time == BEFORE_ALL else self.log_time - self.grace
        queues = {} if at is None else self._room.gauges(at, self.policies)
        return PartitionGauges(at, queues, len(self._store), dict(self._tally.ledger))

    def urgent(self, count: int) -> Urgent:
        """Return the most urgent of those who wait for a promise, at most so many of a kind."""
        if self.log_time == BEFORE_ALL:
            return Urgent([], [])
        return self._room.urgent(self.log_time - self.grace, self.policies, count)

    @property
    def store(self) -> ContactStore:
        """The kept contacts; only to be read."""
        return self._store

    @property
    def unchanged(self) -> bool:
        """Whether no contact has changed since ``changes`` was last called."""
        return not self._dirty and not self._removed

    def standing(self) -> Standing:
        """Return all that is known beside the contacts."""
        return Standing(
            log_time=self.log_time,
            offset=self.offset,
            proof=self.proof,
            ledger=dict(self._tally.ledger),
            policies=dict(self.policies),
        )

    def snapshot(self) -> Snapshot:
        """Return the state as a value. Increments not yet taken are not part of it."""
        shards = map(self._store.rows, range(SHARDS))
        return Snapshot(self.standing(), tuple(encode_rows(rows) for rows in shards if rows))

    @classmethod
    def restore(
        cls,
        snapshot: Snapshot,
        book: PolicyBook,
        *,
        grace: int,
        max_tracked: int | None = None,
        forgotten: Callable[[Contact], None] = _forget_nothing,
    ) -> "Engine":
        """Build an engine that goes on exactly where the snapshot was taken."""
        store = ContactStore()
        for encoded in snapshot.slices:
            for contact_id, row in decode_rows(encoded):
                store.load(contact_id, row)
        engine = cls.resume(
            snapshot.standing,
            store,
            book,
            grace=grace,
            max_tracked=max_tracked,
            forgotten=forgotten,
        )
        for _ in engine.take_places():
            pass
        return engine

    @classmethod
    def resume(
        cls,
        standing: Standing,
        store: ContactStore,
        book: PolicyBook,
        *,
        grace: int,
        max_tracked: int | None = None,
        forgotten: Callable[[Contact], None] = _forget_nothing,
    ) -> "Engine":
        """Begin to restore: nothing may be folded before ``take_places`` has come to its end.

        Args:
            standing: everything but the contacts.
            store: the contacts; the engine's own from now on.
            book: policies in force.
            grace: see ``Engine``.
            max_tracked: see ``Engine``; whoever is too many goes in ``take_places``.
            forgotten: see ``Engine``.
        """
        engine = cls(book, grace=grace, max_tracked=max_tracked, forgotten=forgotten)
        engine.log_time = standing.log_time
        engine.offset = standing.offset
        engine.proof = standing.proof
        engine._tally = Tally(standing.ledger)
        engine.policies = dict(standing.policies)
        engine._store = store
        return engine

    def take_places(self) -> Iterator[int]:
        """Let restored contacts wait and be timed; yields how many did, at least every thousand.

        Where the state has more than ``max_tracked``, the rest is evicted in the end.
        """
        places, anew = Places(self.book, self._kept_until), list[str]()
        placed = 0
        for number in range(SHARDS):
            for contact_id, row in self._store.rows(number):
                if not places.take(contact_id, row):
                    anew.append(contact_id)
                placed += 1
                if placed % _PLACES_AT_A_TIME == 0:
                    yield placed
            yield placed
        for _ in places.fill(self._room, self._deadlines, self._keeping):
            yield placed
        for number, contact_id in enumerate(anew):
            contact = self._store[contact_id]
            contact.waits_in = contact.reply_waits_in = contact.timer = None
            self._seat(contact)
            self._arm(contact)
            if number % _PLACES_AT_A_TIME == 0:
                yield placed
        surplus = 0 if self.max_tracked is None else len(self._store) - self.max_tracked
        for number in range(surplus):
            self._evict()
            if number % _PLACES_AT_A_TIME == 0:
                yield placed
        yield placed

    # -- deciding

    def _decide(self, contact: Contact) -> None:
        """Judge a contact anew and count what the verdict changes."""
        if contact.inbound is None:
            return
        opened, _, named = contact.inbound
        channel = named or start_channel(contact)
        digest, policy = self._policy_for(contact, channel)
        start, fallback = find_start(contact, policy, opened)
        if start is None:
            contact.phase, contact.start = Phase.UNSEEN, None
            self._tally.withdraw(contact)
            if ended_unqueued(contact, opened):
                self._tally.self_served(contact, channel, self.book)
            return
        if fallback and contact.first_time(Once.COUNTED_FALLBACK):
            self._tally.increments.count("firstreply_start_fallback_total")
        if contact.start is None:
            if contact.responses:
                self._count_early_responses(contact, start, policy)
            contact.known_at = self.log_time
        contact.start = start
        contact.policy = digest
        if digest not in self.policies:
            self.policies[digest] = policy
        verdict = judge(contact, policy, start)
        contact.phase = verdict.phase
        if verdict.phase is Phase.GIVEN_UP:  # the giving up counts as its latest event (rule 13)
            contact.touched = max(contact.touched, verdict.gives_up)
        self._tally.count(contact, verdict, policy, self.book)

    def _policy_for(self, contact: Contact, channel: str) -> tuple[str, Policy]:
        """Return the pinned policy; a contact without one, or of another channel, gets today's."""
        pinned = self.policies.get(contact.policy)
        if pinned is not None and pinned.channel == channel:
            return contact.policy, pinned
        name = channel if channel in self.book.policies else OTHER
        if pinned is not None and pinned.channel == name:
            return contact.policy, pinned
        return self.book.digests[name], self.book.policies[name]

    def _count_early_responses(self, contact: Contact, start: int, policy: Policy) -> None:
        """Count held responses that turn out to lie before the start (rule 3)."""
        early = sum(1 for at in contact.responses if at < start - policy.clock_skew)
        if early:
            self._tally.increments.count("firstreply_latency_negative_total", amount=early)

    def _lapse(self, contact: Contact, until: int) -> None:
        """Declare every deadline up to ``until`` passed."""
        contact.lapsed = max(contact.lapsed, until)
        self._settle(contact)

    def _settle(self, contact: Contact) -> None:
        """Bring everything in line with the contact's facts, after any change of them."""
        self._decide(contact)
        self._follow(contact)

    def _follow(self, contact: Contact) -> None:
        """Bring waiting figures, timer and changes in line with the contact."""
        if contact.phase in _NO_REPLY_WAIT:
            contact.reply_since = None
        self._seat(contact)
        self._arm(contact)
        self._note(contact)

    def _note(self, contact: Contact) -> None:
        """Remember that the contact changed."""
        self._dirty.add(contact.contact_id)
        self._removed.discard(contact.contact_id)

    # -- timers

    def _fire(self, due: int, contact_id: str) -> None:
        """Look at a waiting contact whose deadline may have passed."""
        contact = self._store.get(contact_id)
        if contact is None or contact.waits_in is None or contact.timer != due:
            return
        contact.timer = None
        passed = self._next_due(contact, contact.waits_in[2])
        if passed is not None and passed < self.log_time - self.grace:
            self._lapse(contact, self.log_time - self.grace - 1)
        else:
            self._arm(contact)

    def _arm(self, contact: Contact) -> None:
        """See to it that the contact is looked at in time: at its next deadline, or to forget it.

        A deadline's timer that turns out too early is cheap: it looks, finds nothing due, and arms
        the next.
        """
        if contact.waits_in is None:
            self._keep(contact)
            return
        due = self._next_due(contact, contact.waits_in[2])
        if due is not None and (contact.timer is None or due < contact.timer):
            contact.timer = due
            self._deadlines.add(due, contact.contact_id)

    def _keep(self, contact: Contact) -> None:
        """Keep a contact that does not wait until it has been silent for ``settle_for``."""
        until = self._kept_until(contact.policy, contact.touched)
        if until == contact.timer:
            return
        if contact.timer is not None:
            self._keeping.remove(contact.timer, contact.contact_id)
        if until is not None:
            self._keeping.add(until, contact.contact_id)
        contact.timer = until

    def _next_due(self, contact: Contact, start: int) -> int | None:
        """Return when, at the service clock, the next deadline of a waiting contact passes."""
        due = next_deadline(contact, self.policies[contact.policy], start)
        return None if due is None else max(due, contact.known_at)

    def _kept_until(self, digest: str, touched: int) -> int | None:
        policy = self.policies.get(digest) or self.book.policies[OTHER]
        if policy.settle_for is not None:
            return touched + policy.settle_for
        # Never forgotten; evicted the earlier, the longer it has been silent.
        return None if self.max_tracked is None else touched + AFTER_ALL

    def _forget(self, contact: Contact) -> None:
        """Forget a settled contact, or one whose opening never came (rule 13)."""
        unmatched = contact.unmatched()
        if unmatched:
            self._tally.increments.count("firstreply_responses_unmatched_total", amount=unmatched)
        contact.reply_since = None
        self._seat(contact)
        if contact.timer is not None:
            self._keeping.remove(contact.timer, contact.contact_id)
        self._forgotten(contact)
        self._store.remove(contact.contact_id)
        self._dirty.discard(contact.contact_id)
        self._removed.add(contact.contact_id)

    # -- the bound on contacts

    def _admit(self, contact_id: str) -> Contact:
        """Let in a contact that is not known; where as many are kept as may be, another goes."""
        if self.max_tracked is not None and len(self._store) >= self.max_tracked:
            self._evict()
        contact = Contact(contact_id)
        self._store.add(contact)
        return contact

    def _evict(self) -> None:
        """Drop one contact before its time: who would be forgotten next, else longest overdue."""
        if self._keeping.first() is not None:
            contact, reason = self._store[self._keeping.head()[1]], EVICTED_SETTLED
        else:
            at = self.log_time - self.grace
            contact = self._store[self._room.longest_overdue(at, self.policies)]
            reason = EVICTED_WAITING
            self._tally.evict(contact, self.policies[contact.policy], self.book)
            contact.phase = Phase.GIVEN_UP
        self._tally.increments.count("firstreply_state_evicted_total", reason)
        self._forget(contact)

    # -- waiting figures

    def _seat(self, contact: Contact) -> None:
        """Let the contact wait in the room, or leave it, as its phase and reply wait say."""
        seat = None
        if contact.phase is Phase.WAITING and contact.start is not None and contact.received:
            channel = contact.received[0]
            pair = (channel, self.book.queue(channel, current_queue(contact)))
            seat = (pair, contact.policy, contact.start)
        if seat != contact.waits_in:
            if contact.waits_in is not None:
                self._room.leave(contact.waits_in, contact.contact_id)
            elif contact.timer is not None:
                self._keeping.remove(contact.timer, contact.contact_id)
            if seat is not None:
                self._room.enter(seat, contact.contact_id)
            if seat is None or contact.waits_in is None or seat[1:] != contact.waits_in[1:]:
                contact.timer = None
            contact.waits_in = seat
        since = contact.reply_since
        reply_seat = None if since is None else (reply_pair(contact, self.book), since)
        if reply_seat != contact.reply_waits_in:
            if contact.reply_waits_in is not None:
                self._room.reply_leave(*contact.reply_waits_in, contact.contact_id)
            if reply_seat is not None:
                self._room.reply_enter(*reply_seat, contact.contact_id)
            contact.reply_waits_in = reply_seat
