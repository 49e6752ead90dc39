"""TLS of the HTTP server: what ``tls_server_config`` says, and the context it becomes.

The words are those of Prometheus' exporter-toolkit, which are Go's; here they are matched to
OpenSSL's. What Python's ``ssl`` cannot do as Go does is refused by ``web_file``, never passed over.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from firstreply.domain.errors import ConfigurationError

VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

CIPHERS: Final = {
    f"TLS_ECDHE_{key}_WITH_{suite}": f"ECDHE-{key}-{name}"
    for key in ("ECDSA", "RSA")
    for suite, name in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
}
"""Suites of TLS 1.2, as Go and as OpenSSL call them."""

CIPHERS_OF_TLS13: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
"""Always offered with TLS 1.3, as Go does: naming them changes nothing."""

_ENCRYPTED: Final = "it is encrypted; give a key without a passphrase, in a file only we can read"


@dataclass(frozen=True)
class TlsServer:
    """What ``tls_server_config`` says."""

    cert_file: FilePath
    key_file: FilePath
    client_auth: str = "NoClientCert"
    client_ca_file: FilePath | None = None
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    ciphers: tuple[str, ...] = ()
    """Of TLS 1.2, as OpenSSL calls them; empty: its default."""
    prefer_server_ciphers: bool = True

    @property
    def files(self) -> tuple[FilePath, ...]:
        """The files it is made of."""
        ca = () if self.client_ca_file is None else (self.client_ca_file,)
        return (self.cert_file, self.key_file, *ca)


class _EncryptedKeyError(Exception):
    """Instead of asking for a passphrase at the terminal; never leaves this module."""


def server_context(tls: TlsServer) -> ssl.SSLContext:
    """Read certificate, key and authorities; return the context that servers use.

    Raises:
        ConfigurationError: a file cannot be used; names it and says why.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[tls.min_version]
    context.maximum_version = VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not tls.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.ciphers:
        context.set_ciphers(":".join(tls.ciphers))
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
    except _EncryptedKeyError as error:
        msg = f"key_file {tls.key_file}: {_ENCRYPTED}"
        raise ConfigurationError(msg) from error
    except (OSError, ValueError) as error:
        msg = (
            f"cert_file {tls.cert_file} and key_file {tls.key_file} cannot be used:"
            f" {_reason(error)}; give a PEM certificate (its chain after it) and the key it is of"
        )
        raise ConfigurationError(msg) from error
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except (OSError, ValueError) as error:
            msg = (
                f"client_ca_file {tls.client_ca_file} cannot be used: {_reason(error)};"
                " give PEM certificates"
            )
            raise ConfigurationError(msg) from error
    context.verify_mode = CLIENT_AUTH[tls.client_auth]
    return context


def _no_passphrase() -> str:
    raise _EncryptedKeyError


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return (getattr(error, "strerror", None) or str(error)).lower()
