"""Writes ``docs/reference/alerts.md`` from the rules in ``alerts/``, so that it is never stale.

Run ``python -m firstreply.devkit.alerts_reference docs/reference/alerts.md``; a test fails while
the page differs from what this writes. Why a number is what it is: decision 6.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[3]
"""The source tree."""

Rule = dict[str, Any]

_FILES: Final = {
    "floor.yml": "Of the floor",
    "platform.yml": "Of the platform",
    "recording.yml": "Recorded series",
}
_HEAD: Final = """\
# Alerts and recorded series

<!-- Generated from alerts/ by `make docs`; do not edit. -->

What the shipped rules say, expression by expression. How to install and change them, and in a line
each when they fire: [alerts/README.md](../../alerts/README.md). What to do about one: its runbook.
Why a number is what it is: [decision 6](../decisions/0006-tiers-factors-and-windows.md). Who is
told: [Alertmanager](../../deploy/alertmanager/README.md).

Every alert also has the labels its expression keeps, such as `channel`, and two languages of text:
`summary` and `summary_fr`, `description` and `description_fr`.
"""
_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_COMPUTED: Final = re.compile(r"(?:\{\{.*?\}\}\s*)+")
"""Of a text: what Prometheus puts in when the alert fires."""


def page() -> str:
    """Return the page; raises OSError."""
    return _HEAD + "".join(_part(name, title) for name, title in _FILES.items())


def rules(name: str) -> Iterator[Rule]:
    """Yield the rules of a file, in its order."""
    content = yaml.safe_load((ROOT / "alerts" / name).read_text(encoding="utf-8"))
    for group in content["groups"]:
        yield from group["rules"]


def _part(name: str, title: str) -> str:
    sections = "".join(_alert(rule) if "alert" in rule else _recorded(rule) for rule in rules(name))
    return f"\n## {title}\n\nIn `alerts/{name}`.\n{sections}"


def _alert(rule: Rule) -> str:
    name, labels, told = rule["alert"], rule["labels"], rule["annotations"]
    facts = [f"severity {labels['severity']}", f"team {labels['team']}"]
    facts += [f"{key} {labels[key]}" for key in labels if key not in {"severity", "team"}]
    facts.append(f"for {rule['for']}" if "for" in rule else "at once")
    if "keep_firing_for" in rule:
        facts.append(f"kept for {rule['keep_firing_for']} after its end")
    return (
        f"\n### {name}\n\n{', '.join(facts)}. [What to do](../runbooks/{name}.md).\n"
        f"\n{_readable(told['description'])}\n{_expression(rule)}"
    )


def _readable(text: str) -> str:
    """Put the names of labels, and an ellipsis, in place of what is known when it fires."""
    named = _LABEL.sub(r"*\1*", " ".join(text.split()))
    return _COMPUTED.sub("… ", named).removeprefix("… ").replace("… .", "….").replace("… ,", "…,")


def _recorded(rule: Rule) -> str:
    labels = ", ".join(f'{name}="{text}"' for name, text in rule.get("labels", {}).items())
    marked = f"\nWith `{labels}`.\n" if labels else ""
    return f"\n### `{rule['record']}`\n{marked}{_expression(rule)}"


def _expression(rule: Rule) -> str:
    return f"\n```promql\n{str(rule['expr']).rstrip()}\n```\n"


def main() -> None:
    """Write the page to the path given as the only argument."""
    match sys.argv[1:]:
        case [path]:
            Path(path).write_text(page(), encoding="utf-8")
        case _:
            sys.exit("give one path: python -m firstreply.devkit.alerts_reference PATH")


if __name__ == "__main__":
    main()
