"""The error for a value that would be refused by whoever reads the document."""

from __future__ import annotations

from collections.abc import Sequence

from demo_snapshots.errors import UnportableValueError
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import split

_LONGEST_KEY = 200


def unportable(
    table: Table, columns: Sequence[str], row: bytes, column: str | None
) -> UnportableValueError:
    """``row`` is a raw row of ``columns`` of ``table``; ``column`` is None where it is not known
    which of them it is."""
    place = f"{table.name}.{column}" if column else table.name
    key = _key(table, columns, row, column)
    where = f"the row with key {key}" if key else "a row"
    return UnportableValueError(
        f"{place}: {where} holds a value that no import would take back",
        hint="Correct it or set it to NULL. No version was published.",
    )


def _key(table: Table, columns: Sequence[str], row: bytes, column: str | None) -> str:
    values = split(row)
    # References by natural key stand for values of their own; a key is no secret, the value is.
    if not table.key or column in table.key or column is None or len(values) != len(columns):
        return ""
    if not set(table.key) <= set(columns):
        return ""
    found = ", ".join(values[columns.index(name)].decode() for name in table.key)
    return found if len(found) <= _LONGEST_KEY else ""
