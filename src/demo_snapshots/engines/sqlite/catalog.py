"""SQLite's catalog: its PRAGMAs, and the text of CREATE TABLE for what those do not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.engines.base.catalog import Catalog, Check, Keys, Names, Place, by_place
from demo_snapshots.model.tables import Affinity, Column, ForeignKey, Kind, Table, Trigger


class SQLiteCatalog(Catalog):
    """All tables of the file; what is attached or temporary is not looked at."""

    def tables(self) -> Names:
        return {None: [row[0] for row in self._rows(_TABLES)]}

    def foreign_keys(self, names: Names) -> dict[Place, tuple[ForeignKey, ...]]:
        tables = _Tables(self, names[None])
        return {
            (None, name): tuple(_foreign_keys(sql, list(rows), tables))
            for (name, sql), rows in groupby(self._rows(_FOREIGN_KEYS), key=lambda row: row[:2])
        }

    def keys(self, places: Iterable[Place]) -> dict[Place, Keys]:
        return {
            (None, name): Keys(self.primary_key(name), tuple(self._uniques(name)))
            for _, name in places
        }

    def primary_key(self, table: str) -> tuple[str, ...]:
        found = sorted((row[5], row[1]) for row in self.columns_of(table) if row[5])
        return tuple(name for _, name in found)

    def _uniques(self, table: str) -> Iterator[tuple[str, ...]]:
        for _, index, unique, _, partial in self._pragma("index_list", table):
            columns = [row[2] for row in self._pragma("index_info", index)]
            # The name of an expression, or of the rowid, is NULL.
            if unique and not partial and None not in columns:
                yield tuple(columns)

    def columns(self, places: Iterable[Place]) -> dict[Place, tuple[Column, ...]]:
        return {(None, name): tuple(self._columns(name)) for _, name in places}

    def _columns(self, table: str) -> Iterator[Column]:
        rows = self.columns_of(table)
        columns = _columns(rows, self._rowid(table, rows))
        if any(row[2].upper() == "ANY" for row in rows) and self._is_strict(table):
            # There ANY keeps what it is given; elsewhere its affinity is NUMERIC
            # (sqlite.org/stricttables.html, 3).
            return map(_keeping, columns)
        return columns

    def _rowid(self, table: str, rows: Sequence[tuple[Any, ...]]) -> str | None:
        """The column that is the number by which SQLite itself knows the table's rows, and never
        NULL: the only one of the key, an INTEGER, and without an index for it, as one that is
        declared INTEGER PRIMARY KEY DESC or WITHOUT ROWID has (lang_createtable.html#rowid)."""
        keys = [row for row in rows if row[5]]
        if len(keys) != 1 or keys[0][2].upper() != "INTEGER":
            return None
        indexes = self._pragma("index_list", table)
        return None if any(row[3] == "pk" for row in indexes) else keys[0][1]

    def _is_strict(self, table: str) -> bool:
        return any(row[5] for row in self._pragma("table_list", table))

    def columns_of(self, table: str) -> list[tuple[Any, ...]]:
        return self._pragma("table_xinfo", table)

    def _pragma(self, name: str, subject: str) -> list[tuple[Any, ...]]:
        return self._rows(f"PRAGMA main.{name}({self.dialect.quote(subject)})")

    def stamp(self, tables: Sequence[Table]) -> object:
        # Everything that SQLite knows of tables and triggers is their text; a temporary trigger
        # may be one of a table that is not.
        return self._rows(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
            " UNION ALL SELECT type, name, sql FROM sqlite_temp_schema WHERE sql IS NOT NULL"
        )

    def checks(self, table: Table) -> tuple[Check, ...]:
        name = self.dialect.text(table.name)
        found = self._rows(f"SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = {name}")
        # Stages have no collations, by which a condition may hold.
        return tuple(_checks(found[0][0])) if found and "COLLATE" not in found[0][0].upper() else ()

    def triggers(self) -> dict[Place, tuple[Trigger, ...]]:
        return by_place(
            ((None, table), Trigger(name, _fires_on_update(sql)))
            for table, name, sql in self._rows(_TRIGGERS)
        )


_TABLES = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    " ORDER BY name"
)

_FOREIGN_KEYS = """
SELECT t.name, t.sql, k.id, k."table", k."from", k."to", k.on_delete
FROM sqlite_schema t
JOIN pragma_foreign_key_list(t.name, 'main') k
WHERE t.type = 'table'
ORDER BY t.name, k.id, k.seq
"""

_TRIGGERS = """
SELECT t.name, g.name, g.sql
FROM sqlite_schema g
JOIN sqlite_schema t ON t.name = g.tbl_name COLLATE NOCASE
WHERE g.type = 'trigger' AND t.type = 'table'
ORDER BY t.name, g.name
"""


def _fires_on_update(sql: str) -> bool:
    """What a CREATE TRIGGER says before its ON: an event is a word, never in quotes."""
    words = [match["word"].upper() for match in _TOKENS.finditer(sql) if match["word"]]
    return "UPDATE" in words[: words.index("ON")]


# --- Foreign keys ----------------------------------------------------------------------------


class _Tables:
    """Tables and columns by the names that foreign keys give them, which may differ in case."""

    def __init__(self, catalog: SQLiteCatalog, names: Sequence[str]) -> None:
        self._catalog = catalog
        self._names = {name.lower(): name for name in names}
        self._columns: dict[str, dict[str, str]] = {}

    def name(self, given: str) -> str:
        return self._names.get(given.lower(), given)

    def column(self, table: str, given: str) -> str:
        if table not in self._columns:
            found = [row[1] for row in self._catalog.columns_of(table)]
            self._columns[table] = {name.lower(): name for name in found}
        return self._columns[table].get(given.lower(), given)

    def primary_key(self, table: str) -> tuple[str, ...]:
        return self._catalog.primary_key(table)


def _foreign_keys(
    sql: str, rows: Sequence[tuple[Any, ...]], tables: _Tables
) -> Iterator[ForeignKey]:
    """``rows`` are those of one table, with its CREATE TABLE before each. The PRAGMA numbers
    the keys from the last to the first."""
    keys = [list(group) for _, group in groupby(rows, key=lambda row: row[2])]
    declared = _declared(sql)
    if len(declared) != len(keys):
        declared = [_Declaration() for _ in keys]
    pairs = list(zip(reversed(keys), declared, strict=True))
    # Documents depend on this order, which was SQLAlchemy's: the constraints that it can read
    # from first to last, then the others from last to first.
    others = [pair for pair in pairs if not pair[1].plain or pair[0][0][5] is None]
    for key, declaration in [pair for pair in pairs if pair not in others] + others[::-1]:
        _, _, _, referenced, _, first, rule = key[0]
        table = tables.name(referenced)
        # Without names, the referenced columns are the primary key (foreignkeys.html, 2).
        columns = (
            tables.primary_key(table)
            if first is None
            else tuple(tables.column(table, row[5]) for row in key)
        )
        yield ForeignKey(
            name=declaration.name,
            columns=tuple(row[4] for row in key),
            referenced_table=table,
            referenced_columns=columns,
            on_delete=rule,
            deferrable=declaration.deferrable,
        )


class _Declaration(Struct):
    """What only the text says of a foreign key. ``plain`` is a constraint of the table, rather
    than of a column, whose target is written bare or in double quotes."""

    name: str = ""
    plain: bool = False
    deferrable: bool = False


_TOKENS = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|(?P<word>\w+|\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'"
    r"|`(?:[^`]|``)*`|\[[^]]*\])|(?P<bracket>[()])",
    re.DOTALL,
)


def _declared(sql: str) -> list[_Declaration]:
    """The foreign keys in the text of a CREATE TABLE, from first to last: one for each
    REFERENCES, a word that no name can be unless it is quoted."""
    found: list[_Declaration] = []
    words: list[str] = []
    for word in _words_of_definitions(sql):
        before = [word.upper() for word in words[-4:]]
        if word.upper() == "REFERENCES":
            inline = before[-2:] != ["FOREIGN", "KEY"]
            start = -2 if inline else -4
            named = before[start : start + 1] == ["CONSTRAINT"]
            name = _unquoted(words[start + 1]) if named else ""
            found.append(_Declaration(name, plain=not inline))
        elif before[-1:] == ["REFERENCES"]:
            found[-1].plain &= word[0] not in "[`'"
        elif word.upper() == "DEFERRABLE" and found:
            found[-1].deferrable = before[-1:] != ["NOT"]
        words.append(word)
    return found


def _words_of_definitions(sql: str) -> Iterator[str]:
    """The words between a CREATE TABLE's parentheses, without those between inner ones."""
    depth = 0
    for token in _TOKENS.finditer(sql):
        if token["bracket"]:
            depth += 1 if token["bracket"] == "(" else -1
        elif token["word"] and depth == 1:
            yield token["word"]


def _checks(sql: str) -> Iterator[Check]:
    """The CHECK constraints in the text of a CREATE TABLE; one without a name is called by its
    condition, as errors call it."""
    depth, start = 0, 0
    words: list[str] = []
    for token in _TOKENS.finditer(sql):
        if token["word"] and depth == 1:
            words.append(token["word"])
        elif token["bracket"] == "(":
            depth += 1
            if depth == 2 and words and words[-1].upper() == "CHECK":
                start = token.end()
        elif token["bracket"]:
            depth -= 1
            if depth == 1 and start:
                condition = sql[start : token.start()].strip()
                named = len(words) > 2 and words[-3].upper() == "CONSTRAINT"
                yield Check(_unquoted(words[-2]) if named else condition, condition)
                start = 0


def _unquoted(name: str) -> str:
    if name[0] == "[":
        return name[1:-1]
    return name[1:-1].replace(name[0] * 2, name[0]) if name[0] in "\"'`" else name


# --- Columns ---------------------------------------------------------------------------------


def _columns(rows: Sequence[tuple[Any, ...]], rowid: str | None) -> Iterator[Column]:
    """``rows`` are what PRAGMA table_xinfo says of one table, ``rowid`` its column that is that."""
    for _, name, declared, not_null, default, _, hidden in rows:
        if hidden == 1:
            continue  # a virtual table's own column
        precision, scale = _facets(declared)
        kind = _kind(declared)
        yield Column(
            name=name,
            kind=kind,
            nullable=not not_null and name != rowid,
            native=declared,
            has_default=default is not None or name == rowid,
            generated=hidden in (2, 3),
            precision=precision if kind is Kind.DECIMAL else None,
            scale=scale if kind is Kind.DECIMAL else None,
            affinity=_affinity(declared),
            # A rowid is counted, whatever default it is declared with.
            default=None if name == rowid else default,
        )


def _keeping(column: Column) -> Column:
    return replace(column, affinity=Affinity.BLOB) if column.native.upper() == "ANY" else column


def _affinity(declared: str) -> Affinity:
    """The affinity of a declared type: sqlite.org/datatype3.html, 3.1, in its order."""
    text = declared.upper()
    if "INT" in text:
        return Affinity.INTEGER
    if any(word in text for word in ("CHAR", "CLOB", "TEXT")):
        return Affinity.TEXT
    if "BLOB" in text or not text:
        return Affinity.BLOB
    if any(word in text for word in ("REAL", "FLOA", "DOUB")):
        return Affinity.REAL
    return Affinity.NUMERIC


_KINDS = (
    (r"BOOL|TINYINT\(1\)", Kind.BOOLEAN),
    (r"JSON", Kind.JSON),
    (r"DATETIME|TIMESTAMP", Kind.TIMESTAMP),
    (r"DATE", Kind.DATE),
    (r"TIME", Kind.TIME),
    (r"UUID|GUID", Kind.UUID),
    (r"INT", Kind.INTEGER),
    (r"CHAR|CLOB|TEXT", Kind.TEXT),
    (r"BLOB|BINARY|^$", Kind.BINARY),
    (r"REAL|FLOA|DOUB", Kind.FLOAT),
    (r"NUMERIC|DECIMAL|MONEY", Kind.DECIMAL),
)


def _kind(declared: str) -> Kind:
    for pattern, kind in _KINDS:
        if re.search(pattern, declared.upper()):
            return kind
    return Kind.NATIVE


def _facets(declared: str) -> tuple[int | None, int | None]:
    match = re.search(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", declared)
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2] else None
