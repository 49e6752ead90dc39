"""``check-event``: what an event becomes, in words and as data."""

import json

import pytest

from firstreply.adapters.codec import Decoder
from firstreply.check_event import check
from firstreply.domain.bands import Band, Policy
from firstreply.domain.instants import MINUTE
from firstreply.domain.policy_book import PolicyBook

BANDS = (Band("10m", 10 * MINUTE),)
BOOK = PolicyBook(
    [Policy("email", BANDS, excluded_reasons=frozenset({"spam"})), Policy("other", BANDS)],
    aliases={"courriel": "email"},
    queues={"email": ("billing",)},
)


def opening(**members: object) -> bytes:
    event: dict[str, object] = {
        "id": "e-1",
        "type": "contact.opened",
        "time": "2026-03-02T10:15:00.25+01:00",
        "contact_id": "c-1",
        "channel": "email",
        "queue": "billing",
    }
    changed = {**event, **members}
    return json.dumps({name: each for name, each in changed.items() if each is not None}).encode()


def test_an_accepted_event_is_shown_as_the_service_sees_it() -> None:
    outcome = check(opening(), book=BOOK)

    shown = outcome.as_dict()

    assert outcome.accepted
    assert shown == {
        "verdict": "accepted",
        "shape": "flat",
        "event": {
            "type": "contact.opened",
            "time": "2026-03-02T09:15:00.250000Z",
            "contact_id": "c-1",
            "id": "e-1",
            "channel": "email",
            "queue": "billing",
            "actor": None,
            "direction": None,
            "reason": None,
        },
        "time_from_record": False,
        "excludes": False,
        "resolved": {"channel": "email", "how": "listed", "queue": "billing"},
    }
    assert json.loads(json.dumps(shown)) == shown


def test_an_accepted_event_reads_well() -> None:
    outcome = check(opening(channel="Courriel", queue="moon", id=None), book=BOOK)

    text = outcome.as_text()

    assert text == (
        "accepted (flat)\n"
        "  type       contact.opened\n"
        "  time       2026-03-02T09:15:00.250000Z\n"
        "  contact_id c-1\n"
        "  id         ~contact.opened|1772442900250000|\n"
        "  channel    Courriel\n"
        "  queue      moon\n"
        "  note: Courriel is an alias of channel email\n"
        "  note: the queue label is other\n"
        "  note: the event has no id; this one is made of type, time and actor"
    )


def test_an_unlisted_channel_counts_as_other() -> None:
    outcome = check(opening(channel="pigeon", queue=None), book=BOOK)

    text = outcome.as_text()

    assert "note: channel pigeon is not configured; it counts as other" in text
    assert outcome.as_dict()["resolved"] == {"channel": "other", "how": "unlisted", "queue": "none"}


def test_a_name_in_capitals_is_the_channel_and_no_alias() -> None:
    outcome = check(opening(channel="EMAIL"), book=BOOK)

    resolved = outcome.names

    assert (resolved.channel, resolved.how) == ("email", "listed")


def test_without_configuration_names_are_left_as_they_are() -> None:
    outcome = check(opening())

    resolved = outcome.names

    assert (resolved.channel, resolved.how, resolved.queue) == (None, None, None)


def test_the_queue_of_an_event_that_moves_nothing_is_not_resolved() -> None:
    outcome = check(opening(type="contact.closed"), book=BOOK)

    resolved = outcome.names

    assert resolved.queue is None


@pytest.mark.parametrize(
    ("kind", "reason", "excludes"),
    [
        ("contact.closed", "spam", True),
        ("contact.closed", "SPAM", True),
        ("contact.closed", "solved", False),
        ("contact.closed", None, False),
        ("contact.abandoned", "spam", False),
    ],
)
def test_only_a_close_for_an_excluding_reason_excludes(
    *, kind: str, reason: str | None, excludes: bool
) -> None:
    outcome = check(opening(type=kind, reason=reason), book=BOOK)

    text = outcome.as_text()

    assert outcome.as_dict()["excludes"] is excludes
    assert ("note: this close excludes the contact unless a human" in text) is excludes


def test_a_rejected_event_is_explained_whole_and_the_deciding_fault_comes_first() -> None:
    outcome = check(opening(time="2026-03-02T10:15:00", actor="robot"))

    text = outcome.as_text()

    assert not outcome.accepted
    assert text == (
        "rejected (flat): wrong_schema\n"
        "  - actor must be customer, agent, bot or system\n"
        "  - time has no offset from UTC; append Z or one such as +01:00"
    )


def test_a_rejected_event_is_data_too() -> None:
    outcome = check(opening(channel=None))

    shown = outcome.as_dict()

    assert shown == {
        "verdict": "rejected",
        "shape": "flat",
        "reason": "wrong_schema",
        "explanations": ["channel is missing or blank; contact.opened requires it"],
    }


def test_an_unknown_type_is_ignored() -> None:
    outcome = check(b'{"specversion":"1.0","type":"org.example.order.shipped.v1"}')

    shown = outcome.as_dict()

    assert shown == {"verdict": "ignored", "shape": "cloudevents-structured"}
    assert outcome.as_text().startswith("ignored (cloudevents-structured)\n")


def test_a_null_value_has_no_shape() -> None:
    outcome = check(None)

    text = outcome.as_text()

    assert text == (
        "rejected (no value): not_json\n"
        "  - the record has no value (null, a tombstone); send the event as JSON"
    )


def test_headers_decide_the_shape() -> None:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"contact.closed"),
        ("ce_source", b"/crm"),
        ("ce_id", b"1"),
        ("ce_time", b"2026-03-02T09:15:00Z"),
    ]

    outcome = check(b'{"contact_id":"c-1"}', headers=headers)

    assert outcome.accepted
    assert outcome.shape == "cloudevents-binary"


def test_a_time_taken_from_the_record_is_said_so() -> None:
    decoder = Decoder(timestamp_fallback=True)

    outcome = check(opening(time=None), timestamp=1_772_442_900_000, decoder=decoder)

    assert outcome.time_from_record
    assert "note: the event has no time; the record's own timestamp is taken" in outcome.as_text()
