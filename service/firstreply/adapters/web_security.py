"""``http.web_config_file`` while the service runs: the newest right version of it.

Looked at when somebody connects or asks, at most once a second: if the file or one it names is
another one than before, all are read again. If they are wrong, the version before stays in force,
the log says why, and so does ``/readyz``. What must not be lost by a mistake (a file that is empty
for a moment while it is written) needs a restart: whether there is TLS, whether clients need a
certificate, and whether a password is asked for.
"""

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from firstreply.adapters.passwords import Passwords
from firstreply.config.web_file import WebConfig, load_web_file
from firstreply.config.web_tls import server_context
from firstreply.domain.errors import ConfigurationError

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0

_Seen = tuple[tuple[int, int, int], ...]


class WebSecurity:
    """What the file says now.

    Args:
        path: of the file; None: plain HTTP, and no password.
        monotonic: seconds.

    Raises:
        ConfigurationError: the file, or one it names, is wrong.
    """

    def __init__(
        self, path: Path | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._config = WebConfig()
        self._context: ssl.SSLContext | None = None
        self._passwords: Passwords | None = None
        self._wrong: str | None = None
        self._files: tuple[Path, ...] = ()
        self._seen: _Seen = ()
        if path is not None:
            self._read(path)

    @property
    def knows_who_asks(self) -> bool:
        """Whether a password or a client certificate is asked for; as long as the process runs."""
        return self._config.knows_who_asks

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken; as long as the process runs."""
        return self._context is not None

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the newest version of the file; empty if nothing."""
        self._look_again()
        return [] if self._wrong is None else [self._wrong]

    def context(self) -> ssl.SSLContext | None:
        """Return what the next handshake is done with; None: plain HTTP."""
        self._look_again()
        return self._context

    def passwords(self) -> Passwords | None:
        """Return what the next request is checked by; None: no password is asked for."""
        self._look_again()
        return self._passwords

    def headers(self) -> Mapping[str, str]:
        """Return the headers of every answer that does not set them itself."""
        return self._config.headers

    def close(self) -> None:
        """Free what checks passwords. Idempotent."""
        if self._passwords is not None:
            self._passwords.close()

    def _look_again(self) -> None:
        now = self._monotonic()
        if self._path is None or now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        if tuple(map(_version, self._files)) == self._seen:
            return
        try:
            self._read(self._path, self._config)
        except ConfigurationError as error:
            self._wrong = f"the web configuration in force is an older one: {error}"
            _log.error("web_config_refused", extra={"error": str(error)})
        else:
            self._wrong = None
            _log.info("web_config_read", extra={"file": str(self._path)})

    def _read(self, path: Path, before: WebConfig | None = None) -> None:
        """Read all files and use them; what changes while they are read is read again later."""
        self._seen = tuple(map(_version, self._files))
        version = _version(path)
        config = load_web_file(path)
        files = () if config.tls is None else config.tls.files
        self._files = (path, *files)
        self._seen = (version, *map(_version, files))
        if before is not None:
            _refuse_what_needs_a_restart(path, before, config)
        context = None if config.tls is None else server_context(config.tls)
        if self._passwords is None or config.users != self._config.users:
            self.close()
            self._passwords = Passwords(config.users) if config.users else None
        self._config, self._context = config, context


def _refuse_what_needs_a_restart(path: Path, before: WebConfig, after: WebConfig) -> None:
    new = _kind(after)
    for name, was in _kind(before).items():
        if new[name] != was:
            msg = f"{path}: {name} was {was} and is {new[name]}; restart to change that"
            raise ConfigurationError(msg)


def _kind(config: WebConfig) -> dict[str, str]:
    """Return what stays as it is while the process runs."""
    tls = config.tls
    return {
        "tls_server_config": "absent" if tls is None else "given",
        "client_auth_type": "absent" if tls is None else tls.client_auth,
        "basic_auth_users": "given" if config.users else "absent",
    }


def _version(file: Path) -> tuple[int, int, int]:
    """Return what tells a version of a file from another; one that is gone is another too."""
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
