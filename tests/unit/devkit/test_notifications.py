"""What Alertmanager sends, as lines to read."""

import json
from collections.abc import Iterator
from threading import Thread
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from firstreply.devkit.loopback import LOOPBACK
from firstreply.devkit.notifications import Notifications, message

SLACK = {
    "channel": "#operations",
    "attachments": [{"title": "Phones: nobody answers", "text": "Since 11:50.\nCall them."}],
}
WEBHOOK = {
    "status": "firing",
    "alerts": [
        {"status": "firing", "labels": {"alertname": "A"}, "annotations": {"summary": "one"}},
        {"status": "resolved", "labels": {"alertname": "B"}, "annotations": {}},
    ],
}


def test_a_message_for_slack_looks_as_it_does_there() -> None:
    told = message("slack", json.dumps(SLACK).encode())

    assert told.splitlines() == [
        "[slack] #operations",
        "  Phones: nobody answers",
        "  Since 11:50.",
        "  Call them.",
    ]


def test_a_webhook_tells_each_alert_and_whether_it_is_over() -> None:
    told = message("hooks", json.dumps(WEBHOOK).encode())

    assert told.splitlines() == ["[hooks] firing", "  firing: A one", "  resolved: B "]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"attachments": 1}'])
def test_what_is_no_message_is_said_to_be_none(body: bytes) -> None:
    assert (
        message("slack", body) == f"[slack] {len(body)} bytes that are no message of Alertmanager"
    )


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def url(told: list[str]) -> Iterator[str]:
    with Notifications((LOOPBACK, 0), told.append) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
        thread.join()


def sent(url: str, body: bytes | None) -> int:
    with build_opener(ProxyHandler({})).open(Request(url, data=body), timeout=10) as answer:
        code: int = answer.status
        return code


def test_the_path_says_who_is_told(url: str, told: list[str]) -> None:
    assert sent(f"{url}/slack", json.dumps(SLACK).encode()) == 200
    assert sent(f"{url}/email", json.dumps(WEBHOOK).encode()) == 200

    assert [text.splitlines()[0] for text in told] == ["[slack] #operations", "[email] firing"]


def test_the_dead_mans_switch_is_told_of_once(url: str, told: list[str]) -> None:
    for _ in range(3):
        sent(f"{url}/dead-man-switch", json.dumps(WEBHOOK).encode())

    assert told == ["[dead-man-switch] beats; nothing more is told of it"]


def test_a_health_check_is_answered_and_told_to_nobody(url: str, told: list[str]) -> None:
    assert sent(url, None) == 200
    assert told == []
