"""CHECK constraints that moved dates would break, found before a row of the tables is touched."""

from __future__ import annotations

import re
from collections.abc import Collection

from demo_snapshots.errors import DatabaseError
from demo_snapshots.selection.evergreen import Places
from demo_snapshots.transfer.stage import Stage, Staging, naming


def require_checks(staging: Staging, places: Places) -> None:
    """Raise DatabaseError if staged rows break a CHECK constraint on a column in which dates are
    moved. Conditions that also ask for what is not staged are left to the engine, which will ask
    when the rows are written."""
    for stage in staging.stages.values():
        moved = {place.column for place in places.get(stage.table.name, ())}
        for check in staging.database.checks(stage.table) if moved else ():
            asked = _names_in(check.condition, [column.name for column in stage.table.columns])
            if asked & moved and asked <= {column.name for column in stage.columns}:
                _require(staging, stage, check.name, check.condition)


def _names_in(condition: str, names: Collection[str]) -> set[str]:
    """Which of the names stand in the condition, or may."""
    return {
        name
        for name in names
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", condition, re.IGNORECASE)
    }


def _require(staging: Staging, stage: Stage, name: str, condition: str) -> None:
    # Under the table's own name, with which the condition may call its columns.
    rows = f"{stage.rows} AS {staging.dialect.quote(stage.table.name)}"
    with naming(stage.table):
        broken = staging.count(rows, f"NOT ({condition}\n)")
    if broken:
        count = "1 row breaks" if broken == 1 else f"{broken} rows break"
        raise DatabaseError(f"{stage.table.name}: {count} the CHECK constraint {name}")
