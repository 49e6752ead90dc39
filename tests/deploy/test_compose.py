"""deploy/compose: no container engine runs it here, so each file is held against the others."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from firstreply.config.load import load_settings
from firstreply.devkit.stack_files import COMPOSE, files
from tests.deploy.files import DEPLOY, complaints, document
from tests.shared import ROOT
from tests.unit.commands import invoke

FOLDER: Final = DEPLOY / "compose"
SERVICES: Final[dict[str, dict[str, Any]]] = document(FOLDER / "compose.yaml")["services"]
OURS: Final = ("firstreply", "producer", "notifications")


def mounts() -> list[tuple[str, Path, str]]:
    """Return service, source and target of each file and folder that is mounted."""
    return [
        (name, (FOLDER / source).resolve(), target)
        for name, service in SERVICES.items()
        for source, target, *_ in (volume.split(":") for volume in service.get("volumes", []))
        if source.startswith(".")
    ]


def test_the_schema_of_compose_finds_nothing_wrong() -> None:
    assert complaints(document(FOLDER / "compose.yaml"), "compose-spec.json") == []


def test_the_schema_would_find_a_misspelled_key() -> None:
    content = document(FOLDER / "compose.yaml")
    content["services"]["kafka"]["enviroment"] = {}

    assert "enviroment" in complaints(content, "compose-spec.json")[0]


def test_every_image_is_pinned_and_kafka_is_the_one_that_is_tested() -> None:
    tested = re.search(r"<kafka.version>(.+)</", (DEPLOY / "kafka" / "pom.xml").read_text())
    assert tested

    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/]+:(v?\d+\.\d+\.\d+|local)", service["image"])
    assert SERVICES["kafka"]["image"] == SERVICES["topic"]["image"] == f"apache/kafka:{tested[1]}"


def test_everything_that_is_mounted_exists_and_is_read_only() -> None:
    assert len(mounts()) >= 8
    assert [source for _, source, _ in mounts() if not source.exists()] == []
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            assert volume.endswith(":ro") == volume.startswith(".")


def test_named_volumes_are_declared() -> None:
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }

    assert used == set(document(FOLDER / "compose.yaml")["volumes"])


def test_every_port_is_published_on_this_machine_alone_and_once() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in ports)
    assert len(set(ports)) == len(ports) == 5


def test_what_depends_on_health_has_a_health_check() -> None:
    for service in SERVICES.values():
        for name, needed in service.get("depends_on", {}).items():
            assert (needed["condition"] == "service_healthy") <= ("healthcheck" in SERVICES[name])


def test_every_service_that_stays_is_checked_but_the_producer_which_serves_nothing() -> None:
    checked = {
        name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})
    }

    assert checked == set(SERVICES) - {"topic", "producer"}


# -- Kafka


def listeners(variable: str) -> dict[str, str]:
    value: str = SERVICES["kafka"]["environment"][variable]
    return dict(listener.split("://") for listener in value.split(","))


def test_each_listener_but_the_controllers_is_advertised_at_the_port_it_listens_on() -> None:
    listening, advertised = listeners("KAFKA_LISTENERS"), listeners("KAFKA_ADVERTISED_LISTENERS")

    assert set(listening) - {"CONTROLLER"} == set(advertised)
    for name, address in advertised.items():
        assert listening[name] == ":" + address.split(":")[1]
    assert set(listeners_map()) == set(listening)


def listeners_map() -> list[str]:
    value = SERVICES["kafka"]["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
    return [entry.split(":")[0] for entry in value.split(",")]


def test_containers_and_this_machine_use_what_is_advertised_to_them() -> None:
    advertised = listeners("KAFKA_ADVERTISED_LISTENERS")

    for name in ("firstreply", "producer"):
        used = SERVICES[name]["environment"]["FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS"]
        assert used == advertised["CONTAINERS"]
    assert f"--bootstrap-server={advertised['CONTAINERS']}" in SERVICES["topic"]["command"]
    assert SERVICES["kafka"]["ports"] == [f"127.0.0.1:9092:{advertised['HOST'].split(':')[1]}"]


def test_the_topic_that_is_made_is_the_one_that_is_read() -> None:
    settings = load_settings(mounted("firstreply", "/etc/firstreply/firstreply.yaml"), {})

    assert f"--topic={settings.kafka.topic}" in SERVICES["topic"]["command"]
    retention = int(
        next(it for it in SERVICES["topic"]["command"] if "retention" in it).split("=")[-1]
    )
    assert settings.give_up_after is not None
    assert retention >= settings.give_up_after.total_seconds() * 1000


# -- our own processes


def mounted(service: str, target: str) -> Path:
    (found,) = [source for name, source, at in mounts() if (name, at) == (service, target)]
    return found


def test_the_configuration_is_the_mounted_file_and_valid() -> None:
    for name in ("firstreply", "producer"):
        target = SERVICES[name]["environment"]["FIRSTREPLY_CONFIG"]

        assert invoke("check-config", str(mounted(name, target))).exit_code == 0


@pytest.mark.parametrize("name", ["firstreply", "producer"])
def test_its_command_is_one_of_our_command_line(name: str) -> None:
    (command,) = SERVICES[name]["command"]

    assert invoke(command, "--help").exit_code == 0


def test_its_health_check_is_one_of_our_command_line() -> None:
    kind, program, *arguments = SERVICES["firstreply"]["healthcheck"]["test"]

    assert (kind, program) == ("CMD", "firstreply")
    assert invoke(*arguments, "--help").exit_code == 0


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_and_write_nothing(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_stopping_may_take_as_long_as_the_last_scrape() -> None:
    assert SERVICES["firstreply"]["stop_grace_period"] == "60s"


# -- Prometheus, Alertmanager, Grafana


@pytest.mark.parametrize("name", ["prometheus.yml", "alertmanager.yml", "datasource.yml"])
def test_the_copies_are_what_make_docs_would_write(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files(COMPOSE)[name], "run: make docs"


def without_addresses(content: object) -> object:
    """Return a configuration without what an operator replaces."""
    if isinstance(content, dict):
        dropped = {"targets", "rule_files", "external_labels", "global", "templates", "url"}
        dropped |= {"email_configs", "webhook_configs"}
        return {k: without_addresses(v) for k, v in content.items() if k not in dropped}
    if isinstance(content, list):
        return [without_addresses(it) for it in content]
    return content


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("prometheus.yml", "prometheus/prometheus.yml"),
        ("alertmanager.yml", "alertmanager/alertmanager.yml"),
        ("datasource.yml", "grafana/provisioning/datasources/prometheus.yml"),
    ],
)
def test_the_copies_differ_from_the_shipped_files_in_addresses_alone(
    name: str, shipped: str
) -> None:
    copy, original = document(FOLDER / name), document(DEPLOY / shipped)

    assert without_addresses(copy) == without_addresses(original)


def test_nobody_outside_is_told_anything() -> None:
    text = (FOLDER / "alertmanager.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"https?://[^/\s'\"]+", text)) == {"http://notifications:9099"}
    assert "/etc/alertmanager/secrets" not in text


def test_who_is_told_by_mail_is_told_here() -> None:
    mailed = [
        receiver["name"]
        for receiver in document(DEPLOY / "alertmanager" / "alertmanager.yml")["receivers"]
        if "email_configs" in receiver
    ]
    told = [
        receiver["name"]
        for receiver in document(FOLDER / "alertmanager.yml")["receivers"]
        if {"url": "http://notifications:9099/email", "send_resolved": True}
        in receiver.get("webhook_configs", [])
    ]

    assert mailed == told != []


def test_every_address_leads_to_a_service_of_the_stack() -> None:
    for address in (COMPOSE.firstreply, COMPOSE.prometheus, COMPOSE.alertmanager):
        name, port = address.split(":")
        assert f"127.0.0.1:{port}:{port}" in SERVICES[name]["ports"]
    assert (
        f"0.0.0.0:{COMPOSE.notifications.split(':')[1]}" in SERVICES["notifications"]["entrypoint"]
    )


def test_rules_templates_and_configurations_are_mounted_where_they_are_looked_for() -> None:
    assert mounted("prometheus", str(Path(COMPOSE.rules).parent)) == ROOT / "alerts"
    assert mounted("alertmanager", COMPOSE.templates) == DEPLOY / "alertmanager" / "templates"
    for name in ("prometheus", "alertmanager"):
        at = f"/etc/{name}/{name}.yml"
        assert mounted(name, at) == FOLDER / f"{name}.yml"
        assert f"--config.file={at}" in SERVICES[name]["command"]


def test_grafana_finds_provider_source_and_boards() -> None:
    provider = document(DEPLOY / "grafana" / "provisioning" / "dashboards" / "firstreply.yml")
    boards = provider["providers"][0]["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    folder = mounted("grafana", boards)
    assert (folder / Path(home).name).is_file()
    assert Path(home).parent == Path(boards)
    assert (
        mounted("grafana", "/etc/grafana/provisioning/dashboards")
        == DEPLOY / "grafana" / "provisioning" / "dashboards"
    )
    assert (
        mounted("grafana", "/etc/grafana/provisioning/datasources/prometheus.yml")
        == FOLDER / "datasource.yml"
    )


def test_prometheus_keeps_what_the_alerts_look_back_on() -> None:
    assert "--storage.tsdb.retention.time=35d" in SERVICES["prometheus"]["command"]


def test_the_file_is_yaml_without_surprises() -> None:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")

    for service in yaml.safe_load(text)["services"].values():
        for value in service.get("environment", {}).values():
            assert isinstance(value, str)  # an unquoted true or 1 is none
