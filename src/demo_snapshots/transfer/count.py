"""Rows counted in the engine, by what a configuration breaks them down by."""

from __future__ import annotations

from collections.abc import Sequence

from demo_snapshots.engines.database import Database
from demo_snapshots.model.snapshots import TableCount
from demo_snapshots.model.tables import Table


def count_rows(
    database: Database,
    table: Table,
    source: str,
    breakdown: str | None = None,
    conditions: Sequence[str] = (),
) -> tuple[TableCount, list[int]]:
    """The rows of ``source``, which begins with FROM and holds ``table``'s columns, by the values
    of its column ``breakdown`` if one is named; and how many fulfil each of ``conditions``. One
    pass over the rows."""
    sums = "".join(f", sum(CASE WHEN {each} THEN 1 ELSE 0 END)" for each in conditions)
    counted = f"count(*){sums} {source}"
    if breakdown is None:
        found = [("", *row) for row in database.rows(f"SELECT {counted}")]
    else:
        column = table.column(breakdown)
        label = database.dialect.text_of(column, database.dialect.quote(breakdown))
        found = database.rows(f"SELECT {label}, {counted} GROUP BY 1")
    labels = sorted((_label(row[0]), int(row[1])) for row in found)
    rows = sum(count for _, count in labels)
    fulfilling = [sum(int(row[n + 2] or 0) for row in found) for n in range(len(conditions))]
    return TableCount(table.name, rows, tuple(labels) if breakdown else ()), fulfilling


def _label(value: object) -> str:
    """A breakdown's value as a header can hold it."""
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
