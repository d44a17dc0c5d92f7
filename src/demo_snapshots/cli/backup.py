"""``demo backup``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import Session, WithExamples, common_options, examples
from demo_snapshots.errors import ValidationFailedError


@click.command(
    "backup",
    cls=WithExamples,
    short_help="Write all saved versions into one file.",
    epilog=examples(
        "demo backup demo.tar.zst",
        "demo backup backups/monday.tar.zst --with-database",
        "demo backup s3://team-demos/backups/monday.tar.zst",
        "demo backup demo.tar.zst --json | jq -r .sha256",
    ),
)
@click.argument("file")
@click.option(
    "--with-database",
    is_flag=True,
    help="Add the demo rows that the database holds now, each scenario's as one more version.",
)
@common_options
def command(session: Session, file: str, with_database: bool) -> None:
    """Write every saved version of all scenarios into FILE, a tar archive: FILE.tar.zst.

    Each version is read and checked first. One that is damaged is left out and named; the exit
    status is then 50. demo restore puts the versions back.
    """
    from demo_snapshots.render import backup as render

    terminal = session.terminal
    with terminal.progress() as progress:
        result = session.project.backup(file, with_database=with_database, progress=progress)
    terminal.result(render.backup_report(result), render.backup_json(result))
    if result.left:
        shown = terminal.quiet and not terminal.as_json
        raise ValidationFailedError(
            render.backup_failure(result),
            problems=result.left if shown else (),
            hint="Restore damaged files from version control, and back up again.",
        )
