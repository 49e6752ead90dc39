"""``dlq replay``: sends the records of letters to the input once more, and keeps the letters.

Everything is read twice: once to say what would be sent and what is held back and why, and once to
send exactly that. What was sent before an interruption is sent again with the next attempt; the
engine knows a repeated event by its id while it remembers the contact (rule 14). That is for
``settle_for`` after the event at least, so older ones are sent only by ``also_old``: nothing tells
whether they were sent before.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from firstreply.adapters.kafka.letter import Letter
from firstreply.adapters.records import FileRecord
from firstreply.dlq_commands.choosing import Filter, Told, chosen
from firstreply.dlq_commands.moments import moment
from firstreply.dlq_commands.port import Outbox
from firstreply.domain.errors import FirstreplyError
from firstreply.domain.events import ContactEvent
from firstreply.ports import RecordDecoder
from firstreply.rejection import Rejected

_EXAMPLES: Final = 3


class Held(StrEnum):
    """Why a letter is not sent."""

    FOREIGN = "foreign"
    OTHER_TOPIC = "other_topic"
    REJECTED = "rejected"
    IGNORED = "ignored"
    WOULD_BE_NOW = "would_be_now"
    OLD = "old"


class _Judgement(NamedTuple):
    why: Held | None
    """Why a letter is held back; None for one to be sent."""
    detail: str = ""
    """What is wrong with its record now."""
    old: bool = False
    """Whether its contact may have been known and be forgotten."""


class Wish(msgspec.Struct, frozen=True):
    """What is to be sent."""

    filter: Filter = Filter()
    all: bool = False
    """Also what does not decode now."""
    also_old: bool = False
    """Also events older than ``settle_for``."""
    any_topic: bool = False
    """Also what came from another topic than the one it is sent to."""
    limit: int | None = None
    """At most so many, the first of those that can be sent; None: all."""


class HeldBack(msgspec.Struct, frozen=True):
    """Letters that are held back for one cause."""

    why: Held
    detail: str
    """Of a rejected record: what is wrong with it now; of another topic: its name."""
    letters: int
    examples: tuple[str, ...]
    """PARTITION:OFFSET of the first few."""


class Plan(msgspec.Struct, frozen=True):
    """What a replay would do; with ``sent``, what it did."""

    topic: str
    target: str
    chosen: int
    """Letters that fit the filters."""
    to_send: int
    rejected_again: int
    """Of those, with ``--all``, how many the service would reject."""
    old: int
    """Of those, with ``--also-old``, how many are older than ``settle_for``."""
    oldest: str | None
    """Time of the oldest record that would be sent."""
    newest: str | None
    held_back: tuple[HeldBack, ...]
    left_over: int
    """Could be sent, and lie beyond the limit."""
    bounds: dict[int, tuple[int, int]]
    """What was looked at, in the dead letter topic: letters that come later are not sent."""
    sent: int = 0


class Replaying:
    """One replay.

    Args:
        box: the letters, and where they go.
        decoder: of the present configuration.
        wish: what is to be sent.
        now: the time of day, in milliseconds.
        settle_for: microseconds for which the service remembers a contact at least; None: for ever.
    """

    def __init__(
        self,
        box: Outbox,
        decoder: RecordDecoder,
        wish: Wish,
        *,
        now: Callable[[], int],
        settle_for: int | None,
    ) -> None:
        self._box = box
        self._decoder = decoder
        self._wish = wish
        self._now = now
        self._settle_for = settle_for
        self.sent = 0
        """Letters that were acknowledged."""

    async def plan(self, told: Told) -> Plan:
        """Say what would be sent. Raises as ``chosen`` does."""
        bounds = await self._box.bounds()
        tally = _Tally(self._wish.limit)
        async with aclosing(chosen(self._box, bounds, self._wish.filter, told)) as batches:
            async for letters in batches:
                for letter in letters:
                    tally.add(letter, self._judge(letter))
        return Plan(
            topic=self._box.topic,
            target=self._box.target,
            chosen=tally.chosen,
            to_send=tally.to_send,
            rejected_again=tally.rejected_again,
            old=tally.old,
            oldest=moment(min(tally.times, default=None)),
            newest=moment(max(tally.times, default=None)),
            held_back=tally.held_back(),
            left_over=tally.left_over,
            bounds=dict(bounds),
        )

    async def send(self, plan: Plan, told: Told) -> Plan:
        """Send what was planned, and return the plan with how many were.

        Raises:
            FirstreplyError: as ``plan`` and ``Outbox.send``; the text says how many were sent.
        """
        await self._box.connect_to_send()
        try:
            async with aclosing(chosen(self._box, plan.bounds, self._wish.filter, told)) as batches:
                async for letters in batches:
                    going = [each for each in letters if self._judge(each).why is None]
                    going = going[: plan.to_send - self.sent]
                    if going:
                        await self._box.send(going)
                        self.sent += len(going)
                    if self.sent == plan.to_send:
                        break
        except FirstreplyError as error:
            msg = f"{error} ({self.sent} of {plan.to_send} letters were sent before)"
            raise type(error)(msg) from error
        return msgspec.structs.replace(plan, sent=self.sent)

    def _judge(self, letter: Letter) -> _Judgement:
        source = letter.source
        if source is None:
            return _Judgement(Held.FOREIGN)
        if source.topic != self._box.target and not self._wish.any_topic:
            return _Judgement(Held.OTHER_TOPIC, source.topic)
        judgement = self._decoded(letter)
        if judgement.old and not self._wish.also_old:
            return judgement._replace(why=Held.OLD)
        return judgement._replace(why=None) if self._wish.all else judgement

    def _decoded(self, letter: Letter) -> _Judgement:
        """Judge the record as the service would find it in the topic."""
        timestamp = letter.timestamp if self._box.keeps_timestamps else self._now()
        self._decoder.take_fallbacks()
        verdict = self._decoder.decode(
            FileRecord(letter.offset, letter.value, timestamp=timestamp, headers=letter.headers)
        )
        if isinstance(verdict, Rejected):
            return _Judgement(Held.REJECTED, f"{verdict.reason.value}: {verdict.detail}")
        if not isinstance(verdict, ContactEvent):
            return _Judgement(Held.IGNORED)
        if self._decoder.take_fallbacks() and not self._box.keeps_timestamps:
            return _Judgement(Held.WOULD_BE_NOW)
        return _Judgement(None, old=self._is_old(verdict))

    def _is_old(self, event: ContactEvent) -> bool:
        return self._settle_for is not None and event.time <= self._now() * 1000 - self._settle_for


class _Tally:
    """Counts what a replay would do."""

    def __init__(self, limit: int | None) -> None:
        self.chosen = self.to_send = self.rejected_again = self.old = self.left_over = 0
        self.times: list[int] = []
        """The least and the greatest."""
        self._limit = limit
        self._held: Counter[tuple[Held, str]] = Counter()
        self._examples: dict[tuple[Held, str], list[str]] = {}

    def add(self, letter: Letter, judgement: _Judgement) -> None:
        why, detail, old = judgement
        self.chosen += 1
        if why is not None:
            self._held[why, detail] += 1
            examples = self._examples.setdefault((why, detail), [])
            if len(examples) < _EXAMPLES:
                examples.append(f"{letter.partition}:{letter.offset}")
        elif self._limit is not None and self.to_send >= self._limit:
            self.left_over += 1
        else:
            self.to_send += 1
            self.rejected_again += bool(detail)
            self.old += old
            if letter.timestamp is not None:
                times = [*self.times, letter.timestamp]
                self.times = [min(times), max(times)]

    def held_back(self) -> tuple[HeldBack, ...]:
        """Return the causes, the most frequent first."""
        return tuple(
            HeldBack(why, detail, letters, tuple(self._examples[why, detail]))
            for (why, detail), letters in self._held.most_common()
        )
