"""``demo compare-exports``, short ``demo diff``"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from demo_snapshots.cli.files import written_whole
from demo_snapshots.cli.options import (
    Session,
    WithExamples,
    common_options,
    examples,
    on_this_machine,
    scenario_name,
)
from demo_snapshots.errors import UsageError

if TYPE_CHECKING:
    from demo_snapshots.model.changes import Change, Comparison
    from demo_snapshots.operations.compare import CompareOptions, Told
    from demo_snapshots.render.comparison.kept import KeptChanges

_ALL = sys.maxsize
DIFFERENT = 1
"""The status of --exit-code, as git diff has it."""


class Sides(Struct, frozen=True):
    """What is compared with what."""

    scenario: str | None
    old: str | None
    new: str | None
    with_database: bool
    files: tuple[str, str] | None

    def check(self) -> None:
        """Raises UsageError where they contradict one another, or say nothing."""
        if self.files and (self.scenario or self.with_database):
            other = "--with-database" if self.with_database else "SCENARIO"
            raise UsageError(f"--files and {other} contradict each other")
        if not self.files and self.scenario is None:
            raise UsageError(
                "nothing to compare", hint="Name a scenario, or two files: --files A B."
            )
        if self.with_database and self.new:
            raise UsageError(
                "two versions and --with-database contradict each other",
                hint="With --with-database, one version is compared with what the database holds.",
            )


class Form(Struct, frozen=True):
    """How the result is shown, and how much of it."""

    stat: bool
    limit: int | None
    hide_values: bool
    markdown: bool
    html: str | None

    def check(self, *, as_json: bool) -> None:
        """Raises UsageError where they contradict one another."""
        given = [
            name
            for name, value in (
                ("--json", as_json),
                ("--markdown", self.markdown),
                ("--html", self.html),
            )
            if value
        ]
        if len(given) > 1:
            raise UsageError(f"{given[0]} and {given[1]} contradict each other")
        if self.stat and self.limit:
            raise UsageError(
                "--stat and --limit contradict each other", hint="--stat shows no change at all."
            )

    def most(self, *, as_json: bool) -> tuple[int, int]:
        """How many changes of each table are shown, and how many bytes of them in all."""
        if as_json:
            most, room = _ALL, _ALL
        elif self.html:
            most, room = 1_000, 64_000_000
        elif self.markdown:
            most, room = 500, 8_000_000
        else:
            most, room = 20, _ALL
        return 0 if self.stat else self.limit or most, room


@click.command(
    "compare-exports",
    cls=WithExamples,
    short_help="See what changed between two versions (short: demo diff).",
    epilog=examples(
        "demo compare-exports general",
        "demo compare-exports general v3 v4 --stat",
        "demo compare-exports general --with-database",
        "demo compare-exports --files a.sql b.sql.zst --exit-code",
        "demo compare-exports general --ignore updated_at --html changes.html",
    ),
)
@click.argument("scenario", callback=scenario_name, required=False)
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--with-database", is_flag=True, help="Compare a version with the database.")
@click.option(
    "--files",
    nargs=2,
    metavar="A B",
    callback=on_this_machine,
    help="Compare two snapshot files.",
)
@click.option(
    "--table", "tables", multiple=True, metavar="TABLE", help="Only this table; may be repeated."
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="TABLE.COLUMN",
    help="Leave a column out, or COLUMN of every table; may be repeated.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Changes shown of each table; counts stay whole.",
)
@click.option("--stat", is_flag=True, help="Only the counts.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs, as git diff.")
@click.option("--hide-values", is_flag=True, help="Show keys and names of columns, no values.")
@click.option("--markdown", is_flag=True, help="Print Markdown for a pull request.")
@click.option("--html", metavar="FILE", help="Write a page for the browser.")
@common_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    session: Session,
    scenario: str | None,
    old: str | None,
    new: str | None,
    with_database: bool,
    files: tuple[str, str] | None,
    tables: tuple[str, ...],
    ignore: tuple[str, ...],
    exit_code: bool,
    **form: object,
) -> None:
    """See what became of each row and each value, in short: demo diff.

    Compares the latest version of SCENARIO with the one before; OLD with the latest; OLD with
    NEW. Changes nothing. Versions are v3 or v3_2025-01-15.
    """
    sides = Sides(scenario, old, new, with_database, files or None)
    sides.check()
    shown = Form(**form)  # type: ignore[arg-type]
    shown.check(as_json=session.terminal.as_json)
    found = _show(session, sides, shown, tables, ignore)
    if exit_code and found.differs:
        ctx.exit(DIFFERENT)


def _show(
    session: Session, sides: Sides, form: Form, tables: tuple[str, ...], ignore: tuple[str, ...]
) -> Comparison:
    """Compare, and show the result in its form."""
    from demo_snapshots.render.comparison.kept import KeptChanges, without_values

    def compare(tell: Told) -> Comparison:
        def without(change: Change) -> None:
            tell(without_values(change))

        told = without if form.hide_values else tell
        return _compare(session, sides, told, tables, ignore)

    if session.terminal.as_json:
        return _print_lines(compare, form)
    with closing(KeptChanges(*form.most(as_json=False))) as kept:
        found = _write_page(compare, kept, Path(form.html)) if form.html else compare(kept)
        if form.markdown:
            from demo_snapshots.render.comparison.markdown import markdown_of

            sys.stdout.writelines(markdown_of(found, kept))
        elif not session.terminal.quiet:
            print_changes(session, found, kept, form)
        return found


def _write_page(compare: Callable[[Told], Comparison], kept: KeptChanges, path: Path) -> Comparison:
    from demo_snapshots.render.comparison.html import page_of

    # Opened before the work, so that a place where nothing can be written is known at once.
    with written_whole(path) as page:
        found = compare(kept)
        page.writelines(page_of(found, kept))
    return found


def _compare(
    session: Session,
    sides: Sides,
    tell: Told,
    tables: tuple[str, ...],
    ignore: tuple[str, ...],
) -> Comparison:
    options: CompareOptions = {"tables": tables, "ignore": ignore, "tell": tell}
    project = session.project
    if sides.files:
        return project.compare_files(*sides.files, **options)
    assert sides.scenario is not None
    if not sides.with_database:
        return project.compare(sides.scenario, sides.old, sides.new, **options)
    with session.terminal.progress() as progress:
        return project.compare_with_database(
            sides.scenario, sides.old, progress=progress, **options
        )


def _print_lines(compare: Callable[[Told], Comparison], form: Form) -> Comparison:
    """One JSON line a change, as it is found, and the summary."""
    from demo_snapshots.render.comparison.jsonl import change_line, summary_line

    shown: Counter[str] = Counter()
    most, _ = form.most(as_json=True)

    def tell(change: Change) -> None:
        if shown[change.table] < most:
            shown[change.table] += 1
            sys.stdout.write(f"{change_line(change)}\n")

    found = compare(tell)
    sys.stdout.write(f"{summary_line(found)}\n")
    return found


def print_changes(session: Session, found: Comparison, kept: KeptChanges, form: Form) -> None:
    """Print the changes that were kept, and the counts of all."""
    from demo_snapshots.cli.painting import is_ascii, print_lines, width_of
    from demo_snapshots.cli.screen import print_report
    from demo_snapshots.render.comparison import text, words

    signs = words.ASCII if is_ascii(sys.stdout) else words.UNICODE
    print_lines([text.heading(found, signs)], sys.stdout)
    if not (form.stat or form.html):
        print_lines(text.TextForm(width_of(sys.stdout), signs).lines(found, kept), sys.stdout)
    report = text.totals(found, always=form.stat or bool(form.html))
    if report:
        print_lines([()], sys.stdout)
        print_report(report, sys.stdout, session.terminal.wording)
    if form.html:
        from demo_snapshots.render.report import Facts

        page = (Facts((("Page", form.html),)),)
        print_report(page, sys.stdout, session.terminal.wording)
