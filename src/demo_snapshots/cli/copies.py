"""``demo copies``"""

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
    "copies",
    cls=WithExamples,
    short_help="List the copies in the database.",
    epilog=examples("demo copies", "demo copies general"),
)
@click.argument("scenario", callback=scenario_name, required=False)
@common_options
def command(session: Session, scenario: str | None) -> None:
    """List the copies of all scenarios, or of SCENARIO, that the database holds.

    The rows tell the copies. When one was imported last, and from which version, only this
    machine's undo log knows; what has left it is not shown.
    """
    from demo_snapshots.render import copies as render

    found = session.project.copies(scenario)
    session.terminal.result(render.copies_report(found), render.copies_json(found))
