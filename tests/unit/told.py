"""Explains the one contact of a desk, as a record, as words, and band by band."""

from datetime import UTC, datetime

from firstreply.explanation import Explanation, explain_kept, render
from firstreply.explanation.model import BandStory
from firstreply.words import Language
from tests.unit.domain.builders import (
    Desk,
    at,
    policy,
)

PROMISED = policy("chat", promise="10m")


def story(desk: Desk) -> Explanation:
    told = explain_kept(desk.engine, "c")
    assert told is not None
    return told


def text(desk: Desk) -> str:
    """Return the English words, each run of white space as one space."""
    return " ".join(render(story(desk), Language.EN).split())


def bands(desk: Desk) -> dict[str, BandStory]:
    return {told.band: told for told in story(desk).bands}


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + (at(seconds) * datetime.resolution)
