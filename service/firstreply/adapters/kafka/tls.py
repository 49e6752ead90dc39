"""The client's side of TLS to the brokers, with the certificate of the day.

Short-lived certificates are exchanged on disk while the service runs. So each handshake looks
whether its files are other ones than before and loads them anew. A pair that does not fit, because
only half of it was written, leaves the pair before in force until the next handshake.
"""

import logging
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

_Version = tuple[int, int, int]


class ClientContext(ssl.SSLContext):
    """Verifies the broker's name and certificate; use ``client_context`` to make one."""

    _certfile: Path
    _keyfile: Path | None
    _cafile: Path | None
    _password: str | None
    _seen: Sequence[_Version | None] | None = None
    """Of the files when they were last loaded; None: there is no certificate of ours."""

    def load(
        self, certfile: Path, keyfile: Path | None, cafile: Path | None, password: str | None
    ) -> None:
        """Show this certificate to whoever asks for one, and its successors.

        Raises:
            OSError: a file cannot be read, or certificate and key do not fit.
        """
        self._certfile, self._keyfile, self._cafile = certfile, keyfile, cafile
        self._password = password
        self._seen = self._versions()
        self._load()

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401 - as it is called
        """Begin a handshake; asyncio calls it for each connection."""
        if self._seen is not None and self._versions() != self._seen:
            self._load_again()
        return super().wrap_bio(*args, **kwargs)

    def _load_again(self) -> None:
        seen = self._versions()
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            # A chain that does not fit would replace half of the one in force.
            trial.load_cert_chain(self._certfile, self._keyfile, self._password)
            self._load()
        except OSError as error:  # ssl.SSLError is one
            fields = {"file": str(self._certfile), "error": str(error)}
            _log.warning("kafka_certificate_not_renewed", extra=fields)
            return
        self._seen = seen
        _log.info("kafka_certificate_renewed", extra={"file": str(self._certfile)})

    def _load(self) -> None:
        if self._cafile is not None:
            self.load_verify_locations(self._cafile)
        self.load_cert_chain(self._certfile, self._keyfile, self._password)

    def _versions(self) -> Sequence[_Version | None]:
        return [_version(file) for file in (self._certfile, self._keyfile, self._cafile)]


def client_context(
    *,
    cafile: Path | None = None,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    password: str | None = None,
) -> ssl.SSLContext:
    """Return what handshakes with brokers are done with.

    Args:
        cafile: authorities to trust; None: those of the system.
        certfile: our certificate and its chain; None: we show none.
        keyfile: its key; None: it is in ``certfile``.
        password: of the key.

    Raises:
        OSError: a file cannot be read or used.
    """
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the name and wants a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cafile is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile)
    if certfile is not None:
        context.load(certfile, keyfile, cafile, password)
    return context


def _version(file: Path | None) -> _Version | None:
    """Return what tells a version of a file from another; one that is gone is another too."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
