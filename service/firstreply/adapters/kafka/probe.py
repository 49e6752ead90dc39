"""One address, layer by layer: its name, its port, its certificate, what it speaks.

For ``firstreply doctor``, which wants to know the layer that fails; a Kafka client says only that
it could not connect. Each step is bounded by ``limit`` in seconds and returns what it found or why
it failed, never raises. Nothing but the handshakes and Kafka's first question is sent.
"""

import asyncio
import contextlib
import os
import re
import socket
import ssl
import struct
from enum import StrEnum
from typing import Final, NamedTuple

_API_VERSIONS: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Size, key, version, correlation id, no client id: the one request any listener answers."""

_TLS_ALERT: Final = b"\x15\x03"
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


class Spoken(StrEnum):
    """What answered the first question of a Kafka client."""

    KAFKA = "Kafka"
    TLS = "TLS"
    HTTP = "HTTP"
    OTHER = "another protocol"
    CLOSED = "nothing: it closed the connection"
    SILENT = "nothing in time"
    REFUSED_US = "nothing: it refused our certificate"


class Failed(NamedTuple):
    """Why a step failed, in a few words."""

    why: str
    code: int | None = None
    """OpenSSL's number of what is wrong with a certificate, where it is that."""
    spoken: Spoken | None = None
    """What an address speaks that would not shake hands."""


class Shaken(NamedTuple):
    """A TLS handshake."""

    version: str
    expires: float
    """Of the broker's certificate: seconds since the epoch."""
    spoken: Spoken


async def resolve(host: str, port: int, limit: float) -> list[str] | Failed:
    """Return the addresses of a host."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limit):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Failed(f"no answer of the name service in {limit:g} s")
    except OSError as error:
        return Failed((error.strerror or str(error)).lower())
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def connects(host: str, port: int, limit: float) -> Failed | None:
    """Try to connect by TCP; None if that works."""
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Failed(f"no answer in {limit:g} s")
    except OSError as error:
        return Failed(_reason(error))
    await _close(writer)
    return None


async def speaks(host: str, port: int, limit: float) -> Spoken:
    """Ask without TLS; say what answers."""
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return await _asked(reader, writer)
            finally:
                await _close(writer)
    except TimeoutError:
        return Spoken.SILENT
    except OSError:
        return Spoken.CLOSED


async def shake_hands(
    host: str, port: int, context: ssl.SSLContext, limit: float
) -> Shaken | Failed:
    """Do the TLS handshake as the clients do, and ask what answers."""
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                return await _shaken(reader, writer)
            finally:
                await _close(writer)
    except TimeoutError:
        return Failed(f"no handshake in {limit:g} s", spoken=await speaks(host, port, limit))
    except ssl.SSLCertVerificationError as error:
        return Failed(error.verify_message.lower(), error.verify_code)
    except OSError as error:
        return Failed(_reason(error), spoken=await speaks(host, port, limit))


async def _shaken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Shaken:
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert() or {}
    expires = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    try:
        spoken = await _asked(reader, writer)
    except ssl.SSLError:  # with TLS 1.3 a missing client certificate is told after the handshake
        spoken = Spoken.REFUSED_US
    return Shaken(tls.version() or "TLS", expires, spoken)


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Spoken:
    writer.write(_API_VERSIONS)
    try:
        answer = await reader.readexactly(8)
    except asyncio.IncompleteReadError as error:
        answer = error.partial
    except ConnectionError:
        return Spoken.CLOSED
    if not answer:
        return Spoken.CLOSED
    if answer.startswith(_TLS_ALERT):
        return Spoken.TLS
    if answer.startswith(b"HTTP"):
        return Spoken.HTTP
    return Spoken.KAFKA if answer[4:] == b"\0\0\0\1" else Spoken.OTHER


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):  # its end is of no interest any more
        await writer.wait_closed()


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    # Of a name with several addresses asyncio tells all errors in one text, without a number.
    numbers = [error.errno] if error.errno else list(map(int, _NUMBER.findall(str(error))))
    reasons = dict.fromkeys(os.strerror(number).lower() for number in numbers if number > 0)
    return ", ".join(reasons) or str(error).lower() or type(error).__name__
