"""The peer benchmark's workload: what it says that each system must count is right."""

import json
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Final

from benchmarks.peers import tally, workload
from tests.unit.commands import invoke

NOW: Final = datetime(2026, 3, 4, 9, tzinfo=UTC)
CONTACTS: Final = workload.contacts(400, workload.began(NOW))


def test_a_replay_of_the_workload_counts_what_is_said_to_be_true(tmp_path: Path) -> None:
    configuration, events = tmp_path / "firstreply.yaml", tmp_path / "events.jsonl"
    configuration.write_text(workload.configuration())
    events.write_bytes(b"\n".join(value for _, value in workload.events(CONTACTS)))

    options = ("--config", str(configuration), "--until", NOW.isoformat(), "--format", "json")
    result = invoke("replay", *options, str(events))

    assert result.exit_code == 0, result.stderr
    channels = json.loads(result.stdout)["channels"]
    counted = {
        name: {"answered": figures["answered"], **figures["within"]}
        for name, figures in channels.items()
    }
    assert counted == workload.truth(CONTACTS)
    assert {name: figures["missed"] for name, figures in channels.items()} == workload.missed(
        CONTACTS
    )


def test_the_workload_is_of_the_agreed_shape() -> None:
    events = [(contact_id, value) for contact_id, value in workload.events(CONTACTS)]

    still_open = sum(one.answered is None for one in CONTACTS) / len(CONTACTS)
    assert 0.02 < still_open < 0.08
    assert 215 < mean(len(value) for _, value in events) < 230
    assert {len(contact_id) for contact_id, _ in events} == {36}
    assert len({one.channel for one in CONTACTS}) == 12
    assert len({one.queue for one in CONTACTS}) == 20


def test_the_peers_count_by_the_same_limits_as_the_truth() -> None:
    in_milliseconds = {band: limit * 1000 for band, limit in tally.BANDS.items()}

    assert in_milliseconds == workload.BANDS
