"""PostgreSQL 15 and later: the server writes the literals, COPY reads the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import psycopg

from demo_snapshots.database.dialects.base import (
    FETCH_ROWS,
    LOCK_WAIT_SECONDS,
    Dialect,
    in_batches,
    quoted,
)
from demo_snapshots.database.dialects.postgresql_values import (
    fields,
    parenthesized,
    records,
    unwrapped,
    with_bytea,
)
from demo_snapshots.model import Column, ForeignKey, Kind, Table

_SESSION = (
    "SET client_encoding = 'UTF8'",
    "SET standard_conforming_strings = on",
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET extra_float_digits = 1",
    "SET bytea_output = 'hex'",
    # Row security filters rows in silence; off makes the server refuse instead.
    "SET row_security = off",
    # Compiling one long expression costs more than it saves on a few thousand rows.
    "SET jit = off",
    # The planner knows nothing of values inside JSON, takes the demo rows for a handful, and
    # goes through half a million of them in nested loops: quadratic. Hash joins stay linear.
    "SET enable_nestloop = off",
    f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'",
)

_UNQUOTED = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.BOOLEAN)


class PostgreSQL(Dialect):
    name = "postgresql"
    error = psycopg.Error
    enforces_foreign_keys = True

    def rows_of(self, table: Table) -> str:
        return f"ONLY {self.table(table)}" if table.has_heirs else self.table(table)

    def temporary(self, name: str) -> str:
        return f"pg_temp.{self.quote(name)}"

    def prepare(self, raw: psycopg.Connection[Any]) -> None:
        raw.execute("; ".join(_SESSION))
        self._is_json = "IS JSON" if raw.info.server_version >= 160000 else ""

    def version(self, raw: psycopg.Connection[Any]) -> str:
        number = raw.info.server_version
        return f"postgresql {number // 10000}.{number % 10000}"

    def begin_read(self, raw: psycopg.Connection[Any]) -> None:
        self._define_json(raw)
        raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    can_share = True

    def share(self, raw: psycopg.Connection[Any]) -> str:
        return str(raw.execute("SELECT pg_export_snapshot()").fetchone()[0])  # type: ignore[index]

    def begin_shared(self, raw: psycopg.Connection[Any], name: str) -> None:
        self.begin_read(raw)
        raw.execute(f"SET TRANSACTION SNAPSHOT {self.text(name)}")
        # There are as many of us as cores; helpers would only be in each other's way.
        raw.execute("SET LOCAL max_parallel_workers_per_gather = 0")

    def begin_write(self, raw: psycopg.Connection[Any], locked: Sequence[Table]) -> None:
        self._define_json(raw)
        raw.execute("BEGIN")
        if locked:
            names = ", ".join(self.table(table) for table in locked)
            raw.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    def _define_json(self, raw: psycopg.Connection[Any]) -> None:
        # IS JSON arrived in 16. Before, only catching the error tells text that is not JSON.
        if self._is_json:
            return
        raw.execute(
            "CREATE OR REPLACE FUNCTION pg_temp.demo_json(value text) RETURNS jsonb"
            " LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN value::jsonb;"
            " EXCEPTION WHEN data_exception THEN RETURN NULL; END $$"
        )

    def run(self, raw: psycopg.Connection[Any], statements: Sequence[str]) -> None:
        for start in range(0, len(statements), FETCH_ROWS):
            raw.execute("; ".join(statements[start : start + FETCH_ROWS]))

    def stream(self, raw: psycopg.Connection[Any], sql: str) -> Iterator[list[bytes]]:
        quick = sql.startswith("COPY ")
        copying = sql if quick else f"COPY ({sql}) TO STDOUT (FORMAT binary)"
        with raw.cursor() as cursor, cursor.copy(copying) as copy:
            found = records(raw.pgconn, copy)
            rows = map(parenthesized, found) if quick else fields(found)
            yield from in_batches(lambda count: list(islice(rows, count)))

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

    def is_busy(self, error: Exception) -> bool:
        return isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected))

    def is_unfit(self, error: BaseException | None) -> bool:
        # Class 22, data exception (manual, appendix A).
        return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("22")

    def is_duplicate(self, error: BaseException | None) -> bool:
        return isinstance(error, psycopg.errors.UniqueViolation)

    # --- Rows out ----------------------------------------------------------------------------

    def literal(self, column: Column) -> str:
        name = self.quote(column.name)
        match column.kind:
            case Kind.INTEGER:
                return f"coalesce({name}::text,'NULL')"
            case Kind.BOOLEAN:
                return f"CASE {name} WHEN TRUE THEN 'TRUE' WHEN FALSE THEN 'FALSE' ELSE 'NULL' END"
            case Kind.DECIMAL | Kind.FLOAT:
                special = quoted(f"{name}::text")
                return (
                    f"CASE WHEN {self._is_special(column)} THEN {special}"
                    f" ELSE coalesce({name}::text,'NULL') END"
                )
            case Kind.BINARY:
                return f"coalesce('X''' || upper(encode({name},'hex')) || '''','NULL')"
            case Kind.TIMESTAMPTZ:
                moment = quoted(f"({name} AT TIME ZONE 'UTC')::text")
                return f"coalesce({moment},'NULL')"
            case Kind.TIMESTAMP | Kind.DATE | Kind.TIME | Kind.UUID:
                return f"coalesce({quoted(f'{name}::text')},'NULL')"
            case _:
                text = quoted(f"replace({name}::text,'''','''''')")
                return f"coalesce({text},'NULL')"

    def concatenate(self, parts: Sequence[str]) -> str:
        # No part is ever NULL, so || will do, and takes two thirds of concat()'s time.
        return f"({' || '.join(parts)})"

    def odd_values(self, columns: Sequence[Column]) -> str | None:
        numbers = [column for column in columns if column.kind in (Kind.DECIMAL, Kind.FLOAT)]
        return " OR ".join(self._is_special(column) for column in numbers) or None

    def _is_special(self, column: Column) -> str:
        name = self.quote(column.name)
        if column.kind is Kind.DECIMAL and column.precision is not None:
            return f"{name} = 'NaN'"  # no infinity has so many digits
        return f"{name} IN ('NaN','Infinity','-Infinity')"

    def quick_rows(
        self, columns: Sequence[Column], empty: Mapping[str, str], source: str, *, odd: bool
    ) -> str | None:
        # What COPY reads it also writes: a CSV record that quotes the right columns is a raw
        # row without its parentheses, made in half the time. It cannot quote NaN and not the
        # numbers beside it, or write binary values as the format wants them.
        kinds = {column.kind for column in columns}
        if Kind.BINARY in kinds or (odd and kinds & {Kind.DECIMAL, Kind.FLOAT}):
            return None
        values = []
        for column in columns:
            value = self._value(column)
            if empty[column.name]:
                value = f"CASE WHEN {empty[column.name]} THEN NULL ELSE {value} END"
            values.append(f"{value} AS {self.quote(column.name)}")
        texts = [column.name for column in columns if column.kind not in _UNQUOTED]
        force = f", FORCE_QUOTE ({self.columns(texts)})" if texts else ""
        return (
            f"COPY (SELECT {', '.join(values)} {source}) TO STDOUT"
            f" (FORMAT csv, QUOTE '''', NULL 'NULL'{force})"
        )

    def _value(self, column: Column) -> str:
        name = self.quote(column.name)
        match column.kind:
            case Kind.INTEGER | Kind.DECIMAL | Kind.FLOAT:
                return name
            case Kind.TIMESTAMP | Kind.DATE | Kind.TIME | Kind.UUID:
                return name
            case Kind.BOOLEAN:
                return f"CASE {name} WHEN TRUE THEN 'TRUE' WHEN FALSE THEN 'FALSE' END"
            case Kind.TIMESTAMPTZ:
                return f"({name} AT TIME ZONE 'UTC')"
            case _:
                return f"{name}::text"

    def order(self, column: Column) -> str:
        name = self.quote(column.name)
        if column.kind is Kind.INTEGER:
            return name
        return f'{name}::text COLLATE "C"'

    def text_of(self, column: Column, expression: str) -> str:
        return f"({expression})::text"

    # --- Selection ---------------------------------------------------------------------------

    def json_text(self, column: Column, path: Sequence[str]) -> str:
        keys = self.text("{" + ",".join(f'"{part}"' for part in path) + "}")
        return f"({self._json(column)} #>> {keys})"

    def _json(self, column: Column, alias: str = "") -> str:
        name = alias + self.quote(column.name)
        if column.kind is Kind.JSON:
            return name if column.native == "jsonb" else f"{name}::jsonb"
        if self._is_json:
            return f"CASE WHEN {name}::text IS JSON THEN {name}::text::jsonb END"
        return f"pg_temp.demo_json({name}::text)"

    def json_values(self, column: Column, path: str) -> tuple[str, str]:
        # strict: lax paths, the default, also unwrap what is no array.
        steps = "".join(
            step if step == "[*]" else f'."{step}"'
            for step in re.findall(r"\[\*\]|[^.\[\]]+", path)
        )
        where = self.text(f"strict ${steps}")
        found = f"jsonb_path_query({self._json(column, 't.')}, {where}, silent => true)"
        return f" CROSS JOIN LATERAL {found} AS item(value)", "item.value #>> '{}'"

    def json_set(self, column: Column, changes: Sequence[tuple[tuple[str | int, ...], str]]) -> str:
        name = self.quote(column.name)
        value = f"{name}::text::jsonb"
        for steps, new in changes:
            path = "{" + ",".join(_in_array(step) for step in steps) + "}"
            # jsonb_set has no path to a whole value.
            whole = f"{self.text(new)}::jsonb"
            value = f"jsonb_set({value}, {self.text(path)}, {whole})" if steps else whole
        native = column.native if column.kind is Kind.JSON else "text"
        return f"({value})::{native}"

    def new_uuid(self) -> str:
        return "gen_random_uuid()"

    def plain_text(self, name: str) -> str:
        return f"{self.quote(name)}::text"

    # --- Rows in -----------------------------------------------------------------------------

    def load(
        self,
        raw: psycopg.Connection[Any],
        target: str,
        columns: Sequence[Column],
        chunks: Iterable[bytes],
    ) -> int:
        # A raw row without its parentheses is a CSV record: a quoted 'NULL' stays text.
        # COPY takes explicit values for an identity column, ALWAYS or not (manual, COPY).
        names = ", ".join(self.quote(column.name) for column in columns)
        binary = any(column.kind is Kind.BINARY for column in columns)
        copying = f"COPY {target} ({names}) FROM STDIN (FORMAT csv, QUOTE '''', NULL 'NULL')"
        with raw.cursor() as cursor:
            with cursor.copy(copying) as copy:
                for chunk in chunks:
                    text = b"\n".join(unwrapped(chunk))
                    copy.write(with_bytea(text) if binary else text)
                    copy.write(b"\n")
            return int(cursor.rowcount)

    def sql_literal(self, raw_literal: bytes) -> str:
        return with_bytea(raw_literal).decode()

    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> str:
        return f"CREATE TEMP TABLE {self.quote(name)} ON COMMIT DROP AS {select}"

    def index_temporary(self, name: str, key: Sequence[str]) -> list[str]:
        table = self.temporary(name)
        # Statistics on the key are all the joins need; those on JSON and long text cost seconds.
        columns = self.columns(key)
        return [f"CREATE UNIQUE INDEX ON {table} ({columns})", f"ANALYZE {table} ({columns})"]

    def same(self, a: str, b: str, columns: Sequence[Column]) -> str:
        # json, point and xml have no equality, and 1.0 = 1.00 hides a change: whole rows
        # compare by image (manual, 9.25.6).
        names = [column.name for column in columns]
        if not names:
            return "TRUE"
        return f"record_image_eq(ROW({self.columns(names, a)}), ROW({self.columns(names, b)}))"

    def advance_sequences(self, raw: psycopg.Connection[Any], table: Table) -> None:
        # pg_get_serial_sequence knows only sequences the column owns; a default of nextval()
        # may name any.
        name = self.table(table)
        for column, sequence in raw.execute(_SEQUENCES, {"table": name}).fetchall():
            top = f"(SELECT max({self.quote(column)})::bigint AS top FROM {name}) AS rows"
            raw.execute(
                f"SELECT setval({self.text(sequence)}::regclass, top) FROM {top},"
                f" (SELECT last_value, is_called FROM {sequence}) AS counter"
                " WHERE top > last_value OR (top = last_value AND NOT is_called)"
            )

    def postpone(
        self, raw: psycopg.Connection[Any], postponed: Sequence[tuple[Table, ForeignKey]]
    ) -> None:
        for table, key in postponed:
            if not key.deferrable:
                raw.execute(f"{self._constraint(table, key)} DEFERRABLE")
        raw.execute("SET CONSTRAINTS ALL DEFERRED")

    def settle(
        self, raw: psycopg.Connection[Any], postponed: Sequence[tuple[Table, ForeignKey]]
    ) -> None:
        # A table with checks still pending cannot be altered.
        raw.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, key in postponed:
            if not key.deferrable:
                raw.execute(f"{self._constraint(table, key)} NOT DEFERRABLE")

    def _constraint(self, table: Table, key: ForeignKey) -> str:
        return f"ALTER TABLE {self.table(table)} ALTER CONSTRAINT {self.quote(key.name)}"


def _in_array(step: str | int) -> str:
    """An item of a text array."""
    return '"' + str(step).replace("\\", "\\\\").replace('"', '\\"') + '"'


_SEQUENCES = """
SELECT a.attname, d.refobjid::regclass::text
FROM pg_attribute a
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
JOIN pg_attrdef f ON f.oid = d.objid AND f.adrelid = a.attrelid AND f.adnum = a.attnum
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
WHERE a.attrelid = %s::regclass AND NOT a.attisdropped
UNION
SELECT a.attname, d.objid::regclass::text
FROM pg_attribute a
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
 AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
WHERE a.attrelid = %s::regclass AND NOT a.attisdropped
ORDER BY 1, 2
""".replace("a.attrelid = %s::regclass", "a.attrelid = %(table)s::regclass")
