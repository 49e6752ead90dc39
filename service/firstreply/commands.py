"""What every command shares: ``--config``, ``--format``, JSON output, and how it ends.

An error of ours becomes a message on standard error and an exit code: 1 something was found wrong
or went wrong, 2 wrong use, also a configuration that cannot be used.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firstreply.domain.errors import ConfigurationError, FirstreplyError

if TYPE_CHECKING:
    from firstreply.settings import Settings

_logger = logging.getLogger("firstreply")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="FIRSTREPLY_CONFIG",
        help="Configuration file (YAML). Default: built-in settings.",
    ),
]

CaFileOption = Annotated[
    Path | None,
    typer.Option(help="PEM file of whom to trust as a service. Default: the system's."),
]
CertOption = Annotated[
    Path | None, typer.Option(help="PEM file of a certificate, for a service that asks for one.")
]
KeyOption = Annotated[Path | None, typer.Option(help="PEM file of its key, if in another file.")]


class Format(StrEnum):
    """Output formats of the checks."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]


def command_group(name: str, *, short: str, about: str) -> typer.Typer:
    """Make a command that has commands of its own."""
    return typer.Typer(
        name=name, help=about, short_help=short, no_args_is_help=True, rich_markup_mode=None
    )


def print_json(found: dict[str, object]) -> None:
    """Print an object for a program."""
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


def settings_of(path: Path | None) -> "Settings":
    """Load the configuration; raises ConfigurationError."""
    from firstreply.config.load import load_settings

    return load_settings(path, os.environ)


@dataclass
class Ending:
    """How the error that ends a command is told."""

    is_logged: bool = False
    """As a log line, for a log in JSON; else as plain text."""

    def tell(self, error: FirstreplyError) -> None:
        """Write the error to standard error."""
        text = str(error)
        if self.is_logged:
            _logger.error("stopped", extra={"error": text})
        else:
            # Several lines each begin with their place: one prefix would make the first unlike.
            typer.echo(text if "\n" in text else f"firstreply: {text}", err=True)


@contextmanager
def errors(configuration: int = 2) -> Iterator[Ending]:
    """Turn our errors into a message and an exit code."""
    ending = Ending()
    try:
        yield ending
    except ConfigurationError as error:
        ending.tell(error)
        raise typer.Exit(configuration) from error
    except FirstreplyError as error:
        ending.tell(error)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(130) from interrupt


@contextmanager
def errors_alone() -> Iterator[None]:
    """Keep the log silent meanwhile: what goes wrong is told once, by the error that ends us."""
    loggers = {logging.getLogger("firstreply"), logging.getLogger("aiokafka")}
    before = {logger: logger.level for logger in loggers}
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
