"""A floor made up of figures, and what a column of the wall answers on it, by promtool's PromQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

import yaml

from firstreply.domain.gauges import BandState
from tests.alerts.rule_files import outcome, run
from tests.dashboards.panel_queries import documents

OBJECTIVES: Final = {"chat": ("10m", 0.9), "email": ("8h", 0.85), "phone": ("20s", 0.8)}
CLOCK: Final = 1_800_000_000
"""What the service clock says."""
NOW: Final = 180
"""Minutes after the first sample."""

Labels = dict[str, str]
Answer = float | tuple[float, Labels]
"""A number for a channel, or a number with more labels than the channel."""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Figures that hold since three hours."""

    heard: int = NOW
    """For how many minutes the service was scraped; then its series end."""
    steady: int = 1
    closed: frozenset[str] = frozenset()
    waiting: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(channel, band state) to contacts; a channel has its other states at 0."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """More series."""

    def series(self) -> list[dict[str, str]]:
        """Return promtool's input."""
        values: dict[str, float] = {
            'firstreply_clock_timestamp_seconds{topic="t",partition="0"}': CLOCK,
            **self.figures,
        }
        for channel, (band, objective) in OBJECTIVES.items():
            labels = f'channel="{channel}",band="{band}"'
            values[f"channel_band:contact_promise_objective:ratio{{{labels}}}"] = objective
        for channel, state in product({channel for channel, _state in self.waiting}, BandState):
            labels = f'channel="{channel}",queue="none",band_state="{state}"'
            values[f"contact_waiting{{{labels}}}"] = self.waiting.get((channel, state), 0)
        for channel in {channel for channel, _state in self.waiting} | OBJECTIVES.keys():
            is_open = int(channel not in self.closed)
            values[f'channel:contact_channel_open:min{{channel="{channel}"}}'] = is_open
        scraped = [
            {"series": name, "values": f"{value}x{self.heard} stale"}
            for name, value in values.items()
        ]
        always = {"series": "firstreply:figures_steady:bool", "values": f"{self.steady}x{NOW}"}
        return [*scraped, always]


def column(heading: str) -> str:
    """Return the query of the column of the wall that stands under a heading."""
    panels: list[dict[str, Any]] = documents()["firstreply-wall"]["panels"]
    (at,) = (
        number
        for number, panel in enumerate(panels)
        if panel["type"] == "text" and f">{heading}</div>" in panel["options"]["content"]
    )
    expr: str = panels[at + 1]["targets"][0]["expr"]
    return expr


def expect_columns(
    promtool: Path, folder: Path, floor: Floor, answers: Mapping[str, Mapping[str, Answer]]
) -> None:
    """Fail unless each column, by its heading, answers what is given, by channel."""
    asked = {
        column(heading): [
            ({"channel": channel, **more}, value)
            for channel, answer in by_channel.items()
            for value, more in (answer if isinstance(answer, tuple) else (answer, {}),)
        ]
        for heading, by_channel in answers.items()
    }
    expect(promtool, folder, floor.series(), asked)


def expect(
    promtool: Path,
    folder: Path,
    series: Sequence[Mapping[str, str]],
    answers: Mapping[str, Sequence[tuple[Labels, float]]],
) -> None:
    """Fail unless each expression answers what is given, ``NOW`` minutes after the first sample."""
    asked = [
        {"expr": expr, "eval_time": f"{NOW}m", "exp_samples": [_sample(*one) for one in expected]}
        for expr, expected in answers.items()
    ]
    test = {"interval": "1m", "input_series": list(series), "promql_expr_test": asked}
    path = folder / "panels.test.yml"
    path.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))

    result = run(promtool, "test", "rules", path)

    assert result.returncode == 0, outcome(result)


def _sample(labels: Labels, value: float) -> dict[str, object]:
    texts = ",".join(f'{name}="{text}"' for name, text in labels.items())
    return {"labels": f"{{{texts}}}", "value": value}
