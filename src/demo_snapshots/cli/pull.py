"""``demo pull``"""

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
    "pull",
    cls=WithExamples,
    short_help="Copy versions from a bucket to the directory.",
    epilog=examples(
        "demo pull --dry-run",
        "demo pull general",
        "demo pull --bucket s3://team-demos/app",
    ),
)
@click.argument("scenario", callback=scenario_name, required=False)
@click.option("--bucket", metavar="URL", help="Else DEMO_BUCKET, .env, demo.toml.")
@click.option(
    "--renumber",
    is_flag=True,
    help="Give versions here the next numbers where the bucket has others of theirs.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be copied, and stop there.")
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
