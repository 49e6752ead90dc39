"""Receives what Alertmanager sends and prints it: who is told what, without Slack or a mail server.

One block for each message, on standard output. The dead man's switch gets a message each minute;
only its first one is printed. Nothing is answered but 200, also to what cannot be read.

    python -m firstreply.devkit.notifications 127.0.0.1:9099
"""

import json
import signal
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Final

_MOST_BYTES: Final = 1 << 20
_TIMEOUT_SECONDS: Final = 10.0
_DEAD_MAN: Final = "dead-man-switch"


class Notifications(ThreadingHTTPServer):
    """The server; ``serve_forever`` to run it."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], tell: Callable[[str], object]) -> None:
        """Listen.

        Args:
            address: host and port.
            tell: gets each message as lines of text.
        """
        super().__init__(address, _Handler)
        self._tell = tell
        self._lock = Lock()
        self._heart_beats = False

    def got(self, receiver: str, body: bytes) -> None:
        """Tell of one message."""
        with self._lock:
            if receiver == _DEAD_MAN:
                if not self._heart_beats:
                    self._tell(f"[{receiver}] beats; nothing more is told of it")
                self._heart_beats = True
                return
            self._tell(message(receiver, body))


def message(receiver: str, body: bytes) -> str:
    """Return a message as lines: Slack's as it looks there, a webhook's alerts one by one."""
    try:
        content = json.loads(body)
        if "attachments" in content:
            where = content.get("channel", "")
            told = [
                line
                for part in content["attachments"]
                for line in (part.get("title", ""), *part.get("text", "").splitlines())
            ]
        else:
            where = content.get("status", "")
            told = [
                f"{alert['status']}: {alert['labels'].get('alertname', '?')}"
                f" {alert['annotations'].get('summary', '')}"
                for alert in content["alerts"]
            ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"[{receiver}] {len(body)} bytes that are no message of Alertmanager"
    return "\n  ".join([f"[{receiver}] {where}", *told])


class _Handler(BaseHTTPRequestHandler):
    timeout = _TIMEOUT_SECONDS
    server: Notifications

    def do_POST(self) -> None:
        """Take a message."""
        length = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
        self.server.got(self.path.strip("/"), self.rfile.read(length))
        self.do_GET()

    def do_GET(self) -> None:
        """Answer, also a health check."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Stay silent: the messages are the output."""


def main() -> None:
    """Listen on the address of the command line and print, until a signal."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host, _, port = sys.argv[1].rpartition(":")
    with Notifications((host, int(port)), lambda text: print(text, flush=True)) as server:  # noqa: T201 - its output
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
