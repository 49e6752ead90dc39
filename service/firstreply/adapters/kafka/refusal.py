"""Why a broker does not let us in, in the words of the settings that can change it.

aiokafka writes the cause to its log and goes on; whoever starts the service wants it in the error.
So one connection is tried as the clients try theirs: TLS, the first question, the login.
"""

import asyncio
import ssl
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from firstreply.adapters.kafka.tokens import TokenError

_TRY_SECONDS: Final = 3.0

_ANOTHER_NAME: Final = (62, 64)
"""OpenSSL's numbers for a host name and for an IP address that a certificate does not hold."""


async def refused(host: str, port: int, options: KafkaOptions) -> str | None:
    """Try to connect and to log in; return why it fails, or None if it does not.

    Raises:
        ConfigurationError: a certificate, key or password file cannot be used.
    """
    arguments = connection_arguments(options)
    del arguments["bootstrap_servers"], arguments["metadata_max_age_ms"]
    try:
        async with asyncio.timeout(_TRY_SECONDS):
            connection = await create_conn(host, port, **arguments)
            try:
                known = await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (KafkaError, OSError) as error:  # TimeoutError is one
        return _in_words(error, options)
    # aiokafka overlooks that a token is refused; the next answer is empty then.
    return None if known.brokers else _refuses_token()


def _in_words(error: BaseException, options: KafkaOptions) -> str:
    told = _told_by_tls(error, options) or _told_by_login(error, options)
    if told is not None:
        return told
    other = f"it expects another kafka.security_protocol than {options.security_protocol}"
    if isinstance(error, TimeoutError):
        return f"no answer in {_TRY_SECONDS:g} s: it is down, overloaded, or {other}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"accepts connections and ends them unanswered: it is overloaded, or {other}"


def _told_by_login(error: BaseException, options: KafkaOptions) -> str | None:
    """Return what the login was refused for.

    What the broker says of it is left out: it may repeat a token.
    """
    if isinstance(error, TokenError):
        return str(error.args[0])
    if isinstance(error, (UnsupportedSaslMechanismError, IllegalSaslStateError)):
        return (
            f"does not take kafka.sasl_mechanism {options.sasl_mechanism} here: ask for the"
            " mechanisms and the kafka.security_protocol of this listener"
        )
    if not isinstance(error, SaslAuthenticationFailed):
        return None
    if options.sasl_mechanism == "OAUTHBEARER":
        return _refuses_token()
    return (
        f"refuses user {options.sasl_username} or the password ({options.sasl_mechanism}): check"
        " kafka.sasl_username and kafka.sasl_password_file"
    )


def _told_by_tls(error: BaseException | None, options: KafkaOptions) -> str | None:
    """Return what TLS says, which may be the cause of what aiokafka raised."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__
    if error is None:
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _ANOTHER_NAME:
            return (
                f"its certificate is for another name ({error.verify_message}): write a name that"
                " it holds in kafka.bootstrap_servers and in the broker's advertised.listeners"
            )
        return (
            f"its certificate is not trusted ({error.verify_message}): name the file of its"
            " authority in kafka.ssl_cafile"
        )
    alert = error.reason or str(error)
    if "ALERT" in alert and options.ssl_certfile is None:
        return (
            f"ends TLS ({alert}): if it asks for a certificate, give kafka.ssl_certfile and"
            " kafka.ssl_keyfile"
        )
    if "ALERT" in alert:
        return (
            f"ends TLS ({alert}): kafka.ssl_certfile must be valid and signed by an authority that"
            " it trusts"
        )
    return (
        f"TLS fails ({alert}): it expects another kafka.security_protocol than"
        f" {options.security_protocol}, or its TLS is too old"
    )


def _refuses_token() -> str:
    return (
        "refuses the token: ask which issuer, audience and scope it wants"
        " (kafka.sasl_oauthbearer_scope), and compare the clocks"
    )
