"""Commands for the first day: write a configuration, and see whether it fits a Kafka."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from firstreply.commands import Format, errors, errors_alone, settings_of

app = typer.Typer(rich_markup_mode=None)


@app.command(
    short_help="Write a configuration to begin with.",
    epilog="Example: firstreply init --channels email,chat,phone --country fr firstreply.yaml",
)
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("firstreply.yaml"),
    *,
    channels: Annotated[
        str, typer.Option(metavar="NAMES", help="Your channels, separated by commas.")
    ] = "email",
    country: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="ISO 3166 code: opening hours in its time zone, with its public holidays.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there.")
    ] = False,
) -> None:
    """Write a configuration in which every key stands with its meaning and its default.

    What is usual to change is in force, the rest is commented out. Exits 2 if the file is there
    already.
    """
    with errors():
        from firstreply.init_command import write_configuration

        for line in write_configuration(file, channels, country, overwrite=overwrite):
            typer.echo(line)


@app.command(
    short_help="Check Kafka: can the service work with it?",
    epilog="Example: firstreply doctor firstreply.yaml",
)
def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(
            envvar="FIRSTREPLY_CONFIG",
            help="Configuration file (YAML). Default: the built-in settings.",
        ),
    ] = None,
    *,
    timeout: Annotated[
        float, typer.Option(help="Seconds to wait for each answer.", min=0.1, max=60)
    ] = 5.0,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Check everything between a configuration and its Kafka, and say what to do.

    Names, ports, TLS, login, advertised addresses, topics and their settings, permissions, group,
    clocks, and the last records: their keys, and what the service would make of them. Writes
    nothing, shows nothing of what records hold, may run beside the service. Exits 1 if a check
    fails, 0 if there are but warnings.
    """
    with errors(), errors_alone():
        from firstreply.doctor.run import run_doctor

        limit = timedelta(seconds=timeout)
        settings = settings_of(file)
        if not asyncio.run(run_doctor(settings, limit, output.value, file=file)):
            raise typer.Exit(1)
