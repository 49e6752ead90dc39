"""The command group ``firstreply state``: arguments in, one function called, an exit code out.

``state_commands`` does the work and is imported when a command runs, so that ``--help`` answers at
once.
"""

import asyncio
from typing import Annotated

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

app = command_group(
    "state",
    about="Look at the state of a consumer group, check it, mend it.",
    short="Inspect, verify, rebuild or adopt the state of a group.",
)

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")
]


@app.command(
    short_help="Show where the state of each partition stands.",
    epilog="Example: firstreply state inspect --config firstreply.yaml --format json",
)
def inspect(
    config: ConfigOption = None,
    *,
    partition: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Of this partition alone. Default: all.")
    ] = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Show where the state of each partition stands, as the next start would find it.

    The state log's bounds, the checkpoint to go on from and what it is made of, the group's commit,
    the ledger, and what is wrong. Exits 1 if firstreply run would refuse to start.
    """
    with errors(), errors_alone():
        from firstreply.state_commands.run import run_inspect

        if not asyncio.run(run_inspect(settings_of(config), partition, output.value)):
            raise typer.Exit(1)


@app.command(
    short_help="Read all of the state log and check it.",
    epilog="Example: firstreply state verify --config firstreply.yaml",
)
def verify(config: ConfigOption = None, *, output: FormatOption = Format.TEXT) -> None:
    """Read all of the state log and check that each state is complete, adds up, fits its input.

    Exits 1 and says what is wrong if anything is. May run beside the service.
    """
    with errors(), errors_alone():
        from firstreply.state_commands.run import run_verify

        if not asyncio.run(run_verify(settings_of(config), output.value)):
            raise typer.Exit(1)


@app.command(
    short_help="Make a lost state anew out of the events.",
    epilog="Example: firstreply state rebuild --from 2026-02-01T00:00:00Z --dry-run",
)
def rebuild(
    config: ConfigOption = None,
    *,
    since: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Fold the events from this RFC 3339 time on: before the oldest contact that may "
            "still wait.",
        ),
    ],
    stopped: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the service stopped: later deadlines are still to be counted. Default: what "
            "is left of the state log, else now.",
        ),
    ] = None,
    partition: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Look only at this partition. May be given again. Default: all.",
        ),
    ] = None,
    good_too: Annotated[
        bool, typer.Option("--all", help="Replace also a state that can be gone on from.")
    ] = False,
    dry_run: DryRunOption = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Make a lost state anew out of the events, up to where the group had read.

    The next firstreply run goes on exactly there, and counts nothing twice. Partitions whose state
    can be gone on from are kept. Refuses while a firstreply of this group runs.
    """
    with errors(), errors_alone():
        from firstreply.state_commands.rebuild import Wish
        from firstreply.state_commands.run import run_rebuild

        wanted = None if not partition else frozenset(partition)
        wish = Wish(0, partitions=wanted, good_too=good_too, dry_run=dry_run)
        settings = settings_of(config)
        asyncio.run(
            run_rebuild(settings, since=since, stopped=stopped, wish=wish, output=output.value)
        )


@app.command(
    short_help="Go on with the state of another group.",
    epilog="Example: firstreply state adopt --from-group firstreply-old --dry-run",
)
def adopt(
    config: ConfigOption = None,
    *,
    from_group: Annotated[
        str, typer.Option(metavar="OLD", help="The group whose state to go on with.")
    ],
    from_state_topic: Annotated[
        str | None,
        typer.Option(metavar="TOPIC", help="Where its state is. Default: OLD-state."),
    ] = None,
    dry_run: DryRunOption = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Copy the state of another group of the same topic to this one, as after a change of its name.

    The other group's state is only read. Refuses where this group has a state of its own, and while
    a firstreply of either runs.
    """
    with errors(), errors_alone():
        from firstreply.state_commands.run import run_adopt

        settings = settings_of(config)
        asyncio.run(
            run_adopt(settings, from_group, from_state_topic, dry_run=dry_run, output=output.value)
        )
