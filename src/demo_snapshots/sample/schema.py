"""Drops and recreates the sample application's tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from msgspec import Struct
from sqlalchemy import Connection, Engine, Inspector, inspect, text

from demo_snapshots.errors import DatabaseError, ProtectedDatabaseError
from demo_snapshots.model.words import Call, Words
from demo_snapshots.sample.markers import is_demo, marks
from demo_snapshots.sample.models import MARKED, TABLES, Base
from demo_snapshots.sample.transaction import transaction

_VERSION_TABLE = "alembic_version"


class MigrateResult(Struct, frozen=True):
    """``tables`` in load order, all empty now; ``revision`` is the migration head;
    ``dropped`` are the tables there were before."""

    tables: tuple[str, ...]
    revision: str
    dropped: tuple[str, ...]


def migrate_fresh(engine: Engine, *, force: bool = False) -> MigrateResult:
    """Drop the sample application's tables with everything in them and create them anew.

    Raises ProtectedDatabaseError, with nothing changed, where the database holds other tables
    or rows that are not demo data; ``force`` goes ahead and leaves the other tables alone. Even
    with ``force`` it is raised where another table references one to be dropped, or where the
    migration history is another application's. Creates the directory of a SQLite file.
    Atomic on SQLite and PostgreSQL; MariaDB commits every CREATE and DROP by itself. Raises
    DatabaseError where the database would not drop a table, because a view needs it perhaps.
    """
    _make_directory(engine)
    config = _alembic_config()
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    with transaction(engine) as connection:
        inspector = inspect(connection)
        present = inspector.get_table_names()
        _check_history(connection, present, config)
        _check_references(inspector, present)
        if not force:
            _check_contents(connection, inspector, present)
        dropped = _drop(connection, present)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return MigrateResult(tables=TABLES, revision=head, dropped=dropped)


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", "demo_snapshots.sample:migrations")
    return config


def _make_directory(engine: Engine) -> None:
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return
    if name.startswith("file:"):
        return
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"{Path(name).parent}: the directory could not be made: {error.strerror}"
        ) from error


def _check_history(connection: Connection, present: list[str], config: Config) -> None:
    if _VERSION_TABLE not in present:
        return
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    recorded = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalars()
    foreign = sorted(set(recorded) - known)
    if foreign:
        raise ProtectedDatabaseError(
            f"{_VERSION_TABLE} holds another application's migrations ({', '.join(foreign)})",
            hint=Words(
                "The sample application wants a database of its own; give one with ",
                Call(database=...),
                ".",
            ),
        )


def _check_references(inspector: Inspector, present: list[str]) -> None:
    for table in sorted(set(present) - set(TABLES)):
        for key in inspector.get_foreign_keys(table):
            if key["referred_table"] in TABLES:
                raise ProtectedDatabaseError(
                    f"table {table} references {key['referred_table']}, "
                    "which would have to be dropped",
                    hint=f"Drop {table} or its foreign key first, or use another database.",
                )


def _check_contents(connection: Connection, inspector: Inspector, present: list[str]) -> None:
    others = set(present) - set(TABLES) - {_VERSION_TABLE}
    for table in set(present) & set(TABLES):
        columns = {column["name"] for column in inspector.get_columns(table)}
        if not columns >= set(Base.metadata.tables[table].columns.keys()):
            others.add(table)  # somebody else's table of the same name
    if others:
        names = sorted(others)
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise ProtectedDatabaseError(
            f"the database holds tables that are not the sample application's: {shown}",
            hint=Words(
                "Use another database, or ",
                Call(force=True),
                f", which drops only tables named {', '.join(TABLES)}.",
            ),
        )
    real = {table: count for table in TABLES if (count := _real_rows(connection, table, present))}
    if real:
        counts = ", ".join(f"{count:,} in {table}" for table, count in real.items())
        raise ProtectedDatabaseError(
            f"the database holds rows that are not demo data: {counts}",
            hint=Words(Call(force=True), " drops them with the rest."),
        )


def _real_rows(connection: Connection, table: str, present: list[str]) -> int:
    if table not in present:
        return 0
    if table in MARKED:
        return sum(
            not is_demo(metadata) for page in marks(connection, table) for _, metadata in page
        )
    return _real_todos(connection, present)


def _real_todos(connection: Connection, present: list[str]) -> int:
    count = int(connection.execute(text("SELECT count(*) FROM todos")).scalar_one())
    if not count or "fragments" not in present:
        return count
    within = text("SELECT fragment_id FROM todos WHERE fragment_id BETWEEN :low AND :high")
    for page in marks(connection, "fragments"):
        demo = {key for key, metadata in page if is_demo(metadata)}
        ends = {"low": page[0][0], "high": page[-1][0]}
        count -= sum(key in demo for key in connection.execute(within, ends).scalars())
    return count


def _drop(connection: Connection, present: list[str]) -> tuple[str, ...]:
    dropped = [table for table in (*reversed(TABLES), _VERSION_TABLE) if table in present]
    for table in dropped:
        connection.execute(text(f"DROP TABLE {table}"))
    return tuple(reversed([table for table in dropped if table != _VERSION_TABLE]))
