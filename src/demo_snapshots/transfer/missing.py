"""Only what is missing: staged rows whose keys demo rows have already are left out."""

from __future__ import annotations

from demo_snapshots.errors import SchemaError
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.model.words import Call, Words
from demo_snapshots.transfer.stage import Staging


def leave_out_present(staging: Staging) -> Statistics:
    """Leave only those rows staged that no demo row has the key of; how many. Raises SchemaError
    for rows of a table without a key, of which nobody can tell whether they are missing."""
    for stage in staging.stages.values():
        if not staging.count(stage.rows):
            continue
        if not stage.key:
            raise SchemaError(
                f"{stage.table.name}: has no key, so which of its rows are missing cannot be told",
                hint=Words("Import without ", Call(missing_only=True), "."),
            )
        present = staging.chosen(stage, staging.demo_predicate(stage))
        staging.database.execute(
            staging.dialect.delete_matching(
                stage.rows, present, staging.dialect.match("s", "t", stage.key)
            )
        )
    counts = ((stage.table.name, staging.count(stage.rows)) for stage in staging.stages.values())
    return Statistics(tuple(TableCount(name, rows) for name, rows in counts))
