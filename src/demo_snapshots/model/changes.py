"""What differs between two states of demo rows: rows, and the cells that make the difference."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, StrEnum

from msgspec import Struct


class Json(str):
    """A value inside JSON, as JSON text."""

    __slots__ = ()


class Nothing(Enum):
    """The value that a side does not have: the row, or the member of its JSON, is not there."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING

Value = None | bool | int | Decimal | str | bytes | Json | Nothing

NamedValues = tuple[tuple[str, Value], ...]


class What(StrEnum):
    """What became of a row, from the old side to the new."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """Another key, and all else as it was."""


class Cell(Struct, frozen=True):
    """A column, or with a ``path`` a place inside its JSON, and its value on both sides."""

    column: str
    old: Value
    new: Value
    path: tuple[str | int, ...] = ()

    @property
    def place(self) -> str:
        """``metadata.inbox[0].at``"""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return self.column + "".join(steps)


class Change(Struct, frozen=True):
    """One row that differs. ``key`` is the old side's where there is one, and empty for tables
    without a key; ``cells`` are those that differ, of an added or removed row all of them, of a
    moved one those of its key. ``copies`` says how often, of rows without a key."""

    table: str
    what: What
    key: NamedValues
    cells: tuple[Cell, ...]
    copies: int = 1


class TableDifference(Struct, frozen=True):
    """How many rows of a table are what. ``only_old`` and ``only_new`` are columns that one side
    alone has, which count for no row; ``missing`` is the side, ``old`` or ``new``, that does not
    have the table at all."""

    table: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    moved: int = 0
    same: int = 0
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    missing: str | None = None

    @property
    def differs(self) -> bool:
        """Whether a row does, or the columns, or the table is missing."""
        rows = self.added or self.removed or self.changed or self.moved
        return bool(rows or self.only_old or self.only_new or self.missing)


class FilesDifference(Struct, frozen=True):
    """How many uploaded files are on one side alone, or have another content on the other."""

    added: int = 0
    removed: int = 0
    changed: int = 0

    @property
    def differs(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Comparison(Struct, frozen=True):
    """Two sides, as they are called, and what differs, by table; ``files`` of two versions of a
    store."""

    scenario: str
    old: str
    new: str
    tables: tuple[TableDifference, ...]
    notes: tuple[str, ...] = ()
    files: FilesDifference = FilesDifference()

    @property
    def differs(self) -> bool:
        return self.files.differs or any(table.differs for table in self.tables)
