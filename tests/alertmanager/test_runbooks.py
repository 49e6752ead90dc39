"""Every alert has a page that fits its rule, and the pages name nothing that does not exist."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import typer
from typer.core import TyperGroup

from firstreply.adapters.metrics import METRICS, Kind
from firstreply.cli import app
from firstreply.domain.ledger import KINDS
from firstreply.rejection import EXPECTED, Reason
from tests.alerts.rule_files import Rule, rules
from tests.shared import ROOT

DOCS: Final = ROOT / "docs"
RUNBOOKS: Final = DOCS / "runbooks"
SERVICE: Final = ROOT / "service" / "firstreply"
HEADINGS: Final = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
IN_FRENCH: Final = "En bref"
MOST_LINES: Final = 60

ALERTS: Final = {rule.name: rule for rule in rules() if rule.is_alert}
RECORDED: Final = {rule.name for rule in rules() if not rule.is_alert}
FLOOR: Final = sorted(name for name, rule in ALERTS.items() if rule.labels["team"] == "floor")
PAGES: Final = sorted(RUNBOOKS.glob("*.md"))

PROGRAMS: Final = {
    "amtool",
    "chronyc",
    "curl",
    "firstreply",
    "kafka-console-consumer.sh",
    "kafka-consumer-groups.sh",
    "kafka-topics.sh",
    "promtool",
    "timedatectl",
}
OF_OTHERS: Final = {"scrape_timeout", "external_labels"}  # Prometheus's
SNAKE: Final = re.compile(r"(?<![\w.$])[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
FENCE: Final = re.compile(r"^ *```\w*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Section(msgspec.Struct, frozen=True):
    heading: str
    text: str


def page(name: str) -> str:
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def sections(text: str) -> list[Section]:
    """Split a page at its second-level headings; what stands before the first is left out."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return [
        Section(heading, content.strip())
        for heading, content in zip(parts[1::2], parts[2::2], strict=True)
    ]


def first_line(rule: Rule) -> str:
    """Return the line below the title: what the rule says about itself."""
    labels, content = rule.labels, rule.content
    dashboard = re.search(r"/d/([a-z-]+)", rule.annotations["dashboard_url"])
    assert dashboard is not None
    words = [f"**{labels['severity']}**", f"team {labels['team']}"]
    words += [f"tier {labels['tier']}"] if "tier" in labels else []
    words += [f"after {content['for']}" if "for" in content else "at once"]
    words += [f"kept for {content['keep_firing_for']}"] if "keep_firing_for" in content else []
    return ", ".join([*words, f"dashboard {dashboard[1]}"]) + "."


def commands(text: str) -> list[str]:
    """Return the commands of the fenced blocks, each on one line."""
    return [
        line.strip()
        for block in FENCE.findall(text)
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip()
    ]


def in_backticks(text: str) -> list[str]:
    """Return what stands in backticks within the text, blocks left out."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]


def logged() -> Iterator[str]:
    """Yield the events that the service logs."""
    for path in SERVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="_log")),
                    args=[ast.Constant(value=str(event)), *_],
                ):
                    yield event


def settings_keys(node: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield every key of the configuration."""
    if isinstance(node, dict):
        yield from node.get("properties", ())
        for value in node.values():
            yield from settings_keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from settings_keys(value)


def metric_names() -> Iterator[str]:
    for metric in METRICS:
        yield metric.name
        if metric.kind is Kind.HISTOGRAM:
            yield from (f"{metric.name}_{suffix}" for suffix in ("bucket", "count", "sum"))


def subcommands() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


KEYS: Final = frozenset(
    settings_keys(json.loads((DOCS / "reference/configuration.schema.json").read_text()))
)
LABELS: Final = {label for metric in METRICS for label in metric.labels}
VALUES: Final = {value for m in METRICS for label in m.labels for value in m.closed(label)}
KNOWN: Final = frozenset().union(
    metric_names(), logged(), KEYS, LABELS, VALUES, Reason, KINDS, EXPECTED, OF_OTHERS
)
HEADERS: Final = (SERVICE / "adapters/kafka/letter.py").read_text(encoding="utf-8")
PATHS: Final = (SERVICE / "adapters/http.py").read_text(encoding="utf-8")


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {path.stem for path in PAGES} == {*ALERTS, "README"}


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_the_page_has_its_headings_in_order_each_with_text(name: str) -> None:
    found = sections(page(name))

    wanted = [*HEADINGS, IN_FRENCH] if name in FLOOR else HEADINGS
    assert [section.heading for section in found] == wanted
    assert all(len(section.text.split()) >= 10 for section in found)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_the_page_opens_with_severity_team_and_times_of_the_rule(name: str) -> None:
    title, empty, line, *rest = page(name).splitlines()

    assert (title, empty, line) == (f"# {name}", "", first_line(ALERTS[name]))
    assert 30 <= len(rest) + 3 <= MOST_LINES


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_the_link_of_the_alert_ends_in_its_page(name: str) -> None:
    url = ALERTS[name].annotations["runbook_url"]

    assert url.endswith(f"/docs/runbooks/{name}.md")
    assert (DOCS / url.partition("/docs/")[2]).is_file()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_of_the_page_leads_to_a_file_of_the_repository(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))

    assert [link for link in links if not (path.parent / link.partition("#")[0]).is_file()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_alert_that_the_page_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    named = set(re.findall(r"\b(?:Contact|Firstreply)[A-Z]\w+|\bWatchdog\b", text))

    assert named <= set(ALERTS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_metric_log_event_and_setting_that_the_page_names_exists(path: Path) -> None:
    spans = in_backticks(path.read_text(encoding="utf-8"))

    unknown = {word for span in spans for word in SNAKE.findall(span)} - KNOWN
    recorded = {word for span in spans for word in re.findall(r"\w+:\w+:\w+", span)}
    headers = {span for span in spans if span.startswith(("__streams", "firstreply.dlq"))}
    settings = {
        key
        for span in spans
        if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", span) and span.partition(".")[0] in KEYS
        for key in span.split(".")
    }

    assert unknown - {part for word in recorded for part in word.split(":")} == set()
    assert recorded <= RECORDED
    assert settings <= KEYS
    assert all(f'"{header}"' in HEADERS for header in headers)


def named(group: TyperGroup, words: list[str]) -> Any:  # noqa: ANN401 - typer has no types here
    """Return the command that the words name, however deep."""
    command: Any = group
    for word in words:
        if not isinstance(command, TyperGroup):
            break
        assert word in command.commands, " ".join(words)
        command = command.commands[word]
    return command


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_that_the_page_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    group = subcommands()

    typed = [*commands(text), *(s for s in in_backticks(text) if s.startswith("firstreply "))]

    assert {line.split()[0] for line in typed} <= PROGRAMS
    for line in typed:
        if line.startswith("firstreply "):
            _, *arguments = line.split()
            options = {option for one in named(group, arguments).params for option in one.opts}
            assert {word for word in arguments if word.startswith("-")} <= options, line


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_of_the_service_that_the_page_names_is_served(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    served = {span for span in in_backticks(text) if re.fullmatch(r"/[a-z]+", span)}
    asked = set(re.findall(r"http://HOST:9464(/[a-z]+)", text))

    assert all(f'"{each}"' in PATHS for each in served | asked)


@pytest.mark.parametrize("name", FLOOR)
def test_the_floor_reads_no_metric_names_in_meaning_and_impact(name: str) -> None:
    meaning, impact, *_ = sections(page(name))

    assert "`" not in meaning.text + impact.text
    assert SNAKE.findall(meaning.text + impact.text) == []


@pytest.mark.parametrize("name", FLOOR)
def test_the_floor_is_told_what_to_do_in_ten_minutes_and_whom_to_call(name: str) -> None:
    mitigation = sections(page(name))[HEADINGS.index("Mitigation")].text

    assert mitigation.startswith("In the next ten minutes:")
    assert "\nWho to call: " in mitigation
    assert "\nIt ends " in mitigation


@pytest.mark.parametrize("name", sorted(set(ALERTS) - set(FLOOR)))
def test_operations_are_told_how_to_see_that_it_is_over(name: str) -> None:
    assert re.search(r"\b[Ii]t is over (when|an hour)", sections(page(name))[-1].text)


@pytest.mark.parametrize("name", FLOOR)
def test_the_french_summary_has_3_to_5_sentences(name: str) -> None:
    text = sections(page(name))[-1].text

    assert 3 <= len(re.findall(r"[.!?](?=\s|$)", text)) <= 5


def burn_limits(window: str) -> tuple[float, float]:
    """Return the factor of the budget and the least share kept of a tier, from its rule."""
    (rule,) = (
        rule
        for rule in rules()
        if rule.name == "channel_band_window:contact_promise_broken_limit:ratio"
        and rule.labels["window"] == window
    )
    found = re.search(r"([\d.]+) \* \(1 - .*?< 1 - ([\d.]+) \*", rule.expr, re.DOTALL)
    assert found is not None
    return float(found[1]), float(found[2])


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("ContactPromiseBurnFast", ["1h"]),
        ("ContactPromiseBurnSlow", ["6h"]),
        ("ContactPromiseBurnTicket", ["1d", "3d"]),
    ],
)
def test_the_shares_of_the_table_are_those_of_the_rule(name: str, windows: list[str]) -> None:
    rows = re.findall(r"^\| (\d+) % \| (.+) \|$", page(name), re.MULTILINE)

    assert [objective for objective, _ in rows] == ["80", "85", "90", "95"]
    for objective, shares in rows:
        told = [float(share.removesuffix(" %")) for share in shares.split(" | ")]
        kept = int(objective) / 100
        limits = [burn_limits(window) for window in windows]
        due = [100 * min(factor * (1 - kept), 1 - least * kept) for factor, least in limits]
        assert told == pytest.approx(due, abs=0.051)


def test_the_index_lists_every_alert_with_its_team_and_severity_in_the_order_of_the_rules() -> None:
    order = sorted(ALERTS, key=lambda name: ALERTS[name].file)  # floor, then platform; stable

    row = re.compile(r"^\| \[(\w+)\]\((\S+)\) \| (\w+) \| (\w+) \| (.+) \|$", re.MULTILINE)
    rows = row.findall(page("README"))

    assert [cells[:4] for cells in rows] == [
        (name, f"{name}.md", ALERTS[name].labels["team"], ALERTS[name].labels["severity"])
        for name in order
    ]
    assert all(line.endswith(".") for *_, line in rows)
