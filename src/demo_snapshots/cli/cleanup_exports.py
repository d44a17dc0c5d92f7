"""``demo cleanup-exports``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    YES,
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)
from demo_snapshots.errors import NotConfirmedError


@click.command(
    "cleanup-exports",
    cls=WithExamples,
    short_help="Remove all but the newest versions.",
    epilog=examples(
        "demo cleanup-exports --dry-run",
        "demo cleanup-exports general --keep=3",
        "demo cleanup-exports --keep=1 --yes",
    ),
)
@click.argument("scenario", callback=scenario_name, required=False)
@click.option(
    "--keep", type=int, default=5, show_default=True, help="Versions to keep of each scenario."
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and stop there.")
@YES
@common_options
def command(session: Session, scenario: str | None, keep: int, dry_run: bool, yes: bool) -> None:
    """Remove all but the newest versions of every scenario, or of SCENARIO.

    Shows the plan and asks first. The latest version always stays, and a number that was used
    is never used again.
    """
    from demo_snapshots.render import versions as render

    result = session.project.cleanup_exports(scenario, keep=keep, dry_run=True)
    if (result.removed or result.files) and not dry_run:
        question = render.cleanup_question(result)
        if not session.terminal.ask(render.cleanup_report(result), question, yes=yes):
            raise NotConfirmedError("the answer was no; nothing was removed")
        result = session.project.cleanup_exports(scenario, keep=keep)
    session.terminal.result(render.cleanup_report(result), render.cleanup_json(result))
