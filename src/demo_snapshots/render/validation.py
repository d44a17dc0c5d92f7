"""What ``validate`` says of the rows it compared."""

from __future__ import annotations

from msgspec import to_builtins

from demo_snapshots.model.results import TableComparison, ValidationResult
from demo_snapshots.model.snapshots import Statistics
from demo_snapshots.model.words import Words
from demo_snapshots.render.report import (
    Block,
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    counted,
    number,
)
from demo_snapshots.render.statistics import count_of, statistics_grid, statistics_json


def validation_report(result: ValidationResult, *, schema_only: bool = False) -> Report:
    """What was found. With ``schema_only`` the rows were not looked at, and none are shown."""
    name = result.scenario or ("All scenarios" if schema_only else "The demo rows")
    if result.copy:
        name = f"the copy {result.copy} of {name}"
    if result.version is not None:
        name += f" {result.version}"
    blocks: list[Block] = []
    if result.problems:
        blocks.append(Line(f"{name}: {counted(len(result.problems), 'problem')}", Look.BAD))
        blocks += [Line(Words("  - ", problem)) for problem in result.problems]
    elif schema_only:
        blocks.append(Line(f"{name}: fits the tables", Look.GOOD))
    elif result.comparison:
        blocks.append(Line(f"{name}: the database holds exactly this snapshot", Look.GOOD))
    else:
        blocks.append(Line(f"{name}: no problem found", Look.GOOD))
    if result.comparison:
        blocks.append(_comparison(result.comparison, result.statistics))
    elif result.statistics.tables and not schema_only:
        blocks.append(statistics_grid((("Records", result.statistics),)))
    blocks += [Line(Words("note: ", note), Look.WARNING) for note in result.notes]
    return tuple(blocks)


def validation_failure(result: ValidationResult) -> str:
    name = result.scenario or "the database"
    if result.copy:
        name = f"the copy {result.copy} of {name}"
    return f"validating {name} found {counted(len(result.problems), 'problem')}"


def _comparison(tables: tuple[TableComparison, ...], statistics: Statistics) -> Grid:
    titles = ("Rows", "Missing", "Extra", "Changed")
    rows: list[Row] = []
    for c in tables:
        cells = (c.table, *map(number, (c.rows, c.missing, c.extra, c.changed)))
        rows.append(Row(cells, Look.PLAIN if c.same else Look.BAD))
        for value, count in count_of(statistics, c.table).breakdown:
            rows.append(Row((f"  {value}", number(count), "", "", ""), Look.FAINT))
    sums = (
        sum(c.rows for c in tables),
        sum(c.missing for c in tables),
        sum(c.extra for c in tables),
        sum(c.changed for c in tables),
    )
    rows.append(Row(("Total", *map(number, sums)), Look.STRONG, after_rule=True))
    return Grid((Heading("Table"), *(Heading(title, True) for title in titles)), tuple(rows))


def validation_json(result: ValidationResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "copy": result.copy,
        "version": None if result.version is None else str(result.version),
        "valid": result.valid,
        "problems": list(result.problems),
        "notes": list(result.notes),
        "upgrade_due": result.upgrade_due,
        "records": statistics_json(result.statistics),
        "comparison": [to_builtins(table) for table in result.comparison],
    }
