"""A version as JSON lines: one a row, and a last one with what it is."""

from __future__ import annotations

import json

from msgspec import to_builtins

from demo_snapshots.model.tables import Table
from demo_snapshots.operations.show import Showing, ValueRow
from demo_snapshots.render.comparison.jsonl import value_json
from demo_snapshots.render.report import iso


def row_line(table: Table, row: ValueRow) -> str:
    """One row; without the line's end."""
    values = ", ".join(
        f"{json.dumps(column.name)}: {value_json(value)}"
        for column, value in zip(table.columns, row, strict=True)
    )
    return f'{{"table": {json.dumps(table.name)}, "row": {{{values}}}}}'


def version_line(showing: Showing) -> str:
    """Which version it is, and what its tables are; without the line's end."""
    header = showing.header
    included = {table.name for table, _ in header.includes}
    document = {
        "summary": {
            "scenario": header.scenario,
            "version": str(header.version),
            "generated": iso(header.generated),
            "source": header.source,
            "digest": showing.digest,
            "files": None if header.files is None else to_builtins(header.files),
            "tables": [
                {
                    "table": table.name,
                    "rows": showing.count(table),
                    "key": list(table.key),
                    "columns": [{"column": c.name, "kind": c.kind} for c in table.columns],
                    "included": table.name in included,
                }
                for table in showing.described
            ],
        }
    }
    return json.dumps(document)
