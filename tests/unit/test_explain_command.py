"""The explain command: files and services in, words or JSON out, each mistake with its remedy."""

import gzip
import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from firstreply.config.load import load_settings
from firstreply.explain_command import own_address
from firstreply.explanation import explain_kept
from tests.unit.commands import CONFIGS, invoke
from tests.unit.domain.builders import Desk, policy
from tests.unit.domain.builders import opened as desk_opened
from tests.unit.domain.builders import responded as desk_responded
from tests.unit.fakes import NO_JSON, OF_ANOTHER, event, opened, responded


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    lines = (opened(0, "T-1"), opened(5, "T-2"), responded(30, "T-1"), opened(900, "T-3"))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def explained(*arguments: str, stdin: bytes = b"") -> str:
    result = invoke("explain", *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def refused(code: int, *arguments: str) -> str:
    """Return what is said on standard error; nothing else is said."""
    result = invoke("explain", *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("firstreply: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


# From files.


def test_a_contact_is_explained_with_the_lines_it_was_read_from(events: Path) -> None:
    told = explained("T-1", str(events))

    assert told.startswith("Contact T-1: answered by a human after 30 s.\n")
    assert "[line 1]" in told
    assert "[line 3]" in told


def test_gzip_and_standard_input_tell_the_same_story(events: Path) -> None:
    packed = events.with_name("events.jsonl.gz")
    packed.write_bytes(gzip.compress(events.read_bytes()))
    plain = explained("T-1", str(events))

    assert explained("T-1", str(packed)) == plain.replace("events.jsonl", "events.jsonl.gz")
    piped = explained("T-1", "-", stdin=packed.read_bytes())
    assert piped == plain.replace("events.jsonl", "standard input")


def test_lines_of_several_files_are_named_with_their_file(events: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_bytes(b"\n" + event("closed", 40, "T-1"))

    story = json.loads(explained("T-1", str(more), str(events), "--format", "json"))

    places = [(Path(one["place"]["file"]).name, one["place"]["line"]) for one in story["events"]]
    assert places == [("events.jsonl", 1), ("events.jsonl", 3), ("more.jsonl", 2)]
    assert [one["place"]["offset"] for one in story["events"]] == [0, 2, 3]
    told = explained("T-1", str(more), str(events))
    assert "[events.jsonl, line 1]" in told
    assert "[more.jsonl, line 2]" in told


def test_json_is_one_object_with_instants_in_utc(events: Path) -> None:
    story = json.loads(explained("T-1", str(events), "--format", "json"))

    assert story["contact_id"] == "T-1"
    assert story["start"]["at"] == "2026-03-02T09:00:00Z"
    assert story["bands"][0]["outcome"] == "met"
    assert story["response"]["latency_seconds"] == 30.0


def test_until_looks_at_an_earlier_time(events: Path) -> None:
    told = explained("T-1", str(events), "--until", "2026-03-02T09:00:10Z")

    assert told.startswith("Contact T-1: still waiting for an answer after 10 s.\n")


def test_the_log_of_other_contacts_moves_the_clock(events: Path) -> None:
    told = explained("T-2", str(events))

    assert told.startswith("Contact T-2: still waiting for an answer after 14 min 55 s.\n")
    assert "missed, no answer in time" in told


def test_the_language_is_that_of_the_option_then_of_the_configuration(
    events: Path, tmp_path: Path
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("language: fr")

    assert "répondu par un humain" in explained("T-1", str(events), "--config", str(config))
    both = explained("T-1", str(events), "--config", str(config), "--language", "en")
    assert "answered by a human" in both


def test_an_unknown_contact_exits_1_and_says_what_was_read(events: Path) -> None:
    assert refused(1, "T-9", str(events)) == (
        "firstreply: no event of contact 'T-9' among 4 events of 3 contacts (4 records);"
        " check the id, exactly as in the events, and the files\n"
    )


@pytest.mark.parametrize("typed", ["t-1", " T-1", "T-1\u00a0", "T- 1"])
def test_ids_that_differ_only_in_case_or_white_space_are_suggested(
    typed: str, events: Path
) -> None:
    said = refused(1, typed, str(events))

    assert said.endswith("; ids that differ only in case or white space: 'T-1'\n")


def test_events_after_until_are_counted_for_who_asks_too_early(events: Path) -> None:
    said = refused(1, "T-3", str(events), "--until", "2026-03-02T09:10:00Z")

    assert said.endswith("; 1 of its events are later than --until 2026-03-02T09:10:00Z\n")


def test_rejected_records_that_hold_the_id_are_counted(events: Path) -> None:
    broken = event("opened", 0, "T-7")
    events.write_bytes(b"\n".join((broken, NO_JSON.replace(b"\n", b""), OF_ANOTHER, opened(0))))

    assert "; 1 rejected records hold the id; pipe one into firstreply check-event" in refused(
        1, "T-7", str(events)
    )
    assert "and the files; 2 records were rejected\n" in refused(1, "T-8", str(events))


def test_a_missing_file_and_a_bad_time_exit_2(events: Path) -> None:
    assert "cannot be opened" in refused(2, "T-1", str(events.with_name("missing")))
    assert "give a time with offset" in refused(2, "T-1", str(events), "--until", "noon")


def test_too_many_bad_records_exit_1(tmp_path: Path) -> None:
    config, bad = tmp_path / "c.yaml", tmp_path / "bad.jsonl"
    config.write_text("limits: {bad_records: {share: 0.5, among: 3}}")
    bad.write_bytes(b"{\n" * 3)

    assert "3 of the last 3 records are bad" in refused(1, "T", str(bad), "--config", str(config))


def test_a_wrong_configuration_exits_2(events: Path) -> None:
    result = invoke(
        "explain", "T-1", str(events), "--config", str(CONFIGS / "invalid_several.yaml")
    )

    assert result.exit_code == 2
    assert "invalid_several.yaml" in result.stderr


def test_files_and_a_service_cannot_be_asked_at_once(events: Path) -> None:
    said = refused(2, "T-1", str(events), "--url", "http://127.0.0.1:1")

    assert "either files or --url" in said


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_id_exits_2(blank: str, events: Path) -> None:
    assert "CONTACT_ID is blank" in refused(2, blank, str(events))


def test_until_needs_files() -> None:
    assert "--until goes with files" in refused(2, "T-1", "--until", "2026-03-02T09:10:00Z")


def test_help_shows_an_example() -> None:
    result = invoke("explain", "--help")

    assert result.exit_code == 0
    assert "Example: firstreply explain T-1001 january.jsonl.gz" in result.stdout


# From a service.


class Service(ThreadingHTTPServer):
    """Answers every request alike, or hangs up on it, and remembers the paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b"{}"
        self.paths: list[str] = []
        self.is_silent = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.server.is_silent:
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the base's
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def story() -> bytes:
    """Return what a service says of a contact."""
    desk = Desk(policy("chat", promise="10m"))
    desk.receive(desk_opened(0, queue="billing"), desk_responded(60), log=1000)
    return msgspec.json.encode(explain_kept(desk.engine, "c"))


def test_a_service_explains_in_words(service: Service, story: bytes) -> None:
    service.body = story

    told = explained("c", "--url", f"{service.url}/")

    assert told.startswith("Contact c: answered by a human after 1 min; promise kept (10m).\n")
    assert "What is known of its events:" in told
    assert service.paths == ["/api/v1/contacts/c"]


def test_json_of_a_service_is_shown_as_it_says_it(service: Service) -> None:
    service.body = b'{"contact_id":"c","of a later version":1}'

    told = explained("c", "--url", service.url, "--format", "json")

    assert json.loads(told) == {"contact_id": "c", "of a later version": 1}


def test_the_id_is_one_segment_of_the_path_whatever_is_in_it(
    service: Service, story: bytes
) -> None:
    service.body = story

    explained("a/b?c#d é\n", "--url", service.url)

    assert service.paths == ["/api/v1/contacts/a%2Fb%3Fc%23d%20%C3%A9%0A"]


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    service: Service, story: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.body = story
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)

    assert explained("c", "--url", service.url)


def test_a_service_that_shows_no_contacts_exits_2_and_names_the_setting(service: Service) -> None:
    service.status, service.body = 403, b'{"error": "http.contact_ids is false"}'

    assert "set http.contact_ids: true" in refused(2, "c", "--url", service.url)


def test_a_contact_the_service_does_not_know_exits_1(service: Service) -> None:
    service.status, service.body = 404, b'{"error": "Not Found"}'

    said = refused(1, "c", "--url", service.url)

    assert f"{service.url}: does not know contact 'c'" in said
    assert "name files to read" in said


def test_a_service_in_trouble_exits_1_with_its_status(service: Service) -> None:
    service.status, service.body = 503, b"{}"

    assert "answers 503 Service Unavailable" in refused(1, "c", "--url", service.url)


@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"\xff", b"[" * 100_000])
def test_another_program_at_the_address_exits_2(status: int, body: bytes, service: Service) -> None:
    service.status, service.body = status, body

    assert "does not answer as firstreply does" in refused(2, "c", "--url", service.url)


def test_an_explanation_of_another_version_exits_2_and_points_to_json(service: Service) -> None:
    service.body = b'{"contact_id": 7}'

    said = refused(2, "c", "--url", service.url)

    assert "its explanation cannot be read" in said
    assert "--format json" in said


def test_a_service_that_hangs_up_exits_1(service: Service) -> None:
    service.is_silent = True

    assert "Remote end closed connection" in refused(1, "c", "--url", service.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost"])
def test_nobody_at_the_address_exits_1(host: str) -> None:
    with socket.socket() as bound:  # bound, so that nobody else listens there meanwhile
        bound.bind(("127.0.0.1", 0))
        url = f"http://{host}:{bound.getsockname()[1]}"

        said = refused(1, "c", "--url", url)

    assert f"{url}: cannot be asked: Connection refused; check --url" in said


@pytest.mark.parametrize(
    "url", ["localhost:9464", "ftp://x", "http://", "http://[::1", "http://x:port", "file:///etc"]
)
def test_what_is_no_address_exits_2_with_an_example(url: str) -> None:
    said = refused(2, "c", "--url", url)

    assert said.startswith(f"firstreply: --url {url}: ")
    assert "such as http://127.0.0.1:9464" in said


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9465"),
        ("0.0.0.0", "http://127.0.0.1:9465"),  # noqa: S104 - to be replaced
        ("::", "http://[::1]:9465"),
        ("wall.example", "http://wall.example:9465"),
    ],
)
def test_without_files_or_address_the_configured_one_is_asked(host: str, address: str) -> None:
    settings = load_settings(None, {"FIRSTREPLY_HTTP__HOST": host, "FIRSTREPLY_HTTP__PORT": "9465"})

    assert own_address(settings) == address
