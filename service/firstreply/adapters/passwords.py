"""Checks passwords against bcrypt hashes, without holding up the event loop.

A check takes a good part of a second of a processor, on purpose. So each runs in a thread of its
own kind, one at a time; a right password is remembered, so that a scraper costs one check; a wrong
one is not, so that guessing cannot push right ones out; and only so many checks may wait, so that
guessing cannot pile them up. An unknown name costs a check too, and cannot be told from a wrong
password. What is remembered is a keyed hash, with a key of this process alone.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import bcrypt

MOST_WAITING: Final = 16
MOST_WAITING_OF_ONE: Final = 4
"""Of one peer, so that a guesser leaves room for a scraper whose password is not yet known."""
MOST_REMEMBERED: Final = 100

_LONGEST: Final = 72
"""Bytes of a password that bcrypt looks at; the tools that make hashes cut it there."""

_NICENESS: Final = 15
"""Of the thread that checks; 0 is ordinary, 19 the most."""

_DEFAULT_COST: Final = "10"


class BusyError(Exception):
    """Too many checks wait already."""


class Passwords:
    """Who may come in; made anew when the users change.

    Args:
        users: name to bcrypt hash.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name: hashed.encode() for name, hashed in users.items()}
        cost = max((hashed.split("$")[2] for hashed in users.values()), default=_DEFAULT_COST)
        # Nobody's: salt and hash of the right form, as slow to check as the slowest user's.
        self._nobody = f"$2b${cost}${'.' * 53}".encode()
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._waiting: Counter[str] = Counter()
        """Checks under way or queued, by peer."""
        self._thread = ThreadPoolExecutor(1, "password", initializer=_step_back)

    async def fit(self, user: str, password: str, peer: str = "") -> bool:
        """Say whether they belong together.

        Args:
            user: as given.
            password: as given.
            peer: address of who asks.

        Raises:
            BusyError: too many checks wait.
        """
        known = self._users.get(user)
        mark = self._mark(user, password)
        if mark in self._right:
            return True
        if self._waiting.total() >= MOST_WAITING or self._waiting[peer] >= MOST_WAITING_OF_ONE:
            raise BusyError
        self._waiting[peer] += 1
        try:
            fits = await asyncio.get_running_loop().run_in_executor(
                self._thread, _fits, password, known or self._nobody
            )
        finally:
            self._waiting[peer] -= 1
            if not self._waiting[peer]:
                del self._waiting[peer]
        if known is None or not fits:
            return False
        while len(self._right) >= MOST_REMEMBERED:
            del self._right[next(iter(self._right))]
        self._right[mark] = None
        return True

    def close(self) -> None:
        """End the thread, without waiting for a check under way. Idempotent."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _mark(self, user: str, password: str) -> bytes:
        name = user.encode()
        said = len(name).to_bytes(4, "big") + name + password.encode()
        return hmac.digest(self._key, said, hashlib.sha256)


def _step_back() -> None:
    """Leave the processor to the event loop's thread, where both want it."""
    if sys.platform == "linux":  # elsewhere this would slow the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _fits(password: str, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:_LONGEST], hashed)
    except ValueError:  # a NUL in it: nobody's password
        return False
