"""``demo init``"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import Session, WithExamples, common_options, examples

if TYPE_CHECKING:
    from demo_snapshots.operations.init import InitResult
    from demo_snapshots.render.report import Report
    from demo_snapshots.selection.discovery import Finding


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
@common_options
def command(session: Session, write: bool, force: bool, latest: str | None) -> None:
    """Look at the database and write a demo.toml that says which rows are demo rows.

    Finds JSON that says demo_seed, boolean columns is_demo or demo, columns that name a
    scenario, and the tables that follow those by foreign key. Only reads the database, and of
    a large table only its first and last rows.
    """
    from demo_snapshots.operations.init import initialise

    result = initialise(session.project.config, write=write, force=force, latest=latest)
    terminal = session.terminal
    if not write and not terminal.as_json:
        if not terminal.quiet:
            click.echo(result.content, nl=False)
        return
    terminal.result(_report(result), _document(result))


def _report(result: InitResult) -> Report:
    from demo_snapshots.operations.init import rows_in_words
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
        Facts((("Next", f"demo export {_scenario(result)}"),)),
    )


def _notes(result: InitResult) -> list[str]:
    doubtful = [finding.name for finding in result.findings.tables if finding.doubtful]
    referenced = {found.key.referenced_table for found in result.findings.external}
    notes = []
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
