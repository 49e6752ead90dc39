"""The wall beside the service: its parts, its paths, and the two tasks that keep it going.

What only shows figures must not stop the measuring, so whatever goes wrong in here is logged and
tried again a second later; nothing else in the service catches so widely.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from firstreply.adapters.api import WallRoutes
from firstreply.adapters.wall_stream import WallStream
from firstreply.domain.policy_book import PolicyBook
from firstreply.explanation import Explanation, explain_kept
from firstreply.processor import Processor
from firstreply.wall.exchange import Exchange
from firstreply.wall.live import Figures, Identity, Wall
from firstreply.wall.status import Membership
from firstreply.wall.urgent import UrgentFinder
from firstreply.words import Language

_log = logging.getLogger(__name__)

_TURN_SECONDS: Final = 1.0


class Group(msgspec.Struct, frozen=True):
    """What this process is among others, and how it tells and hears of them."""

    identity: Identity
    membership: Callable[[], Membership]
    exchange: Exchange
    rate: Callable[[], float]
    """How fast the service clock runs now."""


class Showing:
    """The wall of one process.

    Args:
        group: see ``Group``.
        processor: whose figures these are.
        figures: what it published.
        book: the policies in force.
        language: of the page, unless its address says otherwise.
    """

    def __init__(
        self,
        group: Group,
        processor: Processor,
        figures: Figures,
        book: PolicyBook,
        language: Language,
    ) -> None:
        ids_shown = group.identity.contact_ids
        self._processor = processor
        self._stream = WallStream()
        self._wall = Wall(
            identity=group.identity,
            book=book,
            figures=figures,
            health=processor.health,
            membership=group.membership,
            urgent=UrgentFinder(lambda: processor.folds, ids_shown=ids_shown),
            exchange=group.exchange,
            rate=group.rate,
            monotonic=time.monotonic,
        )
        self.routes = WallRoutes(
            self._wall, self._stream, self._explain, contact_ids=ids_shown, language=language
        )

    def use_timezone(self, name: str) -> None:
        """Show the times of another zone."""
        self._wall.use_timezone(name)

    async def show(self) -> None:
        """Turn the wall every second and send it to the open pages; ends them when cancelled."""
        try:
            while True:
                began = time.monotonic()
                with _logged("wall_failed"):
                    await self._turn()
                await asyncio.sleep(max(0.0, began + _TURN_SECONDS - time.monotonic()))
        finally:
            self._stream.close()

    async def _turn(self) -> None:
        if self._stream.viewers:
            self._wall.looked()
        documents = await self._wall.turn()
        if documents is None:
            self._stream.forget()
        else:
            await self._stream.send(documents)

    def _explain(self, contact_id: str) -> Explanation | None:
        folds = self._processor.folds.values()
        explained = (explain_kept(fold.engine, contact_id) for fold in folds)
        return next((found for found in explained if found is not None), None)


@contextmanager
def _logged(event: str) -> Iterator[None]:
    try:
        yield
    except Exception:  # noqa: BLE001  # logged with its traceback
        _log.exception(event)
