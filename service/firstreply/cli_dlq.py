"""The command group ``firstreply dlq``: arguments in, one function called, an exit code out.

``dlq_commands`` does the work and is imported when a command runs, so that ``--help`` answers at
once.
"""

import asyncio
import sys
from typing import Annotated, TextIO

import typer

from firstreply.commands import (
    ConfigOption,
    Format,
    FormatOption,
    command_group,
    errors,
    errors_alone,
    settings_of,
)
from firstreply.domain.errors import ConfigurationError

app = command_group(
    "dlq",
    about="Look at the dead letters, the records that were rejected; send them again.",
    short="List, show or replay dead letters.",
)

ReasonOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REASON",
        help="Rejected for this reason, such as wrong_schema. May be given again. Default: any.",
    ),
]
PartitionOption = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="From this partition of the input. Default: any."),
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Whose record is stamped at this RFC 3339 time or later."),
]
UntilOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Whose record is stamped at this time or before.")
]


@app.command(
    "list",
    short_help="Count the letters by reason, list the newest.",
    epilog="Example: firstreply dlq list --config firstreply.yaml --reason wrong_schema",
)
def list_(
    config: ConfigOption = None,
    *,
    reason: ReasonOption = None,
    partition: PartitionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="List at most so many; 0: counts alone.")
    ] = 20,
    output: FormatOption = Format.TEXT,
) -> None:
    """Count the letters by reason and list the newest, the newest last.

    Shows where each record was, when, and what is wrong with it, and nothing of what it holds.
    """
    with errors(), errors_alone():
        from firstreply.dlq_commands.run import filter_of, run_list

        wanted = filter_of(reason or (), partition, since, until)
        asyncio.run(run_list(settings_of(config), wanted, limit, output.value))


@app.command(
    short_help="Show one letter and what is wrong with it now.",
    epilog="Example: firstreply dlq show 0:17 --config firstreply.yaml\n\n"
    "Its value to a file: firstreply dlq show 0:17 --raw > value.json",
)
def show(
    letter: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="As list shows it.")],
    config: ConfigOption = None,
    *,
    raw: Annotated[
        bool, typer.Option("--raw", help="The value alone, byte for byte; never to a terminal.")
    ] = False,
    as_hex: Annotated[bool, typer.Option("--hex", help="The value in hexadecimal.")] = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Show one letter: its key, headers and value, and what check-event says of it now.

    This is what a producer wrote, so it may hold personal data. Characters that a terminal would
    obey are shown as escapes.
    """
    with errors(), errors_alone():
        from firstreply.dlq_commands.run import Look, run_show

        looks = [look for look, wanted in ((Look.RAW, raw), (Look.HEX, as_hex)) if wanted]
        if output is Format.JSON:
            looks.append(Look.JSON)
        if len(looks) > 1:
            msg = "--raw, --hex and --format json exclude each other: give one of them"
            raise ConfigurationError(msg)
        if raw and _is_terminal(sys.stdout):
            msg = "--raw: a terminal would obey what a producer wrote; send it to a file or a pipe"
            raise ConfigurationError(msg)
        asyncio.run(run_show(settings_of(config), letter, looks[0] if looks else Look.TEXT))


@app.command(
    short_help="Send letters to the input again.",
    epilog="Example: firstreply dlq replay --config firstreply.yaml --reason oversize --dry-run\n\n"
    "And then: firstreply dlq replay --config firstreply.yaml --reason oversize --yes",
)
def replay(  # noqa: PLR0913 - its options
    config: ConfigOption = None,
    *,
    reason: ReasonOption = None,
    partition: PartitionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Send at most so many. Default: all.")
    ] = None,
    bad_too: Annotated[
        bool, typer.Option("--all", help="Send also what would be rejected or ignored again.")
    ] = False,
    also_old: Annotated[
        bool,
        typer.Option(
            "--also-old",
            help="Send also events older than settle_for (72 h): what was sent before counts anew.",
        ),
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="TOPIC",
            help="Send to this topic, whatever topic a letter came from. Default: the input, and "
            "only what came from it.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without asking.")] = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Send the records of letters to the input again: byte for byte, same key, same headers.

    Says first what would be sent, and asks on a terminal; elsewhere nothing is sent without --yes.
    Only what decodes with the present configuration is sent, and nothing so old that it might count
    twice. The letters stay. Exits 1 if letters are held back.
    """
    with errors(), errors_alone():
        from firstreply.dlq_commands.replaying import Wish
        from firstreply.dlq_commands.run import (
            filter_of,
            plan_replay,
            print_plan,
            send_replay,
        )

        if yes and dry_run:
            msg = "--dry-run and --yes exclude each other: give one of them"
            raise ConfigurationError(msg)
        wanted = filter_of(reason or (), partition, since, until)
        wish = Wish(wanted, all=bad_too, also_old=also_old, any_topic=to is not None, limit=limit)
        settings = settings_of(config)
        plan = asyncio.run(plan_replay(settings, wish, to))
        is_text = output is Format.TEXT
        if is_text and not yes:
            print_plan(plan, output.value, done=False)
        is_wanted = yes or (is_text and not dry_run and plan.to_send > 0 and _agreed())
        if is_wanted:
            plan = asyncio.run(send_replay(settings, wish, to, plan))
        if is_wanted or not is_text:
            print_plan(plan, output.value, done=is_wanted)
        if plan.held_back:
            raise typer.Exit(1)


def _agreed() -> bool:
    """Ask on a terminal; elsewhere say what is missing."""
    if _is_terminal(sys.stdin) and _is_terminal(sys.stdout):
        return typer.confirm("Send them?")
    typer.echo("nothing was sent: give --yes to send", err=True)
    return False


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()
