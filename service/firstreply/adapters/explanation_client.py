"""Asks a running service to explain a contact: ``GET /api/v1/contacts/{id}``.

The body comes back as the service wrote it; every way in which that can fail becomes an error that
says what to do. One request, with a timeout and a bound on the answer.
"""

import json
import ssl
from http import HTTPStatus
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from firstreply.adapters.loopback import is_loopback
from firstreply.adapters.visitor import NoRedirect, Visitor
from firstreply.domain.errors import (
    ConfigurationError,
    FatalError,
    FirstreplyError,
    RetryableError,
)

_TIMEOUT: Final = 10.0
_MOST_BYTES: Final = 8 << 20


def fetch_explanation(url: str, contact_id: str, visitor: Visitor) -> bytes:
    """Return the explanation as JSON.

    Args:
        url: of the service, such as ``http://127.0.0.1:9464``; http or https.
        contact_id: exactly as in the events.
        visitor: who asks.

    Raises:
        ConfigurationError: no such address, no service of ours there, one that shows no contacts,
            or one that does not let us in.
        FatalError: the service does not know the contact.
        RetryableError: nobody answers, or not now.
    """
    address = _address(url)
    request = Request(  # noqa: S310 - _address lets http and https pass, nothing else
        f"{address}/api/v1/contacts/{quote(contact_id, safe='')}",
        headers={"Accept": "application/json", **visitor.headers(address)},
    )
    try:
        with _opener(address, visitor).open(request, timeout=_TIMEOUT) as response:
            body: bytes = response.read(_MOST_BYTES + 1)
    except HTTPError as refused:
        with refused:
            raise _refusal(address, contact_id, refused) from refused
    except (URLError, HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLError):
            raise _distrust(address, reason) from error
        msg = (
            f"{address}: cannot be asked: {_in_words(reason)}; check --url and that the service"
            " runs (firstreply run), or name files to read"
        )
        raise RetryableError(msg) from error
    if len(body) > _MOST_BYTES or not _is_object(body):
        raise _another(address)
    return body


def _address(url: str) -> str:
    """Return the address without the slash at its end; only http and https are one."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname)
        known = known and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        msg = f"--url {url}: give the address of a service, such as http://127.0.0.1:9464"
        raise ConfigurationError(msg)
    return url.rstrip("/")


def _opener(address: str, visitor: Visitor) -> OpenerDirector:
    """Return what opens an address: a proxy of the environment cannot reach our own machine."""
    handlers = [NoRedirect(), HTTPSHandler(context=visitor.context())]
    if is_loopback(urlsplit(address).hostname or ""):
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)


def _refusal(address: str, contact_id: str, refused: HTTPError) -> FirstreplyError:
    """Say what to do about an answer that is no explanation."""
    body = refused.read(_MOST_BYTES)
    if not _is_object(body):
        return _another(address)
    if refused.code == HTTPStatus.UNAUTHORIZED:
        return ConfigurationError(
            f"{address}: asks for a user and password, or refuses those given; give --user and"
            " --password-file, or name files to read"
        )
    if refused.code == HTTPStatus.FORBIDDEN:
        return ConfigurationError(
            f"{address}: shows no single contacts ({_said(body)}): set http.contact_ids: true in"
            " its configuration, and http.api: on unless it asks for passwords; or name files to"
            " read"
        )
    if refused.code == HTTPStatus.NOT_FOUND:
        return FatalError(
            f"{address}: does not know contact {contact_id!r}; check the id, case and all. A"
            " process knows the contacts of its own partitions, until they are settled and silent"
            " for settle_for: ask the others too, or name files to read"
        )
    return RetryableError(f"{address}: answers {refused.code} {refused.reason}; see {address}/")


def _distrust(address: str, reason: ssl.SSLError) -> ConfigurationError:
    """Say which file is missing where TLS fails."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"{address}: its certificate is not trusted: {reason.verify_message}; name the file of"
            " its authority with --ca-file, and ask by a name that the certificate holds"
        )
    return ConfigurationError(
        f"{address}: TLS fails: {reason.reason or reason}; give --cert and --key where it asks for"
        " a certificate, and http:// where it speaks no TLS"
    )


def _said(body: bytes) -> str:
    return str(json.loads(body).get("error", "it does not say why"))


def _another(address: str) -> ConfigurationError:
    msg = (
        f"{address}: does not answer as firstreply does, in JSON; check --url: it is the address"
        " of /metrics without the path"
    )
    return ConfigurationError(msg)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _in_words(reason: object) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__
