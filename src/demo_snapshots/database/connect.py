"""URL -> connection. Errors name the database without its password."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from demo_snapshots.database.catalogs import catalog_for
from demo_snapshots.database.catalogs.base import Catalog
from demo_snapshots.database.dialects import dialect_for
from demo_snapshots.database.dialects.base import Dialect
from demo_snapshots.database.drivers import open_connection
from demo_snapshots.database.urls import Url, parse_url
from demo_snapshots.errors import (
    CommitInDoubtError,
    ConfigError,
    DatabaseError,
    DatabaseUnreachableError,
)
from demo_snapshots.masking import masked_url
from demo_snapshots.model import Column, Table

logger = logging.getLogger(__name__)


class Database:
    """An open connection (``raw``, the driver's own), the engine's dialect and the catalog of
    what is there. Errors of the driver arrive as DatabaseError."""

    def __init__(self, raw: Any, dialect: Dialect, catalog: Catalog, label: str, url: str) -> None:
        self.raw = raw
        self.dialect = dialect
        self.catalog = catalog
        self.label = label
        self.url = url

    @property
    def source(self) -> str:
        with self.wrapped():
            return self.dialect.version(self.raw)

    @contextmanager
    def wrapped(self) -> Iterator[None]:
        """Have errors of the driver arrive as DatabaseError."""
        try:
            yield
        except self.dialect.error as error:
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
    parsed = parse_url(url)
    _require_file(parsed)
    dialect = dialect_for(parsed.backend)
    raw = _open(parsed, dialect, masked_url(url))
    try:
        database = Database(raw, dialect, catalog_for(dialect, raw), masked_url(url), url)
        with database.wrapped():
            dialect.prepare(raw)
        yield database
    finally:
        # A connection that was lost cannot be closed, and what lost it has been told.
        with suppress(dialect.error):
            raw.close()


def _require_file(url: Url) -> None:
    if url.backend != "sqlite" or not url.database or url.database == ":memory:":
        return
    if not Path(url.database).is_file():
        raise DatabaseUnreachableError(
            f"no database file {url.database}",
            hint="Create it first (for the sample application: demo migrate-fresh), "
            "or name another with --database.",
        )


def _open(url: Url, dialect: Dialect, label: str) -> Any:
    try:
        return open_connection(url)
    except dialect.error as error:
        raise DatabaseUnreachableError(
            f"cannot connect to {label}: {_reason(error, url)}",
            hint="Check the URL (--database, DATABASE_URL, demo.toml) and that the server runs.",
        ) from None
    except OSError as error:
        # A certificate that cannot be read; the drivers themselves wrap what the network says.
        raise ConfigError(f"{label}: a file that the URL names: {error.strerror}") from None
    except TypeError:
        # Options of the URL become arguments of the driver, which answers unknown ones so.
        raise ConfigError(
            f"{label}: the driver does not know one of the options after the question mark"
        ) from None
    except (ValueError, NotImplementedError):
        raise ConfigError(f"{label}: the driver cannot work with a part of this URL") from None


def _reason(error: Exception, url: Url) -> str:
    # The first line is the driver's own; later ones may repeat connection settings.
    text = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
    text = text.removeprefix("connection failed: ")
    return text.replace(url.password, "***") if url.password else text
