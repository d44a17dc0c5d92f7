"""``demo merge``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)
from demo_snapshots.errors import UsageError


@click.command(
    "merge",
    cls=WithExamples,
    short_help="Make one version of two that came of the same.",
    epilog=examples(
        "demo merge general v3 v4",
        "demo merge general v3 v4 --conflicts=conflicts.toml",
        "demo merge general v3 v4 --answers=conflicts.toml",
        "demo merge general v3 v4 --base=v1 --theirs",
    ),
)
@click.argument("scenario", callback=scenario_name)
@click.argument("ours")
@click.argument("theirs")
@click.option(
    "--base", metavar="V", help="The version both came of, if they do not say it themselves."
)
@click.option("--ours", "take_ours", is_flag=True, help="In every conflict take what OURS has.")
@click.option(
    "--theirs", "take_theirs", is_flag=True, help="In every conflict take what THEIRS has."
)
@click.option("--answers", metavar="FILE", help="Decide the conflicts as this file says.")
@click.option("--conflicts", metavar="FILE", help="Write the conflicts to this new file.")
@click.option("--dry-run", is_flag=True, help="Merge and check, and publish nothing.")
@common_options
def command(
    session: Session,
    scenario: str,
    ours: str,
    theirs: str,
    base: str | None,
    take_ours: bool,
    take_theirs: bool,
    answers: str | None,
    conflicts: str | None,
    dry_run: bool,
) -> None:
    """Make the next version of SCENARIO from OURS and THEIRS, which two branches exported.

    Rows and cells that one of them changed are taken. What both changed to something else is a
    conflict: it is listed, and nothing is written until --ours, --theirs or --answers decides.
    The database says how tables reference one another; its rows play no part.
    """
    from demo_snapshots.model.merging import Side
    from demo_snapshots.render import merge as render

    if take_ours + take_theirs + (answers is not None) > 1:
        raise UsageError("--ours, --theirs and --answers contradict one another")
    result = session.project.merge(
        scenario,
        ours,
        theirs,
        base=base,
        take=Side.OURS if take_ours else Side.THEIRS if take_theirs else None,
        answers=answers,
        conflicts=conflicts,
        dry_run=dry_run,
    )
    session.terminal.result(render.merge_report(result), render.merge_json(result))
