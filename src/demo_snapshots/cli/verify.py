"""``demo verify``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)
from demo_snapshots.errors import ValidationFailedError


@click.command(
    "verify",
    cls=WithExamples,
    short_help="Read every saved version again and check it.",
    epilog=examples(
        "demo verify",
        "demo verify general",
        "demo verify --json | jq '.versions[] | select(.problems != [])'",
    ),
)
@click.argument("scenario", callback=scenario_name, required=False)
@common_options
def command(session: Session, scenario: str | None) -> None:
    """Read every saved version of all scenarios, or of SCENARIO, from end to end.

    Checks digest, grammar and counts of each file, its size and SHA-256 against the manifest,
    and the manifest against the files. Changes nothing; no database is needed. Exit status 50
    if something was found.
    """
    from demo_snapshots.render import store as render

    terminal = session.terminal
    with terminal.progress() as progress:
        result = session.project.verify(scenario, progress=progress)
    terminal.result(render.verification_report(result), render.verification_json(result))
    if not result.valid:
        shown = terminal.quiet and not terminal.as_json
        raise ValidationFailedError(
            render.verification_failure(result),
            problems=render.verification_problems(result) if shown else (),
            hint="Restore damaged files from version control; demo repair puts the rest right.",
        )
