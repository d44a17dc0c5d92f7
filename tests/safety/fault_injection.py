"""Something happens at the n-th statement that a driver is given, for any n.

Statements are counted where they leave for the database, below everything under test: those of
the catalogs, BEGIN, COMMIT and every block of a COPY among them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pymysql
import pytest

Happen = Callable[[Any], None]
"""Given the driver's own connection."""


class Statements:
    """Counts, and lets ``happen`` come before the ``at``-th statement; with ``after``, when it
    has been answered."""

    def __init__(self, at: int, happen: Happen, *, after: bool) -> None:
        self.seen: list[str] = []
        self._at = at
        self._happen = happen
        self._after = after

    def run(self, raw: Any, text: object, send: Callable[[], Any]) -> Any:
        self.seen.append(text.decode() if isinstance(text, bytes) else str(text))
        here = len(self.seen) == self._at
        if here and not self._after:
            self._happen(raw)
        result = send()
        if here and self._after:
            self._happen(raw)
        return result

    @property
    def writing(self) -> range:
        """The numbers of the statements from the one that opens the writing transaction on."""
        begins = [n for n, text in enumerate(self.seen, 1) if text.startswith(_BEGIN)]
        return range(begins[-1], len(self.seen) + 1)

    @property
    def begin(self) -> int:
        """The number of the statement that opens the first transaction, which only reads."""
        return next(n for n, text in enumerate(self.seen, 1) if text.startswith(_BEGIN))

    @property
    def commit(self) -> int:
        return next(n for n in self.writing if self.seen[n - 1] == "COMMIT")


_BEGIN = ("BEGIN", "START TRANSACTION")


@contextmanager
def injecting(
    at: int = 0, happen: Happen = lambda raw: None, *, after: bool = False
) -> Iterator[Statements]:
    statements = Statements(at, happen, after=after)

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *rest: Any) -> Any:
            send = super().execute
            return statements.run(self.connection, sql, lambda: send(sql, *rest))

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, sql: str, *rest: Any) -> Any:
            return self.cursor().execute(sql, *rest)

        def executemany(self, sql: str, rows: Any) -> Any:
            send = super().executemany
            return statements.run(self, sql, lambda: send(sql, rows))

    open_file = sqlite3.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        return open_file(*arguments, **{**options, "factory": Connection})

    execute, copying = psycopg.Cursor.execute, psycopg.Cursor.copy
    written, received = psycopg.Copy.write, psycopg.Copy.read
    query = pymysql.connections.Connection.query

    def pg_execute(self: Any, sql: Any, *rest: Any, **options: Any) -> Any:
        send = lambda: execute(self, sql, *rest, **options)  # noqa: E731
        return statements.run(self.connection, sql, send)

    @contextmanager
    def pg_copy(self: Any, sql: Any, *rest: Any, **options: Any) -> Iterator[Any]:
        with ExitStack() as stack:
            send = lambda: stack.enter_context(copying(self, sql, *rest, **options))  # noqa: E731
            yield statements.run(self.connection, sql, send)

    def pg_write(self: Any, block: Any) -> Any:
        return statements.run(self.connection, "(copy)", lambda: written(self, block))

    def pg_read(self: Any) -> Any:
        return statements.run(self.connection, "(read)", lambda: received(self))

    def my_query(self: Any, sql: Any, *rest: Any, **options: Any) -> Any:
        return statements.run(self, sql, lambda: query(self, sql, *rest, **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        patch.setattr(psycopg.Cursor, "execute", pg_execute)
        patch.setattr(psycopg.Cursor, "copy", pg_copy)
        patch.setattr(psycopg.Copy, "write", pg_write)
        patch.setattr(psycopg.Copy, "read", pg_read)
        patch.setattr(pymysql.connections.Connection, "query", my_query)
        yield statements
