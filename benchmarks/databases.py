"""Databases to measure on: made, copied, compared. The servers are those of the tests."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

from benchmarks.measuring import ContenderError

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from server_engines import SERVERS, version
from servers import Run
from servers import ServerError as ServerError

Fingerprint = Mapping[str, tuple[int, str]]
"""Rows and a checksum of their values, in no order, by table."""


@dataclass(frozen=True, slots=True)
class Url:
    """A database URL, and its parts as the stock tools want them."""

    text: str

    @property
    def engine(self) -> str:
        return urlsplit(self.text).scheme

    @property
    def port(self) -> int:
        return urlsplit(self.text).port or 0

    @property
    def name(self) -> str:
        return urlsplit(self.text).path[1:]

    @property
    def file(self) -> Path:
        """Of SQLite."""
        return Path(self.name)

    @property
    def libpq(self) -> dict[str, str]:
        """The environment that leads PostgreSQL's programs there."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGDATABASE": self.name,
        }

    @property
    def options(self) -> list[str]:
        """Of MariaDB's programs; the database's name comes last."""
        return ["--no-defaults", "--host=127.0.0.1", f"--port={self.port}", "--user=root"]


class Databases:
    """Every database is dropped when the block that made it, or the whole, ends."""

    def __init__(self, directory: Path, postgresql: str = "postgresql") -> None:
        self._directory = directory
        self._postgresql = postgresql
        self._run: Run | None = None
        self._numbers = count(1)
        self._stack = ExitStack()

    def __enter__(self) -> Databases:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        if self._run is not None:
            self._run.close()

    def _server(self, engine: str) -> str:
        return self._postgresql if engine == "postgresql" else engine

    def missing(self, engine: str) -> str | None:
        """Why there is no such server here, and how to get it."""
        if engine == "sqlite":
            return None
        server = SERVERS[self._server(engine)]
        return None if server.program() else f"no {server.name} server: {server.obtain}"

    def program(self, name: str) -> Path | None:
        """One of PostgreSQL's programs, of the same version as the server."""
        server = SERVERS[self._postgresql].program()
        path = server.with_name(name) if server else None
        return path if path and path.exists() else None

    def version(self, engine: str) -> str | None:
        if engine == "sqlite":
            return sqlite3.sqlite_version
        program = SERVERS[self._server(engine)].program()
        return version(program) if program else None

    def keep(self, engine: str) -> Url:
        """An empty database, dropped with everything else."""
        return self._stack.enter_context(self.empty(engine))

    @contextmanager
    def empty(self, engine: str) -> Iterator[Url]:
        if engine == "sqlite":
            with self._file() as path:
                yield Url(f"sqlite:///{path}")
            return
        if self._run is None:
            self._run = Run()
        with self._run.database(self._server(engine)) as url:
            yield Url(url)

    @contextmanager
    def copy(self, source: Url) -> Iterator[Url]:
        """A copy of ``source``, which nobody may be connected to. Not of MariaDB."""
        if source.engine == "sqlite":
            with self._file() as path:
                shutil.copyfile(source.file, path)
                yield Url(f"sqlite:///{path}")
            return
        name = f"{source.name}_copy_{next(self._numbers)}"
        url = Url(source.text.removesuffix(source.name) + name)
        admin = Url(source.text.removesuffix(source.name) + "postgres")
        # STRATEGY file_copy writes no WAL and ends with a checkpoint, so nothing of it is left
        # to be done while a contender is measured.
        execute(admin, f"CREATE DATABASE {name} TEMPLATE {source.name} STRATEGY file_copy")
        try:
            yield url
        finally:
            execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def _file(self) -> Iterator[Path]:
        path = self._directory / f"bench_{next(self._numbers)}.sqlite"
        try:
            yield path
        finally:
            for left in (path, Path(f"{path}-journal"), Path(f"{path}-wal"), Path(f"{path}-shm")):
                with suppress(FileNotFoundError):
                    left.unlink()


def execute(url: Url, *statements: str) -> list[Any]:
    """Run statements in one transaction of their own; the rows of the last, if it has any."""
    if url.engine == "sqlite":
        with closing(sqlite3.connect(url.file)) as connection, connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows
    if url.engine == "mariadb":
        return _mariadb(url, statements)
    import psycopg

    with psycopg.connect(url.text, autocommit=True) as server:
        for statement in statements:
            cursor = server.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _mariadb(url: Url, statements: Sequence[str]) -> list[Any]:
    import pymysql

    settings: dict[str, Any] = {"host": "127.0.0.1", "port": url.port, "user": "root"}
    connection = pymysql.connect(**settings, database=url.name, charset="utf8mb4")
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
        return list(cursor.fetchall())


def settle(url: Url) -> None:
    """Let the server finish what it has put off, before the next contender is measured."""
    if url.engine == "postgresql":
        execute(url, "CHECKPOINT")


def fingerprint(url: Url, tables: Sequence[str]) -> Fingerprint:
    """What is in the tables; comparable between databases of one engine and one schema."""
    of = {"sqlite": _of_sqlite, "postgresql": _of_postgresql, "mariadb": _of_mariadb}[url.engine]
    return {table: of(url, table) for table in tables}


def _of_postgresql(url: Url, table: str) -> tuple[int, str]:
    query = f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {table} t"
    rows, checksum = execute(url, "SET TimeZone = 'UTC'", query)[0]
    return int(rows), str(checksum)


def _of_sqlite(url: Url, table: str) -> tuple[int, str]:
    connection = sqlite3.connect(url.file)
    rows = total = 0
    for row in connection.execute(f"SELECT * FROM {table}"):
        rows += 1
        # repr tells 1, 1.0 and '1' apart.
        total += crc32(repr(row).encode())
    connection.close()
    return rows, str(total)


def _of_mariadb(url: Url, table: str) -> tuple[int, str]:
    columns = execute(
        url,
        "SELECT column_name FROM information_schema.columns WHERE table_schema = database()"
        f" AND table_name = '{table}' ORDER BY ordinal_position",
    )
    values = ", ".join(f"coalesce(hex(`{name}`), 'NULL')" for (name,) in columns)
    query = f"SELECT count(*), coalesce(sum(crc32(concat_ws(',', {values}))), 0) FROM `{table}`"
    rows, checksum = execute(url, query)[0]
    return int(rows), str(checksum)


def require_same(found: Fingerprint, expected: Fingerprint) -> None:
    """ContenderError naming the tables whose rows are not those expected."""
    wrong = [
        f"{table}: {found[table][0]} rows of {expected[table][0]}"
        + (", values differ" if found[table][0] == expected[table][0] else "")
        for table in expected
        if found[table] != expected[table]
    ]
    if wrong:
        raise ContenderError(f"not the same rows arrived: {'; '.join(wrong)}")
