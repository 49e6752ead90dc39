"""Pages of the documentation as a test sees them: fenced blocks, headings, links.

A fence says in its first line what a test does with it: the language, then words.

    ```yaml file=firstreply.yaml    a configuration: accepted by the settings, and written down
    ```yaml settings                a part of one: accepted, not written
    ```yaml other                   another program's: it is YAML
    ```jsonl file=events.jsonl      events: each is accepted, and written down
    ```sh run                       every line is executed; exit=1 where it must say no
    ```sh kafka                     the same beside a real broker, by test_beside_kafka.py;
                                    `lasts` and `feeds` until the page ends, `beside` them
    ```sh make                      targets exist, and `make --dry-run` takes them
    ```sh compose                   the file exists; `docker compose config` takes it, where it is
    ```sh elsewhere=tests/...       not executed here: that test does it
    ```sh told                      lines of other programs: the shell reads them, ours exist
    ```text output                  exactly what the block before printed
    ```text excerpt                 lines of it, in this order
    ```text timeline channel=phone  a drawn contact; see test_timelines.py
    ```text drawing                 for people alone
    ```mermaid                      likewise
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.shared import ROOT

DOCS: Final = ROOT / "docs"

MUST_BE_EXECUTED: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    DOCS / "quick-start.md",
    DOCS / "concepts.md",
    *sorted((DOCS / "how-to" / "channels").glob("*.md")),
    *(
        DOCS / "how-to" / f"{name}.md"
        for name in ("business-hours", "french-public-holidays", "several-sites", "tune-alerts")
    ),
)
"""Pages in which every fence says what is done with it, and that is done."""

_FOLDERS: Final = ("alerts", "benchmarks", "dashboards", "deploy", "docs", "service", "tests")
_FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_LINK: Final = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)|<img[^>]* src=\"([^\"]+)\"")


@dataclass(frozen=True)
class Fence:
    """One fenced block."""

    page: Path
    line: int
    """Of its first line."""
    language: str
    words: tuple[str, ...]
    body: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def value(self, name: str) -> str | None:
        """Return what stands behind ``name=``; None if nothing does."""
        given = [word.split("=", 1)[1] for word in self.words if word.startswith(f"{name}=")]
        return given[0] if given else None

    @property
    def is_marked(self) -> bool:
        """Whether it says what is to be done."""
        return bool(self.words) or self.language == "mermaid"


def pages() -> list[Path]:
    """Return every page of the repository that people read."""
    below = (page for folder in _FOLDERS for page in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


def executed() -> list[Path]:
    """Return the pages that must be executed, and those that joined by a word on any fence."""
    joined = [page for page in pages() if any(fence.words for fence in fences(page))]
    return sorted({*MUST_BE_EXECUTED, *joined})


def fences(page: Path) -> list[Fence]:
    """Return the fenced blocks of a page, without their indentation."""
    text = page.read_text(encoding="utf-8")
    return [_fence(page, text, match) for match in _FENCE.finditer(text)]


def _fence(page: Path, text: str, match: re.Match[str]) -> Fence:
    language, *words = match["info"].split() or [""]
    indent = match["indent"]
    body = "".join(line.removeprefix(indent) for line in match["body"].splitlines(keepends=True))
    return Fence(page, text.count("\n", 0, match.start()) + 1, language, tuple(words), body)


def commands(script: str) -> Iterator[str]:
    """Yield the commands of a shell script: lines, those that end in a backslash joined."""
    joined = re.sub(r"\\\n\s*", "", script)
    for line in joined.splitlines():
        command = line.strip()
        if command and not command.startswith("#"):
            yield command


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in _HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(numbered)
    return found


def links(page: Path) -> list[str]:
    """Return where the links and images of a page lead, code left out."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    text = re.sub(r"`[^`\n]*`", "code", text)
    return [inline or image for inline, image in _LINK.findall(text)]
