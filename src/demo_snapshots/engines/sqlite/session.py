"""SQLite's sessions: one file, one process, nobody to wait for."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import uuid
from collections.abc import Generator, Iterable, Sequence
from decimal import Decimal
from typing import Any

from demo_snapshots.engines.base.session import LOCK_WAIT_SECONDS, Session, in_batches
from demo_snapshots.engines.sqlite.dialect import SQLite
from demo_snapshots.engines.sqlite.values import LARGE, Values
from demo_snapshots.errors import Fault, UnportableValueError
from demo_snapshots.model.tables import Column, ForeignKey, Table

_MANY_ROWS = 20_000
"""Of fewer rows the same can be asked twice."""


class SQLiteSession(Session):
    name = "sqlite"
    raw: sqlite3.Connection
    error = sqlite3.Error
    waits_for_server = False

    def prepare(self) -> None:
        # 3.40 prints 0.1+0.2 as 3.00000000000000044408e-01 and later versions otherwise, so
        # REAL cells are formatted by Python's shortest round-trip repr.
        self.raw.create_function("demo_float", 1, _format_float, deterministic=True)
        self.raw.create_function("demo_decimal", 1, _format_decimal, deterministic=True)
        self.raw.create_function("demo_uuid", 0, lambda: str(uuid.uuid4()))
        self.raw.create_function("demo_hash", 1, _hash, deterministic=True)
        self.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000}")
        # No cascades while an import works: it decides on every row itself and verifies after.
        # Within somebody's transaction this has no effect (sqlite.org/pragma.html).
        self.execute("PRAGMA foreign_keys = OFF")
        self.dialect = SQLite(enforces_foreign_keys=bool(self._pragma("foreign_keys")))

    def version(self) -> str:
        return f"sqlite {sqlite3.sqlite_version}"

    # --- Transactions ------------------------------------------------------------------------

    def begin_read(self) -> None:
        self.execute("BEGIN")
        # The snapshot begins with the first read.
        self.rows("SELECT 1 FROM sqlite_schema LIMIT 1")

    def begin_write(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def lock(self, tables: Sequence[Table]) -> None:
        """BEGIN IMMEDIATE keeps other writers out of the whole file."""

    def rollback(self) -> None:
        if self.raw.in_transaction:
            self.execute("ROLLBACK")
        # Those of a transaction go with it; after a commit they would stay.
        self.temporary.clear()

    # --- On a connection that is somebody else's ---------------------------------------------

    def is_in_transaction(self) -> bool:
        if self.raw.in_transaction:
            return True
        if self.raw.isolation_level is None:
            return False
        # The driver itself would open one, but not before the first change.
        self.execute("BEGIN")
        return True

    def settings(self) -> tuple[Any, ...]:
        return (
            self.raw.text_factory,
            self._pragma("busy_timeout"),
            self._pragma("foreign_keys"),
            self._pragma("defer_foreign_keys"),
        )

    def restore(self, settings: tuple[Any, ...]) -> None:
        self.raw.text_factory, timeout, enforced, deferred = settings
        self.execute(f"PRAGMA busy_timeout = {timeout}")
        self.execute(f"PRAGMA foreign_keys = {enforced}")
        if self.raw.in_transaction:
            self.execute(f"PRAGMA defer_foreign_keys = {deferred}")

    def _pragma(self, name: str) -> int:
        return int(self.rows(f"PRAGMA {name}")[0][0])

    # --- Statements --------------------------------------------------------------------------

    def cursor(self) -> sqlite3.Cursor:
        cursor = self.raw.cursor()
        cursor.row_factory = None
        return cursor

    def stream(self, sql: str) -> Generator[list[bytes], None, None]:
        cursor = self.cursor()
        try:
            cursor.execute(sql)
            yield from in_batches(lambda count: [row[0] for row in cursor.fetchmany(count)])
        finally:
            cursor.close()

    def load(self, target: str, columns: Sequence[Column], chunks: Iterable[bytes]) -> int:
        names = ", ".join(self.dialect.quote(column.name) for column in columns)
        head = f"INSERT INTO {target} ({names}) VALUES "
        marks = ", ".join("?" * len(columns))
        values = Values(columns)
        loaded = 0
        for chunk in chunks:
            if len(chunk) <= LARGE:
                loaded += self.raw.executemany(f"{head}({marks})", values.rows(chunk)).rowcount
                continue
            for row in values.large_rows(chunk):
                cells = ", ".join(mark for mark, _ in row)
                given = [value for _, value in row]
                loaded += self.raw.execute(f"{head}({cells})", given).rowcount
        return loaded

    def noted(self, table: Table, condition: str) -> str | None:
        rows, key = self.dialect.rows_of(table), self.dialect.columns(table.key)
        if not _is_told_by_rowid(table) or self._pragma("query_only"):
            return None
        [(last,)] = self.rows(f"SELECT max({key}) FROM {rows}")
        if (last or 0) < _MANY_ROWS:
            return None
        # What is temporary is in a file of its own, so nobody is kept from writing.
        noted = self.dialect.temporary(f"demo_noted_{len(self.temporary)}")
        self.temporary.append(noted)
        self.execute(f"CREATE TABLE {noted} ({key} INTEGER PRIMARY KEY)")
        self.execute(f"INSERT INTO {noted} SELECT {key} FROM {rows} WHERE {condition}")
        return f"SELECT {key} FROM {noted}"

    def advance_sequences(self, tables: Sequence[Table], known: object = None) -> object:
        """AUTOINCREMENT follows explicit ids by itself (sqlite.org/autoinc.html)."""

    def postpone(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        # Until the end of the whole transaction; only where foreign keys could not be put off.
        self.execute("PRAGMA defer_foreign_keys = ON")

    def settle(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Foreign keys are verified by query."""

    # --- Errors ------------------------------------------------------------------------------

    def message(self, error: Exception) -> str:
        # sqlite3's messages name tables, columns and constraints, never values.
        return str(error)

    def fault(self, error: Exception) -> Fault:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        ):
            return Fault.BUSY
        if isinstance(error, sqlite3.IntegrityError):
            return Fault.DUPLICATE
        return Fault.OTHER


def _is_told_by_rowid(table: Table) -> bool:
    """Whether the key is the number by which SQLite itself knows the rows: the only column that
    gets a value where a row says nothing, and says no default."""
    key = [table.column(name) for name in table.key]
    return len(key) == 1 and key[0].has_default and key[0].default is None


def _hash(text: str | None) -> str | None:
    return None if text is None else hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _format_float(value: float) -> str:
    if math.isinf(value):
        raise UnportableValueError("infinity")
    return repr(value)


def _format_decimal(value: float) -> str:
    """As decimal columns elsewhere take it: without an exponent, where it is of such a size."""
    text = _format_float(value)
    if "e" not in text or not 1e-30 <= abs(value) < 1e30:
        return text
    plain = f"{Decimal(text):f}"
    return plain if "." in plain else f"{plain}.0"
