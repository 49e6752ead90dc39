"""Reads an OpenMetrics text with timestamps, and holds it to the standard while it does.

Families, and in them the series of one set of labels, stand in one piece; instants only grow. What
a single instant shows goes through the strict parser of prometheus_client, which itself mistakes
the second instant of a histogram for a repetition of the first.
"""

import re
from collections.abc import Iterable
from typing import Final

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_strictly

_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')

Key = tuple[str, frozenset[tuple[str, str]]]
"""Name and labels."""
Samples = dict[float, float]
"""Seconds since 1970 to value, in order."""


class HistoryText:
    """The series of a text. Reading fails where the standard is broken."""

    def __init__(self, text: str) -> None:
        self.series: dict[Key, Samples] = {}
        self.kinds: dict[str, str] = {}
        """Family to type."""
        self.stamps: dict[float, str] = {}
        """Instant to how it is written."""
        self._heads: dict[str, Key] = {}
        lines = text.split("\n")
        assert lines[-2:] == ["# EOF", ""]
        before: object = None
        seen: set[object] = set()
        family = ""
        for line in lines[:-2]:
            if line.startswith("# "):
                _, word, name, rest = line.split(" ", 3)
                assert word != "HELP" or name not in self.kinds, f"{name} comes twice"
                family = name
                if word == "TYPE":
                    self.kinds[name] = rest
                continue
            group = self._take(line, family)
            assert group == before or group not in seen, f"not in one piece: {line}"
            seen.add(group)
            before = group

    def _take(self, line: str, family: str) -> tuple[str, frozenset[tuple[str, str]]]:
        head, value, at = line.rsplit(" ", 2)
        key = self._heads.get(head) or self._read_head(head)
        name, labels = key
        assert name.startswith(family), f"{name} is not of {family}"
        samples = self.series.setdefault(key, {})
        instant = float(at)
        assert instant > next(reversed(samples), -1.0), f"time goes back: {line}"
        samples[instant] = float(value)
        self.stamps[instant] = at
        return family, frozenset(pair for pair in labels if pair[0] != "le")

    def _read_head(self, head: str) -> Key:
        name, _, inside = head.partition("{")
        key = self._heads[head] = (name, frozenset(_LABEL.findall(inside)))
        return key

    def of(self, name: str, **labels: str) -> Samples:
        """Return the series with this name and these labels among its own; empty without one."""
        found = [
            samples
            for (own, its), samples in self.series.items()
            if own == name and labels.items() <= its
        ]
        assert len(found) < 2, f"{len(found)} series {name}{labels}"
        return found[0] if found else {}

    def cumulative(self) -> Iterable[tuple[Key, Samples]]:
        """Return the series that may only grow."""
        names = {name for name, kind in self.kinds.items() if kind in {"counter", "histogram"}}
        suffix = re.compile("_(total|bucket|count|sum)$")
        return [one for one in self.series.items() if suffix.sub("", one[0][0]) in names]

    def at(self, instant: float) -> dict[Key, float]:
        """Return all that is shown at an instant."""
        return {key: samples[instant] for key, samples in self.series.items() if instant in samples}

    @property
    def instants(self) -> list[float]:
        """Every instant that anything is shown at."""
        return sorted(self.stamps)


def check_instant(text: str, at: str) -> int:
    """Parse strictly what a text shows at an instant, as if it were scraped; count the samples."""
    shown = [
        line if line.startswith("#") else line.removesuffix(f" {at}")
        for line in text.splitlines()
        if line.startswith("#") or line.endswith(f" {at}")
    ]
    families = parse_strictly("\n".join(shown) + "\n")  # type: ignore[no-untyped-call]
    return sum(len(family.samples) for family in families)
