"""Reaching the brokers within a bounded time, and saying plainly why it failed.

aiokafka's clients try each address once and then report only "unable to bootstrap". Here a start is
repeated until ``connect_timeout``, then every address is tried once more, so that the message can
tell a broker that is down from one that refuses our protocol, certificate or password.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from firstreply.adapters.kafka.refusal import refused
from firstreply.domain.errors import RetryableError

_log = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 0.5
_CANCELLATIONS: Final = 10
_CANCEL_AGAIN_SECONDS: Final = 0.5


async def connect(start: Callable[[], Awaitable[None]], options: KafkaOptions) -> None:
    """Call a client's ``start`` until it succeeds or ``connect_timeout`` is over.

    Raises:
        RetryableError: no broker was reached; the text names every address.
    """
    attempts = 0
    last: BaseException = TimeoutError()
    try:
        async with asyncio.timeout(options.connect_timeout.total_seconds()):
            while True:
                try:
                    return await start()
                except (KafkaError, OSError) as error:
                    attempts, last = attempts + 1, error
                    _log.warning(
                        "kafka_unreachable",
                        extra={"servers": options.bootstrap_servers, "attempt": attempts},
                    )
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError as error:
        raise await _unreachable(options) from (last if attempts else error)


@contextlib.asynccontextmanager
async def administering(options: KafkaOptions) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an administration client for the length of a ``with`` block.

    Raises:
        RetryableError: no broker was reached, or one did not answer a question.
    """
    admin = AIOKafkaAdminClient(**connection_arguments(options))
    try:
        await connect(admin.start, options)
        try:
            async with asyncio.timeout(options.request_timeout.total_seconds()):
                yield admin
        except (KafkaError, TimeoutError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                raise
            msg = (
                f"Kafka at {options.bootstrap_servers} did not answer a question about its "
                f"topics: {error!r}; see whether its controller is up"
            )
            raise RetryableError(msg) from error
    finally:
        await bounded(admin.close(), options.stop_timeout)


async def bounded(closing: Awaitable[None], limit: timedelta) -> bool:
    """Wait for a client to close, but not for ever; return whether it did.

    In a task of its own: aiokafka's consumer waits for the fetches that it has cancelled, so its
    ``stop`` may end as cancelled although nobody cancelled us.
    """
    task = asyncio.ensure_future(closing)
    task.add_done_callback(retrieved)
    try:
        await asyncio.wait({task}, timeout=limit.total_seconds())
        in_time = task.done()
        await give_up([task])
    finally:
        task.cancel()  # we were: it was not waited for
    error: BaseException | None = TimeoutError()
    if task.done() and not task.cancelled():
        error = task.exception()
    elif in_time:
        error = asyncio.CancelledError()
    if error is None:
        return True
    if not isinstance(error, (KafkaError, TimeoutError, asyncio.CancelledError)):
        raise error
    _log.warning("kafka_close_incomplete", extra={"error": repr(error)})
    return False


async def give_up(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks of aiokafka until they have ended; some first wait for what they began."""
    pending = {task for task in tasks if not task.done()}
    for _ in range(_CANCELLATIONS):
        if not pending:
            return
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_SECONDS)


def retrieved(future: asyncio.Future[Any]) -> None:
    """Look at the outcome of what nobody waits for any more, or asyncio complains."""
    if not future.cancelled():
        future.exception()


async def _unreachable(options: KafkaOptions) -> RetryableError:
    hosts = [(host, port) for host, port, _ in collect_hosts(options.bootstrap_servers)]
    findings = await asyncio.gather(*(refused(host, port, options) for host, port in hosts))
    addresses = "; ".join(
        f"{host}:{port}: {finding or 'lets us in, and answers nothing in time: overloaded?'}"
        for (host, port), finding in zip(hosts, findings, strict=True)
    )
    waited = f"{options.connect_timeout.total_seconds():g} s"
    return RetryableError(
        f"no Kafka broker could be used within {waited}: {addresses}; if Kafka is elsewhere,"
        " correct kafka.bootstrap_servers"
    )
