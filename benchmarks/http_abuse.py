"""What abuse of the HTTP side costs the consumer: loop lag, events and scrapes, kind by kind.

``python benchmarks/http_abuse.py`` runs the whole service in one process on a simulation that fills
a good part of a processor, with a password asked for. Another process scrapes once a second with
the right password, and a third abuses, in turns with nobody, five seconds each. Lag is how much
later than asked for a sleeping task wakes; a full collection of garbage makes the longest. Bounded:
a minute and a half, 1,000 connections, the rates below. Loopback only.
"""

# ruff: noqa: INP001, T201 - a script of no package; it prints what it measured

import argparse
import asyncio
import base64
import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import bcrypt

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply.adapters.simulator import SimulatedSource, Simulator  # noqa: E402
from firstreply.app import Running, run_simulated  # noqa: E402
from firstreply.demo import demo_settings  # noqa: E402

TICK: Final = 0.001
SECONDS: Final = 5.0
PASSWORD: Final = "right"  # noqa: S105 - of this benchmark alone
COST: Final = 10
ASK: Final = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def basic(user: str, password: str) -> str:
    """Return the value of ``Authorization``."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


Attack = Callable[[str, int], Awaitable[None]]
"""One connection's part of an abuse, repeated until the end; address and port."""


@contextlib.asynccontextmanager
async def wire(
    host: str, port: int
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect; end however it ends."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def slow(host: str, port: int) -> None:
    """Send a request byte by byte, and never its end."""
    async with wire(host, port) as (_, writer):
        for byte in itertools.cycle(b"GET / HTTP/1.1\r\nX-A: b\r\n"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.2)
            if writer.is_closing():
                return


async def idle(host: str, port: int) -> None:
    """Hold a connection."""
    async with wire(host, port) as (reader, _):
        await reader.read()
    await asyncio.sleep(0.5)


async def malformed(host: str, port: int) -> None:
    """Send what is no request."""
    await send(host, port, os.urandom(200) + b"\r\n\r\n")


async def huge(host: str, port: int) -> None:
    """Send a head of 1 MiB."""
    await send(host, port, b"GET / HTTP/1.1\r\nX-A: " + b"a" * 2**20 + b"\r\n\r\n")


async def guess(host: str, port: int) -> None:
    """Send a wrong password."""
    said = f"{ASK}Authorization: {basic('ann', os.urandom(4).hex())}\r\n\r\n"
    await send(host, port, said.encode())


async def send(host: str, port: int, said: bytes) -> None:
    """Send, and wait for what is answered; ten a second at most."""
    async with wire(host, port) as (reader, writer):
        writer.write(said)
        await reader.read()
    await asyncio.sleep(0.1)


KINDS: Final[dict[str, tuple[str, int, Attack | None]]] = {
    "quiet": ("nobody else", 0, None),
    "slow": ("300 clients, 5 bytes a second each", 300, slow),
    "idle": ("1,000 connections that ask nothing", 1000, idle),
    "malformed": ("up to 500 malformed requests a second", 50, malformed),
    "huge": ("up to 200 heads of 1 MiB a second", 20, huge),
    "guess": ("50 clients that guess passwords", 50, guess),
}


async def abuse(kind: str, host: str, port: int) -> None:
    """Abuse until standard input ends."""
    _, count, attack = KINDS[kind]

    async def again() -> None:
        while attack is not None:
            await attack(host, port)

    tasks = [asyncio.create_task(again()) for _ in range(count)]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def scrape(host: str, port: int) -> None:
    """Scrape once a second until standard input ends; tell how it went."""
    took: list[float] = []
    failed = 0
    reading = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    said = f"{ASK}Authorization: {basic('ann', PASSWORD)}\r\n\r\n".encode()
    while not reading.done():
        began, answer = time.monotonic(), b""
        async with wire(host, port) as (reader, writer):
            writer.write(said)
            answer = await reader.read()
        took.append((time.monotonic() - began) * 1000)
        failed += not answer.startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(1)
    print(f"{len(took)} scrapes, {failed} failed, {max(took):.0f} ms the longest")


async def child(*arguments: str) -> asyncio.subprocess.Process:
    """Start another process of this script."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *(__file__, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def measure(running: Running) -> tuple[float, list[float]]:
    """Return events per second, and lags in milliseconds, sorted."""
    began, offset, lags = time.monotonic(), _offset(running), []
    now = began
    while now < began + SECONDS:
        await asyncio.sleep(TICK)
        before, now = now, time.monotonic()
        lags.append(max(0.0, now - before - TICK) * 1000)
    return (_offset(running) - offset) / (now - began), sorted(lags)


def _offset(running: Running) -> int:
    return sum(fold.offset for fold in running.processor.folds.values())


async def compare(running: Running) -> None:
    """Measure kind by kind, and print; then end the service."""
    port = running.address.rpartition(":")[2]
    await asyncio.sleep(3)
    for kind in itertools.chain.from_iterable(("quiet", kind) for kind in KINDS if kind != "quiet"):
        others = [await child("--scrape", port), await child("--abuse", kind, port)]
        await asyncio.sleep(2)
        events, lags = await measure(running)
        told = [(await other.communicate(b""))[0].decode().strip() for other in others]
        p50, p99 = (lags[int(len(lags) * share)] for share in (0.5, 0.99))
        print(
            f"{KINDS[kind][0]:<40} {events:6,.0f} events/s, lag p50 {p50:.2f} ms, p99 {p99:.1f} ms,"
            f" max {lags[-1]:.0f} ms; {told[0]}",
            flush=True,
        )
    running.processor.stop()


async def serve(folder: Path) -> None:
    """Run the service on a busy day, and measure beside it."""
    web = folder / "web.yml"
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(COST)).decode()
    web.write_text(f"basic_auth_users: {{ann: {hashed}}}")
    variables = {"FIRSTREPLY_HTTP__PORT": "0", "FIRSTREPLY_HTTP__WEB_CONFIG_FILE": str(web)}
    simulator = Simulator(1, datetime(2026, 3, 2, 9, tzinfo=UTC), 200.0, days=None)
    source = SimulatedSource(simulator, speed=40.0)
    await run_simulated(demo_settings(None, variables), source, companions=(compare,))


def main() -> None:
    """Measure, or be one of the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--abuse", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--scrape", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.abuse:
        kind, port = wanted.abuse
        asyncio.run(abuse(kind, "127.0.0.1", int(port)))
    elif wanted.scrape:
        asyncio.run(scrape("127.0.0.1", int(wanted.scrape)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(serve(Path(folder)))


if __name__ == "__main__":
    main()
