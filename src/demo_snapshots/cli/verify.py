"""``demo verify``"""

from __future__ import annotations

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    on_this_machine,
    scenario_name,
)
from demo_snapshots.errors import PeopleFoundError, UsageError, ValidationFailedError
from demo_snapshots.model.words import Call, Words


def scenario_or_files(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """What to look at: a scenario, files, or neither. Raises UsageError.

    A scenario's name holds neither a dot nor a slash, and the name of a snapshot's file a dot.
    """
    on_this_machine(ctx, param, words)
    files = tuple(word for word in words if set(word) & set("./\\"))
    if files and len(files) < len(words):
        raise UsageError(
            "a scenario and files contradict each other",
            hint="Name one scenario, or files alone; a name with a dot or a slash is a file's.",
        )
    if not files and len(words) > 1:
        raise UsageError("more than one scenario was named", hint="Name one, or none for all.")
    return (None, files) if files or not words else (scenario_name(ctx, param, words[0]), ())


@click.command(
    "verify",
    cls=WithExamples,
    short_help="Read every saved version again and check it.",
    epilog=examples(
        "demo verify",
        "demo verify general",
        "demo verify general/latest.sql old.sql.gz",
        "demo verify --people",
        "demo verify --json | jq '.versions[] | select(.problems != [])'",
    ),
)
@click.argument("what", nargs=-1, callback=scenario_or_files, metavar="[SCENARIO | FILE...]")
@click.option("--people", is_flag=True, help="Search the rows for what tells a person as well.")
@common_options
def command(session: Session, what: tuple[str | None, tuple[str, ...]], people: bool) -> None:
    """Read every saved version of all scenarios, or of SCENARIO, from end to end; or these files.

    Checks digest, grammar and counts of each file, its size and SHA-256 against the manifest,
    and the manifest against the files. Of a FILE, which may be anywhere, checks the file alone.
    Changes nothing; no database is needed. Exit status 50 if something was found.

    With --people: e-mail addresses, phone numbers and IBANs that are neither set aside for examples
    nor allowed in demo.toml are listed by table, column and key. Exit status 52 if there are any.
    """
    from demo_snapshots.render import store as render

    scenario, files = what
    terminal = session.terminal
    with terminal.progress() as progress:
        if files:
            checks = session.project.verify_files(*files, people=people, progress=progress)
            report, document = render.files_report(checks), render.files_json(checks)
            problems, persons = render.files_problems(checks), render.people_in(checks)
        else:
            result = session.project.verify(scenario, people=people, progress=progress)
            report, document = render.verification_report(result), render.verification_json(result)
            problems, persons = (
                render.verification_problems(result),
                render.people_in(result.versions),
            )
    terminal.result(report, document)
    shown = terminal.quiet and not terminal.as_json
    if problems:
        raise ValidationFailedError(
            render.verification_failure(problems),
            problems=problems if shown else (),
            hint=Words(
                "Restore damaged files from version control; ",
                Call("repair"),
                " puts the rest right.",
            ),
        )
    if persons:
        raise PeopleFoundError(
            "verifying found what tells a person",
            problems=persons if shown else (),
            hint="Change the rows and export again; what may be there goes into [people] of"
            " demo.toml, as a digest under allow, or as a column under ignore.",
        )
