import asyncio
import io
import logging
import sys
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console

from firstreply import restore_bar
from firstreply.restore_bar import RestoreBar, is_under_way

if TYPE_CHECKING:
    from firstreply.app import Running


class Processor:
    """Three partitions: one there, one half restored, one not begun; after some looks all are."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def restored_shares(self) -> dict[int, float]:
        self.looks -= 1
        return {0: 1.0, 1: 0.5, 2: 0.0} if self.looks >= 0 else dict.fromkeys(range(3), 1.0)


class Service:
    def __init__(self, looks: int) -> None:
        self.processor = Processor(looks)


async def shown(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, moment: float, looks: int = 5
) -> str:
    """Return what a console of 80 columns was sent until all was restored."""
    monkeypatch.setattr(restore_bar, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(restore_bar, "_MOMENT_SECONDS", moment)
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=80)
    service = Service(looks)
    watching = asyncio.create_task(RestoreBar(console).show(cast("Running", service)))
    for _ in range(looks + 5):
        await asyncio.sleep(0)
    watching.cancel()
    await asyncio.wait([watching])
    return written.getvalue()


async def test_the_bar_tells_partitions_share_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = await shown(monkeypatch, terminal=True, moment=0.0)

    assert "Restoring state" in text
    assert "50%" in text
    assert "1 of 3 partitions" in text


async def test_elsewhere_than_on_a_terminal_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await shown(monkeypatch, terminal=False, moment=0.0)


async def test_a_short_restore_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await shown(monkeypatch, terminal=True, moment=3600.0)


async def test_log_lines_go_above_the_bar_and_back_to_where_they_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = io.StringIO()
    handler = logging.StreamHandler(before)
    streams = []

    class Noting(Processor):
        def restored_shares(self) -> dict[int, float]:
            streams.append(handler.stream)
            return super().restored_shares()

    monkeypatch.setattr(sys.modules[__name__], "Processor", Noting)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])

    await shown(monkeypatch, terminal=True, moment=0.0)

    assert any(stream is not before for stream in streams)
    assert handler.stream is before


def test_nothing_is_under_way_before_the_first_and_after_the_last() -> None:
    assert not is_under_way({})
    assert not is_under_way({0: 0.0, 1: 1.0})
    assert is_under_way({0: 0.1, 1: 1.0})
