"""URL -> connection. Errors name the database without its password."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from demo_snapshots.database.dialects import dialect_for
from demo_snapshots.database.dialects.base import Dialect
from demo_snapshots.errors import (
    CommitInDoubtError,
    ConfigError,
    DatabaseError,
    DatabaseUnreachableError,
)
from demo_snapshots.masking import masked_url
from demo_snapshots.model import Column, Table

logger = logging.getLogger(__name__)

_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}

_QUOTED_LIKE_OURS = "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'"


def parse_url(text: str) -> URL:
    """A database URL with the driver this package brings. ConfigError for any other."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise ConfigError(
            "the database URL is not a URL",
            hint="It looks like sqlite:///database/demo.sqlite or "
            "postgresql://user:password@host/database.",
        ) from None
    backend = url.drivername.split("+")[0]
    if backend not in _DRIVERS:
        raise ConfigError(
            f"{backend!r} is no engine this tool speaks",
            hint="sqlite, postgresql, mariadb and mysql are.",
        )
    url = url.set(drivername=_DRIVERS[backend])
    if url.drivername.endswith("+pymysql") and "charset" not in url.query:
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def make_engine(url: str) -> sa.Engine:
    """A SQLAlchemy engine for ``url``. Connects to nothing yet. ConfigError for a bad URL."""
    parsed = parse_url(url)
    settings: dict[str, object] = {}
    if parsed.get_driver_name() == "pymysql":
        # SQLAlchemy learns how the server quotes names when it connects: no time to be lost.
        settings["init_command"] = _QUOTED_LIKE_OURS
    if parsed.get_backend_name() == "sqlite":
        # Python keeps 128 prepared statements, and an INSERT of ours is 500 rows long.
        settings["cached_statements"] = 0
    try:
        return sa.create_engine(parsed, poolclass=sa.pool.NullPool, connect_args=settings)
    except (NoSuchModuleError, ImportError) as error:
        raise ConfigError(f"no driver for {parsed.drivername}") from error


class Database:
    """An open connection and its dialect. Errors of the driver arrive as DatabaseError."""

    def __init__(self, connection: sa.Connection, dialect: Dialect, label: str, url: str) -> None:
        self.url = url
        self.connection = connection
        self.dialect = dialect
        self.label = label
        self.raw: Any = connection.connection.driver_connection

    @property
    def source(self) -> str:
        return self.dialect.version(self.raw)

    @contextmanager
    def wrapped(self) -> Iterator[None]:
        """Have errors of the driver, or of SQLAlchemy, arrive as DatabaseError."""
        try:
            yield
        except DBAPIError as error:
            raise self.dialect.wrap(error.orig or error) from error
        except self.connection.dialect.loaded_dbapi.Error as error:
            raise self.dialect.wrap(error) from error

    def execute(self, sql: str) -> int:
        """Run one statement; the number of rows it changed."""
        logger.debug("%s", sql)
        with self.wrapped():
            return self.dialect.execute(self.raw, sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query that has few."""
        logger.debug("%s", sql)
        with self.wrapped():
            return self.dialect.rows(self.raw, sql)

    def scalar(self, sql: str) -> Any:
        """The one value of a query."""
        return self.rows(sql)[0][0]

    def stream(self, sql: str) -> Iterator[list[bytes]]:
        logger.debug("%s", sql)
        with self.wrapped():
            yield from self.dialect.stream(self.raw, sql)

    def run(self, statements: Sequence[str]) -> None:
        """Run many small statements that return nothing."""
        with self.wrapped():
            self.dialect.run(self.raw, statements)

    def load(self, target: str, columns: Sequence[Column], chunks: Iterable[bytes]) -> int:
        """Insert raw rows into ``target`` (SQL name) as they stream; the number of rows."""
        with self.wrapped():
            return self.dialect.load(self.raw, target, columns, chunks)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the database, read-only, for as long as the block lasts."""
        with self.wrapped():
            self.dialect.begin_read(self.raw)
        try:
            yield
        finally:
            self._roll_back()

    def share(self) -> str:
        """A name by which other connections may see what the open transaction sees."""
        with self.wrapped():
            return self.dialect.share(self.raw)

    @contextmanager
    def sharing(self, name: str) -> Iterator[None]:
        """As ``reading``, in the state that another connection's ``share`` named."""
        with self.wrapped():
            self.dialect.begin_shared(self.raw, name)
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
        committing = False
        try:
            with self.wrapped():
                self.dialect.begin_write(self.raw, locked)
            with self.wrapped():
                yield
                if keep:
                    committing = True
                    self.dialect.commit(self.raw)
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

    def _roll_back(self) -> bool:
        """Whether the connection was there to do so."""
        try:
            self.dialect.rollback(self.raw)
        except Exception:
            # The connection may be gone, which rolls back too; the first error is the one to tell.
            logger.debug("rollback", exc_info=True)
            return False
        return True


@contextmanager
def connect(url: str) -> Iterator[Database]:
    """Connect for as long as the block lasts.

    Raises ConfigError for a bad URL and DatabaseUnreachableError, which names the database
    without its password. A SQLite file that does not exist is unreachable, not created.
    """
    engine = make_engine(url)
    label = masked_url(url)
    dialect = dialect_for(engine.dialect.name)
    _require_file(engine.url)
    try:
        connection = engine.execution_options(isolation_level="AUTOCOMMIT").connect()
    except DBAPIError as error:
        raise DatabaseUnreachableError(
            f"cannot connect to {label}: {_reason(error, engine.url)}",
            hint="Check the URL (--database, DATABASE_URL, demo.toml) and that the server runs.",
        ) from None
    except TypeError:
        # Options of the URL become arguments of the driver, which answers unknown ones so.
        raise ConfigError(
            f"{label}: the driver does not know one of the options after the question mark"
        ) from None
    try:
        database = Database(connection, dialect, label, url)
        with database.wrapped():
            dialect.prepare(database.raw)
        yield database
    finally:
        # A connection that was lost cannot be given back, and what lost it has been told.
        with suppress(DBAPIError, engine.dialect.loaded_dbapi.Error):
            connection.close()
        engine.dispose()


def _require_file(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    if not Path(url.database).is_file():
        raise DatabaseUnreachableError(
            f"no database file {url.database}",
            hint="Create it first (for the sample application: demo migrate-fresh), "
            "or name another with --database.",
        )


def _reason(error: DBAPIError, url: URL) -> str:
    # The first line is the driver's own; later ones may repeat connection settings.
    text = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
    text = text.removeprefix("connection failed: ")
    return text.replace(str(url.password), "***") if url.password else text
