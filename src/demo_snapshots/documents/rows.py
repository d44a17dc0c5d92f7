"""Rows, and deferred references, as objects of JSON and YAML, both ways."""

from __future__ import annotations

from collections.abc import Sequence

from demo_snapshots.documents.members import names_in
from demo_snapshots.documents.protocol import Update
from demo_snapshots.documents.values import Number, Tree, encoded, literal_of, shown, value_in_tree
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import cells


def row_tree(table: Table, record: bytes) -> dict[str, Tree]:
    """A record of the table, a member for each column."""
    literals = zip(table.columns, cells(record), strict=True)
    return {column.name: value_in_tree(literal, column.kind) for column, literal in literals}


def raw_row(names: Sequence[str], value: Tree) -> bytes:
    """The raw row with these columns that an object stands for. Raises ValueError for one that
    has others, or a value that is none."""
    if not isinstance(value, dict):
        raise ValueError("not an object, as every row is")
    try:
        row = encoded("(" + ",".join([literal_of(value[name]) for name in names]) + ")")
    except KeyError as error:
        raise ValueError(f"a row without {error.args[0]}") from None
    except ValueError as error:
        raise ValueError(f"{_culprit(value)}: {error}") from None
    if len(value) != len(names):
        extra = next(name for name in value if name not in names)
        raise ValueError(f"a row with {shown(extra)}, which is no column")
    return row


def _culprit(value: dict[str, Tree]) -> str:
    """The first member that stands for no literal."""
    for name, item in value.items():
        try:
            encoded(literal_of(item))
        except ValueError:
            return name if name.isprintable() else shown(name)
    raise AssertionError


def update_tree(update: Update, table: Table) -> dict[str, Tree]:
    """A deferred reference of the table as an object."""
    values, key = (
        {name: value_in_tree(literal, table.column(name).kind) for name, literal in pairs}
        for pairs in (update.values, update.key)
    )
    untouched: dict[str, Tree] = {"untouched": [*update.untouched]} if update.untouched else {}
    return {"table": table.name, "set": values, **untouched, "key": key}


def read_update(value: Tree) -> Update:
    """What ``update_tree`` gave. Raises ValueError for anything else."""
    if isinstance(value, dict) and value.keys() <= {"table", "set", "untouched", "key"}:
        table, values, key = (value.get(name) for name in ("table", "set", "key"))
        if isinstance(table, str) and not isinstance(table, Number):
            untouched = tuple(names_in(value.get("untouched", [])))
            return Update(table, _pairs(values), _pairs(key), untouched)
    raise ValueError("not a deferred reference: it has table, set and key, and may have untouched")


def _pairs(members: Tree) -> tuple[tuple[str, bytes], ...]:
    if not isinstance(members, dict) or not members:
        raise ValueError("not a deferred reference: set and key name columns")
    return tuple((name, encoded(literal_of(value))) for name, value in members.items())
