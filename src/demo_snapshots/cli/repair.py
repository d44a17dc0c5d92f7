"""``demo repair``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import Session, WithExamples, common_options, examples


@click.command(
    "repair",
    cls=WithExamples,
    short_help="Put the snapshot directory right after a merge.",
    epilog=examples(
        "demo repair --dry-run",
        "demo repair",
    ),
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and stop there.")
@common_options
def command(session: Session, dry_run: bool) -> None:
    """Put right what a merge of two branches that both exported left of the snapshot directory.

    Of two versions with the same number the later one gets the next number; the manifest and
    latest are made again from the files. No version is lost; no database is needed.
    """
    from demo_snapshots.render import store as render

    result = session.project.repair(dry_run=dry_run)
    session.terminal.result(render.repair_report(result), render.repair_json(result))
