"""``demo migrate-fresh``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import (
    YES,
    Session,
    WithExamples,
    common_options,
    examples,
)
from demo_snapshots.errors import NotConfirmedError

if TYPE_CHECKING:
    from demo_snapshots.render.report import Report
    from demo_snapshots.sample.schema import MigrateResult


@click.command(
    "migrate-fresh",
    cls=WithExamples,
    short_help="Drop and recreate the sample application's tables.",
    epilog=examples(
        "demo migrate-fresh",
        "demo migrate-fresh --yes",
        "demo migrate-fresh --database postgresql://localhost/fragments",
    ),
)
@YES
@click.option(
    "--force",
    is_flag=True,
    help="Even in production, and over other tables or rows that are not demo data.",
)
@common_options
def command(session: Session, yes: bool, force: bool) -> None:
    """Drop and recreate the tables of Fragments, the sample application.

    Refuses a database that holds other tables or rows that are not demo data, unless --force.
    Asks first where demo rows would go.
    """
    session.project.config.refuse_production(force=force)
    from demo_snapshots.render.report import Line, Look, counted
    from demo_snapshots.render.statistics import statistics_grid
    from demo_snapshots.sample.counting import demo_rows

    rows = demo_rows(session.project.config.database, file_may_be_missing=True)
    if rows.total:
        plan = (
            Line("Recreating the sample application's tables", Look.STRONG),
            statistics_grid((("Demo rows", rows),)),
        )
        question = f"Drop {counted(rows.total, 'demo row')}?"
        if not session.terminal.ask(plan, question, yes=yes):
            raise NotConfirmedError("the answer was no; nothing was changed")
    result = session.project.migrate_fresh(force=force)
    session.terminal.result(_report(result), _document(result))


def _report(result: MigrateResult) -> Report:
    from demo_snapshots.render.report import Facts, Line, Look

    return (
        Line("Created the sample application's tables, all empty", Look.GOOD),
        Facts(
            (
                ("Tables", ", ".join(result.tables)),
                ("Dropped", ", ".join(result.dropped) or "none, there were none"),
                ("Migration", result.revision),
            )
        ),
    )


def _document(result: MigrateResult) -> dict[str, object]:
    return {
        "tables": list(result.tables),
        "dropped": list(result.dropped),
        "migration": result.revision,
    }
