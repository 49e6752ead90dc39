"""Asks a running service whether it lives or is ready: ``GET /healthz`` or ``/readyz``.

One request, with a timeout and a bound on the answer, never through a proxy: who checks the health
of a process asks that process. Its certificate is not verified: it names the service's public name,
not the loopback address that is asked, and neither question nor answer holds a secret.
"""

import json
import ssl
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from firstreply.adapters.visitor import NoRedirect, Visitor
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError

_MOST_BYTES: Final = 1 << 20


def ask_health(url: str, visitor: Visitor, *, live: bool, timeout_seconds: float) -> None:
    """Return if the service is ready, or with ``live``, if it lives.

    Args:
        url: of the service, such as ``http://127.0.0.1:9464``; http or https.
        visitor: who asks; only a certificate is shown, no password.
        live: ask whether the process answers at all.
        timeout_seconds: how long to wait for the answer.

    Raises:
        ConfigurationError: no such address, or a certificate that cannot be used.
        FatalError: the service answers, and is not ready; the message says why.
        RetryableError: nobody answers.
    """
    address = f"{_checked(url)}/{'healthz' if live else 'readyz'}"
    request = Request(address)  # noqa: S310 - _checked lets http and https pass, nothing else
    try:
        with _opener(visitor).open(request, timeout=timeout_seconds) as answer:
            answer.read(_MOST_BYTES)
    except HTTPError as refused:
        with refused:
            reasons = _reasons(refused.read(_MOST_BYTES))
        msg = f"{address}: answers {refused.code} {refused.reason}{reasons}"
        raise FatalError(msg) from refused
    except (URLError, HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        msg = f"{address}: does not answer: {reason}; check that the service runs and listens there"
        raise RetryableError(msg) from error


def _opener(visitor: Visitor) -> OpenerDirector:
    unverified = visitor.context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    return build_opener(NoRedirect(), ProxyHandler({}), HTTPSHandler(context=unverified))


def _checked(url: str) -> str:
    """Return the address without the slash at its end."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        msg = f"{url}: give the address of a service, such as http://127.0.0.1:9464"
        raise ConfigurationError(msg)
    return url.rstrip("/")


def _reasons(body: bytes) -> str:
    """Return what ``/readyz`` says is missing, as the end of a message."""
    try:
        reasons = json.loads(body)["reasons"]
        return ": " + "; ".join(reasons)
    except (ValueError, KeyError, TypeError):
        return ""
