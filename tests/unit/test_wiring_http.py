"""Whether the wall is served: where the service listens, who may ask, and what is set."""

from pathlib import Path

import pytest

from firstreply import wiring
from firstreply.adapters.loopback import is_loopback
from firstreply.config.load import load_settings

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
USERS = f"basic_auth_users: {{ann: {HASH}}}"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens
        ("::", False),
        ("192.0.2.7", False),
        ("wall.example", False),
        ("127.0.0.1.example", False),
    ],
)
def test_only_loopback_addresses_are_those_of_this_machine(host: str, *, shown: bool) -> None:
    assert is_loopback(host) is shown


@pytest.mark.parametrize(
    ("http", "web", "shown"),
    [
        ("", None, True),
        ("host: 192.0.2.7", None, False),
        ("host: 192.0.2.7", "", False),
        ("host: 192.0.2.7", USERS, True),
        ("host: 192.0.2.7, api: on", None, True),
        ("host: 192.0.2.7, api: off", USERS, False),
        ("api: off", None, False),
    ],
)
def test_beyond_this_machine_the_wall_needs_a_password_or_a_setting(
    tmp_path: Path, http: str, web: str | None, *, shown: bool
) -> None:
    path = tmp_path / "config.yaml"
    if web is not None:
        (tmp_path / "web.yml").write_text(web)
        http += f", web_config_file: {tmp_path / 'web.yml'}"
    path.write_text(f"http: {{{http}}}")
    settings = load_settings(path, {})
    security = wiring.web_security(settings)

    assert wiring.shows_wall(settings, security) is shown
    security.close()
