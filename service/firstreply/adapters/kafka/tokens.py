"""Tokens for SASL OAUTHBEARER: the client credentials grant (RFC 6749, section 4.4).

One provider serves every Kafka client made of the same options. A token is fetched when a client
connects, kept, and renewed once four fifths of its life have passed; while the endpoint is down the
old one is used until it ends. aiokafka asks only while it connects, holding a lock that all
connections of that client share, so a question is bounded by ``TIMEOUT_SECONDS``; and it survives
``KafkaError`` alone there, so every failure is one.
"""

import asyncio
import base64
import http.client
import json
import logging
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import (
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from firstreply.adapters.loopback import is_loopback
from firstreply.adapters.visitor import NoRedirect
from firstreply.domain.errors import ConfigurationError

_log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 10.0
"""Longest wait for the endpoint: for the connection, and for each part of its answer."""

_RENEW_AFTER: Final = 0.8
_LIFE_IF_UNTOLD: Final = 60.0
"""Seconds a token is used for if the endpoint does not say ``expires_in``."""

_MOST_BYTES: Final = 1 << 20
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750: anything else could end the message that carries it."""
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,40}")

_URL: Final = "kafka.sasl_oauthbearer_token_endpoint_url"
_SECRET_FILE: Final = "kafka.sasl_oauthbearer_client_secret_file"  # noqa: S105  # a setting's name


@dataclass(frozen=True, slots=True, kw_only=True)
class OauthClient:
    """Who asks whom for tokens. Field names are those of ``kafka.sasl_oauthbearer_*``."""

    token_endpoint_url: str
    client_id: str
    client_secret_file: str | Path
    scope: str | None = None
    cafile: str | Path | None = None
    """Authorities of the endpoint's certificate; None: those of the system."""


class TokenError(KafkaConnectionError):  # type: ignore[misc]  # aiokafka has no types
    """No token could be had; says which setting to look at, and holds no secret."""


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """What aiokafka asks for a token at each connection.

    Args:
        client: who asks whom.
        monotonic: seconds.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    def __init__(
        self, client: OauthClient, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._opener = _opener(client)
        self._asking = asyncio.Lock()
        self._token = ""
        self._renew_at = self._ends_at = monotonic()

    def __repr__(self) -> str:
        return f"TokenProvider({self._client!r})"

    async def token(self) -> str:
        """Return a token that is valid now.

        Raises:
            TokenError: there is none, and none could be fetched.
        """
        async with self._asking:
            if self._monotonic() >= self._renew_at:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        asked_at = self._monotonic()
        try:
            token, seconds = await asyncio.to_thread(_fetch, self._client, self._opener)
        except TokenError as error:
            if self._monotonic() >= self._ends_at:
                raise
            _log.warning("kafka_token_not_renewed", extra={"error": str(error)})
            return
        self._token = token
        self._renew_at = asked_at + seconds * _RENEW_AFTER
        self._ends_at = asked_at + seconds


def _opener(client: OauthClient) -> OpenerDirector:
    try:
        context = ssl.create_default_context(cafile=client.cafile)
    except OSError as error:  # ssl.SSLError is one
        msg = (
            f"kafka.sasl_oauthbearer_cafile: {client.cafile} cannot be used: {error}; it must be a"
            " readable PEM file"
        )
        raise ConfigurationError(msg) from error
    handlers = [NoRedirect(), HTTPSHandler(context=context)]
    if is_loopback(urlsplit(client.token_endpoint_url).hostname or ""):
        handlers.append(ProxyHandler({}))  # a proxy cannot reach our own machine
    return build_opener(*handlers)


def _fetch(client: OauthClient, opener: OpenerDirector) -> tuple[str, float]:
    """Ask the endpoint; return the token and for how many seconds it is valid."""
    form = {"grant_type": "client_credentials"}
    if client.scope is not None:
        form["scope"] = client.scope
    # RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
    login = f"{quote(client.client_id, safe='')}:{quote(_secret(client), safe='')}"
    request = Request(  # noqa: S310 - the settings let https and, on loopback, http pass
        client.token_endpoint_url,
        data=urlencode(form).encode(),
        headers={
            "Accept": "application/json",
            "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
        },
    )
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read(_MOST_BYTES)
    except HTTPError as refused:
        with refused:
            code = _error_code(refused.read(_MOST_BYTES))
        msg = f"it answers {refused.code}{code}; check that address, the client's id and its secret"
        raise _failure(client, msg) from None
    except (URLError, http.client.HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _failure(client, f"it cannot be asked: {reason}") from None
    return _read(client, body)


def _secret(client: OauthClient) -> str:
    """Read the secret anew: it may have been changed."""
    try:
        secret = Path(client.client_secret_file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{_SECRET_FILE}: {client.client_secret_file} cannot be read: {error}"
        raise TokenError(msg) from None
    return secret


def _read(client: OauthClient, body: bytes) -> tuple[str, float]:
    try:
        answer = json.loads(body)
        token, seconds = answer["access_token"], float(answer.get("expires_in", _LIFE_IF_UNTOLD))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        msg = "its answer holds no access_token; is this a token endpoint?"
        raise _failure(client, msg) from None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not 0 < seconds < float("inf"):
        msg = "its access_token or expires_in is malformed; is this a token endpoint?"
        raise _failure(client, msg)
    return token, seconds


def _error_code(body: bytes) -> str:
    """Return the error code of RFC 6749 as the end of a message, such as `` (invalid_client)``."""
    try:
        code = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return f" ({code})" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""


def _failure(client: OauthClient, why: str) -> TokenError:
    return TokenError(f"{_URL}: {client.token_endpoint_url}: {why}")
