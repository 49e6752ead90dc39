"""A real HTTP server with the wall's paths, in front of documents that a test decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from firstreply.adapters.api import WallRoutes
from firstreply.adapters.http import Server
from firstreply.adapters.prometheus import Publisher
from firstreply.adapters.wall_stream import WallStream
from firstreply.domain.bands import Band, Policy
from firstreply.domain.instants import DAY
from firstreply.domain.policy_book import PolicyBook
from firstreply.explanation import Explanation, explain_kept
from firstreply.health import Health
from firstreply.wall.live import Documents
from firstreply.words import Language
from tests.unit.domain.builders import Desk


class FakeWall:
    """Has the documents it is given."""

    def __init__(self) -> None:
        self.now = Documents(b'{"channels":[]}', b'{"late":[],"next":[]}')
        self.asked = 0

    async def documents(self) -> Documents:
        self.asked += 1
        return self.now


class WallServer:
    """The server and what is behind it."""

    def __init__(
        self,
        stream: WallStream | None = None,
        *,
        contact_ids: bool = True,
        language: Language = Language.EN,
    ) -> None:
        self.wall = FakeWall()
        self.stream = stream or WallStream()
        self.desk = Desk()
        routes = WallRoutes(
            self.wall, self.stream, self._explain, contact_ids=contact_ids, language=language
        )
        book = PolicyBook([Policy("other", (Band("24h", DAY),))])
        self.server = Server(Publisher(book, "events"), Health(60, 0), routes)

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    async def send(self, channels: bytes) -> None:
        await self.stream.send(Documents(channels, self.wall.now.urgent))

    def _explain(self, contact_id: str) -> Explanation | None:
        return explain_kept(self.desk.engine, contact_id)


@asynccontextmanager
async def serving(
    stream: WallStream | None = None,
    *,
    contact_ids: bool = True,
    language: Language = Language.EN,
) -> AsyncIterator[WallServer]:
    """Serve on loopback until the block ends."""
    served = WallServer(stream, contact_ids=contact_ids, language=language)
    await served.server.start("127.0.0.1", 0)
    try:
        yield served
    finally:
        await served.server.stop()
