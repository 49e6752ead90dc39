"""Writes ``docs/reference/cli.md`` from the commands themselves: help, options, an example of each.

Run ``python -m firstreply.cli_reference docs/reference/cli.md``; a test fails while the page
differs from what this writes. What stands there is what ``--help`` says, in the command's words.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperGroup

from firstreply.cli import app

PROGRAM: Final = "firstreply"

_HEAD: Final = """\
# Command line

<!-- Generated from the commands by `make docs`; do not edit. -->

Every command has `--help`. Exit codes: 0 all is well, 1 something was found wrong or went wrong, 2
wrong use, and a configuration that cannot be used. What a program may read is printed by
`--format json`. A configuration is named by `--config`, or by the variable `FIRSTREPLY_CONFIG`;
without either the built-in settings hold. Every setting can be given by a variable of its own: see
[configuration](configuration.md).
"""

Command = Any
"""A command as typer makes it; typer carries no types for these."""


def commands() -> dict[str, Command]:
    """Return every command that can be run, by the words that name it, in the order of help."""
    return dict(_below((), typer.main.get_command(app)))


def _below(words: tuple[str, ...], command: Command) -> Iterator[tuple[str, Command]]:
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from _below((*words, name), below)
    else:
        yield " ".join(words), command


def page() -> str:
    """Return the page."""
    table = "\n".join(
        f"| [`{PROGRAM} {name}`](#{anchor(name)}) | {_first_line(command)} |"
        for name, command in commands().items()
    )
    sections = "".join(_section(name, command) for name, command in commands().items())
    return f"{_HEAD}\n| command | what it does |\n|---|---|\n{table}\n{sections}"


def anchor(name: str) -> str:
    """Return the anchor of a command's section."""
    return f"{PROGRAM} {name}".replace(" ", "-")


def examples(command: Command) -> list[str]:
    """Return the command lines that the help of a command ends with."""
    paragraphs = (command.epilog or "").split("\n\n")
    return [text.split(": ", 1)[1] for text in paragraphs if ": " in text]


def _first_line(command: Command) -> str:
    return (command.help or "").split("\n", 1)[0]


def _section(name: str, command: Command) -> str:
    context = typer.Context(command, info_name=f"{PROGRAM} {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    shown = "\n".join(examples(command))
    rows = "".join(_rows(command, context))
    return (
        f"\n## {PROGRAM} {name}\n\n{command.help}\n\n```sh\n{' '.join(usage.split())}\n```\n"
        f"{rows}\nFor example:\n\n```sh\n{shown}\n```\n"
    )


def _rows(command: Command, context: typer.Context) -> Iterator[str]:
    described = [
        parameter.get_help_record(context)
        for parameter in command.get_params(context)
        if parameter.name != "help"
    ]
    if described:
        yield "\n| argument or option | meaning |\n|---|---|\n"
    for written, meaning in described:
        yield f"| `{written.replace('|', chr(92) + '|')}` | {' '.join(meaning.split())} |\n"


def main() -> None:
    """Write the page to the path given as the only argument."""
    match sys.argv[1:]:
        case [path]:
            Path(path).write_text(page(), encoding="utf-8")
        case _:
            sys.exit("give one path: python -m firstreply.cli_reference PATH")


if __name__ == "__main__":
    main()
