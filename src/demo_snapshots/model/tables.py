"""Tables as every engine describes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Kind(StrEnum):
    """What a column holds, in words that every engine shares; written in document headers."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    JSON = "json"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    DATE = "date"
    TIME = "time"
    UUID = "uuid"
    BINARY = "binary"
    NATIVE = "native"
    """A type only its own engine has (ranges, arrays, inet …), carried in its own text form."""


class Affinity(StrEnum):
    """How a dynamically typed column (SQLite) converts what is put into it.

    Source: sqlite.org/datatype3.html, section 3.
    """

    TEXT = "text"
    INTEGER = "integer"
    NUMERIC = "numeric"
    REAL = "real"
    BLOB = "blob"


class Column(Struct, frozen=True):
    """One column. From a document's header only ``name``, ``kind`` and ``nullable`` are known.

    ``length`` counts characters (text) or bytes (binary); ``precision`` is the number of
    decimal digits (decimal), mantissa bits (float) or digits of a second (times);
    ``affinity`` is set where the engine types cells rather than columns.
    """

    name: str
    kind: Kind
    nullable: bool = True
    native: str = ""
    has_default: bool = False
    generated: bool = False
    identity_always: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    unsigned: bool = False
    bits: int | None = None
    affinity: Affinity | None = None
    extended: bool = False
    """Takes NaN, infinities and dates before Christ (PostgreSQL)."""
    nul: bool = True
    """Takes a NUL in text (all but PostgreSQL)."""
    charset: str | None = None
    """That of its text, where columns may have several (MariaDB)."""
    default: str | None = None
    """What it gets where a row says nothing, as the engine's SQL; None of a counter."""

    @property
    def is_array(self) -> bool:
        """Whether it holds arrays (PostgreSQL)."""
        return self.native.endswith("[]")


def moments(columns: Iterable[Column], but: Collection[str]) -> tuple[str, ...]:
    """The columns that an ON UPDATE CURRENT_TIMESTAMP may sit on, ``but`` for these names."""
    kinds = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
    return tuple(c.name for c in columns if c.kind in kinds and c.name not in but)


class OfType(Struct, frozen=True):
    """Rows whose ``column`` says what they reference: it holds ``value``. Where it is a key of
    Django's content types, ``value`` is the name of one, ``blog.post``."""

    column: str
    value: str
    is_content_type: bool = False


class ForeignKey(Struct, frozen=True):
    """``columns`` of the table it belongs to reference ``referenced_columns``, pairwise. One that
    is not ``declared`` is known from the configuration alone: nothing enforces it. It holds for
    the rows that ``only`` tells, for all where that is None."""

    name: str
    columns: tuple[str, ...]
    referenced_table: str
    referenced_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    deferrable: bool = False
    referenced_schema: str | None = None
    declared: bool = True
    only: OfType | None = None


class ColumnSequence(Struct, frozen=True):
    """A PostgreSQL sequence that ``column`` draws its numbers from. ``schema`` is None where the
    search path finds it. An ``ordinary`` one is the column's own, counts up by one, and ends
    where the numbers of its type end."""

    column: str
    sequence: str
    schema: str | None
    ordinary: bool


class Trigger(Struct, frozen=True):
    """What the application has the database do when rows of a table change; a rule as well
    (PostgreSQL). ``on_update``: also when a row is changed in place. ``instead``: whatever rows
    they are, it does not happen to them, but something else."""

    name: str
    on_update: bool
    instead: bool = False


class Table(Struct, frozen=True):
    """One table. ``key`` is its primary key in key order, empty where it has none."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    schema: str | None = None
    has_heirs: bool = False
    """Whether other tables inherit from it (PostgreSQL); their rows are not its own."""
    triggers: tuple[Trigger, ...] = ()
    """Those that may fire, by name."""

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def declared_keys(self) -> tuple[ForeignKey, ...]:
        """The foreign keys that the database itself may enforce."""
        return tuple(key for key in self.foreign_keys if key.declared)

    @property
    def has_triggers(self) -> bool:
        return bool(self.triggers)

    @property
    def has_update_triggers(self) -> bool:
        return any(trigger.on_update for trigger in self.triggers)

    def without_key(self) -> Table:
        """The same table, its key no more than a unique constraint."""
        return replace(self, key=(), uniques=(self.key, *self.uniques)) if self.key else self

    @property
    def carried(self) -> tuple[Column, ...]:
        """The columns a document carries: all but the generated ones."""
        return tuple(column for column in self.columns if not column.generated)
