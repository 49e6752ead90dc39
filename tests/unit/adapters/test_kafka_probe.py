"""The probe of one address, against servers that are no Kafka."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firstreply.adapters.kafka.probe import (
    Failed,
    Shaken,
    Spoken,
    connects,
    resolve,
    shake_hands,
    speaks,
)
from firstreply.devkit.loopback import LOOPBACK
from tests.unit.certificates import make_authority, sign

LIMIT = 20.0
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(said: bytes | None) -> Answering:
    """Answer the first question; None: by closing the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(14)
        if said is not None:
            writer.write(said)
            await writer.drain()
        writer.close()

    return handle


@asynccontextmanager
async def serving(handle: Answering, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(handle, LOOPBACK, 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        (b"\0\0\0\x0a\0\0\0\1\0\0", Spoken.KAFKA),
        (b"\0\0\0\x0a\0\0\0\2\0\0", Spoken.OTHER),
        (b"\x15\x03\x03\0\2\2\x46", Spoken.TLS),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Spoken.HTTP),
        (b"220 mail", Spoken.OTHER),
        (b"22", Spoken.OTHER),
        (None, Spoken.CLOSED),
    ],
)
async def test_what_answers_is_known_by_its_first_bytes(said: bytes | None, spoken: Spoken) -> None:
    async with serving(answer(said)) as port:
        assert await speaks(LOOPBACK, port, LIMIT) is spoken


async def test_what_does_not_answer_is_not_waited_for_longer_than_the_limit() -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        asked.set()
        writer.close()

    async with serving(silent) as port:
        assert await speaks(LOOPBACK, port, 0.1) is Spoken.SILENT
        await asked.wait()


async def test_a_port_that_is_open_says_nothing_and_a_closed_one_says_why() -> None:
    async with serving(answer(None)) as port:
        is_open = await connects(LOOPBACK, port, LIMIT)
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))  # so that nobody else listens there
        closed = await connects(LOOPBACK, taken.getsockname()[1], LIMIT)

    assert (is_open, closed) == (None, Failed("connection refused"))


async def test_a_name_is_looked_up_and_an_unknown_one_is_told() -> None:
    assert await resolve(LOOPBACK, 1, LIMIT) == [LOOPBACK]
    assert isinstance(await resolve("nobody.invalid", 1, LIMIT), Failed)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    sign(make_authority(folder), "server")
    return folder


def server_context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


async def test_behind_a_handshake_the_first_question_is_asked_too(certificates: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificates / "ca.pem"))

    async with serving(answer(b"HTTP/1.1 400 "), server_context(certificates)) as port:
        found = await shake_hands(LOOPBACK, port, trusting, LIMIT)

    assert isinstance(found, Shaken)
    assert (found.version, found.spoken) == ("TLSv1.3", Spoken.HTTP)


async def test_a_certificate_that_nobody_vouches_for_is_told_by_its_number(
    certificates: Path,
) -> None:
    async with serving(answer(None), server_context(certificates)) as port:
        found = await shake_hands(LOOPBACK, port, ssl.create_default_context(), LIMIT)

    assert isinstance(found, Failed)
    assert found.code == 20
    assert "issuer" in found.why


async def test_a_handshake_with_who_knows_none_says_what_is_spoken_there() -> None:
    async with serving(answer(b"HTTP/1.1 400 ")) as port:
        found = await shake_hands(LOOPBACK, port, ssl.create_default_context(), LIMIT)

    assert isinstance(found, Failed)
    assert found.spoken is Spoken.HTTP


async def test_a_handshake_that_nobody_answers_is_not_waited_for_longer_than_the_limit() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with serving(silent) as port:
        found = await shake_hands(LOOPBACK, port, ssl.create_default_context(), 0.1)

    assert found == Failed("no handshake in 0.1 s", spoken=Spoken.SILENT)
