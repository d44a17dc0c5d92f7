"""``demo upgrade``"""

from __future__ import annotations

from contextlib import closing

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)


@click.command(
    "upgrade",
    cls=WithExamples,
    short_help="Bring a version to the tables of today.",
    epilog=examples(
        "demo upgrade general",
        "demo upgrade general --dry-run",
        "demo upgrade general --version=v3",
    ),
)
@click.argument("scenario", callback=scenario_name)
@click.option("--version", metavar="V", help="That version, in place of the latest.")
@click.option("--dry-run", is_flag=True, help="Show what it would become, and write nothing.")
@common_options
def command(session: Session, scenario: str, version: str | None, dry_run: bool) -> None:
    """Make the next version of SCENARIO: the latest one, in the tables of today.

    In a scratch database, by the project's own migrations where [upgrade] says how to run them,
    else by the rules of [[drift]]. The real database is only read.
    """
    from demo_snapshots.cli.compare_exports import Form, print_changes
    from demo_snapshots.render import upgrade as render
    from demo_snapshots.render.comparison.kept import KeptChanges

    form = Form(stat=False, limit=None, hide_values=False, markdown=False, html=None)
    with closing(KeptChanges(*form.most(as_json=False))) as kept:
        result = session.project.upgrade(scenario, version=version, dry_run=dry_run, tell=kept)
        session.terminal.result(render.upgrade_report(result), render.upgrade_json(result))
        if not (session.terminal.quiet or session.terminal.as_json):
            click.echo()
            print_changes(session, result.comparison, kept, form)
