"""What runs on an engine: settings, transactions, statements, and what its driver's errors mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any

from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.errors import DatabaseBusyError, DatabaseError, Fault
from demo_snapshots.model.tables import Column, ForeignKey, Table

FETCH_ROWS = 500
FETCH_BYTES = 4_000_000
_FIRST_ROWS = 20

LOCK_WAIT_SECONDS = 30

_SAVEPOINT = "demo_snapshots"


class Session(ABC):
    """One session on ``raw``, the driver's own connection. Transactions are opened and ended by
    statements, never by the driver behind our back; errors of the driver arrive as they are.

    ``dialect`` is what the engine is spoken to in, by what the server says of itself.
    """

    name: str
    error: type[Exception]
    """What the errors of the engine's driver are."""

    waits_for_server = True
    """Whether this process has nothing to do while rows are loaded, and can read on meanwhile."""

    can_share = False
    """Whether several connections can see one state of the database."""

    dialect: Dialect

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.temporary: list[str] = []
        """The temporary tables there are, in SQL."""

    @abstractmethod
    def prepare(self) -> None:
        """Set the session up so that every text form is the format's own; make ``dialect``."""

    @abstractmethod
    def version(self) -> str:
        """``postgresql 15.18``: what a header's Source line says."""

    # --- Transactions ------------------------------------------------------------------------

    @abstractmethod
    def begin_read(self) -> None:
        """Open a read-only transaction that sees one state of the database."""

    def share(self) -> str:
        """Name the open transaction's state for others."""
        raise NotImplementedError

    def begin_shared(self, name: str) -> None:
        """As ``begin_read``, in the state of that name."""
        raise NotImplementedError

    @abstractmethod
    def begin_write(self) -> None:
        """Open a transaction that may write."""

    @abstractmethod
    def lock(self, tables: Sequence[Table]) -> None:
        """Within a transaction: nobody else writes to ``tables`` until its end; readers pass."""

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        self.execute("ROLLBACK")

    # --- On a connection that is somebody else's ---------------------------------------------

    @abstractmethod
    def is_in_transaction(self) -> bool:
        """Whether the connection's owner has opened one, or will have with the next statement."""

    @abstractmethod
    def settings(self) -> object:
        """What ``prepare`` will change, for ``restore``."""

    @abstractmethod
    def restore(self, settings: Any) -> None:
        """Leave the connection as ``settings`` say."""

    def savepoint(self) -> None:
        self.execute(f"SAVEPOINT {_SAVEPOINT}")

    def roll_back_to_savepoint(self) -> None:
        self.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        self.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")

    def release_savepoint(self) -> None:
        self.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")

    def drop_temporary(self, but: int = 0) -> None:
        """Drop the temporary tables there are, ``but`` for so many that were made first."""
        while len(self.temporary) > but:
            self.execute(f"DROP TABLE IF EXISTS {self.temporary.pop()}")

    # --- Attempts ----------------------------------------------------------------------------

    def mark(self) -> int:
        """Note where the transaction stands, for ``return_to``; one mark at a time."""
        self.execute("SAVEPOINT demo_attempt")
        return len(self.temporary)

    def return_to(self, mark: int) -> None:
        """Undo all that was done since ``mark``."""
        self.execute("ROLLBACK TO SAVEPOINT demo_attempt")
        self.drop_temporary(but=mark)

    def pass_by(self, tables: Sequence[Table]) -> list[str]:
        """Keep what may change a row of these tables before it is updated from firing, where the
        engine lets us and nobody else notices; the statements that end that."""
        return []

    # --- Statements --------------------------------------------------------------------------

    def cursor(self) -> Any:
        """A cursor that gives rows as tuples, whatever the connection's owner likes."""
        return self.raw.cursor()

    def execute(self, sql: str) -> int:
        """Run one statement; the number of rows it changed."""
        cursor = self.cursor()
        try:
            cursor.execute(sql)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query that has few; ``arguments`` are the driver's."""
        cursor = self.cursor()
        try:
            # Without any, a driver leaves per cents alone.
            cursor.execute(sql, *([arguments] if arguments else []))
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def prefer_indexes(self) -> None:
        """From now on find rows by indexes, where rows that were rolled back would be in the way
        of a query that reads a table from end to end."""
        return

    def run(self, statements: Sequence[str]) -> None:
        """Run many small statements that return nothing."""
        for statement in statements:
            self.execute(statement)

    @abstractmethod
    def stream(self, sql: str) -> Generator[list[bytes], None, None]:
        """The single column of a query as UTF-8, in lists of bounded size."""

    @abstractmethod
    def load(self, target: str, columns: Sequence[Column], chunks: Iterable[bytes]) -> int:
        """Insert raw rows into ``target`` (SQL name) as they stream; the number of rows."""

    def unfit(self, columns: Sequence[Column], rows: Sequence[bytes]) -> tuple[bytes, str] | None:
        """The first of these raw rows that ``load`` would refuse although each of its literals is
        one that a column of the kind takes, and the name of the column. May be none."""
        return None

    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> int:
        """Make a temporary table of a query's rows, with its column types; how many. Its ``key``
        columns, if any, are unique once it is indexed. It lasts until the transaction ends."""
        self.temporary.append(self.dialect.temporary(name))
        return self.execute(self.dialect.create_temporary(name, select, key))

    def noted(self, table: Table, condition: str) -> str | None:
        """The keys of the rows that fulfil a condition, noted until the transaction ends, as a
        query for them. None where a read cannot note them, or there are too few to be worth it."""
        return None

    @abstractmethod
    def advance_sequences(self, tables: Sequence[Table], known: object = None) -> object:
        """Bring every counter of the tables past its highest value, never backwards. Gives what
        it found of which counters there are, to be ``known`` where the tables are the same."""

    @abstractmethod
    def postpone(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Have foreign keys checked at the end of the transaction, if they act at all."""

    @abstractmethod
    def settle(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Check what was postponed now, and make the constraints what they were."""

    # --- Errors ------------------------------------------------------------------------------

    def wrap(self, error: Exception) -> DatabaseError:
        """A driver's error as ours: what failed, without row values or passwords."""
        message, fault = self.message(error), self.fault(error)
        if fault is Fault.BUSY:
            return DatabaseBusyError(
                f"{self.name}: another connection holds a lock: {message}",
                hint="Nothing was changed. Try again when it is done.",
            )
        return DatabaseError(f"{self.name}: {message}", fault=fault, hint=self.remedy(error))

    def remedy(self, error: Exception) -> str | None:
        """What to do about an error whose own words do not say it."""
        return None

    @abstractmethod
    def message(self, error: Exception) -> str:
        """The engine's words for an error, as far as they hold no row values."""

    @abstractmethod
    def fault(self, error: Exception) -> Fault:
        """What a driver's error means for what was tried."""


def in_batches(take: Callable[[int], list[bytes]]) -> Iterator[list[bytes]]:
    """What ``take`` gives of rows still to come, so many or fewer, until there are none: at most
    FETCH_ROWS at a time, and where they are large so few that they are about FETCH_BYTES."""
    count = _FIRST_ROWS
    while batch := take(count):
        yield batch
        size = sum(map(len, batch))
        count = max(1, min(FETCH_ROWS, count * 4, FETCH_BYTES * len(batch) // (size + 1)))
