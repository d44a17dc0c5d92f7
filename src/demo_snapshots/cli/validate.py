"""``demo validate``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    TEMPLATES,
    Session,
    WithExamples,
    common_options,
    copy_name,
    examples,
    scenario_name,
)
from demo_snapshots.errors import UpgradeDueError, ValidationFailedError
from demo_snapshots.model.words import Call, Words


@click.command(
    "validate",
    cls=WithExamples,
    short_help="Check the demo rows against the latest version.",
    epilog=examples(
        "demo validate",
        "demo validate general",
        "demo validate general --schema",
        "demo validate general --copy=acme",
    ),
)
@click.argument("scenario", callback=scenario_name, required=False)
@click.option(
    "--schema",
    "schema_only",
    is_flag=True,
    help="Only ask whether the latest version still fits the tables; for CI.",
)
@click.option(
    "--copy", metavar="NAME", callback=copy_name, help="Check that copy of SCENARIO instead."
)
@TEMPLATES
@common_options
def command(
    session: Session,
    scenario: str | None,
    schema_only: bool,
    copy: str | None,
    templates: dict[str, str],
) -> None:
    """Check the demo rows in the database.

    Counts, foreign keys, references kept in JSON, and, row by row, whether they are exactly
    the latest version of SCENARIO. Changes nothing. Exit status 50 if something was found; with
    --schema 71 if demo upgrade would put it right.
    """
    from demo_snapshots.render import validation as render

    terminal = session.terminal
    with terminal.progress() as progress:
        result = session.project.validate(
            scenario,
            schema_only=schema_only,
            copy=copy,
            templates=templates,
            progress=progress,
        )
    report = render.validation_report(result, schema_only=schema_only)
    terminal.result(report, render.validation_json(result))
    if not result.valid:
        message = render.validation_failure(result)
        problems = result.problems if terminal.quiet and not terminal.as_json else ()
        if result.upgrade_due:
            due = Words(Call("upgrade"), " makes a version in the tables of today.")
            raise UpgradeDueError(message, problems=problems, hint=due)
        raise ValidationFailedError(message, problems=problems, hint=_hint(schema_only, copy))


def _hint(schema_only: bool, copy: str | None) -> str:
    if copy:
        return Words(Call("import_"), " with ", Call(copy=...), " makes it anew.")
    if schema_only:
        return "Migrate the database, or export the scenario again from a migrated one."
    return Words(
        Call("import_"), " puts the snapshot back, ", Call("export"), " saves what is there."
    )
