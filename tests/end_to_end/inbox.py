"""What Alertmanager sends, caught on loopback: Slack and webhooks over HTTP, e-mail over SMTP.

Every message is kept with the moment it came, in the order it came. The mail server knows just
enough of RFC 5321 for one message after another, without TLS and without a log-in.
"""

import asyncio
import email.policy
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import msgspec
from aiohttp import web

from firstreply.devkit.loopback import LOOPBACK

Json = dict[str, Any]


class Message(msgspec.Struct, frozen=True):
    """One message that came in."""

    at: float
    """Unix seconds."""
    by: str
    """``slack``, ``webhook``, ``dead-man-switch`` or ``email``."""
    to: str
    """Slack's channel, the recipient of an e-mail, or nothing."""
    title: str
    text: str
    alerts: tuple[Json, ...] = ()
    """Of webhooks: what Alertmanager tells of each alert."""

    @property
    def names(self) -> set[str]:
        """The alerts that a webhook tells of."""
        return {alert["labels"]["alertname"] for alert in self.alerts}


class Inbox:
    """Both servers and what they got."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._came = asyncio.Event()
        self.http = ""
        self.smtp = ""

    def got(self, by: str, to: str = "", title: str = "", *, since: float = 0.0) -> list[Message]:
        """Return the messages of a kind that begin so."""
        return [
            one
            for one in self.messages
            if one.by == by and one.to == (to or one.to) and one.title.startswith(title)
            if one.at >= since
        ]

    async def until(self, is_so: Callable[[], list[Message]], what: str, seconds: float) -> Message:
        """Wait for a message and return the first one."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := is_so()):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            came = "\n".join(f"{one.at:.1f} {one.by} {one.to} {one.title}" for one in self.messages)
            msg = f"{what} did not come within {seconds:g} s; what came:\n{came}"
            raise AssertionError(msg) from None
        return found[0]

    async def take_http(self, request: web.Request) -> web.Response:
        """Keep what a webhook or Slack's integration posts."""
        body = await request.json()
        by = request.path.strip("/")
        if by == "slack":
            (attachment,) = body["attachments"]
            message = Message(
                time.time(), by, body["channel"], attachment["title"], attachment["text"]
            )
        else:
            assert request.headers["Authorization"].startswith("Bearer the ")
            message = Message(time.time(), by, "", body["status"], "", tuple(body["alerts"]))
        self._keep(message)
        return web.Response(text="ok")

    async def take_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to a mail client until it leaves."""
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            command = line.split(maxsplit=1)[0].upper()
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                lines = []
                while (part := await reader.readline()) != b".\r\n":
                    lines.append(part.removeprefix(b"."))
                self._keep(read_mail(b"".join(lines)))
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                break
        writer.close()

    def _keep(self, message: Message) -> None:
        self.messages.append(message)
        self._came.set()


def read_mail(raw: bytes) -> Message:
    """Return an e-mail, which must have both a plain and a rich text."""
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert mail.get_body(("html",)) is not None
    return Message(time.time(), "email", mail["To"], mail["Subject"], plain.get_content())


@asynccontextmanager
async def open_inbox() -> AsyncIterator[Inbox]:
    """Run both servers on free ports."""
    inbox = Inbox()
    app = web.Application()
    app.router.add_post("/{name}", inbox.take_http)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    mail = await asyncio.start_server(inbox.take_mail, LOOPBACK, 0)
    inbox.http = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    inbox.smtp = f"{LOOPBACK}:{mail.sockets[0].getsockname()[1]}"
    try:
        yield inbox
    finally:
        mail.close()
        await mail.wait_closed()
        await runner.cleanup()
