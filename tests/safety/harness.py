"""One property, for any file at all: an import is refused or fails and the database is what it
was, or it succeeds and the database holds its real rows and the file's.

What an accepted file holds is judged by the engine itself, which is given the INSERTs and
UPDATEs of the file in an empty database of the same schema.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pymysql
from safety.mixed_database import SECRET, TABLES, MixedDatabase, snapshots
from safety.mutating import accepted_rows, rows_part
from servers import Run
from sqlalchemy.engine import make_url

from demo_snapshots.errors import DemoError

Images = dict[str, list[str]]
H = TypeVar("H", bound="Harness")
_SQL_MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES"


@contextmanager
def harness(servers: Run, engine: str, make: type[H]) -> Iterator[H]:
    """Two databases of ``engine``, where a commit need not wait for a disk. LookupError where
    it is not installed."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as name:
        directory = Path(name)
        with (
            servers.database(engine, directory) as url,
            servers.database(engine, directory) as twin,
        ):
            made = make(url, twin, directory)
            try:
                yield made
            finally:
                made.close()


class Harness:
    """A mixed, its empty twin, and a connection to each that stays open."""

    def __init__(self, url: str, twin: str, directory: Path) -> None:
        self.mixed = MixedDatabase.built(url)
        self.snapshots = snapshots(self.mixed, directory)
        self.documents = [p.read_bytes() for p in (self.snapshots.new, self.snapshots.old)]
        self.outcomes: Counter[str] = Counter()
        self._objects = self.mixed.objects()
        self._raw = _opened(url)
        self._twin = _opened(MixedDatabase.built(twin).live.url)
        self._file = directory / "tampered.sql"
        self._base = self._images(self._raw)
        self._clear()
        self._real = self._images(self._raw)
        self._bare = True

    def close(self) -> None:
        self._raw.close()
        self._twin.close()

    def check(self, document: bytes, *, bare: bool = False, asks: bool = False) -> None:
        """Import ``document`` over the demo rows, or where there are none if ``bare``."""
        self._prepare(bare)
        before = self._real if bare else self._base
        self._file.write_bytes(document)
        failure: DemoError | None = None
        confirm = (lambda plan: True) if asks else None
        try:
            self.snapshots.demo.load(self.mixed.live, self._file, confirm=confirm)
        except DemoError as error:
            failure = error
        if failure is not None:
            self.outcomes[type(failure).__name__] += 1
            assert not self._betrays(document, failure)
            assert failure.message.isprintable(), ascii(failure.message)
            assert self._images(self._raw) == before
        else:
            self.outcomes["accepted"] += 1
            self._bare = False
            try:
                self._judge(document)
            finally:
                self._restore(bare)
        if self.mixed.live.engine == "sqlite":
            assert self._query(self._raw, "PRAGMA integrity_check") == [("ok",)]
            assert not self._query(self._raw, "PRAGMA foreign_key_check")

    def _judge(self, document: bytes) -> None:
        """Raise AssertionError unless an accepted document's rows are beside the real ones."""
        there, held = self._images(self._raw), self._held(document)
        assert there == {table: sorted([*self._real[table], *held[table]]) for table in TABLES}, (
            "the rows are not the real ones and the file's"
        )

    def recover(self) -> None:
        """After an AssertionError: as it was at first."""
        self._restore(bare=True)

    def _betrays(self, document: bytes, failure: DemoError) -> bool:
        """Whether a value is told that stands in a row, and not in the header as well."""
        start, end = rows_part(document) or (0, len(document))
        elsewhere = SECRET.encode() in document[:start] + document[end:]
        return not elsewhere and SECRET in f"{failure.message}\n{failure.hint}"

    def check_objects(self) -> None:
        """Tables, indexes, views, triggers and constraints are still what they were."""
        assert self.mixed.objects() == self._objects

    def _prepare(self, bare: bool) -> None:
        if bare != self._bare:
            self._restore(bare)

    def _restore(self, bare: bool) -> None:
        self._clear()
        if not bare:
            self.snapshots.demo.load(self.mixed.live, self.snapshots.old)
        self._bare = bare
        assert self._images(self._raw) == (self._real if bare else self._base)

    def _clear(self) -> None:
        for table in reversed(TABLES):
            self._query(self._raw, f"DELETE FROM {table} WHERE id NOT IN (1001, 1002)")

    def _held(self, document: bytes) -> Images:
        """The rows that the engine finds in the document."""
        text = accepted_rows(document).decode()
        for table in reversed(TABLES):
            self._query(self._twin, f"DELETE FROM {table}")
        _run_script(self._twin, text)
        return self._images(self._twin)

    def _images(self, raw: Any) -> Images:
        select = "*"
        found = {}
        for table in TABLES:
            if isinstance(raw, psycopg.Connection):
                select = f"{table}::text"
            rows = self._query(raw, f"SELECT {select} FROM {table}")
            found[table] = sorted(map(repr, rows))
        return found

    @staticmethod
    def _query(raw: Any, sql: str) -> list[tuple[Any, ...]]:
        cursor = raw.cursor()
        try:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()


def _opened(url: str) -> Any:
    """In autocommit mode, and without foreign keys acting: the twin has no real rows."""
    parsed = make_url(url)
    raw: Any
    if url.startswith("sqlite"):
        raw = sqlite3.connect(parsed.database or "", isolation_level=None)
        raw.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    elif url.startswith("postgresql"):
        raw = psycopg.connect(url, autocommit=True)
        raw.execute("SET session_replication_role = replica")
        raw.execute("SET TimeZone = 'UTC'")
    else:
        raw = pymysql.connect(
            host=parsed.host,
            port=parsed.port or 3306,
            user=parsed.username,
            database=parsed.database,
            autocommit=True,
            charset="utf8mb4",
            sql_mode=_SQL_MODE,
            client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS,
        )
        with raw.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0, time_zone = '+00:00'")
    return raw


def _run_script(raw: Any, text: str) -> None:
    if isinstance(raw, sqlite3.Connection):
        raw.executescript(text)
    elif isinstance(raw, psycopg.Connection):
        raw.execute(text.encode())
    else:
        with raw.cursor() as cursor:
            # An empty statement, of a comment alone, is an error of its own (1065).
            with suppress(StopIteration):
                cursor.execute(text + "DO 0")
            while cursor.nextset():
                pass
