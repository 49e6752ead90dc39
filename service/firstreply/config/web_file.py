"""Reads ``http.web_config_file``: TLS, headers and users, as Prometheus' exporter-toolkit has them.

Strict: a key that is not known, or that promises what this server does not do, is a mistake, since
who wrote it relies on it. All mistakes come out at once, each with its line. Paths are relative to
the folder of the file. No message holds a hash.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final

from firstreply.config.did_you_mean import did_you_mean, listing
from firstreply.config.file import Document, Path, Problem, Tree, read_document
from firstreply.config.web_tls import CIPHERS, CIPHERS_OF_TLS13, CLIENT_AUTH, VERSIONS, TlsServer
from firstreply.domain.errors import ConfigurationError

_NOT_DONE: Final[Mapping[Path, str]] = {
    ("tls_server_config", "cert"): "is not read from here; put it in a file, and name cert_file",
    ("tls_server_config", "key"): "is not read from here; put it in a file, and name key_file",
    ("tls_server_config", "client_ca"): (
        "is not read from here; put it in a file, and name client_ca_file"
    ),
    ("tls_server_config", "client_allowed_sans"): (
        "names of clients are not checked; let client_ca_file sign only who may come in, and remove"
        " this"
    ),
    ("tls_server_config", "curve_preferences"): "cannot be chosen; remove it",
    ("rate_limit",): "is not done here; limits are built in (docs/security.md): remove it",
}
"""What exporter-toolkit knows and this server does not do."""

_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""Those that may be set, and their values where only some are right."""

_TLS_KEYS: Final = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
)
_KEYS: Final = ("tls_server_config", "http_server_config", "basic_auth_users")
_UNVERIFIED: Final = frozenset({"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"})
_OLD: Final = frozenset({"TLS10", "TLS11"})
_HASH: Final = re.compile(r"\$2[abxy]\$([0-9]{2})\$[./A-Za-z0-9]{53}")

MOST_COST: Final = 16
"""Of a hash: each further one doubles the time; 16 takes seconds of a processor."""


@dataclass(frozen=True)
class WebConfig:
    """What the file says."""

    tls: TlsServer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Name to bcrypt hash; empty: no password is asked for."""

    @property
    def knows_who_asks(self) -> bool:
        """Whether a password or a client certificate is asked for."""
        certificates = self.tls is not None and self.tls.client_auth == "RequireAndVerifyClientCert"
        return certificates or bool(self.users)


def load_web_file(path: FilePath) -> WebConfig:
    """Read the file.

    Raises:
        ConfigurationError: one line for every mistake, each with its place.
    """
    web, problems = read_web_file(path)
    if problems:
        lines = (
            ": ".join(part for part in (str(one.place), dotted(one.path), one.message) if part)
            for one in sorted(problems, key=lambda one: one.place or ("", 0, 0))
        )
        raise ConfigurationError("\n".join(lines))
    return web


def dotted(path: Path) -> str:
    """Write a path as people do."""
    return ".".join(map(str, path))


def read_web_file(path: FilePath) -> tuple[WebConfig, list[Problem]]:
    """Return what the file says, and every mistake in it, placed; with any, the former is void.

    Raises:
        ConfigurationError: it cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "is not UTF-8 text").lower()
        msg = f"{path}: cannot read the web configuration: {reason}; name a readable YAML file"
        raise ConfigurationError(msg) from error
    document = read_document(text, str(path))
    reader = _Reader(document, path.parent)
    web = reader.read()
    problems = (*document.problems, *reader.problems)
    return web, [
        one._replace(place=one.place or document.place(one.path, key=one.at_key))
        for one in problems
    ]


class _Reader:
    """Reads each part, and collects what is wrong."""

    def __init__(self, document: Document, folder: FilePath) -> None:
        self._tree = document.tree
        self._folder = folder
        self.problems: list[Problem] = []

    def read(self) -> WebConfig:
        self._only(_KEYS, self._tree, ())
        return WebConfig(self._tls(), self._headers(), self._users())

    def _tls(self) -> TlsServer | None:
        path: Path = ("tls_server_config",)
        given = self._mapping(path, self._tree)
        if not given:
            return None
        self._only(_TLS_KEYS, given, path)
        files = {
            name: self._file((*path, name), given)
            for name in ("cert_file", "key_file", "client_ca_file")
        }
        certificate, key = files["cert_file"], files["key_file"]
        for name in ("cert_file", "key_file"):
            if name not in given:
                self._problem((*path, name), "is missing; add it")
        tls = TlsServer(
            cert_file=certificate or self._folder,
            key_file=key or self._folder,
            client_auth=self._client_auth((*path, "client_auth_type"), given),
            client_ca_file=files["client_ca_file"],
            min_version=self._version((*path, "min_version"), given, "TLS12"),
            max_version=self._version((*path, "max_version"), given, "TLS13"),
            ciphers=self._ciphers((*path, "cipher_suites"), given),
            prefer_server_ciphers=self._boolean(
                (*path, "prefer_server_cipher_suites"), given, default=True
            ),
        )
        self._check_together(tls, given, path)
        return tls

    def _check_together(self, tls: TlsServer, given: Mapping[str, Tree], path: Path) -> None:
        if tls.min_version > tls.max_version:
            message = f"{tls.min_version} is newer than max_version {tls.max_version}; lower it"
            self._problem((*path, "min_version"), message)
        if tls.client_auth == "NoClientCert" and "client_ca_file" in given:
            message = (
                "is of no use unless client certificates are asked for; set client_auth_type:"
                " RequireAndVerifyClientCert, or remove this"
            )
            self._problem((*path, "client_ca_file"), message)
        if tls.client_auth != "NoClientCert" and "client_ca_file" not in given:
            message = f"{tls.client_auth} needs client_ca_file: who signs clients; add it"
            self._problem((*path, "client_auth_type"), message)
        if given.get("cipher_suites") and not tls.ciphers and tls.min_version == "TLS12":
            message = "has no suite of TLS 1.2; add one, or set min_version: TLS13"
            self._problem((*path, "cipher_suites"), message)

    def _client_auth(self, path: Path, given: Mapping[str, Tree]) -> str:
        value = given.get("client_auth_type", "NoClientCert")
        if value in _UNVERIFIED:
            self._problem(
                path,
                f"{value} lets any certificate in, whoever signed it; write"
                " RequireAndVerifyClientCert",
            )
            return "RequireAndVerifyClientCert"
        return self._one_of(path, value, CLIENT_AUTH, "NoClientCert")

    def _version(self, path: Path, given: Mapping[str, Tree], default: str) -> str:
        value = given.get(str(path[-1]), default)
        if value in _OLD:
            self._problem(path, f"{value} is broken and not offered; write TLS12 or TLS13")
            return default
        return self._one_of(path, value, VERSIONS, default)

    def _ciphers(self, path: Path, given: Mapping[str, Tree]) -> tuple[str, ...]:
        names = given.get("cipher_suites")
        if names is None:
            return ()
        if not isinstance(names, list):
            self._problem(path, f"needs a list, such as [{next(iter(CIPHERS))}]")
            return ()
        known = (*CIPHERS, *CIPHERS_OF_TLS13)
        chosen = [
            self._one_of((*path, index), name, known, known[0]) for index, name in enumerate(names)
        ]
        return tuple(CIPHERS[name] for name in chosen if name in CIPHERS)

    def _headers(self) -> Mapping[str, str]:
        path: Path = ("http_server_config",)
        given = self._mapping(path, self._tree)
        self._only(("headers", "http2"), given, path)
        self._boolean((*path, "http2"), given, default=True)  # HTTP/1.1 is spoken, either way
        path = (*path, "headers")
        headers = self._mapping(path, given)
        self._only(tuple(_HEADERS), headers, path)
        return {
            name: value
            for name, value in self._texts(headers, path)
            if value and name in _HEADERS and self._is_header((*path, name), value)
        }

    def _is_header(self, path: Path, value: str) -> bool:
        allowed = _HEADERS[str(path[-1])]
        if allowed and value not in allowed:
            self._problem(path, f'"{value}" is not known; use one of {listing(allowed)}')
        elif not (value.isascii() and value.isprintable()):
            self._problem(path, "cannot be a header; use printable ASCII on one line")
        return True

    def _users(self) -> Mapping[str, str]:
        path: Path = ("basic_auth_users",)
        users = dict(self._texts(self._mapping(path, self._tree), path))
        for name, hashed in users.items():
            here = (*path, name)
            match = _HASH.fullmatch(hashed)
            if not name or ":" in name or not name.isprintable():
                message = "cannot be a user; write printable characters, without a colon"
                self._problem(here, message, at_key=True)
            if match is None:
                message = "is not a bcrypt hash; make one with: htpasswd -nBC 10 NAME"
                self._problem(here, message)
            elif not 4 <= int(match[1]) <= MOST_COST:
                message = f"has cost {int(match[1])}; use 4 to {MOST_COST}, best 10 to 12"
                self._problem(here, message)
        return users

    def _file(self, path: Path, given: Mapping[str, Tree]) -> FilePath | None:
        value = given.get(str(path[-1]))
        if str(path[-1]) not in given:
            return None
        if not isinstance(value, str) or not value:
            self._problem(path, "needs the path of a file")
            return None
        return self._folder / value

    def _boolean(self, path: Path, given: Mapping[str, Tree], *, default: bool) -> bool:
        value = given.get(str(path[-1]), str(default).lower())
        known = {"true": True, "false": False}
        return known[self._one_of(path, value, known, "true" if default else "false")]

    def _one_of(
        self, path: Path, value: Tree, known: Mapping[str, object] | tuple[str, ...], default: str
    ) -> str:
        if isinstance(value, str) and value in known:
            return value
        near = did_you_mean(str(value), known)
        said = f'"{value}" is not known' if isinstance(value, str) else "needs a word"
        self._problem(path, f"{said}; {near}use one of {listing(known)}")
        return default

    def _mapping(self, path: Path, above: Mapping[str, Tree]) -> Mapping[str, Tree]:
        value = above.get(str(path[-1]))
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self._problem(path, "needs keys and values, such as {key: value}")
        return {}

    def _texts(self, given: Mapping[str, Tree], path: Path) -> Iterator[tuple[str, str]]:
        for name, value in given.items():
            if isinstance(value, str | None):
                yield name, value or ""
            else:
                self._problem((*path, name), "needs text, not a list or mapping")

    def _only(self, known: tuple[str, ...], given: Mapping[str, Tree], path: Path) -> None:
        for name in given:
            here = (*path, name)
            if name not in known:
                near = did_you_mean(name, known).strip()
                unknown = f"unknown key; {near or f'known here: {listing(known)}'}"
                self._problem(here, _NOT_DONE.get(here, unknown), at_key=True)

    def _problem(self, path: Path, message: str, *, at_key: bool = False) -> None:
        self.problems.append(Problem(path, message, at_key=at_key))
