"""Puts a scenario's rows into the sample application's tables."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnClause, Connection, Engine, column, delete, inspect, select, text
from sqlalchemy import table as sql_table

from demo_snapshots.errors import KeyClashError, RealRowsError, SchemaError
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.model.words import Call, Words
from demo_snapshots.sample.generating import COLUMNS, Row, Rows, World
from demo_snapshots.sample.markers import is_demo, marks
from demo_snapshots.sample.models import TABLES
from demo_snapshots.sample.scenario import Scenario
from demo_snapshots.sample.transaction import transaction

_BATCH = 4_000
"""Fragments collected before they, and what came with them, are inserted."""
_SECONDS_BETWEEN_REPORTS = 0.2


def seed(
    engine: Engine,
    scenario: Scenario,
    *,
    seed: int,
    as_of: datetime,
    scale: int = 1,
    progress: Progress = no_progress,
) -> Statistics:
    """Replace the scenario's demo rows by newly made ones; all other rows stay as they are.

    The same scenario, ``seed``, ``as_of`` and ``scale`` make the same rows, ids included where
    the other rows are the same: ids go on from the highest of each table. ``as_of`` is the
    moment no row is younger than; naive means UTC. ``scale`` multiplies the scenario's counts
    of fragments, todos, contacts and chats, without needing more memory.

    One transaction: all of it or nothing. Returns what was inserted, fragments by type.
    Raises SchemaError where the tables are missing, RealRowsError where rows to be replaced are
    referenced by others, KeyClashError where a vault's slug is taken, and DatabaseError.
    """
    with transaction(engine) as connection:
        _check_tables(connection)
        _lock(connection)
        _remove(connection, scenario.scenario)
        _check_slugs(connection, scenario)
        next_ids = {table: _next_id(connection, table) for table in TABLES}
        world = World(scenario, seed=seed, as_of=as_of, next_ids=next_ids)
        statistics = _Writer(connection, scenario, scale, progress).write(world)
        _advance_sequences(connection)
    return statistics


def _check_tables(connection: Connection) -> None:
    present = inspect(connection).get_table_names()
    missing = tuple(table for table in TABLES if table not in present)
    if missing:
        raise SchemaError(
            f"the sample application's tables are missing: {', '.join(missing)}",
            problems=missing,
            hint=Words(Call("migrate_fresh"), " makes them."),
        )


def _lock(connection: Connection) -> None:
    # The ids are chosen here, so nobody may take one meanwhile. SQLite has one writer at a
    # time as it is; MariaDB refuses the second of two equal keys, and the seeding is undone.
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {', '.join(TABLES)} IN SHARE ROW EXCLUSIVE MODE"))


def _next_id(connection: Connection, table: str) -> int:
    highest = connection.execute(text(f"SELECT max(id) FROM {table}")).scalar()
    return int(highest or 0) + 1


def _check_slugs(connection: Connection, scenario: Scenario) -> None:
    slug: ColumnClause[Any] = column("slug")
    wanted = [vault.slug for vault in scenario.vaults]
    query = select(slug).select_from(sql_table("vaults", slug)).where(slug.in_(wanted))
    taken = sorted(connection.execute(query).scalars())
    if taken:
        raise KeyClashError(
            f"vaults: the scenario's {', '.join(taken)} {'is' if len(taken) == 1 else 'are'} "
            "already there, and not from this scenario",
            hint="Give the vaults of the scenario file other slugs, or use another database.",
        )


# --- Taking away -----------------------------------------------------------------------------


def _remove(connection: Connection, scenario: str) -> None:
    """Delete the scenario's demo rows, todos with their fragments."""
    for table in ("chat_sessions", "contacts", "fragments", "projects", "vaults"):
        for page in marks(connection, table):
            ids = [
                key
                for key, metadata in page
                if is_demo(metadata) and metadata.get("scenario") == scenario
            ]
            if ids:
                _delete(connection, table, ids)


def _delete(connection: Connection, table: str, ids: list[int]) -> None:
    # SQLite neither cascades nor refuses anything while its foreign_keys pragma is off.
    if table == "fragments":
        _delete_where(connection, "todos", "fragment_id", ids)
    elif table == "projects":
        _check_unreferenced(connection, table, "fragments", "project_id", ids)
    elif table == "vaults":
        _check_unreferenced(connection, table, "projects", "vault_id", ids)
    _delete_where(connection, table, "id", ids)


def _delete_where(connection: Connection, table: str, name: str, ids: list[int]) -> None:
    key: ColumnClause[Any] = column(name)
    connection.execute(delete(sql_table(table, key)).where(key.in_(ids)))


def _check_unreferenced(
    connection: Connection, table: str, referencing: str, name: str, ids: list[int]
) -> None:
    identity: ColumnClause[Any] = column("id")
    key: ColumnClause[Any] = column(name)
    query = select(identity).select_from(sql_table(referencing, identity, key))
    found = (
        connection.execute(query.where(key.in_(ids)).order_by(identity).limit(6)).scalars().all()
    )
    if found:
        shown = ", ".join(str(row) for row in found[:5]) + (" and more" if len(found) > 5 else "")
        raise RealRowsError(
            f"{referencing} {shown} would lose their {name}: they belong to {table} of the "
            "scenario, but not to the scenario; nothing was changed",
            hint=f"Give them another {name}, or seed another database.",
        )


# --- Putting in ------------------------------------------------------------------------------


class _Writer:
    """Collects rows into batches, inserts them and counts them."""

    def __init__(
        self, connection: Connection, scenario: Scenario, scale: int, progress: Progress
    ) -> None:
        counts = scenario.counts
        self._connection = connection
        self._scale = scale
        self._total = scale * (counts.todos + counts.contacts + counts.chat_messages)
        self._progress = progress
        self._reported = time.monotonic()
        self._waiting: Rows = {table: [] for table in TABLES}
        self._counts: Counter[str] = Counter()
        self._types: Counter[object] = Counter()
        # MariaDB's driver says %s, SQLite's says ?.
        mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
        self._statements = {
            table: f"INSERT INTO {table} ({', '.join(names)}) "
            f"VALUES ({', '.join([mark] * len(names))})"
            for table, names in COLUMNS.items()
        }

    def write(self, world: World) -> Statistics:
        self._collect(world.ground())
        for rows in world.rounds(self._scale):
            self._collect(rows)
            if len(self._waiting["fragments"]) >= _BATCH:
                self._insert()
                self._report()
        self._insert()
        self._progress("fragments", self._total, self._total)
        return self._statistics()

    def _collect(self, rows: Rows) -> None:
        for table, more in rows.items():
            self._waiting[table] += more
            self._counts[table] += len(more)
        self._types.update(row[1] for row in rows.get("fragments", ()))

    def _insert(self) -> None:
        for table in TABLES:
            if rows := self._waiting[table]:
                for batch in _batches(rows):
                    self._put(table, batch)
                self._waiting[table] = []

    def _put(self, table: str, rows: list[Row]) -> None:
        if self._connection.dialect.name != "postgresql":
            self._connection.exec_driver_sql(self._statements[table], rows)
            return
        # Three times as fast as INSERT, which psycopg sends row by row.
        driver: Any = self._connection.connection.driver_connection
        columns = ", ".join(COLUMNS[table])
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._reported = now
            self._progress("fragments", self._counts["fragments"], self._total)

    def _statistics(self) -> Statistics:
        types = tuple(sorted((str(kind), count) for kind, count in self._types.items()))
        return Statistics(
            tuple(
                TableCount(table, self._counts[table], types if table == "fragments" else ())
                for table in TABLES
            )
        )


def _batches(rows: list[Row]) -> Iterable[list[Row]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))


def _advance_sequences(connection: Connection) -> None:
    """Bring PostgreSQL's sequences past the highest id, never backwards. The other engines'
    counters follow explicit ids by themselves. Last of all: setval survives a rollback."""
    if connection.dialect.name != "postgresql":
        return
    for table in TABLES:
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        connection.execute(
            text(
                f"SELECT setval({sequence}, GREATEST("
                f"(SELECT coalesce(max(id), 0) + 1 FROM {table}), nextval({sequence})), false)"
            )
        )
