"""From a name to a broker that answers: name service, port, certificate, login, advertised address.

Each address is followed as far as it goes; the first layer that fails is the finding, the layers
above it need it.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from firstreply.adapters.kafka.link import LinkError, linked
from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from firstreply.adapters.kafka.probe import (
    connects,
    resolve,
    shake_hands,
    speaks,
)
from firstreply.adapters.kafka.seen import Broker, ClusterSeen
from firstreply.doctor.addresses import (
    Address,
    Reached,
    advertised_verdict,
    logged_in_verdicts,
    login_failure,
    name_verdict,
    plain_verdict,
    port_verdict,
    tls_verdict,
)
from firstreply.doctor.finding import Finding, ok


async def reach(options: KafkaOptions, address: Address, limit: timedelta) -> Reached:
    """Follow an address from its name to the login."""
    seconds = limit.total_seconds()
    host, port = address.host, address.port
    found = [name_verdict(address, await resolve(host, port, seconds))]
    if found[-1].result == "ok":
        found.append(port_verdict(address, await connects(host, port, seconds)))
    if found[-1].result == "ok":
        found.append(await _spoken(options, address, seconds))
    if found[-1].result == "failure":
        return Reached(address, tuple(found))
    try:
        async with linked(options, host, port, limit) as link:
            cluster = await link.cluster()
    except LinkError as error:
        offered = await _offered(options, address, limit)
        return Reached(address, (*found, login_failure(options, address, error, offered)))
    return Reached(address, (*found, *logged_in_verdicts(options, address)), cluster)


async def _offered(options: KafkaOptions, address: Address, limit: timedelta) -> list[str]:
    """Return the ways to log in that a broker offers, none where it does not tell."""
    if not options.security_protocol.startswith("SASL"):
        return []
    try:
        async with linked(options, address.host, address.port, limit, log_in=False) as link:
            return await link.mechanisms(options.sasl_mechanism or "")
    except LinkError:
        return []


async def _spoken(options: KafkaOptions, address: Address, limit: float) -> Finding:
    host, port = address.host, address.port
    if "SSL" not in options.security_protocol.split("_"):
        return plain_verdict(options, address, await speaks(host, port, limit))
    context = connection_arguments(options)["ssl_context"]
    shaken = await shake_hands(host, port, context, limit)
    return tls_verdict(options, address, shaken, time.time())


async def advertised(
    options: KafkaOptions, asked: Sequence[Address], cluster: ClusterSeen, limit: timedelta
) -> list[tuple[Broker, Finding]]:
    """Follow every address that the brokers advertise."""
    known = set(asked)

    async def follow(broker: Broker) -> tuple[Broker, Finding]:
        address = Address(broker.host, broker.port)
        if address in known:
            text = f"broker {broker.number} is at {address}, where it was asked"
            return broker, ok("advertised", text)
        reached = await reach(options, address, limit)
        return broker, advertised_verdict(asked, broker, reached, cluster)

    return list(await asyncio.gather(*map(follow, cluster.brokers)))
