"""Restored contacts take the places that their rows name, without becoming objects.

A row says where its contact was counted as waiting and when it is to be looked at. Nearly always
that still holds. Where it does not, because the configuration is another one by now, or because the
row says what no contact can be like, the contact is left for the engine to place anew.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator

from firstreply.domain.contact import Phase
from firstreply.domain.facts import reply_pair
from firstreply.domain.instant_index import InstantIndex, Unsorted
from firstreply.domain.instants import BEFORE_ALL
from firstreply.domain.packing import base_of, queue_of, read, unpack
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.row import PHASES, Row
from firstreply.domain.timers import TimerQueue
from firstreply.domain.waiting import WaitingRoom

_WAITING = PHASES.index(Phase.WAITING)

_TIMERS_AT_A_TIME = 1000


class _Timers:
    """Timers to be set, in any order."""

    def __init__(self) -> None:
        self._instants: array[int] = array("q")
        self._ids: list[str] = []
        self._earliest = 0
        """Place of the earliest."""

    def add(self, instant: int, contact_id: str) -> None:
        """Note a timer."""
        self._instants.append(instant)
        self._ids.append(contact_id)
        if instant < self._instants[self._earliest]:
            self._earliest = len(self._ids) - 1

    def set(self, queue: TimerQueue) -> Iterator[None]:
        """Set all, with many pauses; the earliest first, which tells that the others are far."""
        instants, ids, first = self._instants, self._ids, self._earliest
        if ids:
            instants[0], instants[first] = instants[first], instants[0]
            ids[0], ids[first] = ids[first], ids[0]
        for number, (instant, contact_id) in enumerate(zip(instants, ids, strict=True)):
            queue.add(instant, contact_id)
            if number % _TIMERS_AT_A_TIME == 0:
                yield


class Places:
    """Take all contacts, then fill what they stand in.

    Args:
        book: the policies and queues of today.
        kept_until: the log time until which a contact that does not wait is kept, by the digest of
            its policy and by ``touched``; None for ever.
    """

    def __init__(self, book: PolicyBook, kept_until: Callable[[str, int], int | None]) -> None:
        self._book = book
        self._kept_until = kept_until
        self._starts: defaultdict[tuple[str, str, str], Unsorted] = defaultdict(Unsorted)
        """By channel, queue and policy, as in the waiting room."""
        self._replies: defaultdict[tuple[str, str], Unsorted] = defaultdict(Unsorted)
        self._deadlines = _Timers()
        self._keeping = Unsorted()

    def take(self, contact_id: str, row: bytes) -> bool:
        """Return whether the contact has the place that its row names.

        Raises ``msgspec.MsgspecError`` or UnicodeError if it is no row.
        """
        says = read(row)
        if says.reply_since is not None or says.reply_waits_in is not None:
            return self._take_reply(contact_id, row, says)
        if says.phase != _WAITING:
            return self._keep(contact_id, says)
        received, start, timer = says.received, says.start, says.timer
        if received is None or start is None:
            return False
        channel, written = received[0], queue_of(says)
        queue = self._book.queue(channel, written)
        if (written if says.waits_in is True else says.waits_in) != queue:
            return False
        self._starts[channel, queue, says.policy].add(base_of(says) + start, contact_id)
        if timer is not None:
            self._deadlines.add(timer, contact_id)
        return True

    def _take_reply(self, contact_id: str, row: bytes, says: Row) -> bool:
        contact = unpack(contact_id, row)
        since = contact.reply_since
        if since is None or contact.phase is Phase.WAITING:
            return False
        pair = reply_pair(contact, self._book)
        if contact.reply_waits_in != (pair, since) or not self._keep(contact_id, says):
            return False
        self._replies[pair].add(since, contact_id)
        return True

    def _keep(self, contact_id: str, says: Row) -> bool:
        timer = says.timer
        touched = BEFORE_ALL if says.touched is None else base_of(says) + says.touched
        until = self._kept_until(says.policy, touched)
        if says.waits_in is not None or timer != until:
            return False
        if timer is not None:
            self._keeping.add(timer, contact_id)
        return True

    def fill(
        self, room: WaitingRoom, deadlines: TimerQueue, keeping: InstantIndex
    ) -> Iterator[None]:
        """Let all that were taken wait and be timed, in empty ones, with many pauses."""
        for key, starts in self._starts.items():
            yield from room.fill(key, starts)
        for pair, replies in self._replies.items():
            yield from room.fill_replies(pair, replies)
        yield from self._deadlines.set(deadlines)
        yield from self._keeping.fill(keeping)
