"""No secret of the settings reaches an output; a new setting cannot be forgotten here."""

import asyncio
import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import aiohttp
import pytest
from pydantic import BaseModel, SecretStr

from firstreply import wiring
from firstreply.adapters.kafka.options import connection_arguments
from firstreply.adapters.kafka.refusal import refused
from firstreply.adapters.simulator import SimulatedSource, Simulator
from firstreply.app import Running, run_simulated
from firstreply.config.cautions import warnings_of
from firstreply.config.describe import describe
from firstreply.config.load import load_settings
from firstreply.config.reference import page_text
from firstreply.demo import START
from firstreply.devkit.loopback import free_ports
from firstreply.domain.errors import ConfigurationError
from firstreply.settings import Settings
from tests.unit.commands import invoke

MARK: Final = "hunter2-must-not-be-seen"

NO_SECRET: Final = {
    "kafka.ssl_cafile",
    "kafka.ssl_certfile",
    "kafka.sasl_oauthbearer_cafile",
    "kafka.sasl_oauthbearer_token_endpoint_url",  # a user in it is refused
}
"""What looks like a secret by name or kind, and is none."""

SUSPICIOUS: Final = ("password", "secret", "token", "key", "credential")


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every setting below a group by its path, with its annotation."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        yield path, field.annotation
        for kind in kinds(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind, f"{path}.")


def kinds(annotation: object) -> Iterator[object]:
    """Yield an annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from kinds(part)


def secret_settings() -> dict[str, bool]:
    """Return the paths of all secrets; True: the setting names a file."""
    found = {}
    for path, annotation in fields(Settings):
        of = set(kinds(annotation)) if path not in NO_SECRET else set()
        if SecretStr in of or Path in of:
            found[path] = Path in of
    return found


def test_every_setting_that_sounds_like_a_secret_is_masked_or_a_file() -> None:
    known = {*secret_settings(), *NO_SECRET}

    sounding = {
        path
        for path, _ in fields(Settings)
        if any(word in path.rpartition(".")[2] for word in SUSPICIOUS)
    }

    assert sounding <= known
    assert {path for path, _ in fields(Settings)} >= NO_SECRET


def configured(folder: Path, kafka: dict[str, object]) -> Path:
    """Write a configuration with every secret there is, each of them marked."""
    groups: dict[str, dict[str, object]] = {"kafka": kafka, "http": {"port": 0}}
    for path, is_file in secret_settings().items():
        group, name = path.split(".")
        (folder / name).write_text(f"{MARK}\n")
        if path != "http.web_config_file":  # its own tests: test_web_file.py
            groups[group].setdefault(name, str(folder / name) if is_file else MARK)
    written = folder / "firstreply.yaml"
    given = {
        name: {k: v for k, v in keys.items() if v is not None} for name, keys in groups.items()
    }
    written.write_text(json.dumps(given))
    return written


LOGIN: Final = {"security_protocol": "SASL_SSL", "ssl_keyfile": None, "ssl_password_file": None}
PASSWORD: Final = {
    **LOGIN,
    "sasl_mechanism": "PLAIN",
    "sasl_username": "me",
    "sasl_oauthbearer_client_secret_file": None,
}
WAYS: Final = [
    {**PASSWORD, "sasl_password_file": None},
    {**PASSWORD, "sasl_password": None},
    {
        **LOGIN,
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauthbearer_client_id": "me",
        "sasl_password": None,
        "sasl_password_file": None,
    },
]


@pytest.fixture(params=WAYS, ids=["password", "password_file", "client_secret_file"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (port, closed) = free_ports(2)
    kafka = {"bootstrap_servers": f"127.0.0.1:{port}", **request.param}
    if kafka["sasl_mechanism"] == "OAUTHBEARER":
        kafka["sasl_oauthbearer_token_endpoint_url"] = f"http://127.0.0.1:{closed}/token"
    return configured(tmp_path, kafka)


def test_every_secret_is_planted_by_one_of_the_ways(tmp_path: Path) -> None:
    """``ssl_password_file`` has its own: a key must be a key."""
    planted = {
        name
        for way in WAYS
        for name in json.loads(configured(tmp_path, dict(way)).read_text())["kafka"]
    }

    wanted = {path.partition(".")[2] for path in secret_settings() if path.startswith("kafka.")}
    assert wanted - planted == {"ssl_keyfile", "ssl_password_file"}


def test_no_secret_is_shown_by_commands_descriptions_and_errors(config: Path) -> None:
    settings = load_settings(config, {})
    options = wiring.kafka_options(settings)
    shown = [
        repr(settings),
        str(settings.kafka),
        settings.model_dump_json(),
        json.dumps(describe(settings)),
        *warnings_of(settings),
        page_text(),
        repr(options),
        str(options.tokens),
    ]
    wrong = config.with_name("wrong.yaml")
    wrong.write_text(config.read_text().replace('"kafka": {', '"kafka": {"topic": "a b", "x": 1, '))
    try:
        load_settings(wrong, {})
    except ConfigurationError as error:
        shown += traceback.format_exception(error)
    for arguments in (("check-config",), ("check-config", "--format", "json")):
        for file in (config, wrong):
            result = invoke(*arguments, str(file))
            shown += [result.stdout, result.stderr]

    assert any("127.0.0.1" in text for text in shown)
    assert [text for text in shown if MARK in text] == []


async def test_no_secret_is_logged_when_nobody_answers(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    options = wiring.kafka_options(load_settings(config, {}))
    host, port = options.bootstrap_servers.split(":")

    why = await refused(host, int(port), options)

    assert why is not None
    assert MARK not in why + caplog.text


def test_the_password_of_a_key_is_not_in_the_error_about_the_key(tmp_path: Path) -> None:
    keys = ("ssl_certfile", "ssl_keyfile", "ssl_password_file")
    for name in keys:
        (tmp_path / name).write_text(f"{MARK}\n")
    written = {name: str(tmp_path / name) for name in keys}
    path = tmp_path / "firstreply.yaml"
    path.write_text(json.dumps({"kafka": {"security_protocol": "SSL", **written}}))
    options = wiring.kafka_options(load_settings(path, {}))

    with pytest.raises(ConfigurationError) as raised:
        connection_arguments(options)

    assert "kafka.ssl_keyfile" in str(raised.value)
    assert MARK not in "".join(traceback.format_exception(raised.value))


async def test_no_secret_is_served(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    shown: dict[str, str] = {}
    paths = ("/", "/metrics", "/readyz", "/wall", "/api/v1/channels", "/api/v1/openapi.json", "/no")

    async def look(running: Running) -> None:
        async with aiohttp.ClientSession() as session:
            for path in paths:
                async with session.get(running.address + path) as answer:
                    shown[path] = f"{answer.headers} {await answer.text()}"
        running.processor.stop()

    settings = load_settings(config, {})
    source = SimulatedSource(Simulator(1, START, 0.1, days=1), speed=1000)
    async with asyncio.timeout(60):
        await run_simulated(settings, source, companions=(look,))

    assert "firstreply_build_info" in shown["/metrics"]
    assert [path for path, text in shown.items() if MARK in text] == []
    assert MARK not in caplog.text


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, False), (0o600, False)])
def test_a_secret_that_everybody_can_read_is_warned_about(
    mode: int,
    warned: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    path = configured(tmp_path, {**WAYS[1], "bootstrap_servers": "b:1"})
    (tmp_path / "sasl_password_file").chmod(mode)

    said = list(warnings_of(load_settings(path, {})))

    told = f"kafka.sasl_password_file: every user of this machine can read {tmp_path}"
    assert any(line.startswith(told) for line in said) is warned
