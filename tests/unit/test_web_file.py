"""The web configuration file: what is read, and what is refused with its line."""

from pathlib import Path

import pytest

from firstreply.config.load import load_settings
from firstreply.config.web_file import load_web_file
from firstreply.config.web_tls import TlsServer
from firstreply.domain.errors import ConfigurationError
from tests.unit.certificates import make_authority, openssl, sign

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"


def read(folder: Path, text: str) -> Path:
    path = folder / "web.yml"
    path.write_text(text)
    return path


def test_everything_is_read_and_paths_are_beside_the_file(tmp_path: Path) -> None:
    path = read(
        tmp_path,
        TLS
        + "  client_auth_type: RequireAndVerifyClientCert\n"
        + "  client_ca_file: /etc/ca.pem\n"
        + "  max_version: TLS12\n"
        + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"
        + "  prefer_server_cipher_suites: false\n"
        + "http_server_config:\n  http2: true\n"
        + "  headers: {X-Frame-Options: deny, X-XSS-Protection: ''}\n"
        + f"basic_auth_users:\n  prometheus: {HASH}\n",
    )

    web = load_web_file(path)

    assert web.tls == TlsServer(
        cert_file=tmp_path / "server.pem",
        key_file=tmp_path / "server.key",
        client_auth="RequireAndVerifyClientCert",
        client_ca_file=Path("/etc/ca.pem"),
        max_version="TLS12",
        ciphers=("ECDHE-RSA-AES128-GCM-SHA256",),
        prefer_server_ciphers=False,
    )
    assert dict(web.headers) == {"X-Frame-Options": "deny"}
    assert dict(web.users) == {"prometheus": HASH}
    assert HASH not in repr(web)


@pytest.mark.parametrize(
    ("text", "knows"),
    [
        ("", False),
        (TLS, False),
        (TLS + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n", False),
        (TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n", True),
        (f"basic_auth_users: {{a: {HASH}}}", True),
    ],
)
def test_only_passwords_and_required_certificates_tell_who_asks(
    tmp_path: Path, text: str, *, knows: bool
) -> None:
    assert load_web_file(read(tmp_path, text)).knows_who_asks is knows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tls_server_confg: {}", '1:1: tls_server_confg: unknown key; did you mean "tls_server_c'),
        (TLS + "  cert_fil: x\n", "4:3: tls_server_config.cert_fil: unknown key; did you mean"),
        (TLS + "  cert: x\n", "4:3: tls_server_config.cert: is not read from here; put it in a"),
        (TLS + "  client_allowed_sans: [a]\n", "4:3: tls_server_config.client_allowed_sans: names"),
        ("rate_limit: {burst: 1}", "1:1: rate_limit: is not done here"),
        ("tls_server_config: {key_file: a}", "1:1: tls_server_config.cert_file: is missing; add"),
        ("tls_server_config: {cert_file: a}", "1:1: tls_server_config.key_file: is missing; add"),
        ("tls_server_config: [a]", "1:20: tls_server_config: needs keys and values"),
        (TLS + "  min_version: TLS10\n", "4:16: tls_server_config.min_version: TLS10 is broken"),
        (TLS + "  min_version: TLS1.2\n", 'min_version: "TLS1.2" is not known; did you mean "TLS'),
        (
            TLS + "  min_version: TLS13\n  max_version: TLS12\n",
            "4:16: tls_server_config.min_version: TLS13 is newer than max_version TLS12; lower it",
        ),
        (TLS + "  client_auth_type: RequireAnyClientCert\n", "lets any certificate in, whoever"),
        (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
            "4:21: tls_server_config.client_auth_type: RequireAndVerifyClientCert needs client_ca",
        ),
        (TLS + "  client_ca_file: a\n", "4:19: tls_server_config.client_ca_file: is of no use"),
        (TLS + "  cipher_suites: TLS_X\n", "4:18: tls_server_config.cipher_suites: needs a list"),
        (TLS + "  cipher_suites: [TLS_RSA_X]\n", '4:19: tls_server_config.cipher_suites.0: "TLS_R'),
        (TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", "has no suite of TLS 1.2; add one"),
        ("http_server_config: {headers: {Server: x}}", "http_server_config.headers.Server: unkno"),
        ("http_server_config: {headers: {X-Frame-Options: all}}", '"all" is not known; use one'),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\r\\nB: c"}}', "cannot be a header"),
        ("http_server_config: {http2: maybe}", '1:29: http_server_config.http2: "maybe" is not k'),
        ("basic_auth_users: {a: secret}", "1:23: basic_auth_users.a: is not a bcrypt hash; make"),
        (f"basic_auth_users: {{a: {HASH.replace('10', '31')}}}", "has cost 31; use 4 to 16"),
        (f"basic_auth_users: {{'a:b': {HASH}}}", "1:20: basic_auth_users.a:b: cannot be a user"),
        (f"basic_auth_users:\n  a: {HASH}\n  a: {HASH}", "3:3: basic_auth_users.a: is given twic"),
        ("basic_auth_users: {a: [b]}", "basic_auth_users.a: needs text, not a list or mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_mistakes_are_refused_with_their_place(tmp_path: Path, text: str, expected: str) -> None:
    path = read(tmp_path, text)

    with pytest.raises(ConfigurationError) as refused:
        load_web_file(path)

    line = next(line for line in str(refused.value).splitlines() if expected in line)
    assert line.startswith(f"{path}:")
    assert "secret" not in line
    assert HASH not in line


def test_all_mistakes_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_web_file(read(tmp_path, "a: 1\nb: 2\n" + TLS + "  c: 3\n"))

    lines = str(refused.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "6"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "web.yml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"web\.yml: cannot read the web configuration"):
        load_web_file(path)


def check(folder: Path, text: str) -> str:
    """Return what the check of a configuration with this web file says; empty: all is well."""
    web = read(folder, text)
    config = folder / "firstreply.yaml"
    config.write_text(f"http:\n  web_config_file: {web}\n")
    try:
        load_settings(config, {})
    except ConfigurationError as error:
        return str(error)
    return ""


def test_the_check_of_the_configuration_tells_mistakes_in_the_web_file(tmp_path: Path) -> None:
    said = check(tmp_path, "basic_auth_users: {a: b}")

    assert said.startswith(f"{tmp_path / 'web.yml'}:1:23: basic_auth_users.a: is not a bcrypt hash")


def test_the_check_of_the_configuration_tries_certificate_and_key(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    sign(authority, "server")
    right = check(tmp_path, TLS)
    sign(authority, "other")
    (tmp_path / "other.key").replace(tmp_path / "server.key")
    mismatched = check(tmp_path, TLS)
    (tmp_path / "server.key").unlink()
    missing = check(tmp_path, TLS)

    assert right == ""
    assert "firstreply.yaml:2:20: http.web_config_file: cert_file" in mismatched
    assert "key values mismatch" in mismatched
    assert "no such file" in missing


def test_an_encrypted_key_is_refused_instead_of_asked_for(tmp_path: Path) -> None:
    sign(make_authority(tmp_path), "server")
    key = tmp_path / "server.key"
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", tmp_path / "locked.key")
    (tmp_path / "locked.key").replace(key)

    assert "server.key: it is encrypted; give a key without a passphrase" in check(tmp_path, TLS)


def test_an_authority_that_is_none_is_refused(tmp_path: Path) -> None:
    sign(make_authority(tmp_path), "server")
    (tmp_path / "no.pem").write_text("no certificate")
    clients = "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: no.pem\n"

    assert f"client_ca_file {tmp_path / 'no.pem'} cannot be used" in check(tmp_path, TLS + clients)


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "security.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]

    web = load_web_file(read(tmp_path, example))

    assert web.tls is not None
    assert web.knows_who_asks
    assert list(web.headers) == ["Strict-Transport-Security"]
    assert list(web.users) == ["prometheus"]
