"""Keys for rows that were written without one: the same each time the same rows are imported."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.selection.demo_set import DemoSet

_UUID_LENGTH = 36
_NAMESPACE = uuid.UUID("6c0e4b4e-3a0c-5f0e-9d0a-0d3f5a1c7b52")


def may_be_new(table: Table) -> bool:
    """Whether the table's key is one that a row can be given: a single number or UUID, of its
    own. Text is a UUID where it is 36 characters long."""
    if len(table.key) != 1:
        return False
    column = table.column(table.key[0])
    borrowed = any(
        column.name in key.columns and key.referenced_table != table.name
        for key in table.foreign_keys
    )
    return not borrowed and (column.kind is Kind.INTEGER or is_uuid(table))


def is_uuid(table: Table) -> bool:
    """Whether the table's key, which is one column, holds UUIDs."""
    return holds_uuids(table.column(table.key[0]))


def holds_uuids(column: Column) -> bool:
    """Whether a column is made for UUIDs."""
    is_long = column.length == _UUID_LENGTH or column.native.endswith(f"({_UUID_LENGTH})")
    return column.kind is Kind.UUID or (column.kind is Kind.TEXT and is_long)


def new_uuid(scenario: str, table: str, name: str | None, position: int) -> str:
    """The UUID of a row: by its name, else by its place among the table's rows."""
    row = f"name {name}" if name is not None else f"row {position}"
    return str(uuid.uuid5(_NAMESPACE, "\n".join((scenario, table, row))))


def free_numbers(demo: DemoSet, table: Table, count: int, given: Collection[int]) -> list[int]:
    """``count`` keys for rows that replace those of ``demo``, none of them ``given``: the ones that
    its rows have, in order, so that the same rows get the same keys again; then those beyond all
    that are there or given. Within a read."""
    if not count:
        return []
    key = demo.dialect.quote(table.key[0])
    source = f"FROM {demo.dialect.rows_of(table)}"
    there = demo.database.rows(
        f"SELECT {key} {source} WHERE {demo.predicate(table)} ORDER BY {key}"
        f" LIMIT {count + len(given)}"
    )
    kept = [key for (key,) in there if isinstance(key, int) and key not in given][:count]
    highest = demo.database.scalar(f"SELECT max({key}) {source}")
    after = max(0, *given, highest if isinstance(highest, int) else 0) + 1
    return [*kept, *range(after, after + count - len(kept))]
