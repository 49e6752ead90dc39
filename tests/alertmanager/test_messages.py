"""What people read: golden messages in both languages, rendered by Alertmanager's own tool.

``data/NAME.json`` holds a group of alerts as Alertmanager hands it to a template,
``golden/NAME.LANGUAGE.txt`` every part of the message. ``--update-golden`` rewrites them: read the
difference before you commit it.
"""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.alertmanager.messages import (
    CONFIG,
    LANGUAGES,
    PARTS,
    TEMPLATES,
    named,
    render,
    template_files,
)

HERE: Final = Path(__file__).parent
SAMPLES: Final = sorted(path.stem for path in (HERE / "data").glob("*.json"))
LONGEST_TITLE: Final = 140
"""Characters a phone shows of a title on its lock screen, in two or three lines."""

LONGEST_SLACK: Final = 1500
"""Characters of a message about many queues: one screen and a half of a phone."""


def data(sample: str) -> Path:
    return HERE / "data" / f"{sample}.json"


def message(amtool: Path, sample: str, language: str) -> str:
    """Return every part of a message under its name."""
    shown = [
        f"===== {part}\n{render(amtool, named(part, language), data(sample))}" for part in PARTS
    ]
    html = render(amtool, named("html", language), data(sample), kind="html")
    return "\n".join([*shown, f"===== html\n{html}"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_message_is_the_golden_one(
    amtool: Path, sample: str, language: str, *, update_golden: bool
) -> None:
    golden = HERE / "golden" / f"{sample}.{language}.txt"
    rendered = message(amtool, sample, language)

    if update_golden:
        golden.write_text(rendered)
    assert rendered == golden.read_text()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_message_is_short_enough_for_a_phone(amtool: Path, sample: str, language: str) -> None:
    title = render(amtool, named("title", language), data(sample))
    slack = render(amtool, named("slack", language), data(sample))

    assert len(title) <= LONGEST_TITLE, title
    assert "\n" not in title
    assert len(re.sub(r"<[^|>]+\|([^>]+)>", r"\1", slack)) <= LONGEST_SLACK


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", [*PARTS, "html"])
def test_the_language_file_chooses_the_language_of_every_part(
    amtool: Path, part: str, language: str
) -> None:
    sample = data(SAMPLES[0])

    chosen = render(amtool, named(part), sample, language=language)

    assert chosen == render(amtool, named(part, language), sample)
    assert chosen != render(amtool, named(part, other(language)), sample)


def other(language: str) -> str:
    (one,) = (name for name in LANGUAGES if name != language)
    return one


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_that_is_called_is_in_a_file_that_the_configuration_loads(
    language: str,
) -> None:
    texts = [CONFIG.read_text(), *(path.read_text() for path in template_files(language))]
    called = set(re.findall(r'template "([^"]+)"', "".join(texts)))

    assert called - defined(*template_files(language)) == set()


def test_both_languages_say_the_same_things() -> None:
    english = defined(TEMPLATES / "firstreply.en.tmpl")
    french = defined(TEMPLATES / "firstreply.fr.tmpl")

    assert {name.replace(".en.", ".fr.") for name in english} == french
    assert actions("firstreply.en.tmpl", "en") == actions("firstreply.fr.tmpl", "fr")


def defined(*files: Path) -> set[str]:
    text = "".join(file.read_text() for file in files)
    return set(re.findall(r'define "([^"]+)"', text))


def actions(file: str, language: str) -> list[str]:
    """Return the flow of a template without its words and formats."""
    text = (TEMPLATES / file).read_text().replace(f".{language}.", ".")
    found = re.findall(r"{{-? *(.*?) *-?}}", text, re.DOTALL)
    flow = [one for one in found if re.match(r"(define|template|range|if|else|end|with)", one)]
    return [one for one in flow if "Format" not in one]


def test_samples_are_what_alertmanager_hands_to_a_template() -> None:
    for sample in SAMPLES:
        group = json.loads(data(sample).read_text())
        firing = any(alert["status"] == "firing" for alert in group["alerts"])
        assert group["status"] == ("firing" if firing else "resolved"), sample
        for name, value in group["commonLabels"].items():
            assert all(alert["labels"].get(name) == value for alert in group["alerts"]), sample
