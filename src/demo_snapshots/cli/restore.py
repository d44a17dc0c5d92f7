"""``demo restore``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import Session, WithExamples, common_options, examples


@click.command(
    "restore",
    cls=WithExamples,
    short_help="Put the versions of a backup back.",
    epilog=examples(
        "demo restore demo.tar.zst --dry-run",
        "demo restore demo.tar.zst",
        "demo restore demo.tar.zst --snapshots=elsewhere",
    ),
)
@click.argument("file")
@click.option(
    "--dry-run", is_flag=True, help="Check the whole file, show what would be done, and stop there."
)
@common_options
def command(session: Session, file: str, dry_run: bool) -> None:
    """Put the versions in FILE, which demo backup wrote, into the snapshot directory.

    What is there stays. A version whose number is taken by another one gets the next number. The
    whole file is checked before anything is changed; no database is needed.
    """
    from demo_snapshots.render import backup as render

    with session.terminal.progress() as progress:
        result = session.project.restore(file, dry_run=dry_run, progress=progress)
    session.terminal.result(render.restore_report(result), render.restore_json(result))
