"""Rows counted by table, as a grid and as JSON. JSON shapes are documented in docs/json.md and
only ever grow, here and in every other module of this room."""

from __future__ import annotations

from collections.abc import Sequence

from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.render.report import Grid, Heading, Look, Row, number


def statistics_grid(columns: Sequence[tuple[str, Statistics]]) -> Grid:
    """Rows per table, the breakdown beneath, one column for each of ``columns``, and a total."""
    rows: list[Row] = []
    for table in _in_order([count.table for _, stats in columns for count in stats.tables]):
        counts = [count_of(stats, table) for _, stats in columns]
        rows.append(Row((table, *(number(count.rows) for count in counts))))
        for value in _in_order([value for count in counts for value, _ in count.breakdown]):
            cells = (number(dict(count.breakdown).get(value, 0)) for count in counts)
            rows.append(Row((f"  {value}", *cells), Look.FAINT))
    totals = (number(stats.total) for _, stats in columns)
    rows.append(Row(("Total", *totals), Look.STRONG, after_rule=True))
    headings = (Heading(title, numeric=True) for title, _ in columns)
    return Grid((Heading("Table"), *headings), tuple(rows))


def _in_order(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def count_of(statistics: Statistics, table: str) -> TableCount:
    found = (count for count in statistics.tables if count.table == table)
    return next(found, TableCount(table, 0))


def included_facts(included: Statistics, added: int | None = None) -> tuple[tuple[str, str], ...]:
    """A line for the rows that travel along, if there are any, and how many were ``added``."""
    counts = [f"{number(c.rows)} of {c.table}" for c in included.tables if c.rows]
    if not counts:
        return ()
    told = f"{', '.join(counts)}: no demo rows"
    return (("Along", told if added is None else f"{told}; {number(added)} added"),)


def statistics_json(statistics: Statistics) -> dict[str, object]:
    return {
        "total": statistics.total,
        "tables": [
            {"table": count.table, "records": count.rows, "breakdown": dict(count.breakdown)}
            for count in statistics.tables
        ],
    }
