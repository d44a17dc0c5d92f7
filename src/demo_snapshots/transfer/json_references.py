"""References kept in JSON, as the configuration declares them: ``relationships[*].id``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from demo_snapshots.transfer.stage import Staging


def missing_json_references(staging: Staging) -> Iterator[tuple[str, str, int]]:
    """For each declared reference that does not hold: its place, its target, and how many of
    the demo rows' values lead to no row of the target."""
    for stage in staging.stages.values():
        selection = staging.selection.rules[stage.table.name]
        for place, target in selection.json_references:
            match = re.match(r"[^.\[]+", place)
            assert match is not None
            column = stage.table.column(match[0])
            count = _missing(staging, stage.table.name, column.name, place[match.end() :], target)
            if count:
                yield f"{stage.table.name}.{place}", target, count


def _missing(staging: Staging, table: str, column: str, path: str, target: str) -> int:
    dialect = staging.dialect
    stage = staging.stages[table]
    referenced, _, name = target.rpartition(".")
    goal = staging.schema.tables[referenced]
    joins, value = dialect.json_values(stage.table.column(column), path.removeprefix("."))
    cell = dialect.quote(column)
    rows = f"(SELECT {cell} FROM {stage.target} WHERE {staging.predicate(stage)}) AS t"
    keys = dialect.text_of(goal.column(name), dialect.quote(name))
    return int(
        staging.database.scalar(
            f"SELECT count(*) FROM {rows}{joins} WHERE {value} IS NOT NULL AND {value} NOT IN"
            f" (SELECT {keys} FROM {dialect.rows_of(goal)} WHERE {dialect.quote(name)} IS NOT NULL)"
        )
    )
