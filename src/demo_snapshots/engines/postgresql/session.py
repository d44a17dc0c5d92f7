"""PostgreSQL's sessions, 15 and later: the server writes the literals, COPY reads the rows."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from itertools import islice
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from demo_snapshots.engines.base.session import (
    FETCH_ROWS,
    LOCK_WAIT_SECONDS,
    Session,
    in_batches,
)
from demo_snapshots.engines.postgresql.dialect import PostgreSQL
from demo_snapshots.engines.postgresql.sequences import advance
from demo_snapshots.engines.postgresql.values import (
    fields,
    parenthesized,
    records,
    with_bytea,
)
from demo_snapshots.errors import Fault, UsageError
from demo_snapshots.model.tables import Column, ForeignKey, Kind, Table
from demo_snapshots.rows.literals import records as raw_records

_SETTINGS = {
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    # Row security filters rows in silence; off makes the server refuse instead.
    "row_security": "off",
    # Compiling one long expression costs more than it saves on a few thousand rows.
    "jit": "off",
    # The planner knows nothing of values inside JSON, takes the demo rows for a handful, and
    # goes through half a million of them in nested loops: quadratic. Hash joins stay linear.
    "enable_nestloop": "off",
    "lock_timeout": f"{LOCK_WAIT_SECONDS}s",
}

_BY_INDEX = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
}


class PostgreSQLSession(Session):
    name = "postgresql"
    raw: psycopg.Connection[Any]
    error = psycopg.Error
    can_share = True

    def prepare(self) -> None:
        self._set(_SETTINGS)
        self.dialect = PostgreSQL(has_is_json=self.raw.info.server_version >= 160000)

    def _set(self, settings: dict[str, str]) -> None:
        self.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))

    def version(self) -> str:
        number = self.raw.info.server_version
        return f"postgresql {number // 10000}.{number % 10000}"

    # --- Transactions ------------------------------------------------------------------------

    def begin_read(self) -> None:
        self._define_json()
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def share(self) -> str:
        return str(self.rows("SELECT pg_export_snapshot()")[0][0])

    def begin_shared(self, name: str) -> None:
        self.begin_read()
        self.execute(f"SET TRANSACTION SNAPSHOT {self.dialect.text(name)}")
        # There are as many of us as cores; helpers would only be in each other's way.
        self.execute("SET LOCAL max_parallel_workers_per_gather = 0")

    def begin_write(self) -> None:
        self._define_json()
        self.execute("BEGIN")

    def lock(self, tables: Sequence[Table]) -> None:
        if tables:
            names = ", ".join(self.dialect.table(table) for table in tables)
            self.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    def commit(self) -> None:
        super().commit()
        self.temporary.clear()

    def rollback(self) -> None:
        super().rollback()
        self.temporary.clear()

    def _define_json(self) -> None:
        # IS JSON arrived in 16. Before, only catching the error tells text that is not JSON.
        if self.raw.info.server_version >= 160000:
            return
        self.execute(
            "CREATE OR REPLACE FUNCTION pg_temp.demo_json(value text) RETURNS jsonb"
            " LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN value::jsonb;"
            " EXCEPTION WHEN data_exception THEN RETURN NULL; END $$"
        )

    # --- On a connection that is somebody else's ---------------------------------------------

    def is_in_transaction(self) -> bool:
        status = self.raw.info.transaction_status
        if status is TransactionStatus.INERROR:
            raise UsageError("the connection's transaction has failed: roll it back first")
        return status is TransactionStatus.INTRANS or not self.raw.autocommit

    def settings(self) -> dict[str, str]:
        names = [*_SETTINGS, *_BY_INDEX]
        current = ", ".join(f"current_setting('{name}')" for name in names)
        return dict(zip(names, self.rows(f"SELECT {current}")[0], strict=True))

    def restore(self, settings: dict[str, str]) -> None:
        put_back = (
            f"set_config('{name}', {self.dialect.text(value)}, false)"
            for name, value in settings.items()
        )
        self.rows(f"SELECT {', '.join(put_back)}")

    def savepoint(self) -> None:
        super().savepoint()
        self._define_json()

    # --- Statements --------------------------------------------------------------------------

    def prefer_indexes(self) -> None:
        self._set(_BY_INDEX)

    def cursor(self) -> psycopg.Cursor[tuple[Any, ...]]:
        return self.raw.cursor(row_factory=tuple_row)

    def run(self, statements: Sequence[str]) -> None:
        for start in range(0, len(statements), FETCH_ROWS):
            self.execute("; ".join(statements[start : start + FETCH_ROWS]))

    def stream(self, sql: str) -> Generator[list[bytes], None, None]:
        quick = sql.startswith("COPY ")
        copying = sql if quick else f"COPY ({sql}) TO STDOUT (FORMAT binary)"
        with self.cursor() as cursor, cursor.copy(copying) as copy:
            found = records(self.raw.pgconn, copy)
            rows = map(parenthesized, found) if quick else fields(found)
            yield from in_batches(lambda count: list(islice(rows, count)))

    def load(self, target: str, columns: Sequence[Column], chunks: Iterable[bytes]) -> int:
        # A raw row without its parentheses is a CSV record: a quoted 'NULL' stays text.
        # COPY takes explicit values for an identity column, ALWAYS or not (manual, COPY).
        names = ", ".join(self.dialect.quote(column.name) for column in columns)
        binary = any(column.kind is Kind.BINARY for column in columns)
        copying = f"COPY {target} ({names}) FROM STDIN (FORMAT csv, QUOTE '''', NULL 'NULL')"
        with self.cursor() as cursor:
            with cursor.copy(copying) as copy:
                for chunk in chunks:
                    text = b"\n".join(raw_records(chunk))
                    copy.write(with_bytea(text) if binary else text)
                    copy.write(b"\n")
            return int(cursor.rowcount)

    def advance_sequences(self, tables: Sequence[Table], known: object = None) -> object:
        return advance(self, tables, known)

    def postpone(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        for table, key in postponed:
            if not key.deferrable:
                self.execute(f"{self._constraint(table, key)} DEFERRABLE")
        self.execute("SET CONSTRAINTS ALL DEFERRED")

    def settle(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        # A table with checks still pending cannot be altered.
        self.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, key in postponed:
            if not key.deferrable:
                self.execute(f"{self._constraint(table, key)} NOT DEFERRABLE")

    def _constraint(self, table: Table, key: ForeignKey) -> str:
        name = self.dialect.quote(key.name)
        return f"ALTER TABLE {self.dialect.table(table)} ALTER CONSTRAINT {name}"

    def pass_by(self, tables: Sequence[Table]) -> list[str]:
        # Takes the lock that ``lock`` holds already, and is seen by nobody before the commit, by
        # when it is undone. session_replication_role would switch foreign keys off as well.
        names = [self.dialect.table(table) for table in tables]
        undo = []
        for table, trigger, state in self.rows(_PASSED_BY, [names]):
            alter, name = f"ALTER TABLE {table}", self.dialect.quote(trigger)
            self.execute(f"{alter} DISABLE TRIGGER {name}")
            undo.append(f"{alter} ENABLE {_STATES[state]}TRIGGER {name}")
        # A table with checks still pending cannot be altered.
        return ["SET CONSTRAINTS ALL IMMEDIATE", *undo] if undo else []

    # --- Errors ------------------------------------------------------------------------------

    def message(self, error: Exception) -> str:
        if not isinstance(error, psycopg.Error) or error.diag.message_primary is None:
            return str(error).strip().split("\n")[0]
        diagnosis = error.diag
        # Data exceptions quote the value; where it happened is all that may be told.
        if (diagnosis.sqlstate or "").startswith("22"):
            context = diagnosis.context or ""
            place = re.search(r"^COPY \S+, line \d+, column ([^:\n]+)", context, re.MULTILINE)
            where = f" ({place[1]})" if place else ""
            return f"a value does not fit its column{where}"
        return diagnosis.message_primary or ""

    def remedy(self, error: Exception) -> str | None:
        # backend/utils/misc/rls.c, whatever language the server speaks.
        if isinstance(error, psycopg.Error) and error.diag.source_function == "check_enable_rls":
            return (
                "The table's policies hide rows from this user, so that what is demo data and"
                " what is not could not be told. Connect as the owner of the table, or as a user"
                " with BYPASSRLS."
            )
        return None

    def fault(self, error: Exception) -> Fault:
        if isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
            return Fault.BUSY
        if isinstance(error, psycopg.errors.UniqueViolation):
            return Fault.DUPLICATE
        # Class 22, data exception (manual, appendix A).
        if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("22"):
            return Fault.UNFIT
        return Fault.OTHER


_STATES = {"O": "", "A": "ALWAYS ", "R": "REPLICA "}

# BEFORE UPDATE … FOR EACH ROW (bits 1, 2 and 16 of tgtype, catalog/pg_trigger.h), of tables that
# the user owns. Altering a partitioned table would reach its partitions.
_PASSED_BY = """
SELECT wanted.name, t.tgname, t.tgenabled::text
FROM unnest(%s::text[]) AS wanted(name)
JOIN pg_class c ON c.oid = wanted.name::regclass
JOIN pg_trigger t ON t.tgrelid = c.oid
WHERE c.relkind = 'r' AND NOT c.relispartition AND pg_has_role(c.relowner, 'USAGE')
  AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 19 = 19
ORDER BY 1, 2
"""
