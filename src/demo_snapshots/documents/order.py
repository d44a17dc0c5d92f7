"""How a document's rows sort: each engine's by the keys of their tables (docs/format.md, Rows)."""

from __future__ import annotations

from collections.abc import Sequence

from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.rows.keys import KeyOf, key_of


def engine_of(header: Header) -> str:
    """``sqlite``, ``postgresql``, ``mariadb`` or ``mysql``: whose document it is."""
    return header.source.partition(" ")[0]


def key_of_rows(header: Header, table: Table) -> KeyOf:
    """The key of a record of ``table``, which has one."""
    return reference_of_rows(header, table, table.key)


def reference_of_rows(header: Header, table: Table, columns: Sequence[str]) -> KeyOf:
    """What a record of ``table`` holds in ``columns``, which are a key of it or reference one;
    sorts with ``key_of_rows``."""
    names = [column.name for column in table.columns]
    return key_of(len(names), [names.index(name) for name in columns], _numeric(header, table))


def key_of_keys(header: Header, table: Table) -> KeyOf:
    """The key of a record of the key's literals alone, in key order."""
    return key_of(len(table.key), range(len(table.key)), _numeric(header, table))


def _numeric(header: Header, table: Table) -> list[bool]:
    """Which columns of the key are sorted by number."""
    is_dynamic = engine_of(header) == "sqlite"
    kinds = (table.column(name).kind for name in table.key)
    return [is_dynamic or kind in (Kind.INTEGER, Kind.BOOLEAN) for kind in kinds]
