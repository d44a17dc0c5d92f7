"""What every engine must be able to do, and what most of them do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from demo_snapshots.errors import DatabaseBusyError, DatabaseError
from demo_snapshots.model import Column, ForeignKey, Table

FETCH_ROWS = 500
FETCH_BYTES = 4_000_000
_FIRST_ROWS = 20

LOCK_WAIT_SECONDS = 30


class Dialect(ABC):
    """One engine's ways. ``raw`` is always the driver's own connection, in autocommit mode:
    transactions are opened and ended by statements, never by the driver behind our back."""

    name: str
    error: type[Exception]
    """What the errors of the engine's driver are."""
    enforces_foreign_keys = False
    """Whether foreign keys act (check, cascade) while an import changes rows. Where they do
    not, the import verifies them by query before it commits."""

    waits_for_server = True
    """Whether this process has nothing to do while rows are loaded, and can read on meanwhile."""

    # --- Names -------------------------------------------------------------------------------

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def table(self, table: Table) -> str:
        """The table's name in SQL, with its schema if it has one."""
        name = self.quote(table.name)
        return f"{self.quote(table.schema)}.{name}" if table.schema else name

    def rows_of(self, table: Table) -> str:
        """The table in FROM, UPDATE and DELETE: its own rows alone."""
        return self.table(table)

    def temporary(self, name: str) -> str:
        """A temporary table's name in SQL."""
        return self.quote(name)

    def columns(self, names: Iterable[str], alias: str = "") -> str:
        prefix = f"{alias}." if alias else ""
        return ", ".join(prefix + self.quote(name) for name in names)

    def text(self, value: str) -> str:
        """``value`` as a string literal of this engine under our session settings."""
        return "'" + value.replace("'", "''") + "'"

    # --- Sessions and transactions -----------------------------------------------------------

    @abstractmethod
    def prepare(self, raw: Any) -> None:
        """Set the session up so that every text form is the format's own."""

    @abstractmethod
    def version(self, raw: Any) -> str:
        """``postgresql 15.18``: what a header's Source line says."""

    @abstractmethod
    def begin_read(self, raw: Any) -> None:
        """Open a read-only transaction that sees one state of the database."""

    can_share = False
    """Whether several connections can see one state of the database."""

    def share(self, raw: Any) -> str:
        """Name the open transaction's state for others."""
        raise NotImplementedError

    def begin_shared(self, raw: Any, name: str) -> None:
        """As ``begin_read``, in the state of that name."""
        raise NotImplementedError

    @abstractmethod
    def begin_write(self, raw: Any, locked: Sequence[Table]) -> None:
        """Open a transaction in which nobody else writes to ``locked``; readers pass."""

    def locking(self, select: str) -> str:
        """A subquery, for what is checked within ``begin_write``, whose rows stay as they are
        until the end of the transaction where foreign keys do not see to that themselves."""
        return select

    def commit(self, raw: Any) -> None:
        self.execute(raw, "COMMIT")

    def rollback(self, raw: Any) -> None:
        self.execute(raw, "ROLLBACK")

    # --- Statements --------------------------------------------------------------------------

    def execute(self, raw: Any, sql: str) -> int:
        """Run one statement; the number of rows it changed."""
        cursor = raw.cursor()
        try:
            cursor.execute(sql)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def rows(self, raw: Any, sql: str) -> list[tuple[Any, ...]]:
        cursor = raw.cursor()
        try:
            cursor.execute(sql)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def run(self, raw: Any, statements: Sequence[str]) -> None:
        """Run many small statements that return nothing."""
        for statement in statements:
            self.execute(raw, statement)

    @abstractmethod
    def stream(self, raw: Any, sql: str) -> Iterator[list[bytes]]:
        """The single column of a query as UTF-8, in lists of bounded size."""

    def wrap(self, error: Exception) -> DatabaseError:
        """A driver's error as ours: what failed, without row values or passwords."""
        message = self.message(error)
        if self.is_busy(error):
            return DatabaseBusyError(
                f"{self.name}: another connection holds a lock: {message}",
                hint="Nothing was changed. Try again when it is done.",
            )
        return DatabaseError(f"{self.name}: {message}")

    @abstractmethod
    def message(self, error: Exception) -> str:
        """The engine's words for an error, as far as they hold no row values."""

    @abstractmethod
    def is_busy(self, error: Exception) -> bool:
        """Whether ``error`` is a lock that was waited for in vain."""

    def is_unfit(self, error: BaseException | None) -> bool:
        """Whether the engine refused a value because its column cannot hold it."""
        return False

    @abstractmethod
    def is_duplicate(self, error: BaseException | None) -> bool:
        """Whether a temporary table, or its index, was refused a key that is there already."""

    # --- Rows out ----------------------------------------------------------------------------

    @abstractmethod
    def literal(self, column: Column) -> str:
        """An SQL expression for the column's value as a raw literal (see document.literals)."""

    @abstractmethod
    def concatenate(self, parts: Sequence[str]) -> str:
        """An SQL expression that joins text expressions."""

    @abstractmethod
    def order(self, column: Column) -> str:
        """An ORDER BY term: integers numerically, everything else by its UTF-8 bytes."""

    def row(self, parts: Sequence[str]) -> str:
        """An SQL expression for a raw row ``(…)`` of literal expressions."""
        pieces = ["'('"]
        for index, part in enumerate(parts):
            pieces += [part] if index == 0 else ["','", part]
        return self.concatenate([*pieces, "')'"])

    def odd_values(self, columns: Sequence[Column]) -> str | None:
        """A condition: a row holds a value that ``quick_rows`` would spell otherwise; None if
        no row can."""
        return None

    def quick_rows(
        self, columns: Sequence[Column], empty: Mapping[str, str], source: str, *, odd: bool
    ) -> str | None:
        """A query for ``stream`` that gives the same raw rows sooner, where the engine has one
        for these columns. ``empty`` are conditions under which a column is written as NULL;
        ``source`` begins with FROM; ``odd`` says that there may be rows with ``odd_values``."""
        return None

    def text_of(self, column: Column, expression: str) -> str:
        """An expression for a column's value as text, for labels and messages."""
        return f"CAST({expression} AS CHAR)"

    # --- Selection ---------------------------------------------------------------------------

    @abstractmethod
    def json_text(self, column: Column, path: Sequence[str]) -> str:
        """The JSON value at ``path`` inside ``column`` as text (``true`` or ``1`` for true),
        NULL where there is none, or where the column's text is not JSON. Never an error."""

    @abstractmethod
    def json_values(self, column: Column, path: str) -> tuple[str, str]:
        """What joins the rows of alias ``t`` with every value at a path like ``[*].id`` inside
        ``column``, to stand after ``FROM … AS t``, and an expression for such a value as text.
        Text that is not JSON has none."""

    @abstractmethod
    def json_set(self, column: Column, changes: Sequence[tuple[tuple[str | int, ...], str]]) -> str:
        """An expression for the column's JSON with the value after each of these steps
        replaced by the JSON given."""

    @abstractmethod
    def new_uuid(self) -> str:
        """An expression for a fresh UUID, other for each row, as text or of the UUID type."""

    def plain_text(self, name: str) -> str:
        """A column's value as text, as JSON would hold it."""
        return f"CAST({self.quote(name)} AS CHAR)"

    # --- Rows in -----------------------------------------------------------------------------

    @abstractmethod
    def load(
        self, raw: Any, target: str, columns: Sequence[Column], chunks: Iterable[bytes]
    ) -> int:
        """Insert raw rows into ``target`` (SQL name) as they stream; the number of rows."""

    def sql_literal(self, raw_literal: bytes) -> str:
        """A raw literal as this engine's SQL spells it."""
        return raw_literal.decode()

    @abstractmethod
    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> str:
        """A statement that makes a temporary table of a query's rows, with its column types;
        its ``key`` columns, if any, are unique."""

    def index_temporary(self, name: str, key: Sequence[str]) -> list[str]:
        """Statements, once it is filled, that make joins on the table's ``key`` quick."""
        return []

    @abstractmethod
    def same(self, a: str, b: str, columns: Sequence[Column]) -> str:
        """A condition: these columns of aliases ``a`` and ``b`` hold the same image, not just
        equal values (1 and 1.0, 'abc' and 'ABC' differ)."""

    def update_from(
        self, table: str, assignments: Sequence[tuple[str, str]], source: str, condition: str
    ) -> str:
        """UPDATE ``table`` AS t FROM ``source`` AS s WHERE ``condition``; ``assignments`` are
        columns of the one and the columns of the other they are set to."""
        setting = ", ".join(
            f"{self.quote(name)} = s.{self.quote(other)}" for name, other in assignments
        )
        return f"UPDATE {table} AS t SET {setting} FROM {source} AS s WHERE {condition}"

    def match(self, a: str, b: str, columns: Iterable[str]) -> str:
        """``a.x = b.x AND a.y = b.y``"""
        names = [self.quote(name) for name in columns]
        return " AND ".join(f"{a}.{name} = {b}.{name}" for name in names)

    def delete_matching(self, table: str, source: str, condition: str) -> str:
        """DELETE from ``table`` AS t the rows for which ``source`` AS s holds a match."""
        return (
            f"DELETE FROM {table} AS t WHERE EXISTS (SELECT 1 FROM {source} AS s WHERE {condition})"
        )

    @abstractmethod
    def advance_sequences(self, raw: Any, table: Table) -> None:
        """Bring every counter of the table past its highest value, never backwards."""

    @abstractmethod
    def postpone(self, raw: Any, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Have foreign keys checked at the end of the transaction, if they act at all."""

    @abstractmethod
    def settle(self, raw: Any, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Check what was postponed now, and make the constraints what they were."""


def in_batches(take: Callable[[int], list[bytes]]) -> Iterator[list[bytes]]:
    """What ``take`` gives of rows still to come, so many or fewer, until there are none: at most
    FETCH_ROWS at a time, and where they are large so few that they are about FETCH_BYTES."""
    count = _FIRST_ROWS
    while batch := take(count):
        yield batch
        size = sum(map(len, batch))
        count = max(1, min(FETCH_ROWS, count * 4, FETCH_BYTES * len(batch) // (size + 1)))


def json_path(steps: Sequence[str | int]) -> str:
    """``$[0]."id"``: a path as SQLite and MariaDB read it."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps)


def quoted(expression: str) -> str:
    """An SQL expression that puts text without quotes in it between single quotes."""
    return f"'''' || {expression} || ''''"
