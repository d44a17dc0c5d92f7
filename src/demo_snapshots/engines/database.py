"""An open connection, as all that is done on it: statements, transactions, rows in and out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from demo_snapshots.engines.base.catalog import Catalog, Check
from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.engines.base.session import Session
from demo_snapshots.errors import CommitInDoubtError, DatabaseError
from demo_snapshots.model.tables import Column, ColumnSequence, ForeignKey, Table

logger = logging.getLogger(__name__)


class Database:
    """An open connection: a session on it, and the catalog of what is there. Errors of the
    driver arrive as DatabaseError.

    ``url`` is empty where the connection is somebody else's. Where ``is_nested``, what is done
    happens inside its owner's transaction, behind a savepoint, and they commit or roll back.
    """

    def __init__(
        self,
        session: Session,
        catalog: Catalog,
        label: str,
        url: str = "",
        *,
        is_nested: bool = False,
    ) -> None:
        self.session = session
        self.catalog = catalog
        self.label = label
        self.url = url
        self._is_nested = is_nested
        self._streams: list[Generator[list[bytes], None, None]] = []

    @property
    def dialect(self) -> Dialect:
        return self.session.dialect

    @property
    def can_share(self) -> bool:
        """Whether other connections can be made that see what the open transaction sees."""
        return self.session.can_share and bool(self.url)

    @property
    def source(self) -> str:
        with self.wrapped():
            return self.session.version()

    @contextmanager
    def wrapped(self) -> Iterator[None]:
        """Have errors of the driver arrive as DatabaseError."""
        try:
            yield
        except self.session.error as error:
            raise self.session.wrap(error) from error

    # --- Statements --------------------------------------------------------------------------

    def execute(self, sql: str) -> int:
        """Run one statement; the number of rows it changed."""
        logger.debug("%s", sql)
        with self.wrapped():
            return self.session.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query that has few."""
        logger.debug("%s", sql)
        with self.wrapped():
            return self.session.rows(sql)

    def scalar(self, sql: str) -> Any:
        """The one value of a query."""
        return self.rows(sql)[0][0]

    def prefer_indexes(self) -> None:
        """As ``Session.prefer_indexes``."""
        with self.wrapped():
            self.session.prefer_indexes()

    def stream(self, sql: str) -> Iterator[list[bytes]]:
        """The single column of a query as UTF-8, in lists of bounded size."""
        logger.debug("%s", sql)
        rows = self.session.stream(sql)
        self._streams.append(rows)
        with self.wrapped():
            yield from rows
        if rows in self._streams:
            self._streams.remove(rows)

    def run(self, statements: Sequence[str]) -> None:
        """Run many small statements that return nothing."""
        with self.wrapped():
            self.session.run(statements)

    def load(self, target: str, columns: Sequence[Column], chunks: Iterable[bytes]) -> int:
        """Insert raw rows into ``target`` (SQL name) as they stream; the number of rows."""
        with self.wrapped():
            return self.session.load(target, columns, chunks)

    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> None:
        """Make a temporary table of a query's rows; it lasts until the transaction ends."""
        logger.debug("%s: %s", name, select)
        with self.wrapped():
            self.session.create_temporary(name, select, key)

    def noted(self, table: Table, condition: str) -> str | None:
        """As ``Session.noted``."""
        logger.debug("%s: noted if %s", table.name, condition)
        with self.wrapped():
            return self.session.noted(table, condition)

    def advance_sequences(self, tables: Sequence[Table], known: object = None) -> object:
        """Bring every counter of the tables past its highest value, never backwards. Gives what
        it found of which counters there are, to be ``known`` where the tables are the same."""
        with self.wrapped():
            return self.session.advance_sequences(tables, known)

    def stamp(self, tables: Sequence[Table]) -> object:
        """What the database says of these tables, to be compared: ``Catalog.stamp``."""
        with self.wrapped():
            return self.catalog.stamp(tables)

    def sequences(self, table: Table) -> tuple[ColumnSequence, ...]:
        """What PostgreSQL's sequences fill in ``table``."""
        place = table.schema, table.name
        with self.wrapped():
            return self.catalog.sequences([place]).get(place, ())

    def checks(self, table: Table) -> tuple[Check, ...]:
        """As ``Catalog.checks``."""
        with self.wrapped():
            return self.catalog.checks(table)

    @contextmanager
    def postponing(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> Iterator[None]:
        """Have these foreign keys checked at the end of the block, where they act at all."""
        if not postponed:
            yield
            return
        with self.wrapped():
            self.session.postpone(postponed)
        yield
        with self.wrapped():
            self.session.settle(postponed)

    @contextmanager
    def passing_by(self, tables: Sequence[Table]) -> Iterator[None]:
        """Keep what may change a row of these tables before it is updated from firing in the
        block, where the engine lets us; where it does not, all goes on as ever."""
        with self.wrapped():
            undo = self.session.pass_by(tables)
        yield
        self.run(undo)

    # --- Transactions ------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the database, read-only, for as long as the block lasts. On somebody
        else's connection it is what their transaction sees, of the isolation they chose."""
        if self._is_nested:
            with self._nested():
                yield
            return
        with self.wrapped():
            self.session.begin_read()
        try:
            yield
        finally:
            self._roll_back()

    def share(self) -> str:
        """A name by which other connections may see what the open transaction sees."""
        with self.wrapped():
            return self.session.share()

    @contextmanager
    def sharing(self, name: str) -> Iterator[None]:
        """As ``reading``, in the state that another connection's ``share`` named."""
        with self.wrapped():
            self.session.begin_shared(name)
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def writing(self, locked: Sequence[Table], *, keep: bool = True) -> Iterator[None]:
        """One transaction that commits at the end of the block, or leaves every row as it was.

        Nobody else writes to ``locked`` meanwhile. With ``keep`` false it never commits. Raises
        CommitInDoubtError if the connection is lost before COMMIT is answered.
        """
        if self._is_nested:
            with self._nested(keep=keep):
                with self.wrapped():
                    self.session.lock(locked)
                yield
            return
        committing = False
        try:
            with self.wrapped():
                self.session.begin_write()
                self.session.lock(locked)
            with self.wrapped():
                yield
                if keep:
                    committing = True
                    self.session.commit()
        except DatabaseError as error:
            if not self._roll_back() and committing:
                raise CommitInDoubtError(
                    f"the answer to COMMIT did not arrive: {error.message}",
                    hint="Either everything was changed or nothing. Doing it again is safe.",
                ) from error
            error.hint = error.hint or "Nothing was changed: every row is as it was."
            raise
        except BaseException:
            self._roll_back()
            raise
        if not keep:
            self._roll_back()

    @contextmanager
    def _nested(self, *, keep: bool = False) -> Iterator[None]:
        """A savepoint in the transaction of the connection's owner."""
        with self.wrapped():
            self.session.savepoint()
        try:
            with self.wrapped():
                yield
                if keep:
                    self.session.drop_temporary()
                    self.session.release_savepoint()
        except BaseException:
            with suppress(self.session.error):
                self._end_streams()
                self.session.roll_back_to_savepoint()
                self.session.drop_temporary()
            raise
        if not keep:
            with self.wrapped():
                self._end_streams()
                self.session.roll_back_to_savepoint()
                self.session.drop_temporary()

    @contextmanager
    def attempt(self) -> Iterator[Callable[[], None]]:
        """What is done in the block is undone by calling what it gives, before the block ends."""
        with self.wrapped():
            mark = self.session.mark()

        def undo() -> None:
            with self.wrapped():
                self.session.return_to(mark)

        yield undo

    def drain(self) -> None:
        """Take the rows that whoever wanted them left untaken, where the transaction is to go on:
        ending a COPY would end it too."""
        while self._streams:
            for _ in self._streams[-1]:
                pass
            self._streams.pop()

    def _end_streams(self) -> None:
        """Have done with rows that whoever wanted them left untaken, as after an error: the
        connection is theirs until then, and a ROLLBACK would wait for ever (psycopg, COPY)."""
        while self._streams:
            with suppress(self.session.error):
                self._streams.pop().close()

    def _roll_back(self) -> bool:
        """Whether the connection was there to do so."""
        try:
            self._end_streams()
            self.session.rollback()
        except Exception:
            # The connection may be gone, which rolls back too; the first error is the one to tell.
            logger.debug("rollback", exc_info=True)
            return False
        return True
