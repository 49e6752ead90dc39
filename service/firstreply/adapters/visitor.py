"""How a command of ours introduces itself to a running service, and whom it takes for one.

A service may ask for a password or for a client certificate (``http.web_config_file``), and its own
certificate may be signed by an authority of the house.
"""

import base64
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler

import msgspec

from firstreply.adapters.loopback import is_loopback
from firstreply.domain.errors import ConfigurationError


class Visitor(msgspec.Struct, frozen=True):
    """What was given on the command line."""

    ca_file: Path | None = None
    """PEM file of authorities; None: those of the system."""
    cert_file: Path | None = None
    """PEM file of our certificate, and of its key unless ``key_file`` holds it."""
    key_file: Path | None = None
    user: str | None = None
    password_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what a handshake is done with.

        Raises:
            ConfigurationError: a file cannot be used.
        """
        if self.key_file is not None and self.cert_file is None:
            msg = "--key is of no use without --cert; give both"
            raise ConfigurationError(msg)
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError is one
            msg = f"--ca-file {self.ca_file}: cannot be used: {_reason(error)}; give a PEM file"
            raise ConfigurationError(msg) from error
        if self.cert_file is not None:
            self._show_certificate(context)
        return context

    def _show_certificate(self, context: ssl.SSLContext) -> None:
        assert self.cert_file is not None  # noqa: S101 - the caller looked
        try:
            # A key with a passphrase is refused: a command that is run by others cannot be asked.
            context.load_cert_chain(self.cert_file, self.key_file, password="")
        except OSError as error:
            msg = (
                f"--cert {self.cert_file} or --key {self.key_file or self.cert_file}: cannot be"
                f" used: {_reason(error)}; give PEM files that belong together, without a"
                " passphrase"
            )
            raise ConfigurationError(msg) from error

    def headers(self, address: str) -> dict[str, str]:
        """Return the headers that say who we are.

        Raises:
            ConfigurationError: the password cannot be read, or could be on its way to ``address``.
        """
        if (self.user is None) != (self.password_file is None):
            msg = "--user and --password-file go together; give both"
            raise ConfigurationError(msg)
        if self.user is None or self.password_file is None:
            return {}
        parts = urlsplit(address)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            msg = f"--user: {address} would carry the password in the clear; ask by https://"
            raise ConfigurationError(msg)
        if ":" in self.user:
            msg = f"--user {self.user}: a user's name holds no colon"
            raise ConfigurationError(msg)
        login = f"{self.user}:{_password(self.password_file)}"
        return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


class NoRedirect(HTTPRedirectHandler):
    """A redirect would carry a password elsewhere; it comes back as the answer it is."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever urllib gives
        """Do not follow."""


def _password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        msg = f"--password-file {path}: cannot be read: {reason}; it must hold the password alone"
        raise ConfigurationError(msg) from error
    if not password:
        msg = f"--password-file {path}: is empty; put the password in it"
        raise ConfigurationError(msg)
    return password


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
