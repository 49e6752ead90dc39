"""Certificates for tests, made by openssl: an authority, and what it signs."""

import subprocess
from pathlib import Path

SUBJECT = "/CN=localhost"


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_authority(folder: Path, name: str = "ca") -> Path:
    """Make NAME.pem and NAME.key; return the certificate."""
    certificate = folder / f"{name}.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", folder / f"{name}.key", "-out", certificate, "-days", "2"),
        *("-subj", f"/CN={name}"),
    )
    return certificate


def sign(
    authority: Path,
    name: str,
    subject: str = SUBJECT,
    names: str = "DNS:localhost,IP:127.0.0.1",
) -> tuple[Path, Path]:
    """Make NAME.pem and NAME.key beside the authority; return both."""
    folder = authority.parent
    certificate, key, extra = (folder / f"{name}.{end}" for end in ("pem", "key", "ext"))
    extra.write_text(f"subjectAltName={names}\n")
    request = folder / f"{name}.csr"
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", key, "-out", request, "-subj", subject),
    )
    openssl(
        *(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            authority,
            "-CAkey",
            authority.with_suffix(".key"),
        ),
        *("-CAcreateserial", "-days", "2", "-extfile", extra, "-out", certificate),
    )
    return certificate, key
