"""MariaDB's and MySQL's sessions: the server writes the literals, INSERTs bring the rows.

A transaction here reads what it has locked: nothing is read before the locks are held, so the
snapshot that plain reads see begins with them. DDL commits in silence, except on temporary
tables, and of those only CREATE and DROP (MariaDB manual, "SQL statements that cause an implicit
commit"), so a stage's key is part of its CREATE statement.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import SERVER_STATUS
from pymysql.cursors import Cursor, SSCursor

from demo_snapshots.engines.base.session import LOCK_WAIT_SECONDS, Session
from demo_snapshots.engines.mariadb.dialect import MariaDB
from demo_snapshots.engines.mariadb.packets import row_packets
from demo_snapshots.engines.mariadb.sequences import advance
from demo_snapshots.engines.mariadb.values import exact_rows, finished, packets
from demo_snapshots.errors import DatabaseError, Fault, UnfitValueError
from demo_snapshots.model.tables import Column, ForeignKey, Table

SQL_MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES"

_SETTINGS = {
    "sql_mode": f"'{SQL_MODE}'",
    "time_zone": "'+00:00'",
    # No cascades while an import works: it decides on every row itself and verifies after.
    "foreign_key_checks": "0",
    "unique_checks": "1",
    "innodb_lock_wait_timeout": str(LOCK_WAIT_SECONDS),
    "lock_wait_timeout": str(LOCK_WAIT_SECONDS),
    # A reader that is slow to take rows is no reason to hang up.
    "net_write_timeout": "3600",
    "net_read_timeout": "3600",
    # What a server may be configured with, and what would drop or refuse rows.
    "sql_select_limit": "DEFAULT",
    "sql_safe_updates": "0",
    "sql_big_selects": "1",
    "sql_auto_is_null": "0",
    "completion_type": "0",
    "sql_notes": "1",
    # Long text sorts by its first max_sort_length bytes; keys have at most 12,288 in UTF-8.
    # More than a fifteenth of the sort buffer is an error.
    "sort_buffer_size": "GREATEST(@@sort_buffer_size, 2097152)",
    "max_sort_length": "65536",
}

_CHARACTER_SETS = ("character_set_client", "character_set_results", "collation_connection")

_STATEMENT_MARGIN = 1024
_DUPLICATE_ENTRY = 1062
_BUSY = {
    1020,  # ER_CHECKREAD: changed since the snapshot (innodb_snapshot_isolation)
    1205,  # ER_LOCK_WAIT_TIMEOUT
    1213,  # ER_LOCK_DEADLOCK, and a lost certification of a Galera cluster
}
_CHANGED = {1264, 1265, 1292, 1366, 1406, 3140}
"""Out of range, truncated, incorrect date, number or string, too long, no JSON (MySQL): a value
that would be stored as another one, or that is refused."""
_CHECK_FAILED = 4025
_OF_COLUMN = re.compile(r"CONSTRAINT `(.+)` failed for `(.+)`\.`(.+)`", re.DOTALL)
_WITHOUT_VALUES = {
    *(1044, 1045, 1049, 1054, 1142, 1143, 1146, 1227),  # access, names
    *(1048, 1264, 1265, 1364, 1406),  # columns
    *(1451, 1452, 3819, 4025),  # constraints
    *(1205, 1213, 1020, 1114, 1153, 1290, 1792, 1836, 2006, 2013),  # server and connection
}


class MariaDBSession(Session):
    name = "mariadb"
    raw: pymysql.Connection[Any]
    error = pymysql.Error
    dialect: MariaDB

    def prepare(self) -> None:
        self.execute("SET NAMES utf8mb4")
        self.raw.encoding = "utf8"
        self.execute(f"SET {', '.join(f'{name} = {value}' for name, value in _SETTINGS.items())}")
        version, packet = self.rows("SELECT version(), @@max_allowed_packet")[0]
        self._packet = int(packet)
        self.dialect = MariaDB(is_mysql="mariadb" not in version.lower())

    def version(self) -> str:
        number = re.match(r"[0-9.]+", self.rows("SELECT version()")[0][0])
        return f"{'mysql' if self.dialect.is_mysql else 'mariadb'} {number[0] if number else '?'}"

    def begin_read(self) -> None:
        self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def begin_write(self) -> None:
        # Gaps are locked from REPEATABLE READ on; no lock starts the snapshot of plain reads.
        self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute("START TRANSACTION")

    def lock(self, tables: Sequence[Table]) -> None:
        self._require_transactional(tables)
        for name in sorted(self.dialect.table(table) for table in tables):
            # Without an index the scan locks every row and every gap of the table itself.
            self.rows(f"SELECT count(*) FROM {name} USE INDEX () FOR UPDATE")

    def _require_transactional(self, locked: Sequence[Table]) -> None:
        places = " OR ".join(f"({self._place(table)})" for table in locked) or "1 = 0"
        found = self.rows(
            "SELECT table_name, engine FROM information_schema.tables"
            f" WHERE engine <> 'InnoDB' AND ({places}) ORDER BY table_name",
        )
        if found:
            shown = ", ".join(f"{name} ({engine})" for name, engine in found)
            raise DatabaseError(
                f"mariadb: {shown}: an engine without transactions, so nothing could be undone",
                hint="ALTER TABLE … ENGINE=InnoDB makes them safe to import into.",
            )

    def _place(self, table: Table) -> str:
        """The table's rows of an information_schema view."""
        schema = self.dialect.text(table.schema) if table.schema else "DATABASE()"
        return f"table_schema = {schema} AND table_name = {self.dialect.text(table.name)}"

    def commit(self) -> None:
        super().commit()
        # They go with the connection as well; what was committed must not be told as a failure.
        with suppress(pymysql.Error):
            self.drop_temporary()

    def rollback(self) -> None:
        super().rollback()
        self.drop_temporary()

    def drop_temporary(self, but: int = 0) -> None:
        # DROP TABLE alone would commit.
        while len(self.temporary) > but:
            self.execute(f"DROP TEMPORARY TABLE IF EXISTS {self.temporary.pop()}")

    # --- On a connection that is somebody else's ---------------------------------------------

    def is_in_transaction(self) -> bool:
        status: int = self.raw.server_status  # type: ignore[attr-defined]
        if status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
            return True
        if self.raw.get_autocommit():
            return False
        # The server itself would open one with the first statement that touches a table.
        self.execute("START TRANSACTION")
        return True

    def settings(self) -> tuple[Any, ...]:
        names = ", ".join(f"@@{name}" for name in (*_SETTINGS, *_CHARACTER_SETS))
        return (self.raw.encoding, *self.rows(f"SELECT {names}")[0])

    def restore(self, settings: tuple[Any, ...]) -> None:
        self.raw.encoding, *values = settings
        names = reversed([*_SETTINGS, *_CHARACTER_SETS])
        spelled = [
            self.dialect.text(value) if isinstance(value, str) else str(value) for value in values
        ]
        pairs = zip(names, reversed(spelled), strict=True)
        self.execute(f"SET {', '.join(f'{name} = {value}' for name, value in pairs)}")

    # --- Statements --------------------------------------------------------------------------

    def cursor(self) -> Any:
        return self.raw.cursor(Cursor)

    def stream(self, sql: str) -> Generator[list[bytes], None, None]:
        raw: Any = self.raw
        cursor = raw.cursor(SSCursor)
        try:
            cursor.execute(sql)
            with row_packets(cursor) as packets:
                while True:
                    rows, raw._next_seq_id = packets.rows(raw._next_seq_id)
                    if not rows:
                        row = cursor.fetchone()
                        if row is None:
                            return
                        rows = [self._whole(row[0])]
                    yield finished(rows)
        finally:
            cursor.close()

    def _whole(self, row: bytes | None) -> bytes:
        if row is None:
            raise DatabaseError(
                f"mariadb: a row of more than max_allowed_packet ({self._packet:,} bytes)",
                hint="Raise max_allowed_packet on the server.",
            )
        return row

    def load(self, target: str, columns: Sequence[Column], chunks: Iterable[bytes]) -> int:
        names = ", ".join(self.dialect.quote(column.name) for column in columns)
        head = f"INSERT INTO {target} ({names}) VALUES ".encode()
        room = self._packet - len(head) - _STATEMENT_MARGIN
        exact = exact_rows(tuple(columns))
        loaded = 0
        with self.cursor() as cursor:
            for chunk in chunks:
                exact.require(chunk)
                for rows in packets(chunk, room):
                    # Without arguments the driver leaves the text alone, per cents as well.
                    loaded += cursor.execute(head + rows)
                    if cursor.warning_count:
                        self._require_unchanged()
        return loaded

    def unfit(self, columns: Sequence[Column], rows: Sequence[bytes]) -> tuple[bytes, str] | None:
        exact = exact_rows(tuple(columns))
        if exact.takes_all or exact.takes(b",\n".join(rows)):
            return None
        row = next(row for row in rows if not exact.takes(row))
        return row, exact.culprit(row)

    def _require_unchanged(self) -> None:
        """Strict mode still rounds decimals and trims strings with no more than a note."""
        for _, code, text in self.rows("SHOW WARNINGS"):
            if code in _CHANGED:
                place = re.search(r"for column (.+) at row \d+\Z", text)
                where = f" of column {place[1]}" if place else ""
                raise UnfitValueError(f"a value{where} that the database would change")

    def advance_sequences(self, tables: Sequence[Table], known: object = None) -> object:
        if not self.dialect.is_mysql:
            for table in tables:
                advance(self, table, self._place(table))
        return None

    def postpone(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Foreign keys are off in our sessions."""

    def settle(self, postponed: Sequence[tuple[Table, ForeignKey]]) -> None:
        """Foreign keys are off in our sessions; they are verified by query."""

    # --- Errors ------------------------------------------------------------------------------

    def message(self, error: Exception) -> str:
        if not isinstance(error, pymysql.Error) or len(error.args) < 2:
            return str(error).strip().split("\n")[0]
        # (0, '') is what the driver says of a connection that was lost before.
        code, text = int(error.args[0]), str(error.args[1]) or "the connection is lost"
        if json := self._refused_json(error):
            return f"a value does not fit its column ({json})"
        place = re.search(r"' for (key|column) ('[^']*'|\S+)(?: at row \d+)?\Z", text)
        if code == _DUPLICATE_ENTRY:
            return f"a value is there already{f' (key {place[2]})' if place else ''}"
        if code in _WITHOUT_VALUES:
            return text
        if place:
            # `database`.`table`.`column`, and the table is often one of our own.
            column = place[2].rpartition(".")[2].strip("`'")
            return f"a value does not fit its column ({column})"
        # The server quotes values, and statements that hold them.
        return re.sub(r"'.*'", "'…'", text, flags=re.DOTALL)

    def _refused_json(self, error: Exception) -> str | None:
        """The column, if what failed is the check that makes one of MariaDB's text columns JSON:
        its name is the table's and the column's, as any other check of the column's is."""
        if error.args[:1] != (_CHECK_FAILED,):
            return None
        place = _OF_COLUMN.search(str(error.args[1]))
        if place is None or not place[1].startswith(f"{place[3]}."):
            return None
        column = place[1].removeprefix(f"{place[3]}.")
        schema, table, name = map(self.dialect.text, (place[2], place[3], column))
        with suppress(pymysql.Error):
            found = self.rows(
                "SELECT check_clause FROM information_schema.check_constraints WHERE"
                f" constraint_schema = {schema} AND table_name = {table}"
                f" AND constraint_name = {name}"
            )
            if found == [(f"json_valid({self.dialect.quote(column)})",)]:
                return column
        return None

    def fault(self, error: Exception) -> Fault:
        code = error.args[0] if isinstance(error, pymysql.Error) and error.args else None
        if code in _BUSY:
            return Fault.BUSY
        if code in _CHANGED or self._refused_json(error):
            return Fault.UNFIT
        return Fault.DUPLICATE if code == _DUPLICATE_ENTRY else Fault.OTHER
