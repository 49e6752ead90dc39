"""Throw mutated events at both readers of the contract, and report where they break a promise.

    python tests/fuzz/fuzz_codec.py --seconds 600 --seed 1

Seeds are good events in all three shapes. Each execution breaks one a few times: bytes, JSON
members, headers, the record's timestamp. It is a finding when a reader raises, when the two differ
in their verdict or their event, when an accepted event breaks the contract, or when a rejection
quotes the record. The same seed gives the same executions. Exit code 1 when there are findings.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "service"))

from firstreply.adapters.codec import Decoder, Limits, Reason, Rejected
from firstreply.adapters.contract import judge
from firstreply.adapters.contract_models import MODELS
from firstreply.adapters.records import FileRecord
from firstreply.check_event import check
from firstreply.domain.events import Actor, ContactEvent, EventType
from firstreply.rejection import MAX_TEXT

CANARY = "qzxw"
"""Stands in every text of the seeds; no rejection may hold it."""

MAX_BYTES = 4096
Headers = list[tuple[str, bytes | None]]

_TIMES: list[object] = [
    "2026-03-02T09:15:00Z",
    "2026-03-02t09:15:00.1234565z",
    "2026-03-02 09:15:00+0100",
    "2026-03-02T09:15:00",
    "2016-12-31T23:59:60Z",
    "1969-12-31T23:59:59.9999996Z",
    "9999-12-31T23:59:59.9999999Z",
    "0001-01-01T00:00:00+23:59",
    "2100-01-01T00:00:00.000001Z",
    "2026-02-30T00:00:00Z",
    "٢٠٢٦-03-02T09:15:00Z",
    0,
    -1,
    -0.0,
    1e11,
    99_999_999_999,
    99_999_999_999.5,
    1_772_442_900.123_456_7,
    1_772_442_900_000,
    1e14,
    10**40,
    5e-324,
    True,
    None,
    {},
    "",
]
_ODDITIES: list[object] = [
    None,
    True,
    0,
    1.5,
    "",
    " ",
    "\u2003",
    "\0",
    "\ud83d\ude00",
    "x" * MAX_TEXT,
    "x" * (MAX_TEXT + 1),
    "agent",
    "customer",
    "Agent",
    "outbound",
    [],
    {},
    [[[]]],
    {"contact_id": "c"},
    *EventType,
]
_SPLICES = [
    b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\0", b"NaN", b"Infinity",
    b"1e999", b"-", b"9" * 5000, b'"', b"\\", b"{", b"}", b"[", b"]", b"[" * 150, b'{"a":' * 150,
    b",", b":", b"null", b"true", b'"specversion":"1.0",', b'"type":"contact.closed",',
    b'"time":true,', b"\n", b" ", b"\t",
]  # fmt: skip
_FOREIGN: Headers = [
    ("kafka_dlt-original-offset", b"\0\0\0\0\0\0\xff\x07"),
    ("traceparent", None),
    ("ce_", b"\xff"),
    ("CE_TIME", b"2026-03-02T09:15:00+01:00"),
    ("ce_type", None),
    ("ce_type", b"\xff"),
    ("ce_type", b"org.example.contact.closed.v1"),
    ("ce_type", b"org.example.contact.closed.v2"),
    ("ce_specversion", b"1.0"),
    ("ce_specversion", b"0.3"),
    ("ce_partitionkey", b"c-9"),
    ("ce_partitionkey", b"x" * 600),
    ("ce_id", b""),
    ("ce_time", b"1772442900"),
    ("ce_time", b"\xff"),
    ("content-type", b"application/cloudevents+json; charset=utf-8"),
    ("content-type", b"Application/CloudEvents-batch+json"),
    ("content-type", b"\xff"),
]


def _seeds() -> list[tuple[bytes, Headers]]:
    seeds: list[tuple[bytes, Headers]] = []
    for kind, model in MODELS.items():
        examples = model.model_json_schema()["examples"]
        flat = {**examples[0], "contact_id": CANARY, "id": f"{CANARY}-1", "direction": "inbound"}
        seeds.append((json.dumps(flat).encode(), []))
        data = {name: flat[name] for name in flat if name not in {"id", "type", "time"}}
        envelope = {
            "specversion": "1.0",
            "type": f"org.{CANARY}.{kind}.v1",
            "source": f"/{CANARY}",
            "id": flat["id"],
            "time": flat["time"],
            "partitionkey": CANARY,
        }
        whole = json.dumps({**envelope, "data": data}).encode()
        seeds.append((whole, []))
        seeds.append((whole, [("content-type", b"application/cloudevents+json")]))
        headers = [(f"ce_{name}", text.encode()) for name, text in envelope.items()]
        seeds.append((json.dumps(data).encode(), [*headers, ("content-type", b"text/json")]))
    return seeds


def _bytes(rng: random.Random, value: bytes) -> bytes:
    at = rng.randrange(len(value) + 1)
    match rng.randrange(4):
        case 0:
            return value[:at] + bytes([rng.randrange(256)]) + value[at + 1 :]
        case 1:
            return value[:at] + rng.choice(_SPLICES) + value[at:]
        case 2:
            return value[:at]
        case _:
            return value[:at] + value[rng.randrange(len(value) + 1) :]


def _member(rng: random.Random, value: bytes) -> bytes:
    try:
        loaded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if not isinstance(loaded, dict) or not loaded:
        return value
    target = loaded
    if isinstance(loaded.get("data"), dict) and loaded["data"] and rng.random() < 0.6:
        target = loaded["data"]
    name = rng.choice([*target, "time", "type", "extra", "reason", "actor", "data", "data_base64"])
    if rng.random() < 0.3:
        target.pop(name, None)
    else:
        target[name] = rng.choice(_TIMES if name == "time" and rng.random() < 0.9 else _ODDITIES)
    return json.dumps(loaded, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _mutated(rng: random.Random, seed: tuple[bytes, Headers]) -> FileRecord:
    value, headers = seed[0], list(seed[1])
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 6))):
        choice = rng.random()
        if choice < 0.6:
            value = _member(rng, value)
        elif choice < 0.85:
            value = _bytes(rng, value)
        elif headers and rng.random() < 0.5:
            headers.pop(rng.randrange(len(headers)))
        else:
            headers.insert(rng.randrange(len(headers) + 1), rng.choice(_FOREIGN))
    timestamp = rng.choice((None, None, -1, 0, 1_772_442_000_000, 1_772_300_000_000, 2**62))
    sent = None if rng.random() < 0.005 else value
    return FileRecord(0, sent, timestamp=timestamp, headers=headers)


def _broken_promise(record: FileRecord, decoder: Decoder, limits: Limits) -> str | None:
    hot = decoder.decode(record)
    published = judge(record, limits)
    if isinstance(hot, Rejected):
        if not isinstance(published, tuple):
            return f"rejected by the codec alone: {hot}"
        if not _is_among(hot, published):
            return f"another reason: {hot} not in {published}"
        if any(CANARY in fault.detail for fault in (hot, *published)):
            return f"quotes the record: {hot}"
        return None
    if hot != published:
        return f"differ: {hot} and {published}"
    return (
        _wrong(hot, limits.last_instant(record.timestamp))
        if isinstance(hot, ContactEvent)
        else None
    )


def _is_among(fault: Rejected, faults: tuple[Rejected, ...]) -> bool:
    if fault.reason is Reason.BAD_TIME:
        # To msgspec a NUL ends the text of a time: one inside it is "no offset" there, and
        # "not RFC 3339" by the published model. The reason is the same.
        return any(other.reason is Reason.BAD_TIME for other in faults)
    return fault in faults


def _wrong(event: ContactEvent, last: int) -> str | None:
    texts = (event.contact_id, event.id, event.channel, event.queue, event.reason)
    holds = (
        event.contact_id.strip() != ""
        and event.id.strip() != ""
        and all(text is None or len(text) <= MAX_TEXT for text in texts)
        and 0 <= event.time <= last
        and (event.type is not EventType.OPENED or bool(event.channel))
        and (event.type is not EventType.EXCLUDED or bool(event.reason))
        and (event.type is not EventType.RESPONDED or event.actor not in {None, Actor.CUSTOMER})
    )
    return None if holds else f"accepted against the contract: {event}"


def fuzz(seed: int, more: Callable[[int], bool]) -> tuple[Counter[str], list[str]]:
    """Execute while ``more(executions)`` says so; return verdicts counted, and the findings."""
    rng = random.Random(seed)
    seeds = _seeds()
    readers = [
        Decoder(max_event_bytes=MAX_BYTES),
        Decoder(max_event_bytes=MAX_BYTES, timestamp_fallback=True),
    ]
    verdicts: Counter[str] = Counter()
    findings: list[str] = []
    while more(verdicts.total()):
        record = _mutated(rng, rng.choice(seeds))
        decoder = rng.choice(readers)
        try:
            finding = _broken_promise(record, decoder, decoder.limits)
            outcome = check(
                record.value, headers=record.headers, timestamp=record.timestamp, decoder=decoder
            )
            outcome.as_text()
            verdicts[outcome.reason or outcome.verdict] += 1
        except Exception as error:  # noqa: BLE001 - any exception is what it looks for
            verdicts["raised"] += 1
            finding = f"raised {type(error).__name__}: {error}"
        if finding is not None:
            findings.append(f"{finding}\n  record: {record}")
    return verdicts, findings


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Fuzz the event codec.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    verdicts, findings = fuzz(options.seed, lambda _: time.monotonic() < end)
    print(f"{verdicts.total()} executions, {len(findings)} findings")  # noqa: T201
    print(", ".join(f"{name} {count}" for name, count in verdicts.most_common()))  # noqa: T201
    for finding in findings[:20]:
        print(finding)  # noqa: T201
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
