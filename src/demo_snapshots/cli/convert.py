"""``demo convert``"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    on_this_machine,
)
from demo_snapshots.errors import UsageError
from demo_snapshots.model.snapshots import WHOLE_FORMS, DocumentForm


@click.command(
    "convert",
    cls=WithExamples,
    short_help="Write a snapshot's file as SQL, JSON or YAML.",
    epilog=examples(
        "demo convert latest.sql --to json | jq '.rows.vaults[].name'",
        "demo convert latest.sql --to yaml -o demo.yaml",
        "demo convert demo.json.zst --to sql -o demo.sql",
        "demo convert general_v4_2026-11-26.delta.sql --whole -o demo.sql",
    ),
)
@click.argument("file", callback=on_this_machine)
@click.option(
    "--to",
    type=click.Choice([form.value for form in WHOLE_FORMS]),
    help="The form to write.",
)
@click.option("--whole", is_flag=True, help="Make a delta whole: as --to=sql.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    callback=on_this_machine,
    help="Write here, compressed if it ends in .gz or .zst; else to stdout.",
)
@common_options
def command(session: Session, file: str, to: str | None, whole: bool, output: str | None) -> None:
    """Write the snapshot in FILE, of whatever form, in another one.

    The rows stay the same, and so does their digest; in SQL again it is the same file. FILE is
    checked whole before anything is written. A delta becomes whole; what it is on top of is looked
    for beside it. No database is needed.
    """
    if whole == (to is not None):
        raise UsageError("one of --to and --whole is wanted, and not both")
    form = DocumentForm.SQL if to is None else DocumentForm(to)
    if output is None:
        from demo_snapshots.documents.opening import whole_at
        from demo_snapshots.operations.convert import convert_document

        if session.terminal.as_json:
            raise UsageError(
                "the document and a result cannot both go to stdout",
                hint="Name a file with --output.",
            )
        convert_document(whole_at(Path(file)), sys.stdout.buffer, form)
        return
    from demo_snapshots.render import transfer as render

    result = session.project.convert(file, form, output)
    session.terminal.result(
        render.convert_report(result, output), render.convert_json(result, output)
    )
