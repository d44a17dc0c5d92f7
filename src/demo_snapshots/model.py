"""The frozen types that travel between the rooms.

Nothing here knows an engine, a file or a terminal. Sequences are tuples, in the order the
docstring names; text is ``str``; times are aware UTC ``datetime``; sizes are bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from demo_snapshots.errors import UsageError

_SCENARIO = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VERSION = re.compile(r"v([1-9][0-9]{0,8})_([0-9]{4}-[0-9]{2}-[0-9]{2})")


def check_scenario_name(name: str) -> str:
    """Return ``name`` if it can name a scenario, that is, a directory of the store.

    Raises UsageError for anything outside ``[a-z0-9][a-z0-9_-]*`` (at most 100 characters)
    and for ``metadata``, which is the manifest's directory.
    """
    if not _SCENARIO.fullmatch(name) or len(name) > 100:
        raise UsageError(
            f"{name!r} cannot be a scenario name",
            hint="Use lower-case letters, digits, - and _, beginning with a letter or digit.",
        )
    if name == "metadata":
        raise UsageError("'metadata' cannot be a scenario name: the store's manifest lives there")
    return name


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """``v2_2025-01-20``: a number that only grows within a scenario, and the UTC day."""

    number: int
    day: date

    def __str__(self) -> str:
        return f"v{self.number}_{self.day.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version that ``str`` wrote. Raises ValueError for any other text."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"not a version: {text!r}")
        return cls(int(match[1]), date.fromisoformat(match[2]))


class Packing(StrEnum):
    """How a document is stored; the value is what ``--compress`` calls it."""

    PLAIN = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """What the file's name ends in."""
        return {"none": ".sql", "gzip": ".sql.gz", "zstd": ".sql.zst"}[self.value]


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


@dataclass(frozen=True, slots=True)
class Column:
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


def moments(columns: Iterable[Column], but: Collection[str]) -> tuple[str, ...]:
    """The columns that an ON UPDATE CURRENT_TIMESTAMP may sit on, ``but`` for these names."""
    kinds = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
    return tuple(c.name for c in columns if c.kind in kinds and c.name not in but)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``columns`` of the table it belongs to reference ``referenced_columns``, pairwise."""

    name: str
    columns: tuple[str, ...]
    referenced_table: str
    referenced_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    deferrable: bool = False
    referenced_schema: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``key`` is its primary key in key order, empty where it has none."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    schema: str | None = None
    has_heirs: bool = False
    """Whether other tables inherit from it (PostgreSQL); their rows are not its own."""
    has_triggers: bool = False

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def carried(self) -> tuple[Column, ...]:
        """The columns a document carries: all but the generated ones."""
        return tuple(column for column in self.columns if not column.generated)


# --- Selection: which rows are demo rows -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a place inside its JSON: ``metadata.demo_seed`` is ``("demo_seed",)``."""

    column: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.column, *self.path))


@dataclass(frozen=True, slots=True)
class Marked:
    """Rows whose ``field`` reads true (``true`` or ``1`` as boolean, number or string)."""

    field: Field


@dataclass(frozen=True, slots=True)
class Follows:
    """Rows that reference a demo row of ``table`` by ``columns``."""

    columns: tuple[str, ...]
    table: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """Rows for which a SQL predicate holds; one text per engine, mostly the same."""

    sqlite: str
    postgresql: str
    mariadb: str


@dataclass(frozen=True, slots=True)
class FollowsAny:
    """Rows that reference a demo row in at least one of several ways."""

    ways: tuple[Follows, ...]


Rule = Marked | Follows | FollowsAny | Where


def ways_of(rule: Rule) -> tuple[Follows, ...]:
    """The references by which a rule tells demo rows; none for a marker or a predicate."""
    match rule:
        case Follows():
            return (rule,)
        case FollowsAny(ways):
            return ways
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class TableSelection:
    """What makes a row of ``table`` a demo row, and which scenario it belongs to."""

    table: str
    rule: Rule
    scenario: Field | None = None
    breakdown: str | None = None
    json_references: tuple[tuple[str, str], ...] = ()


# --- Documents -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table; ``breakdown`` counts them by the value of a column, sorted by value."""

    table: str
    rows: int
    breakdown: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Statistics:
    """Rows per table, referenced tables before referencing ones."""

    tables: tuple[TableCount, ...] = ()

    @property
    def total(self) -> int:
        return sum(table.rows for table in self.tables)

    def rows(self, table: str) -> int:
        return next((count.rows for count in self.tables if count.table == table), 0)


@dataclass(frozen=True, slots=True)
class Header:
    """What a document says of itself before its rows.

    ``tables`` are in load order and hold only names, kinds, nullability and keys;
    ``schema`` is the fingerprint over them, twelve hexadecimal digits; ``extra`` keeps the
    lines this version of the format does not know.
    """

    scenario: str
    version: Version
    generated: datetime
    source: str
    schema: str
    tables: tuple[Table, ...]
    statistics: Statistics
    tool: str = ""
    migration: str | None = None
    format: int = 1
    includes: tuple[tuple[Table, int], ...] = ()
    """Tables outside the demo whose rows travel along, and how many, in load order."""
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What reading a document tells of it, none of its rows kept.

    ``size`` and ``sha256`` are of the whole file as it is stored, ``digest`` is of its rows
    alone, both as lower-case hexadecimal digits.
    """

    header: Header
    digest: str
    size: int
    sha256: str
    packing: Packing = Packing.PLAIN


# --- Store -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored snapshot, as the manifest lists it.

    ``path`` is relative to the store, with forward slashes; ``sha256`` covers the whole file,
    ``digest`` only the rows (equal digests: same data).
    """

    scenario: str
    version: Version
    path: str
    size: int
    sha256: str
    digest: str
    generated: datetime
    source: str
    schema: str
    statistics: Statistics
    tool: str = ""
    migration: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is named like a snapshot, and what the manifest says of it: None if nothing.
    Where ``present`` is false, only the manifest knows it."""

    scenario: str
    version: Version
    path: Path
    present: bool
    recorded: Entry | None


Progress = Callable[[str, int, int], None]
"""Called with a table's name, rows done and rows in all, a few times a second at most."""


def no_progress(table: str, done: int, total: int) -> None:
    """The progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A configured value and where it came from, for ``demo config``."""

    name: str
    value: str
    origin: str
