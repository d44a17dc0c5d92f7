"""A database as its own driver sees it, and the two operations under test, in short.

Nothing of ``demo_snapshots.database`` is used to look at a database: what the product writes is
judged from outside.
"""

from __future__ import annotations

import atexit
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from database_engines import stock_client
from sqlalchemy.engine import make_url

from demo_snapshots.config.settings import Config, load_config
from demo_snapshots.documents.opening import describe, folded
from demo_snapshots.model.results import ExportResult, ImportResult
from demo_snapshots.operations.export import export_scenario
from demo_snapshots.operations.import_ import import_from_file
from demo_snapshots.store import Store, open_store

NOW = datetime(2025, 1, 20, 12, 0, tzinfo=UTC)

Dump = dict[str, list[str]]

_OF_SESSIONS = re.compile(r"(SET|USE|ALTER (DATABASE|ROLE|USER))\b", re.IGNORECASE)


class KeptConnections:
    """Idle connections to servers, for those who ask next; the oldest go first."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._idle: dict[str, Any] = {}
        self._of_the_parent: list[Any] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave)
        atexit.register(self.close)

    def take(self, url: str) -> Any:
        """A connection that answers, None where there is none."""
        raw = self._idle.pop(url, None)
        if raw is None:
            return None
        try:
            raw.ping(reconnect=False) if hasattr(raw, "ping") else raw.execute("")
        except Exception:  # its server or its database is gone
            raw.close()
            return None
        return raw

    def give(self, url: str, raw: Any) -> None:
        self.close(url)
        self._idle[url] = raw
        while len(self._idle) > self._most:
            self.close(next(iter(self._idle)))

    def close(self, *urls: str) -> None:
        """That of each url, or all of them."""
        for url in urls or list(self._idle):
            if (raw := self._idle.pop(url, None)) is not None:
                raw.close()

    def _leave(self) -> None:
        """In a forked process: they are the parent's, and may not even be closed."""
        self._of_the_parent += self._idle.values()
        self._idle.clear()


KEPT = KeptConnections()


@dataclass(frozen=True)
class Live:
    """A database. ``engine`` is sqlite, postgresql or mariadb, of whatever version."""

    url: str

    @property
    def engine(self) -> str:
        return make_url(self.url).get_backend_name()

    @property
    def version(self) -> int:
        """PostgreSQL's major version, else 0."""
        if self.engine != "postgresql":
            return 0
        return int(self.rows("SHOW server_version_num")[0][0]) // 10000

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """The driver's own connection, in autocommit mode."""
        with closing(self._connected()) as raw:
            yield raw

    def _connected(self) -> Any:
        url = make_url(self.url)
        raw: Any
        if self.engine == "sqlite":
            raw = sqlite3.connect(url.database or "", isolation_level=None)
            raw.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            raw.execute("PRAGMA foreign_keys = ON")
        elif self.engine == "postgresql":
            settings = "-c extra_float_digits=3 -c DateStyle=ISO,YMD -c TimeZone=UTC"
            raw = psycopg.connect(
                self.url, autocommit=True, options=settings, prepare_threshold=None
            )
        else:
            raw = pymysql.connect(
                host=url.host,
                port=url.port or 3306,
                user=url.username,
                database=url.database,
                autocommit=True,
                sql_mode="ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES",
            )
        return raw

    def run(self, *statements: str) -> None:
        with self._kept(*statements) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def insert(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Rows of values as the driver takes them, into all columns of ``table``."""
        mark = "?" if self.engine == "sqlite" else "%s"
        with self._kept() as cursor:
            for row in rows:
                marks = ", ".join([mark] * len(row))
                cursor.execute(f"INSERT INTO {table} VALUES ({marks})", row)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.rows_of([sql])[0]

    def rows_of(self, queries: Iterable[str]) -> list[list[tuple[Any, ...]]]:
        """The rows of each query; connecting takes longer than any of them."""
        found = []
        with self._kept() as cursor:
            for sql in queries:
                cursor.execute(sql)
                found.append(list(cursor.fetchall()))
        return found

    @contextmanager
    def _kept(self, *statements: str) -> Iterator[Any]:
        """A cursor of a connection that stays open for the next call: a server that has to start
        a session and read its catalogs for it takes ten times as long as for most queries. What
        changes the session, or the ones to come, is told to one of its own."""
        if self.engine == "sqlite" or any(map(_OF_SESSIONS.match, statements)):
            KEPT.close(self.url)
            with self.connection() as raw, closing(raw.cursor()) as cursor:
                yield cursor
            return
        raw = KEPT.take(self.url) or self._connected()
        try:
            with closing(raw.cursor()) as cursor:
                yield cursor
        except BaseException:
            raw.close()
            raise
        KEPT.give(self.url, raw)

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def tables(self) -> list[str]:
        query = {
            "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite%'",
            "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
            "mariadb": "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = database()",
        }
        return sorted(row[0] for row in self.rows(query[self.engine]))

    def dump(self, *tables: str) -> Dump:
        """An image of every row (of every table): 1 and 1.0, NULL and '' and b'' all differ."""
        names = tables or self.tables()
        typed = self.engine == "postgresql"
        values = "whole_row::text" if typed else "*"
        quoted = ('"' + name.replace('"', '""') + '"' for name in names)
        found = self.rows_of(f"SELECT {values} FROM {name} AS whole_row" for name in quoted)
        return {
            name: sorted(row[0] if typed else repr(row) for row in rows)
            for name, rows in zip(names, found, strict=True)
        }

    def by_client(self, path: Path) -> list[str]:
        """Load a file with the engine's stock client; what the client printed, line by line."""
        import subprocess

        url = make_url(self.url)
        if self.engine == "sqlite":
            command = [str(stock_client("sqlite3")), "-bail", url.database or ""]
        elif self.engine == "postgresql":
            command = [str(stock_client("psql")), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]
            command.append(self.url)
        else:
            command = [str(stock_client("mariadb")), "-N", "-h", str(url.host), "-u", "root"]
            command += ["-P", str(url.port), url.database or ""]
        with path.open("rb") as stream:
            done = subprocess.run(command, stdin=stream, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@dataclass(frozen=True)
class Demo:
    """Export and import with one configuration and one store, against any database."""

    directory: Path
    configuration: Path | None = None

    @property
    def store(self) -> Store:
        return open_store(self.directory, describe, folded)

    def config(self, live: Live) -> Config:
        return load_config(
            database=live.url, snapshots=self.directory, file=self.configuration, environment={}
        )

    def export(self, live: Live, scenario: str = "general", **options: Any) -> ExportResult:
        options.setdefault("now", NOW)
        return export_scenario(scenario, self.config(live), self.store, **options)

    def load(self, live: Live, path: Path, **options: Any) -> ImportResult:
        options.setdefault("confirm", lambda plan: True)
        options.setdefault("scenario", None)
        return import_from_file(path, self.config(live), **options)


def edited(path: Path, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a document, its rows changed and its digest made right again."""
    import hashlib

    text = path.read_bytes()
    start = text.index(b"\n\n-- ", text.index(b"-- Cleanup existing demo data")) + 2
    end = text.index(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */;")
    rows = change(text[start:end])
    assert rows != text[start:end], "the document holds nothing of what was to be changed"
    digest = hashlib.sha256(rows).hexdigest().encode()
    rest = text[end:]
    mark = b"-- Content digest: sha256:"
    at = rest.index(mark) + len(mark)
    copy = path.with_name(f"edited-{path.name}")
    copy.write_bytes(text[:start] + rows + rest[:at] + digest + rest[at + 64 :])
    return copy
