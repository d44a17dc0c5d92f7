"""What ``merge`` says. As ``results``."""

from __future__ import annotations

from msgspec import to_builtins

from demo_snapshots.model.merging import MergeResult, TableMerge
from demo_snapshots.render.report import Facts, Grid, Heading, Line, Look, Report, Row, number
from demo_snapshots.render.statistics import statistics_json

_COUNTED = ("rows", "ours", "theirs", "both", "renewed", "decided")


def merge_report(result: MergeResult) -> Report:
    """What the new version was made of, or would be (``dry_run``), by table."""
    of = f"{result.ours} and {result.theirs}"
    if result.dry_run:
        line = Line(f"Would merge {of} into {result.scenario} {result.version}", Look.STRONG)
    elif result.written:
        line = Line(f"Merged {of} into {result.scenario} {result.version}", Look.GOOD)
    else:
        line = Line(f"{result.scenario} {result.version} already holds {of}", Look.GOOD)
    facts = [("Base", str(result.base))]
    if result.file is not None:
        facts.append(("File", result.file))
    return (line, _grid(result), Facts(tuple(facts)))


def _grid(result: MergeResult) -> Grid:
    headings = ("Records", "Ours", "Theirs", "Both", "Renewed", "Decided")
    rows = [Row((table.table, *_numbers(table))) for table in result.tables]
    total = TableMerge(
        "Total", *(sum(getattr(table, name) for table in result.tables) for name in _COUNTED)
    )
    rows.append(Row((total.table, *_numbers(total)), Look.STRONG, after_rule=True))
    return Grid((Heading("Table"), *(Heading(h, numeric=True) for h in headings)), tuple(rows))


def _numbers(table: TableMerge) -> tuple[str, ...]:
    return tuple(number(getattr(table, name)) for name in _COUNTED)


def merge_json(result: MergeResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "version": str(result.version),
        "written": result.written,
        "dry_run": result.dry_run,
        "path": result.file,
        "base": str(result.base),
        "ours": str(result.ours),
        "theirs": str(result.theirs),
        "digest": result.digest,
        "records": statistics_json(result.statistics),
        "tables": [to_builtins(table) for table in result.tables],
    }
