"""``demo push``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    copy_options,
    examples,
)


@click.command(
    "push",
    cls=WithExamples,
    short_help="Copy versions from the directory to a bucket.",
    epilog=examples(
        "demo push --dry-run",
        "demo push general",
        "demo push --bucket s3://team-demos/app",
    ),
)
@copy_options
@common_options
def command(session: Session, scenario: str | None, bucket: str | None, dry_run: bool) -> None:
    """Copy the versions that the bucket lacks, of all scenarios or of SCENARIO, from the snapshot
    directory.

    A version keeps its number. What was removed from the bucket is not copied again; no database
    is needed.
    """
    from demo_snapshots.render import versions as render

    with session.terminal.progress() as progress:
        result = session.project.push(scenario, bucket=bucket, dry_run=dry_run, progress=progress)
    session.terminal.result(render.copy_report(result), render.copy_json(result))
