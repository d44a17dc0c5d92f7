"""One transaction on the sample application's database, errors in this project's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from demo_snapshots.engines.connection import engine_named


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Commit what the block does, or nothing of it.

    Raises DatabaseError (DatabaseBusyError for a lock waited for in vain) for an error of the
    driver. MariaDB commits at every CREATE and DROP, whatever is asked of it.
    """
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                # Python's driver begins by itself only before INSERT, UPDATE and DELETE, so that
                # each DROP would be final; and what is read here must not change before the
                # first write. (docs.python.org/3.11/library/sqlite3.html, transaction control)
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, Exception):
            raise
        raise engine_named(engine.dialect.name).session(None).wrap(cause) from error
