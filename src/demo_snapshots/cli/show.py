"""``demo show``"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.files import written_whole
from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)
from demo_snapshots.errors import UsageError

if TYPE_CHECKING:
    from demo_snapshots.operations.show import Showing

_ROWS_AS_TEXT = 20
_ROWS_ON_A_PAGE = 1_000


@click.command(
    "show",
    cls=WithExamples,
    short_help="Look at the rows of a version.",
    epilog=examples(
        "demo show general",
        "demo show general v3 --table todos --limit 100",
        "demo show general --html general.html",
        "demo show general --csv tables",
        "demo show general --json | jq -r 'select(.table == \"todos\") | .row.title'",
    ),
)
@click.argument("scenario", callback=scenario_name)
@click.argument("version", required=False)
@click.option(
    "--table", "tables", multiple=True, metavar="TABLE", help="Only this table; may be repeated."
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Rows shown of each table; 20 as text."
)
@click.option("--html", metavar="FILE", help="Write a page for the browser.")
@click.option("--csv", metavar="DIR", help="Write a CSV file for each table.")
@common_options
def command(
    session: Session,
    scenario: str,
    version: str | None,
    tables: tuple[str, ...],
    limit: int | None,
    html: str | None,
    csv: str | None,
) -> None:
    """Look at the rows of a version of SCENARIO, the latest or VERSION (v3 or v3_2025-01-15).

    Reads the snapshot alone; no database is needed.
    """
    given = [("--json", session.terminal.as_json), ("--html", html), ("--csv", csv)]
    forms = [name for name, value in given if value]
    if len(forms) > 1:
        raise UsageError(f"{forms[0]} and {forms[1]} contradict each other")
    if csv and limit:
        raise UsageError("--csv and --limit contradict each other: the files hold every row")
    with session.project.show(scenario, version, tables=tables) as showing:
        if session.terminal.as_json:
            _print_lines(showing, limit)
        elif html:
            _write_page(session, showing, Path(html), limit or _ROWS_ON_A_PAGE)
        elif csv:
            _write_csv(session, showing, Path(csv))
        elif not session.terminal.quiet:
            _print_text(session, showing, limit or _ROWS_AS_TEXT)


def _print_lines(showing: Showing, limit: int | None) -> None:
    from demo_snapshots.render.version.jsonl import row_line, version_line

    for shown in showing.tables():
        for row in islice(shown.rows, limit):
            sys.stdout.write(f"{row_line(shown.table, row)}\n")
    sys.stdout.write(f"{version_line(showing)}\n")


def _print_text(session: Session, showing: Showing, most: int) -> None:
    from demo_snapshots.cli.painting import is_ascii, width_of
    from demo_snapshots.cli.screen import print_report
    from demo_snapshots.render.comparison import words
    from demo_snapshots.render.report import Line, Look
    from demo_snapshots.render.version.text import table_report, uploads

    signs = words.ASCII if is_ascii(sys.stdout) else words.UNICODE
    name = f"{showing.header.scenario} {showing.header.version}"
    wording = session.terminal.wording
    print_report((Line(name, Look.GOOD), *uploads(showing.header)), sys.stdout, wording)
    for shown in showing.tables():
        report = table_report(shown, most, width_of(sys.stdout), signs)
        print_report((Line(""), *report), sys.stdout, wording)


def _write_page(session: Session, showing: Showing, path: Path, most: int) -> None:
    from demo_snapshots.render.version.html import page_of

    with written_whole(path) as page:
        page.writelines(page_of(showing, most))
    _told(session, showing, ("Page", str(path)))


def _write_csv(session: Session, showing: Showing, directory: Path) -> None:
    """All files, or none."""
    from demo_snapshots.render.version.csv import csv_of, file_names

    names = file_names(showing.described)
    formulas: dict[str, Counter[str]] = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory}: cannot be made: {error.strerror}") from error
    with ExitStack() as files:
        for shown in showing.tables():
            name = shown.table.name
            file = files.enter_context(written_whole(directory / names[name]))
            formulas[name] = Counter()
            file.writelines(csv_of(shown.table, shown.rows, formulas[name]))
    _told(session, showing, ("Files", str(directory)))
    if not session.terminal.quiet:
        _warn(formulas)


def _warn(formulas: dict[str, Counter[str]]) -> None:
    from demo_snapshots.render.report import counted
    from demo_snapshots.render.visible import visible

    for table, columns in formulas.items():
        for column, count in columns.items():
            click.echo(
                f"note: {visible(table)}.{visible(column)}: {counted(count, 'text')} that begin"
                " with = + - or @, which a spreadsheet takes for formulas",
                err=True,
            )


def _told(session: Session, showing: Showing, where: tuple[str, str]) -> None:
    if session.terminal.quiet:
        return
    from demo_snapshots.cli.screen import print_report
    from demo_snapshots.render.report import Facts, Grid, Heading, Line, Look, Row, number

    header = showing.header
    rows = tuple(Row((table.name, number(showing.count(table)))) for table in showing.described)
    report = (
        Line(f"{header.scenario} {header.version}", Look.GOOD),
        Grid((Heading("Table"), Heading("Rows", numeric=True)), rows),
        Facts((where,)),
    )
    print_report(report, sys.stdout, session.terminal.wording)
