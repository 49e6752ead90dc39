"""Commands that run beside a service: is it healthy, and a contact centre to try it with."""

import asyncio
import os
from typing import Annotated

import typer

from firstreply.commands import CertOption, ConfigOption, KeyOption, errors, settings_of

app = typer.Typer(rich_markup_mode=None)


@app.command(
    short_help="Ask a running service whether it is ready.",
    epilog="Example: firstreply healthcheck --url http://127.0.0.1:9464",
)
def healthcheck(
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(help="Of a running service. Default: where the configuration lets it listen."),
    ] = None,
    *,
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask whether it lives, ready or not: /healthz, not /readyz."),
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer.", min=0.1)] = 5.0,
    cert: CertOption = None,
    key: KeyOption = None,
) -> None:
    """Ask a running service whether it is ready: for containers, which need no curl then.

    Exits 0 if it is, 1 if not, saying why.
    """
    with errors():
        from firstreply.adapters.health_client import ask_health
        from firstreply.adapters.visitor import Visitor
        from firstreply.explain_command import own_address

        address = url or own_address(settings_of(config))
        visitor = Visitor(cert_file=cert, key_file=key)
        ask_health(address, visitor, live=live, timeout_seconds=timeout)


@app.command(
    short_help="Write a simulated contact centre's events to Kafka.",
    epilog="Example: firstreply simulate --config firstreply.yaml",
)
def simulate(
    config: ConfigOption = None,
    *,
    seed: Annotated[int, typer.Option(help="Another seed is another day.")] = 1,
    scale: Annotated[float, typer.Option(help="1 is about 7,000 contacts a day.")] = 1.0,
) -> None:
    """Write a simulated contact centre's events to kafka.topic as they happen, until Ctrl-C.

    The day began at midnight. For a topic of its own: to a service the contacts are real.
    """
    with errors():
        from firstreply import logs
        from firstreply.demo import demo_settings
        from firstreply.simulate_command import Simulation, run_simulation

        settings = demo_settings(config, dict(os.environ))
        logs.set_up(settings.log.format, "warning")
        asyncio.run(
            run_simulation(
                settings,
                Simulation(seed=seed, scale=scale),
                started=lambda where: typer.echo(f"events go to {where}"),
            )
        )
