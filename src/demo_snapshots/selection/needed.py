"""What ``[references]`` would have to say for rows outside the demo to travel along: all of it at
once, for one table more would be found by each export that fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from demo_snapshots.config.rules import Reference
from demo_snapshots.engines.database import Database
from demo_snapshots.model.rules import Whose
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.selection.included import Included
from demo_snapshots.selection.rules import Selection
from demo_snapshots.selection.schema import Schema, reflect

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def lines_needed(
    database: Database,
    schema: Schema,
    selection: Selection,
    references: Mapping[str, Reference],
    scenario: Whose,
    keys: Iterable[ForeignKey],
) -> tuple[str, ...]:
    """Lines for demo.toml by which the rows that ``keys`` lead to travel along, and those that they
    reference in turn. A table without a primary key cannot travel: what references it is let go."""
    said: dict[str, Reference] = {
        _spelled(table): references[name]
        for name, table in schema.external.items()
        if references[name] != "fail"
    }
    wanted: dict[str, Reference] = {
        ".".join(filter(None, (key.referenced_schema, key.referenced_table))): "include-all"
        for key in keys
    }
    onward: dict[str, Reference] = {
        name: "include-all" if mode == "include" else mode for name, mode in said.items()
    }
    seen = reflect(database, schema.configured, wanted | onward, schema.undeclared)
    known = {name.rpartition(".")[2]: mode for name, mode in said.items()}

    def travels(key: ForeignKey) -> bool:
        table = seen.external.get(key.referenced_table)
        mode = known.get(key.referenced_table, "include")
        return mode == "include" and table is not None and len(table.key) > 0

    included = Included(database.dialect, seen, selection, scenario, travels)
    found = list(_led_to(database, seen, selection, included, scenario))
    lines = [f"{_as_key(table)} = {mode}" for table, mode in found if table.name not in known]
    return (*(() if said else ("[references]",)), *lines) if lines else ()


def _led_to(
    database: Database,
    schema: Schema,
    selection: Selection,
    included: Included,
    scenario: Whose,
) -> Iterator[tuple[Table, str]]:
    """The tables outside the demo of which a row is needed, and what becomes of it."""

    def is_any(table: Table, condition: str) -> bool:
        rows = f"SELECT 1 FROM {database.dialect.rows_of(table)} WHERE {condition} LIMIT 1"
        return bool(database.rows(rows))

    keyless: dict[str, Table] = {}
    for table in (*schema.tables.values(), *included.tables):
        is_demo = table.name in schema.tables
        rows = selection.predicate(table.name, scenario) if is_demo else included.predicate(table)
        if not is_demo and is_any(table, rows):
            yield table, '"include"'
        for key in table.foreign_keys:
            other = schema.external.get(key.referenced_table)
            given = database.dialect.references(key)
            if other and not other.key and is_any(table, f"{rows} AND {given}"):
                keyless[other.name] = other
    yield from ((table, '"null"') for table in keyless.values())


def _spelled(table: Table) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name


def _as_key(table: Table) -> str:
    name = _spelled(table)
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
