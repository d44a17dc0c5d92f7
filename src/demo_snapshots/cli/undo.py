"""``demo undo``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import (
    FORCE,
    NO_HOOKS,
    YES,
    Session,
    WithExamples,
    common_options,
    examples,
)
from demo_snapshots.errors import UsageError

if TYPE_CHECKING:
    from demo_snapshots.model.results import ImportPlan


@click.command(
    "undo",
    cls=WithExamples,
    short_help="Put back what the last import replaced.",
    epilog=examples("demo undo", "demo undo --list", "demo undo 3 --yes"),
)
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.option("--list", "lists", is_flag=True, help="List what can be put back, newest first.")
@NO_HOOKS
@YES
@FORCE
@common_options
def command(
    session: Session, number: int | None, lists: bool, no_hooks: bool, yes: bool, force: bool
) -> None:
    """Make the demo rows again what they were before the last import.

    Or before the import of that NUMBER. What is there now is kept in its turn, under a number of
    its own. The rows lie beside the snapshots in .undo, which git ignores; undo = 0 in demo.toml
    keeps none.
    """
    from demo_snapshots.render import transfer as render
    from demo_snapshots.render import undo as render_undo

    if lists:
        if number is not None:
            raise UsageError("--list takes no number")
        entries = session.project.list_undo()
        session.terminal.result(render_undo.undo_report(entries), render_undo.undo_json(entries))
        return
    if not no_hooks:
        session.project.require_hooks()
    with session.terminal.progress() as progress:

        def confirm(plan: ImportPlan) -> bool:
            progress.stop()
            question = render.import_question(plan)
            return session.terminal.ask(render.import_plan(plan), question, yes=False)

        result = session.project.undo(
            number, hooks=False, confirm=None if yes else confirm, force=force, progress=progress
        )
    if not no_hooks:
        session.project.after_import(result)
    session.terminal.result(render_undo.undone_report(result), render.import_json(result))
