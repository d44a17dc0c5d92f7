"""MariaDB 10.6 and later, MySQL 8: the server writes the literals, INSERTs bring the rows.

A transaction here reads what it has locked: nothing is read before the locks are held, so the
snapshot that plain reads see begins with them. DDL commits in silence, except on temporary
tables, and of those only CREATE and DROP (MariaDB manual, "SQL statements that cause an implicit
commit"), so a stage's key is part of its CREATE statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

from demo_snapshots.database.dialects.base import (
    LOCK_WAIT_SECONDS,
    Dialect,
    in_batches,
    json_path,
)
from demo_snapshots.database.dialects.mariadb_values import (
    LONG_MARK,
    LONG_TEXT,
    SINGLE_MARK,
    ExactRows,
    finished,
    packets,
)
from demo_snapshots.errors import DatabaseError, UnfitValueError
from demo_snapshots.model import Column, ForeignKey, Kind, Table

# Out of range, truncated, incorrect date or number, incorrect string, too long.
_UNFIT = (1264, 1265, 1292, 1366, 1406)

SQL_MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES"

_SESSION = (
    "SET NAMES utf8mb4",
    f"SET sql_mode = '{SQL_MODE}'",
    "SET time_zone = '+00:00'",
    # No cascades while an import works: it decides on every row itself and verifies after.
    "SET foreign_key_checks = 0",
    "SET unique_checks = 1",
    f"SET innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}",
    f"SET lock_wait_timeout = {LOCK_WAIT_SECONDS}",
    # A reader that is slow to take rows is no reason to hang up.
    "SET net_write_timeout = 3600, net_read_timeout = 3600",
    # What a server may be configured with, and what would drop or refuse rows.
    "SET sql_select_limit = DEFAULT, sql_safe_updates = 0, sql_big_selects = 1",
    "SET sql_auto_is_null = 0, completion_type = 0, sql_notes = 1",
    # Long text sorts by its first max_sort_length bytes; keys have at most 12,288 in UTF-8.
    # More than a fifteenth of the sort buffer is an error.
    "SET max_sort_length = 65536, sort_buffer_size = GREATEST(@@sort_buffer_size, 2097152)",
)

_STATEMENT_MARGIN = 1024
_DUPLICATE_ENTRY = 1062
_BUSY = {
    1020,  # ER_CHECKREAD: changed since the snapshot (innodb_snapshot_isolation)
    1205,  # ER_LOCK_WAIT_TIMEOUT
    1213,  # ER_LOCK_DEADLOCK, and a lost certification of a Galera cluster
}
_CHANGED = {1264, 1265, 1292, 1366, 1406}
"""Out of range, truncated, incorrect: a value that would be stored as another one."""
_WITHOUT_VALUES = {
    *(1044, 1045, 1049, 1054, 1142, 1143, 1146, 1227),  # access, names
    *(1048, 1264, 1265, 1364, 1406),  # columns
    *(1451, 1452, 3819, 4025),  # constraints
    *(1205, 1213, 1020, 1114, 1153, 1290, 1792, 1836, 2006, 2013),  # server and connection
}


class MariaDB(Dialect):
    name = "mariadb"
    error = pymysql.Error

    def __init__(self) -> None:
        self._temporary: list[str] = []
        self.is_mysql = False
        self._packet = 1 << 20
        self._collation = "utf8mb4_nopad_bin"

    # --- Sessions and transactions -----------------------------------------------------------

    def prepare(self, raw: pymysql.Connection[Any]) -> None:
        for statement in _SESSION:
            self.execute(raw, statement)
        version, packet = self.rows(raw, "SELECT version(), @@max_allowed_packet")[0]
        self.is_mysql = "mariadb" not in version.lower()
        self._packet = int(packet)
        if self.is_mysql:
            self._collation = "utf8mb4_0900_bin"

    def version(self, raw: pymysql.Connection[Any]) -> str:
        number = re.match(r"[0-9.]+", self.rows(raw, "SELECT version()")[0][0])
        return f"{'mysql' if self.is_mysql else 'mariadb'} {number[0] if number else '?'}"

    def begin_read(self, raw: pymysql.Connection[Any]) -> None:
        self.execute(raw, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute(raw, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def begin_write(self, raw: pymysql.Connection[Any], locked: Sequence[Table]) -> None:
        self._require_transactional(raw, locked)
        # Gaps are locked from REPEATABLE READ on; no lock starts the snapshot of plain reads.
        self.execute(raw, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute(raw, "START TRANSACTION")
        for name in sorted(self.table(table) for table in locked):
            # Without an index the scan locks every row and every gap of the table itself.
            self.rows(raw, f"SELECT count(*) FROM {name} USE INDEX () FOR UPDATE")

    def _require_transactional(self, raw: pymysql.Connection[Any], locked: Sequence[Table]) -> None:
        places = " OR ".join(f"({self._place(table)})" for table in locked) or "1 = 0"
        found = self.rows(
            raw,
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
        schema = self.text(table.schema) if table.schema else "DATABASE()"
        return f"table_schema = {schema} AND table_name = {self.text(table.name)}"

    def commit(self, raw: pymysql.Connection[Any]) -> None:
        self.execute(raw, "COMMIT")
        # They go with the connection as well; what was committed must not be told as a failure.
        with suppress(pymysql.Error):
            self._drop_temporary(raw)

    def rollback(self, raw: pymysql.Connection[Any]) -> None:
        self.execute(raw, "ROLLBACK")
        self._drop_temporary(raw)

    def _drop_temporary(self, raw: pymysql.Connection[Any]) -> None:
        while self._temporary:
            self.execute(raw, f"DROP TEMPORARY TABLE IF EXISTS {self._temporary.pop()}")

    def locking(self, select: str) -> str:
        return f"{select} LOCK IN SHARE MODE"

    # --- Statements --------------------------------------------------------------------------

    def stream(self, raw: pymysql.Connection[Any], sql: str) -> Iterator[list[bytes]]:
        cursor = raw.cursor(SSCursor)
        try:
            cursor.execute(sql)
            yield from in_batches(lambda count: self._finished(cursor.fetchmany(count)))
        finally:
            cursor.close()

    def _finished(self, fetched: Sequence[tuple[bytes | None]]) -> list[bytes]:
        rows = [row for (row,) in fetched if row is not None]
        if len(rows) < len(fetched):
            raise DatabaseError(
                f"mariadb: a row of more than max_allowed_packet ({self._packet:,} bytes)",
                hint="Raise max_allowed_packet on the server.",
            )
        return finished(rows)

    def message(self, error: Exception) -> str:
        if not isinstance(error, pymysql.Error) or len(error.args) < 2:
            return str(error).strip().split("\n")[0]
        # (0, '') is what the driver says of a connection that was lost before.
        code, text = int(error.args[0]), str(error.args[1]) or "the connection is lost"
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

    def is_busy(self, error: Exception) -> bool:
        return isinstance(error, pymysql.Error) and bool(error.args) and error.args[0] in _BUSY

    def is_unfit(self, error: BaseException | None) -> bool:
        return isinstance(error, pymysql.Error) and bool(error.args) and error.args[0] in _UNFIT

    def is_duplicate(self, error: BaseException | None) -> bool:
        while error is not None and not isinstance(error, pymysql.Error):
            error = error.__cause__
        return error is not None and error.args[:1] == (_DUPLICATE_ENTRY,)

    # --- Rows out ----------------------------------------------------------------------------

    def literal(self, column: Column) -> str:
        name = self.quote(column.name)
        match column.kind:
            case Kind.INTEGER:
                # The sum is a number where ZEROFILL, YEAR and BIT would be text or bytes.
                return f"COALESCE(CONCAT({name} + 0), 'NULL')"
            case Kind.BOOLEAN:
                other = f"COALESCE(CONCAT({name} + 0), 'NULL')"
                return f"CASE {name} + 0 WHEN 1 THEN 'TRUE' WHEN 0 THEN 'FALSE' ELSE {other} END"
            case Kind.DECIMAL:
                return f"COALESCE(CONCAT({name}), 'NULL')"
            case Kind.FLOAT:
                # A FLOAT itself shows six digits, as a double it shows all of the double's.
                mark = f", '{SINGLE_MARK}'" if column.bits == 32 else ""
                return f"COALESCE(CONCAT({name} + 0e0{mark}), 'NULL')"
            case Kind.BINARY:
                return f"COALESCE(CONCAT('X''', HEX({name}), ''''), 'NULL')"
            case Kind.TIMESTAMP | Kind.TIMESTAMPTZ | Kind.DATE | Kind.TIME | Kind.UUID:
                return f"COALESCE(CONCAT('''', CAST({name} AS CHAR), ''''), 'NULL')"
            case _:
                text = name if column.charset == "utf8mb4" else self._utf8(name)
                literal = f"CONCAT('''', REPLACE({text}, '''', ''''''), '''')"
                if column.length is None:
                    long = f"CONCAT('{LONG_MARK}', QUOTE({text}))"
                    literal = f"IF(LENGTH({name}) > {LONG_TEXT}, {long}, {literal})"
                return f"COALESCE({literal}, 'NULL')"

    def _utf8(self, expression: str) -> str:
        return f"CONVERT({expression} USING utf8mb4)"

    def concatenate(self, parts: Sequence[str]) -> str:
        # The driver hands on bytes as they are and decodes the rest.
        return f"CAST(CONCAT({', '.join(parts)}) AS BINARY)"

    def row(self, parts: Sequence[str]) -> str:
        # No part is ever NULL, which CONCAT_WS would skip.
        return self.concatenate(["'('", f"CONCAT_WS(',', {', '.join(parts)})", "')'"])

    def order(self, column: Column) -> str:
        name = self.quote(column.name)
        if column.kind in (Kind.INTEGER, Kind.BOOLEAN, Kind.BINARY):
            return name
        return f"CAST({self._utf8(name)} AS BINARY)"

    def text_of(self, column: Column, expression: str) -> str:
        if column.native.startswith("bit"):
            expression = f"{expression} + 0"
        elif column.kind is Kind.BINARY:
            expression = f"HEX({expression})"
        return self._exact(expression)

    def _exact(self, expression: str) -> str:
        """Text that compares by its characters, whatever the collation of its column."""
        return f"{self._utf8(expression)} COLLATE {self._collation}"

    # --- Selection ---------------------------------------------------------------------------

    def json_text(self, column: Column, path: Sequence[str]) -> str:
        name = self.quote(column.name)
        keys = self.text("$" + "".join(f'."{part}"' for part in path))
        # NULL for JSON's null; NULL as well for objects and arrays.
        value = f"JSON_VALUE({name}, {keys})"
        if column.kind is not Kind.JSON:
            # Of text that only begins as JSON it still finds the value. The check of a JSON
            # column keeps such text out, and would take as long again.
            value = f"CASE WHEN JSON_VALID({name}) THEN {value} END"
        return self._exact(value)

    def json_values(self, column: Column, path: str) -> tuple[str, str]:
        cell = f"t.{self.quote(column.name)}"
        steps = "".join(
            step if step == "[*]" else f'."{step}"'
            for step in re.findall(r"\[\*\]|[^.\[\]]+", path)
        )
        found = (
            f"JSON_TABLE(CASE WHEN JSON_VALID({cell}) THEN {cell} ELSE 'null' END,"
            f" {self.text('$' + steps)} COLUMNS (value LONGTEXT PATH '$')) AS item"
        )
        return f" JOIN {found}", self._exact("item.value")

    def json_set(self, column: Column, changes: Sequence[tuple[tuple[str | int, ...], str]]) -> str:
        pairs = [
            f"{self.text(json_path(steps))}, JSON_EXTRACT({self.text(value)}, '$')"
            for steps, value in changes
        ]
        return f"JSON_SET({self.quote(column.name)}, {', '.join(pairs)})"

    def new_uuid(self) -> str:
        return "UUID()"

    # --- Rows in -----------------------------------------------------------------------------

    def load(
        self,
        raw: pymysql.Connection[Any],
        target: str,
        columns: Sequence[Column],
        chunks: Iterable[bytes],
    ) -> int:
        names = ", ".join(self.quote(column.name) for column in columns)
        head = f"INSERT INTO {target} ({names}) VALUES ".encode()
        room = self._packet - len(head) - _STATEMENT_MARGIN
        exact = ExactRows(columns)
        loaded = 0
        with raw.cursor() as cursor:
            for chunk in chunks:
                exact.require(chunk)
                for rows in packets(chunk, room):
                    # Without arguments the driver leaves the text alone, per cents as well.
                    loaded += cursor.execute(head + rows)
                    if cursor.warning_count:
                        self._require_unchanged(raw)
        return loaded

    def _require_unchanged(self, raw: pymysql.Connection[Any]) -> None:
        """Strict mode still rounds decimals and trims strings with no more than a note."""
        for _, code, text in self.rows(raw, "SHOW WARNINGS"):
            if code in _CHANGED:
                place = re.search(r"for column (.+) at row \d+\Z", text)
                where = f" of column {place[1]}" if place else ""
                raise UnfitValueError(f"a value{where} that the database would change")

    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> str:
        table = self.quote(name)
        self._temporary.append(table)
        unique = f" (UNIQUE KEY ({self.columns(key)}))" if key else ""
        return f"CREATE TEMPORARY TABLE {table}{unique} ENGINE=InnoDB AS {select}"

    def same(self, a: str, b: str, columns: Sequence[Column]) -> str:
        terms = []
        for column in columns:
            x, y = (f"{alias}.{self.quote(column.name)}" for alias in (a, b))
            terms.append(f"{_image(column, x)} <=> {_image(column, y)}")
        return " AND ".join(terms) or "1 = 1"

    def update_from(
        self, table: str, assignments: Sequence[tuple[str, str]], source: str, condition: str
    ) -> str:
        setting = ", ".join(
            f"t.{self.quote(name)} = s.{self.quote(other)}" for name, other in assignments
        )
        return f"UPDATE {table} AS t JOIN {source} AS s ON {condition} SET {setting}"

    def delete_matching(self, table: str, source: str, condition: str) -> str:
        return f"DELETE t FROM {table} AS t JOIN {source} AS s ON {condition}"

    def advance_sequences(self, raw: pymysql.Connection[Any], table: Table) -> None:
        """AUTO_INCREMENT follows explicit values by itself (manual, "AUTO_INCREMENT")."""

    def postpone(
        self, raw: pymysql.Connection[Any], postponed: Sequence[tuple[Table, ForeignKey]]
    ) -> None:
        """Foreign keys are off in our sessions."""

    def settle(
        self, raw: pymysql.Connection[Any], postponed: Sequence[tuple[Table, ForeignKey]]
    ) -> None:
        """Foreign keys are off in our sessions; they are verified by query."""


def _image(column: Column, expression: str) -> str:
    """What differs whenever two values of the same column type differ."""
    if column.native in SPATIAL:
        return f"HEX({expression})"
    if column.native == "json":
        return f"CAST(CAST({expression} AS CHAR) AS BINARY)"
    if column.kind in (Kind.TEXT, Kind.JSON):
        return f"CAST({expression} AS BINARY)"
    return expression


SPATIAL = {
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
    *("multipolygon", "geometrycollection", "geomcollection"),
}
