"""``demo pull``"""

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
    "pull",
    cls=WithExamples,
    short_help="Copy versions from a bucket to the directory.",
    epilog=examples(
        "demo pull --dry-run",
        "demo pull general",
        "demo pull --bucket s3://team-demos/app",
    ),
)
@copy_options
@click.option(
    "--renumber",
    is_flag=True,
    help="Give versions here the next numbers where the bucket has others of theirs.",
)
@common_options
def command(
    session: Session, scenario: str | None, bucket: str | None, renumber: bool, dry_run: bool
) -> None:
    """Copy the versions that the snapshot directory lacks, of all scenarios or of SCENARIO, from
    the bucket.

    A version keeps its number. What was removed from the directory is not copied again; no
    database is needed.
    """
    from demo_snapshots.render import versions as render

    with session.terminal.progress() as progress:
        result = session.project.pull(
            scenario, bucket=bucket, renumber=renumber, dry_run=dry_run, progress=progress
        )
    session.terminal.result(render.copy_report(result), render.copy_json(result))
