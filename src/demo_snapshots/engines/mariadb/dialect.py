"""MariaDB 10.6 and later, MySQL 8: the server writes the literals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from demo_snapshots.engines.base.dialect import Dialect, json_path
from demo_snapshots.engines.mariadb.values import LONG_MARK, LONG_TEXT, SINGLE_MARK
from demo_snapshots.model.tables import Column, Kind


class MariaDB(Dialect):
    name = "mariadb"

    def __init__(self, *, is_mysql: bool = False) -> None:
        self.is_mysql = is_mysql
        self._collation = "utf8mb4_0900_bin" if is_mysql else "utf8mb4_nopad_bin"

    def locking(self, select: str) -> str:
        return f"{select} LOCK IN SHARE MODE"

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

    # --- Texts made of texts -----------------------------------------------------------------

    def joined(self, parts: Sequence[str]) -> str:
        return f"CONCAT({', '.join(parts)})"

    def before_at(self, text: str) -> str:
        return f"SUBSTRING_INDEX({text}, '@', 1)"

    def after_at(self, text: str) -> str:
        return f"SUBSTRING_INDEX({text}, '@', -1)"

    # --- Rows in -----------------------------------------------------------------------------

    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> str:
        table = self.quote(name)
        unique = f" (UNIQUE KEY ({self.columns(key)}))" if key else ""
        return f"CREATE TEMPORARY TABLE {table}{unique} ENGINE=InnoDB AS {select}"

    def same(self, a: str, b: str, columns: Sequence[Column]) -> str:
        terms = []
        for column in columns:
            x, y = (f"{alias}.{self.quote(column.name)}" for alias in (a, b))
            terms.append(f"{_image(column, x)} <=> {_image(column, y)}")
        return " AND ".join(terms) or "1 = 1"

    def update_from(
        self,
        table: str,
        assignments: Sequence[tuple[str, str]],
        source: str,
        condition: str,
        untouched: Sequence[str] = (),
    ) -> str:
        sides = [(f"t.{self.quote(name)}", f"s.{self.quote(other)}") for name, other in assignments]
        sides += [(f"t.{self.quote(name)}", f"t.{self.quote(name)}") for name in untouched]
        setting = ", ".join(f"{column} = {value}" for column, value in sides)
        return f"UPDATE {table} AS t JOIN {source} AS s ON {condition} SET {setting}"

    def delete_matching(self, table: str, source: str, condition: str) -> str:
        return f"DELETE t FROM {table} AS t JOIN {source} AS s ON {condition}"


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
