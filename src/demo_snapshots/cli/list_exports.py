"""``demo list-exports``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)


@click.command(
    "list-exports",
    cls=WithExamples,
    short_help="List the saved versions.",
    epilog=examples(
        "demo list-exports",
        "demo list-exports general",
        "demo list-exports --json | jq '.scenarios[].latest'",
    ),
)
@click.argument("scenario", callback=scenario_name, required=False)
@common_options
def command(session: Session, scenario: str | None) -> None:
    """List all scenarios, or SCENARIO's versions, newest first.

    Reads the snapshot directory alone; no database is needed.
    """
    from demo_snapshots.render import versions as render

    listing = session.project.list_exports(scenario)
    session.terminal.result(render.listing_report(listing), render.listing_json(listing))
