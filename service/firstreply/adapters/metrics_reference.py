"""Writes ``docs/reference/metrics.md`` from the declarations, so that the page is never stale.

Run ``python -m firstreply.adapters.metrics_reference docs/reference/metrics.md``; a test fails
while the page differs from what this writes.
"""

import sys
from pathlib import Path
from typing import Final

from firstreply.adapters import metrics
from firstreply.adapters.metrics import Metric
from firstreply.domain.bands import OTHER
from firstreply.domain.verdict import SHORT_ABANDON

_INTRODUCTION: Final = """\
# Metrics

<!-- Generated from service/firstreply/adapters/metrics.py by
`python -m firstreply.adapters.metrics_reference docs/reference/metrics.md`; do not edit. -->

Everything `/metrics` exports. Names and labels are public API: a change is listed as BREAKING in
the changelog.

- **Counters** never go down. When late input changes an outcome, only
  `contact_expectation_corrections_total` moves: net X = outcomes{X} + corrections{to=X} -
  corrections{from=X}.
- A series that was not there before is shown at 0 by one scrape before it shows what it counted,
  so that `increase()` sees its first events. Any delivered GET of `/metrics` is that scrape: one by
  hand, or by the other of two Prometheus servers, takes the 0 from the server that comes next.
- **Gauges** hold at the service clock, `firstreply_clock_timestamp_seconds`: compute ages from it,
  never from `time()`. Over the partitions a process owns, counts are summed and instants take the
  minimum; they vanish with the partition.
- **Instants** are Unix seconds. **Histograms** have the bounds 10 s to 2 d and every band limit of
  their clock, inclusive, the same for all channels; those of the service itself have bounds of
  their own.
- Several processes: each exports the configuration, so take `max without (instance)` first.
- `queue` is a listed queue, `other` (not listed) or `none`; `channel` a configured channel.
- No label holds a contact id, a customer, an agent or free text.
"""

_SECTIONS: Final = (
    ("Contacts", "Counted once per contact, when it happened.", metrics.CONTACTS),
    ("Who waits", "What is so at the service clock.", metrics.WAITING),
    (
        "Configuration",
        "For joins: no rule needs to repeat a limit or an objective.",
        metrics.CONFIGURED,
    ),
    ("Events", "What was read, and what was odd about it.", metrics.EVENTS),
    ("The service itself", "Whether the figures can be trusted.", metrics.RUNNING),
)

_HEAD: Final = (
    "| metric | type | labels | unit | fed by | what it says |",
    "|---|---|---|---|---|---|",
)


def reference() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for title, text, group in _SECTIONS:
        rows = [_row(metric) for metric in group]
        table = "\n".join((*_HEAD, *rows))
        parts.append(f"## {title}\n\n{text}\n\n{table}\n")
    return "\n".join(parts)


def _row(metric: Metric) -> str:
    labels = ", ".join(_label(metric, label) for label in metric.labels)
    cells = (f"`{metric.name}`", metric.kind, labels, metric.unit, metric.source, metric.help)
    return f"| {' | '.join(cells)} |"


def _label(metric: Metric, label: str) -> str:
    values = " \\| ".join(f"`{value}`" for value in metric.closed(label))
    if label == "reason" and not values:
        values = f"each of `excluded_reasons` \\| `{SHORT_ABANDON}` \\| `{OTHER}`"
    return f"`{label}` ({values})" if values else f"`{label}`"


def main() -> None:
    """Write the page to the path given as the only argument."""
    match sys.argv[1:]:
        case [path]:
            Path(path).write_text(reference(), encoding="utf-8")
        case _:
            sys.exit("give one path: python -m firstreply.adapters.metrics_reference PATH")


if __name__ == "__main__":
    main()
