"""What the broker of the demo and the tests says when something it needs is missing."""

import socket
from pathlib import Path

import pytest

from firstreply.devkit.kafka_broker import KafkaBroker, cluster_id, find_java, find_kafka_jars
from firstreply.devkit.loopback import LOOPBACK, free_ports
from firstreply.domain.errors import ConfigurationError, FatalError


def put_jar(root: Path, version: str) -> Path:
    folder = root / ".cache" / f"kafka-{version}"
    folder.mkdir(parents=True)
    (folder / f"kafka_2.13-{version}.jar").touch()
    return folder


def put_java(folder: Path, answer: str) -> None:
    folder.mkdir()
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    java.chmod(0o755)


def test_the_newest_kafka_is_taken_by_number_not_by_name(tmp_path: Path) -> None:
    put_jar(tmp_path, "4.9.0")
    newest = put_jar(tmp_path, "4.10.0")

    assert find_kafka_jars(tmp_path) == newest


def test_without_jars_the_remedy_is_named(tmp_path: Path) -> None:
    (tmp_path / ".cache" / "kafka-4.4.0").mkdir(parents=True)

    with pytest.raises(ConfigurationError, match="run 'make kafka'"):
        find_kafka_jars(tmp_path)


def test_without_java_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match=r"no 'java' on the PATH.*openjdk-17"):
        find_java()


def test_java_16_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java(tmp_path / "bin", 'openjdk version "16.0.2" 2021-07-20')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")

    with pytest.raises(ConfigurationError, match=r"16\.0\.2.*Kafka needs Java 17 or newer"):
        find_java()


def test_java_17_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java(tmp_path / "bin", 'openjdk version "17" 2021-09-14')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")

    assert find_java() == tmp_path / "bin" / "java"


def test_a_storage_tool_that_fails_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_java(tmp_path / "bin", 'openjdk version "17" 2021-09-14')
    java = tmp_path / "bin" / "java"
    java.write_text(java.read_text() + "case $1 in -version) ;; *) echo no jars; exit 1 ;; esac\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    broker = KafkaBroker(tmp_path, tmp_path / "data")

    with pytest.raises(FatalError, match=r"storage tool could not prepare .*no jars"):
        broker.start()


def test_a_broker_of_a_cluster_listens_where_it_is_told(tmp_path: Path) -> None:
    broker = KafkaBroker(
        tmp_path,
        tmp_path / "data",
        address=("198.18.0.11", 9092),
        overrides={"node.id": "2"},
        launcher=("ip", "netns", "exec", "somewhere"),
        cluster=cluster_id(),
    )
    broker._write_settings()
    settings = (tmp_path / "data" / "server.properties").read_text().splitlines()

    assert broker.bootstrap_servers == "198.18.0.11:9092"
    assert "advertised.listeners=PLAINTEXT://198.18.0.11:9092" in settings
    assert "node.id=2" in settings


def test_ids_of_clusters_differ_and_never_look_like_an_option() -> None:
    ids = {cluster_id() for _ in range(200)}

    assert len(ids) == 200
    assert {(len(one), one[0]) for one in ids} == {(22, "A")}


def test_a_broker_that_was_not_started_can_be_stopped_but_not_paused(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path, tmp_path / "data")

    broker.stop()
    broker.kill()

    with pytest.raises(FatalError, match="call start"):
        broker.pause()


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)

    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as one:
            one.bind((LOOPBACK, port))


def test_a_port_that_is_listened_on_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    with socket.socket() as taken:
        taken.bind((LOOPBACK, port))
        taken.listen()
        monkeypatch.setattr("firstreply.devkit.loopback._PORTS", range(port, port + 1))

        with pytest.raises(OSError, match="fewer than 1 ports"):
            free_ports(1)
