"""URL, or a connection that is open already -> Database. Errors name the database without its
password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from typing import Any

from demo_snapshots.config.masking import masked_url
from demo_snapshots.engines.base.engine import Engine
from demo_snapshots.engines.base.scratch import Scratch
from demo_snapshots.engines.database import Database
from demo_snapshots.engines.opening import open_url
from demo_snapshots.engines.urls import parse_url
from demo_snapshots.errors import UsageError

_FOLDERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "mysql": "mariadb",
    "mariadb": "mariadb",
}
_DRIVERS = {"sqlite3": "sqlite", "psycopg": "postgresql", "pymysql": "mariadb"}


def engine_named(name: str) -> Engine:
    """The engine of a backend name; its driver is imported now, and no other. Raises KeyError
    for one that we do not speak to."""
    module = import_module(f"demo_snapshots.engines.{_FOLDERS[name]}.engine")
    engine: Engine = module.ENGINE
    return engine


def scratch_of(database: Database) -> Scratch:
    """How the engine of ``database`` makes scratch databases; imported where a proof needs it."""
    return _scratch(database.dialect.name)


def blank_scratch(url: str) -> AbstractContextManager[str]:
    """The URL of an empty database of its own on the server that ``url`` leads to; it is gone when
    the block ends. Raises DatabaseError where the user may not make one."""
    return _scratch(parse_url(url).backend).blank(url)


def _scratch(backend: str) -> Scratch:
    module = import_module(f"demo_snapshots.engines.{_FOLDERS[backend]}.scratch")
    made: Scratch = module.SCRATCH
    return made


@contextmanager
def connect(url: str, connection: object = None) -> Iterator[Database]:
    """Connect for as long as the block lasts; or use ``connection``, which is open already and
    stays so: SQLAlchemy's, Django's, psycopg's, PyMySQL's or sqlite3's.

    Raises ConfigError for a bad URL, UsageError for a connection of another kind, and
    DatabaseUnreachableError, which names the database without its password. A SQLite file that
    does not exist is unreachable, not created.
    """
    if connection is not None:
        with _borrow(connection) as database:
            yield database
        return
    parsed = parse_url(url)
    engine = engine_named(parsed.backend)
    raw = open_url(parsed, engine, masked_url(url))
    try:
        session = engine.session(raw)
        try:
            session.prepare()
        except engine.error as error:
            raise session.wrap(error) from error
        yield Database(session, engine.catalog(session), masked_url(url), url)
    finally:
        # A connection that was lost cannot be closed, and what lost it has been told.
        with suppress(engine.error):
            raw.close()


def aside(database: Database) -> AbstractContextManager[Database]:
    """A connection for what is looked at and rolled back: one of its own, if there is a URL."""
    return connect(database.url) if database.url else nullcontext(database)


@contextmanager
def _borrow(connection: object) -> Iterator[Database]:
    raw = _driver_connection(connection)
    name = _DRIVERS.get(type(raw).__module__.partition(".")[0])
    for kind in type(raw).__mro__:
        name = name or _DRIVERS.get(kind.__module__.partition(".")[0])
    if name is None:
        raise UsageError(
            f"no connection to work on: {type(connection).__module__}.{type(connection).__name__}",
            hint="Give an open connection of SQLAlchemy, Django, psycopg, PyMySQL or sqlite3.",
        )
    engine = engine_named(name)
    session = engine.session(raw)
    try:
        is_nested = session.is_in_transaction()
        before = session.settings()
        try:
            session.prepare()
            label = f"the {name} connection given"
            yield Database(session, engine.catalog(session), label, is_nested=is_nested)
        finally:
            # They would last as long as the connection, where a transaction of ours was committed.
            with suppress(engine.error):
                session.drop_temporary()
            session.restore(before)
    except engine.error as error:
        raise session.wrap(error) from error


def _driver_connection(connection: object) -> Any:
    """The driver's own connection beneath SQLAlchemy's Session or Connection, or Django's."""
    if type(connection).__module__.startswith("django."):
        # Django connects when the first query wants it to.
        given: Any = connection
        given.ensure_connection()
        return given.connection
    if type(connection).__module__.startswith("sqlalchemy."):
        below: Any = connection
        if callable(getattr(below, "connection", None)):
            below = below.connection()
        if not below.in_transaction():
            # Else its commit() would find nothing to commit.
            below.begin()
        return below.connection.driver_connection
    return connection
