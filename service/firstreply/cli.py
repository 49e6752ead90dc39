"""What people type. Each command parses its arguments, calls one function and prints.

Exit codes: 0 all is well, 1 something was found wrong or went wrong, 2 wrong use (also a
configuration that cannot be used, except by ``check-config``, whose finding it is). Heavy modules
are imported by the command that needs them, so that ``--help`` answers at once.
"""

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from firstreply import __version__, cli_beside, cli_dlq, cli_setup, cli_state
from firstreply.build_info import is_compiled
from firstreply.commands import (
    CaFileOption,
    CertOption,
    ConfigOption,
    Format,
    KeyOption,
    errors,
    print_json,
    settings_of,
)
from firstreply.domain.errors import ConfigurationError
from firstreply.hangups import hangups_held
from firstreply.words import Language

_logger = logging.getLogger("firstreply")

app = typer.Typer(
    name="firstreply",
    help="Monitors how fast an organisation answers its customers.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_setup.app)
app.add_typer(cli_beside.app)
app.add_typer(cli_state.app)
app.add_typer(cli_dlq.app)

_STATE_IN_MEMORY: Final = (
    "State is kept in memory: after a restart, contacts that were waiting are not known and their "
    "answers count as unmatched."
)


class ReplayFormat(StrEnum):
    """Output formats of replay."""

    TABLE = "table"
    JSON = "json"
    METRICS = "metrics"
    OPENMETRICS = "openmetrics"


def main() -> None:
    """Run the command line."""
    app()


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it by position
    if wanted:
        kind = "compiled" if is_compiled() else "pure Python"
        typer.echo(f"firstreply {__version__} ({kind})")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Monitors how fast an organisation answers its customers."""


@app.command(
    short_help="Read contact events from Kafka, serve metrics.",
    epilog="Example: firstreply run --config firstreply.yaml",
)
def run(
    config: ConfigOption = None,
    *,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go on where the state is lost, at the group's commit: contacts that were waiting "
            "are forgotten.",
        ),
    ] = False,
) -> None:
    """Read contact events from Kafka and serve metrics, until Ctrl-C or SIGTERM.

    SIGHUP has the configuration read again.
    """
    with hangups_held(), errors() as ending:
        from firstreply import collector, event_loop, logs
        from firstreply.app import run_kafka
        from firstreply.restore_bar import RestoreBar

        settings = settings_of(config)
        logs.set_up(settings.log.format, settings.log.level)
        ending.is_logged = settings.log.format == "json"
        for warning in settings.warnings():
            _logger.warning("configuration_doubtful", extra={"meaning": warning})
        if settings.kafka.state_topic is None:
            _logger.warning("state_kept_in_memory", extra={"meaning": _STATE_IN_MEMORY})
        collector.look_once()
        companions = () if ending.is_logged else (RestoreBar().show,)
        running = run_kafka(
            settings,
            accept_loss=accept_loss,
            companions=companions,
            read=lambda: settings_of(config),
        )
        event_loop.run(running)


@app.command(
    short_help="Play a simulated day of a contact centre.",
    epilog="Example: firstreply demo --speed 1200",
)
def demo(
    config: ConfigOption = None,
    *,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Through a real Apache Kafka, started for the demo.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed is another day.")] = 1,
    speed: Annotated[float, typer.Option(help="Simulated seconds in one second.")] = 600.0,
    scale: Annotated[float, typer.Option(help="1 is about 7,000 contacts a day.")] = 1.0,
    days: Annotated[int, typer.Option(help="How many days to play.", min=1)] = 1,
) -> None:
    """Play a simulated day of a contact centre: live table, and metrics to scrape."""
    with errors() as ending:
        from firstreply import event_loop, logs
        from firstreply.demo import Play, demo_settings, run_demo

        settings = demo_settings(config, dict(os.environ))
        logs.set_up(settings.log.format, "warning")
        ending.is_logged = settings.log.format == "json"
        play = Play(seed=seed, speed=speed, scale=scale, days=days)
        event_loop.run(run_demo(settings, play, through_kafka=kafka))


@app.command(
    short_help="Compute the figures of recorded events.",
    epilog="Example: firstreply replay --format json january.jsonl.gz february.jsonl.gz\n\n"
    "History for Prometheus: firstreply replay --format openmetrics january.jsonl.gz > january.om",
)
def replay(
    files: Annotated[list[str], typer.Argument(help="JSONL, plain or gzip; - is standard input.")],
    config: ConfigOption = None,
    output: Annotated[ReplayFormat, typer.Option("--format", help="How to print.")] = (
        ReplayFormat.TABLE
    ),
    until: Annotated[
        str,
        typer.Option(
            help="Leave out later events, decide deadlines up to this RFC 3339 time; or end."
        ),
    ] = "end",
    every: Annotated[
        str, typer.Option(help="openmetrics: time between samples, up to 1m.")
    ] = "15s",
    since: Annotated[
        str, typer.Option(help="openmetrics: leave out samples before this time; or start.")
    ] = "start",
    label: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=VALUE",
            help="openmetrics: on every series, beside job=firstreply and instance=replay, or in "
            "their place. May be given again.",
        ),
    ] = [],  # noqa: B006 - typer makes a new list for each call
) -> None:
    """Compute the figures of recorded events: the same bytes every time.

    openmetrics is what /metrics would have shown all along, for promtool. Exits 1 if none of the
    records is a contact event.
    """
    with errors():
        from firstreply.history_command import Steps, print_history
        from firstreply.replay_command import print_replay

        steps = Steps(every, since, until, tuple(label))
        if output is ReplayFormat.OPENMETRICS:
            print_history(settings_of(config), files, steps)
            return
        if steps != Steps(until=until):
            msg = "--every, --since and --label go with --format openmetrics"
            raise ConfigurationError(msg)
        print_replay(settings_of(config), files, output.value, until)


@app.command(
    short_help="Explain one contact: the arithmetic in words.",
    epilog="Example: firstreply explain T-1001 january.jsonl.gz\n\n"
    "From a running service: firstreply explain T-1001 --url http://127.0.0.1:9464",
)
def explain(  # noqa: PLR0913 - each is an option of its own
    contact_id: Annotated[str, typer.Argument(help="Exactly as in the events.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(help="JSONL, plain or gzip; - is standard input. Default: ask a service."),
    ] = None,
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(help="Of a running service. Default: where the configuration lets it listen."),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    until: Annotated[
        str, typer.Option(help="With files: look at this RFC 3339 time; or end.")
    ] = "end",
    language: Annotated[
        Language | None, typer.Option(help="Of the text. Default: that of the configuration.")
    ] = None,
    *,
    ca_file: CaFileOption = None,
    cert: CertOption = None,
    key: KeyOption = None,
    user: Annotated[str | None, typer.Option(help="To log in to a service with.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password of --user.")
    ] = None,
) -> None:
    """Explain one contact: its start, the opening hours used up, deadlines, outcome and events.

    Exits 1 if the contact is not known, or the service does not answer.
    """
    with errors():
        from firstreply.adapters.visitor import Visitor
        from firstreply.explain_command import Source, print_explanation

        visitor = Visitor(ca_file, cert, key, user, password_file)
        source = Source(tuple(files or ()), url, until, visitor)
        print_explanation(settings_of(config), contact_id, source, language, output.value)


@app.command(
    "check-config",
    short_help="Check a configuration.",
    epilog="Example: firstreply check-config firstreply.yaml\n\n"
    "Before a reload: firstreply check-config new.yaml --against firstreply.yaml",
)
def check_config(
    file: Annotated[Path | None, typer.Argument(help="Default: the built-in settings.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="The file in force: list what changes, and exit 1 if some of it needs a restart."
        ),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Check a configuration; exit 1 if it cannot be used."""
    from firstreply.check_config import Comparison
    from firstreply.config.describe import describe

    with errors(configuration=1):
        try:
            settings = settings_of(file)
            compared = None if against is None else Comparison(settings_of(against), settings)
        except ConfigurationError as error:
            if output is Format.TEXT:
                raise
            print_json({"valid": False, "errors": str(error).splitlines()})
            raise typer.Exit(1) from error
        warnings = settings.warnings()
        if output is Format.JSON:
            shown = {"valid": True, "warnings": warnings, "configuration": describe(settings)}
            print_json(shown | (compared.as_dict() if compared else {}))
        else:
            for warning in warnings:
                typer.echo(f"warning: {warning}")
            typer.echo(f"{file or 'the built-in configuration'} is valid")
            for line in compared.as_lines() if compared else ():
                typer.echo(line)
        if compared and compared.needs_restart:
            raise typer.Exit(1)


@app.command(
    "check-event",
    short_help="Say what becomes of an event, or why not.",
    epilog="Example: firstreply check-event < sample.json",
)
def check_event(
    config: ConfigOption = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Say what one event from standard input becomes, or why it is rejected.

    Exits 0 for an accepted event, 1 for a rejected one and for one of an unknown type, which the
    service counts and ignores.
    """
    with errors():
        from firstreply import wiring
        from firstreply.check_event import check, only_event
        from firstreply.policies import policy_book

        settings = settings_of(config)
        sample = only_event(sys.stdin.buffer.read())
        outcome = check(sample, book=policy_book(settings), decoder=wiring.decoder(settings))
        if output is Format.JSON:
            print_json(outcome.as_dict())
        else:
            typer.echo(outcome.as_text())
        if not outcome.accepted:
            raise typer.Exit(1)


_dashboards = typer.Typer(
    help="Grafana dashboards: the wall, a channel, the promises, the pipeline.",
    short_help="Write the Grafana dashboards.",
    epilog="Example: firstreply dashboards export --out /var/lib/grafana/firstreply",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(_dashboards, name="dashboards")


@_dashboards.command(
    "export",
    short_help="Write the dashboards as files for Grafana.",
    epilog="Example: firstreply dashboards export --language fr --out /var/lib/grafana/firstreply",
)
def dashboards_export(
    out: Annotated[Path, typer.Option(help="Folder to write to; made where it is missing.")],
    language: Annotated[Language, typer.Option(help="Of every text.")] = Language.EN,
    runbooks: Annotated[
        str | None,
        typer.Option(help="Base address of the runbooks. Default: that of the shipped alerts."),
    ] = None,
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
) -> None:
    """Write the dashboards as JSON that Grafana 10 to 13 import, or read from a folder.

    The data source is chosen on the dashboard. Exits 2 if a file is there already.
    """
    with errors():
        from firstreply.dashboards import RUNBOOKS
        from firstreply.dashboards.export import export

        address = runbooks or RUNBOOKS
        for path in export(out, language, runbooks=address, overwrite=overwrite):
            typer.echo(path)


if __name__ == "__main__":
    main()
