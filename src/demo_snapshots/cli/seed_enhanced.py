"""``demo seed-enhanced``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    FORCE,
    YES,
    Session,
    WithExamples,
    common_options,
    examples,
    refuse_production,
    scenario_name,
)


@click.command(
    "seed-enhanced",
    cls=WithExamples,
    short_help="Fill the sample application from a scenario.",
    epilog=examples("demo seed-enhanced --scenario=general"),
)
@click.option(
    "--scenario", callback=scenario_name, metavar="NAME", help="general, writer or developer."
)
@YES
@FORCE
@common_options
def command(session: Session, scenario: str | None, yes: bool, force: bool) -> None:
    """Fill the sample application with demo rows."""
    refuse_production(force)
