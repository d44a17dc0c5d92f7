"""SQLite: cells have types, columns only affinities; the engine formats all but REAL itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from demo_snapshots.engines.base.dialect import Dialect, json_path
from demo_snapshots.model.tables import Affinity, Column, Kind

_MOST_ARGUMENTS = 100
_MOST_TERMS = 200


class SQLite(Dialect):
    name = "sqlite"
    # Without ANALYZE it knows no table's size (sqlite.org/optoverview.html, "CROSS JOIN").
    join_in_order = "CROSS JOIN"

    def __init__(self, *, enforces_foreign_keys: bool = False) -> None:
        self.enforces_foreign_keys = enforces_foreign_keys

    def temporary(self, name: str) -> str:
        return f"temp.{self.quote(name)}"

    # --- Rows out ----------------------------------------------------------------------------

    def literal(self, column: Column) -> str:
        name = self.quote(column.name)
        # quote() stops at a NUL in silence.
        text = (
            f"CASE WHEN instr({name}, char(0)) THEN 'CAST(X''' || hex({name}) || ''' AS CHAR)'"
            f" ELSE quote({name}) END"
        )
        if column.affinity is Affinity.TEXT:
            return f"CASE typeof({name}) WHEN 'text' THEN {text} ELSE quote({name}) END"
        integer = f"quote({name})"
        if column.kind is Kind.BOOLEAN:
            integer = f"CASE {name} WHEN 1 THEN 'TRUE' WHEN 0 THEN 'FALSE' ELSE quote({name}) END"
        real = "demo_decimal" if column.kind is Kind.DECIMAL else "demo_float"
        return (
            f"CASE typeof({name}) WHEN 'integer' THEN {integer}"
            f" WHEN 'real' THEN {real}({name}) WHEN 'text' THEN {text}"
            f" ELSE quote({name}) END"
        )

    def quick_rows(
        self, columns: Sequence[Column], empty: Mapping[str, str], source: str, *, special: bool
    ) -> str | None:
        # One printf does what a chain of quote() and || does, in a third of the time, for rows
        # whose cells are what their columns say; %Q writes NULL and doubles quotes itself.
        if any(empty.values()) or len(columns) > _MOST_ARGUMENTS:
            return None
        cells = [self._quick_cell(column) for column in columns]
        unlike = " OR ".join(test for _, _, test in cells if test) or "0"
        marks = ",".join(mark for mark, _, _ in cells)
        quick = f"CAST(printf('({marks})', {', '.join(value for _, value, _ in cells)}) AS BLOB)"
        slow = self.row([self.literal(column) for column in columns])
        return f"SELECT CASE WHEN ({unlike}) IS NOT 1 THEN {quick} ELSE {slow} END {source}"

    def _quick_cell(self, column: Column) -> tuple[str, str, str]:
        """A column's mark in printf, its value, and a test that is true where it is not what
        it should be; NULL is as good as false."""
        name = self.quote(column.name)
        if column.kind in (Kind.INTEGER, Kind.BOOLEAN) and column.affinity is not Affinity.TEXT:
            if column.kind is Kind.INTEGER:
                return "%s", f"ifnull({name},'NULL')", f"typeof({name}) NOT IN ('integer','null')"
            value = f"CASE {name} WHEN 1 THEN 'TRUE' WHEN 0 THEN 'FALSE' ELSE 'NULL' END"
            test = f"{name} NOT IN (0, 1) OR typeof({name}) NOT IN ('integer','null')"
            return "%s", value, test
        if column.kind in (Kind.FLOAT, Kind.DECIMAL, Kind.BINARY):
            return "%s", self.literal(column), ""
        if "(" in column.native:
            # x'' comes after the last of texts, '' is the first (sqlite.org/datatype3.html, 4.1).
            test = f"{name} >= x''"
            if column.affinity is not Affinity.TEXT:
                test += f" OR {name} < ''"
        else:
            # Slower, but it does not load what may be a long text once more.
            test = f"typeof({name}) NOT IN ('text','null')"
        return "%Q", name, f"{test} OR instr({name}, char(0))"

    def concatenate(self, parts: Sequence[str]) -> str:
        return f"CAST({_joined('||', parts)} AS BLOB)"

    def order(self, column: Column) -> str:
        return f"{self.quote(column.name)} COLLATE BINARY"

    def text_of(self, column: Column, expression: str) -> str:
        return f"CAST({expression} AS TEXT)"

    def ending(self, expression: str, count: int) -> str:
        return f"substr({expression}, -{count})"

    # --- Selection ---------------------------------------------------------------------------

    def json_text(self, column: Column, path: Sequence[str]) -> str:
        name = self.quote(column.name)
        keys = self.text("$" + "".join(f'."{part}"' for part in path))
        return f"CASE WHEN json_valid({name}) THEN CAST(json_extract({name}, {keys}) AS TEXT) END"

    def json_values(self, column: Column, path: str) -> tuple[str, str]:
        cell = f"t.{self.quote(column.name)}"
        source = f"CASE WHEN json_valid({cell}) THEN {cell} END"
        joins, keys = "", "$"
        for step in re.findall(r"\[\*\]|[^.\[\]]+", path):
            if step == "[*]":
                alias = f"j{joins.count(' JOIN ')}"
                # json_each also walks an object's members; [*] means an array's items.
                joins += (
                    f" JOIN json_each({source}, {self.text(keys)}) AS {alias}"
                    f" ON typeof({alias}.key) = 'integer'"
                )
                source, keys = f"CASE WHEN json_valid({alias}.value) THEN {alias}.value END", "$"
            else:
                keys += f'."{step}"'
        if keys == "$" and joins:
            return joins, f"CAST(j{joins.count(' JOIN ') - 1}.value AS TEXT)"
        return joins, f"CAST(json_extract({source}, {self.text(keys)}) AS TEXT)"

    def json_set(self, column: Column, changes: Sequence[tuple[tuple[str | int, ...], str]]) -> str:
        pairs = [
            f"{self.text(json_path(steps))}, json({self.text(value)})" for steps, value in changes
        ]
        return f"json_set({self.quote(column.name)}, {', '.join(pairs)})"

    def new_uuid(self) -> str:
        return "demo_uuid()"

    # --- Texts made of texts -----------------------------------------------------------------

    def before_at(self, text: str) -> str:
        at = f"instr({text}, '@')"
        return f"CASE WHEN {at} THEN substr({text}, 1, {at} - 1) ELSE {text} END"

    def after_at(self, text: str) -> str:
        return f"substr({text}, instr({text}, '@') + 1)"

    def hash_of(self, text: str) -> str:
        return f"demo_hash({text})"

    # --- Rows in -----------------------------------------------------------------------------

    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> str:
        # CREATE TABLE AS keeps each column's affinity (sqlite.org/lang_createtable.html).
        return f"CREATE TEMP TABLE {self.quote(name)} AS {select}"

    def index_temporary(self, name: str, key: Sequence[str]) -> list[str]:
        index = self.quote(f"{name}_key")
        return [f"CREATE UNIQUE INDEX temp.{index} ON {self.quote(name)} ({self.columns(key)})"]

    def same(self, a: str, b: str, columns: Sequence[Column]) -> str:
        terms = []
        for column in columns:
            x, y = (f"{alias}.{self.quote(column.name)}" for alias in (a, b))
            term = f"{x} COLLATE BINARY IS {y}"
            if column.affinity is Affinity.BLOB or column.native.upper() == "ANY":
                # Elsewhere 1.0 becomes 1, or 1 becomes 1.0 (sqlite.org/datatype3.html, 3).
                term = f"({term} AND typeof({x}) = typeof({y}))"
            terms.append(term)
        return _joined("AND", terms) or "1"


def _joined(operator: str, terms: Sequence[str]) -> str:
    """The terms with the operator between them, in brackets where they are many: each operator
    of a chain is a level of its own, and SQLite takes 1,000 (sqlite.org/limits.html, 5)."""
    while len(terms) > _MOST_TERMS:
        groups = (terms[n : n + _MOST_TERMS] for n in range(0, len(terms), _MOST_TERMS))
        terms = [f"({f' {operator} '.join(group)})" for group in groups]
    return f" {operator} ".join(terms)
