"""``demo remove``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import (
    FORCE,
    YES,
    Session,
    WithExamples,
    common_options,
    copy_name,
    examples,
    scenario_name,
)

if TYPE_CHECKING:
    from demo_snapshots.model.results import RemoveResult


@click.command(
    "remove",
    cls=WithExamples,
    short_help="Take a scenario's demo rows away, or a copy's.",
    epilog=examples(
        "demo remove general --dry-run",
        "demo remove general --copy=acme",
        "demo remove general --yes",
    ),
)
@click.argument("scenario", callback=scenario_name)
@click.option(
    "--copy", metavar="NAME", callback=copy_name, help="Only that copy, nothing of SCENARIO's own."
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and stop there.")
@YES
@FORCE
@common_options
def command(
    session: Session, scenario: str, copy: str | None, dry_run: bool, yes: bool, force: bool
) -> None:
    """Take the demo rows of SCENARIO out of the database, or those of a copy of it.

    Every other row stays as it is, and so do the saved versions. Rows that name no scenario go with
    the last scenario there is. demo undo puts back what was removed.
    """
    from demo_snapshots.render import copies as render

    def confirm(found: RemoveResult) -> bool:
        report, question = render.removal_plan(found), render.removal_question(found)
        return session.terminal.ask(report, question, yes=False)

    result = session.project.remove(
        scenario, copy=copy, dry_run=dry_run, confirm=None if yes else confirm, force=force
    )
    session.terminal.result(render.removal_report(result), render.removal_json(result))
