"""``demo init``"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import Session, WithExamples, common_options, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo_snapshots.cli.terminal import Terminal
    from demo_snapshots.operations.init import InitResult
    from demo_snapshots.render.report import Report
    from demo_snapshots.selection.discovery import Candidate, Finding


@click.command(
    "init",
    cls=WithExamples,
    short_help="Write a demo.toml for your own database.",
    epilog=examples(
        "demo init",
        "demo init --database postgresql://localhost/app",
        "demo init --stdout",
    ),
)
@click.option(
    "--stdout",
    "write",
    flag_value=False,
    default=True,
    help="Print the file's text, and write nothing.",
)
@click.option("--force", is_flag=True, help="Replace a demo.toml that is there.")
@click.option(
    "--latest",
    type=click.Choice(["link", "copy"]),
    help="How latest.sql is kept; else a copy in git, where its diff shows what changed.",
)
@click.option(
    "--yes", "-y", is_flag=True, help="Take the first proposal where several rows may be the demo."
)
@common_options
def command(session: Session, write: bool, force: bool, latest: str | None, yes: bool) -> None:
    """Look at the database and write a demo.toml that says which rows are demo rows.

    Finds JSON that says demo_seed, boolean columns is_demo or demo, columns that name a
    scenario; else a tenant, an account or people who are the demo by their name or address, and
    asks which. Then the tables that follow those, by foreign keys that are declared, or that
    names suggest and rows bear out. Only reads the database, and of a large table only its first
    and last rows.
    """
    from demo_snapshots.operations.init import initialise
    from demo_snapshots.selection.discovery import first

    terminal = session.terminal
    result = initialise(
        session.project.config,
        directory=session.host.directory if session.host else None,
        write=write,
        force=force,
        latest=latest,
        choose=first if yes else lambda candidates: _ask(terminal, candidates),
    )
    if not write and not terminal.as_json:
        if not terminal.quiet:
            click.echo(result.content, nl=False)
        return
    terminal.result(_report(result), _document(result))


def _ask(terminal: Terminal, candidates: Sequence[Candidate]) -> int | None:
    from demo_snapshots.render.report import Facts, Line

    facts = tuple(
        (str(number), f"{each.table}, {_many(each.rows)}: {each.reason}. {_hanging(each)}.")
        for number, each in enumerate(candidates, 1)
    )
    choices: Report = (
        Line("Nothing marks demo rows. These may be the demo:"),
        Facts(facts),
    )
    numbers = f"1 to {len(candidates)}" if len(candidates) > 1 else "1"
    question = f"Which is the demo: {numbers}, or 0 for none? [1]"
    answer = terminal.choose(choices, question, len(candidates))
    return None if answer is None else answer - 1


def _many(rows: int | None) -> str:
    from demo_snapshots.render.report import counted

    return "many rows" if rows is None else counted(rows, "row")


def _hanging(candidate: Candidate) -> str:
    from demo_snapshots.render.report import counted

    if not candidate.followers:
        return "Nothing hangs on it"
    tables = counted(len(candidate.followers), "table")
    return f"{_many(candidate.following).capitalize()} in {tables} hang on it"


def _report(result: InitResult) -> Report:
    from demo_snapshots.model.words import Call, Words
    from demo_snapshots.operations.writing import rows_in_words
    from demo_snapshots.render.report import Facts, Grid, Heading, Line, Look, Row, counted

    looked_at = counted(result.findings.looked_at, "table")
    if not result.findings.tables:
        return (
            Line(f"Nothing in {looked_at} marks demo rows", Look.WARNING),
            Facts(
                (
                    ("File", str(result.path)),
                    ("Next", "say in the file which rows are demo rows: it holds an example"),
                )
            ),
        )
    rows = tuple(
        Row(
            (
                finding.name,
                re.sub(r" rows? now$", "", rows_in_words(finding.rows, finding.exact)),
                "; ".join(finding.reasons),
            ),
            Look.FAINT if finding.doubtful else Look.PLAIN,
        )
        for finding in result.findings.tables
    )
    return (
        Line(f"Wrote {result.path}", Look.GOOD),
        Grid((Heading("Table"), Heading("Demo rows"), Heading("Why")), rows),
        *(Line(text, Look.WARNING) for text in _notes(result)),
        Facts((("Next", Words(Call("export", _scenario(result)))),)),
    )


def _notes(result: InitResult) -> list[str]:
    doubtful = [finding.name for finding in result.findings.tables if finding.doubtful]
    referenced = {found.key.referenced_table for found in result.findings.external}
    notes = []
    if result.findings.others:
        others = ", ".join(each.table for each in result.findings.others)
        notes.append(f"Other rows may be the demo, see the comments in the file: {others}")
    if result.findings.assumed:
        notes.append("Foreign keys that the database does not declare: see [foreign-keys]")
    if doubtful:
        notes.append(f"Left as comments, for you to decide: {', '.join(doubtful)}")
    if referenced:
        notes.append(f"Demo rows reference other tables, see [references]: {', '.join(referenced)}")
    return notes


def _scenario(result: InitResult) -> str:
    from demo_snapshots.errors import UsageError
    from demo_snapshots.model.snapshots import check_scenario_name

    for name in result.findings.scenarios:
        try:
            return check_scenario_name(name)
        except UsageError:
            continue
    return "SCENARIO"


def _document(result: InitResult) -> dict[str, object]:
    findings = result.findings
    return {
        "path": str(result.path),
        "written": result.written,
        "content": result.content,
        "looked_at": findings.looked_at,
        "sampled": list(findings.sampled),
        "scenarios": list(findings.scenarios),
        "tables": [_table(finding) for finding in findings.tables],
        "foreign_keys": [
            {
                "table": assumed.table,
                "columns": list(assumed.columns),
                "referenced_tables": [key.referenced_table for key in assumed.keys],
                "looked_at": assumed.looked_at,
                "found": assumed.found,
            }
            for assumed in findings.assumed
        ],
        "others": [
            {"table": other.table, "where": other.condition, "records": other.rows}
            for other in findings.others
        ],
        "references": [
            {
                "table": found.table,
                "columns": list(found.key.columns),
                "referenced_table": found.key.referenced_table,
                "records": found.rows,
            }
            for found in findings.external
        ],
    }


def _table(finding: Finding) -> dict[str, object]:
    return {
        "table": finding.name,
        "records": finding.rows,
        "exact": finding.exact,
        "doubtful": finding.doubtful,
        "reasons": list(finding.reasons),
    }
