"""PostgreSQL 15 and later: the server writes the literals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from demo_snapshots.engines.base.dialect import Dialect, quoted
from demo_snapshots.engines.postgresql.values import with_bytea
from demo_snapshots.model.tables import Column, Kind, Table

_UNQUOTED = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.BOOLEAN)


class PostgreSQL(Dialect):
    name = "postgresql"
    enforces_foreign_keys = True

    def __init__(self, *, has_is_json: bool = True) -> None:
        self._is_json = "IS JSON" if has_is_json else ""

    def rows_of(self, table: Table) -> str:
        return f"ONLY {self.table(table)}" if table.has_heirs else self.table(table)

    def found_by_key(self, table: Table, condition: str) -> str:
        rows = super().found_by_key(table, condition)
        if not table.key:
            return rows
        # Without an order of its rows no index would be of use to a condition on other columns.
        return f"(SELECT FROM {rows} ORDER BY {self.columns(table.key)}) AS found"

    def temporary(self, name: str) -> str:
        return f"pg_temp.{self.quote(name)}"

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

    def special_values(self, columns: Sequence[Column]) -> str | None:
        numbers = [column for column in columns if column.kind in (Kind.DECIMAL, Kind.FLOAT)]
        return " OR ".join(self._is_special(column) for column in numbers) or None

    def _is_special(self, column: Column) -> str:
        """A condition: the number is written as text."""
        name = self.quote(column.name)
        if column.kind is Kind.DECIMAL and column.precision is not None:
            return f"{name} = 'NaN'"  # no infinity has so many digits
        special = f"{name} IN ('NaN','Infinity','-Infinity')"
        if column.kind is Kind.FLOAT:
            # A literal -0 is an integer's, -0.0 a numeric's: both are 0.
            special = f"({special} OR ({name} = 0 AND {name}::text = '-0'))"
        return special

    def quick_rows(
        self, columns: Sequence[Column], empty: Mapping[str, str], source: str, *, special: bool
    ) -> str | None:
        # What COPY reads it also writes: a CSV record that quotes the right columns is a raw
        # row without its parentheses, made in half the time. It cannot quote NaN and not the
        # numbers beside it, or write binary values as the format wants them.
        kinds = {column.kind for column in columns}
        if Kind.BINARY in kinds or (special and kinds & {Kind.DECIMAL, Kind.FLOAT}):
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
        if column.is_array:
            cell = f"t.{self.quote(column.name)}"
            return f" CROSS JOIN LATERAL unnest({cell}) AS item(value)", "item.value::text"
        where = self.text(strict_path(re.findall(r"\[\*\]|[^.\[\]]+", path)))
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

    def lead_array(self, rows: str, column: Column, mapping: str) -> str:
        name = self.quote(column.name)
        return (
            f"UPDATE {rows} AS t SET {name} = ARRAY("
            f"SELECT COALESCE(m.new::text, i.value::text)"
            f" FROM unnest(t.{name}) WITH ORDINALITY AS i(value, n)"
            f" LEFT JOIN {mapping} AS m ON m.old::text = i.value::text ORDER BY i.n"
            f")::{column.native} WHERE array_ndims(t.{name}) = 1"
        )

    def new_uuid(self) -> str:
        return "gen_random_uuid()"

    def plain_text(self, name: str) -> str:
        return f"{self.quote(name)}::text"

    # --- Texts made of texts -----------------------------------------------------------------

    def before_at(self, text: str) -> str:
        return f"split_part({text}, '@', 1)"

    def after_at(self, text: str) -> str:
        return f"split_part({text}, '@', -1)"

    def from_text(self, column: Column, text: str) -> str:
        # A cast to varchar(n) would cut what is too long; putting it into the column refuses it.
        return text if column.kind is Kind.TEXT else f"({text})::{column.native}"

    # --- Rows in -----------------------------------------------------------------------------

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


def _in_array(step: str | int) -> str:
    """An item of a text array."""
    return '"' + str(step).replace("\\", "\\\\").replace('"', '\\"') + '"'


def strict_path(steps: Iterable[str]) -> str:
    """A jsonpath to the values at ``steps``, of which ``[*]`` is each item of an array. Lax paths,
    the default, also unwrap what is no array; strict ones end at the first item that lacks what
    comes next, so that is asked for before."""
    asked = (
        ' ? (@.type() == "array")[*]' if step == "[*]" else f' ? (exists (@."{step}"))."{step}"'
        for step in steps
    )
    return "strict $" + "".join(asked)
