"""Comparisons to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from hostile_values import HOSTILE, SECRET

from demo_snapshots.model.changes import (
    NOTHING,
    Cell,
    Change,
    Comparison,
    Json,
    TableDifference,
    Value,
    What,
)
from demo_snapshots.render.comparison.kept import KeptChanges, without_values

KEY = (("id", 7),)


def changed(*cells: Cell, table: str = "todos", key: Sequence[tuple[str, Value]] = KEY) -> Change:
    return Change(table, What.CHANGED, tuple(key), cells)


def added(table: str = "todos", **values: Value) -> Change:
    cells = tuple(Cell(name, NOTHING, value) for name, value in values.items())
    return Change(table, What.ADDED, tuple(values.items())[:1], cells)


def removed(table: str = "todos", **values: Value) -> Change:
    cells = tuple(Cell(name, value, NOTHING) for name, value in values.items())
    return Change(table, What.REMOVED, tuple(values.items())[:1], cells)


def moved(old: Value, new: Value, table: str = "todos") -> Change:
    return Change(table, What.MOVED, (("id", old),), (Cell("id", old, new),))


EVERY_KIND = (
    changed(Cell("state", "open", "done")),
    changed(
        Cell("metadata", Json('"low"'), Json('"high"'), ("priority",)),
        Cell("metadata", NOTHING, Json('{"a": [1]}'), ("inbox", 0, "at")),
        Cell("price", Decimal("1.00"), None),
        Cell("done", False, True),
        Cell("picture", b"\x00\xff", b""),
        Cell("note", "", None),
        key=(("order_id", 3), ("line", "a b")),
    ),
    moved(3, 103),
    removed(id=5, title="gone", due=None),
    added(id=101, title="new", state="open"),
)


def comparison(
    changes: Iterable[Change], *tables: TableDifference, notes: tuple[str, ...] = ()
) -> Comparison:
    """The comparison in which these changes were found, besides these tables."""
    counts: dict[str, dict[What, int]] = {}
    for change in changes:
        of_table = counts.setdefault(change.table, dict.fromkeys(What, 0))
        of_table[change.what] += 1
    found = [
        TableDifference(
            table,
            added=of_table[What.ADDED],
            removed=of_table[What.REMOVED],
            changed=of_table[What.CHANGED],
            moved=of_table[What.MOVED],
            same=97,
        )
        for table, of_table in counts.items()
    ]
    return Comparison(
        "general", "general v3_2025-01-15", "general v4_2025-01-20", (*found, *tables), notes
    )


def kept(
    changes: Iterable[Change], most: int = 1_000, room: int = 1 << 40, *, hidden: bool = False
) -> KeptChanges:
    keeping = KeptChanges(most, room)
    for change in changes:
        keeping(without_values(change) if hidden else change)
    return keeping


def hostile(*, table: str = "pages") -> list[Change]:
    """Every hostile value in every place where a value can stand, each with the secret in it."""
    values = [f"{value}{SECRET}" if value else value for value in HOSTILE]
    changes: list[Change] = []
    for value, other in zip(values, [*values[1:], values[0]], strict=True):
        json = Json('"' + value[:50].encode("unicode_escape").decode().replace('"', "") + '"')
        changes += (
            changed(
                Cell("body", value, other),
                Cell("meta", json, NOTHING, (value, 3)),
                Cell("other", None, value),
                table=table,
            ),
            added(table, id=1, body=value, binary=value.encode()),
            removed(table, id=2, body=value),
        )
    changes.append(changed(Cell("meta", Json('"\ud800"'), Json("NaN"), ("half",)), table=table))
    return changes
