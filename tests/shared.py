"""Real event logs and peers' cases, which stay outside the repository.

They lie in the folder ``shared`` beside the checkout, or where ``FIRSTREPLY_SHARED`` says. Where
there is none, the tests that need it are skipped.
"""

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from firstreply.adapters.records import FileRecord
from firstreply.config.load import load_settings
from firstreply.settings import Settings

ROOT: Final = Path(__file__).parents[1]
SHARED: Final = Path(os.environ.get("FIRSTREPLY_SHARED", ROOT.parent / "shared"))
LOGS: Final = ("irc_ubuntu", "sf311", "baltimore311")
BANDS: Final = ("20s", "60s", "10m", "1h", "8h", "24h")

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason=f"no folder {SHARED.name}/data beside the checkout"
)


def log_path(name: str) -> Path:
    """Return the events of a log."""
    return SHARED / "data" / f"{name}.events.jsonl.gz"


def log_lines(path: Path) -> list[bytes]:
    """Return the events of a log as bytes."""
    with gzip.open(path) as lines:
        return [line.rstrip(b"\n") for line in lines]


def truth_of(name: str) -> dict[str, Any]:
    """Return what was computed from the original tables, by other code than ours."""
    truth: dict[str, Any] = json.loads((SHARED / "data" / f"{name}.truth.json").read_bytes())
    return truth


def records_of(lines: Iterable[bytes]) -> list[FileRecord]:
    """Number lines as records of a file."""
    return [FileRecord(offset, line) for offset, line in enumerate(lines)]


def truth_configuration(channels: Iterable[str]) -> str:
    """Return the configuration under which the truth was computed."""
    listed = "\n".join(f"  {channel}: {{voice: false}}" for channel in channels)
    return f"""\
bands:
  20s: {{weight: 0.1}}
  60s: {{weight: 0.1}}
  10m: {{weight: 0.166}}
  1h: {{weight: 0.131}}
  8h: {{weight: 0.292}}
  24h: {{weight: 0.411}}
channels_only: true
channels:
{listed}
give_up_after: never
settle_for: never
short_abandon: 0s
"""


def truth_settings(channels: Iterable[str], folder: Path) -> Settings:
    """Load that configuration from a file."""
    path = folder / "truth.yaml"
    path.write_text(truth_configuration(channels))
    return load_settings(path, {})


def agrees(figures: dict[str, Any], truth: dict[str, Any]) -> None:
    """Assert that the figures of a channel are those of the truth."""
    latency = figures["first_response_seconds"]
    ours = {
        "contacts": figures["contacts"],
        "answered": figures["answered"],
        "never_answered": figures["never_answered"],
        "median_s": latency["median"],
        "p90_s": latency["p90"],
        **{f"within_{band}": figures["within"][band] for band in BANDS},
    }
    assert ours == {key: truth[key] for key in ours}
    assert figures["acknowledged"] == truth["bot_only"] + truth["bot_first"]
