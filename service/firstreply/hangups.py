"""SIGHUP, which asks for the configuration to be read again.

None is lost and none kills: from before the configuration is read until somebody listens they are
held back, and one that came meanwhile is told then.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hangups_held() -> Iterator[None]:
    """Hold SIGHUP back in this thread until ``hangups`` listens; at the end all is as before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def hangups() -> Iterator[asyncio.Event]:
    """Set an event at each SIGHUP, also at one that was held back."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, told.set)
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield told
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        loop.remove_signal_handler(signal.SIGHUP)
