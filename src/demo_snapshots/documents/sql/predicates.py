"""The selection as stock clients read it: one predicate text for all three engines."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.documents.sql.polyglot import either
from demo_snapshots.documents.sql.statements import of
from demo_snapshots.model.rules import Field, Follows, FollowsAny, Marked, TableSelection, Where
from demo_snapshots.model.tables import OfType
from demo_snapshots.rows.literals import quote

TRUE_TEXTS = "('true','1','\"true\"','\"1\"')"


def predicate(
    selection: Mapping[str, TableSelection], table: str, parents: Collection[str] = ()
) -> str:
    """The condition that selects ``table``'s demo rows, of whatever scenario. ``parents`` are
    the tables that others inherit from.

    It may span lines, and may end with a line break where one is needed.
    """
    match selection[table].rule:
        case Marked(field):
            return "\n" + _text(field) + f"IN {TRUE_TEXTS}"
        case Where() as where:
            return _where(where)
        case Follows() as way:
            return _follows(selection, way, parents)
        case FollowsAny(ways):
            return f"({' OR '.join(_follows(selection, way, parents) for way in ways)})"


def _follows(
    selection: Mapping[str, TableSelection], way: Follows, parents: Collection[str]
) -> str:
    wanted = ", ".join(write_identifier(name) for name in way.referenced_columns)
    inner = predicate(selection, way.table, parents)
    source = of("FROM", way.table, only=way.table in parents)
    condition = (
        f"{_row(way.columns)} IN (SELECT {wanted} FROM (SELECT {wanted}"
        f" {source} WHERE {inner}) AS demo)"
    )
    return f"({_of_type(way.only)} AND {condition})" if way.only else condition


def _of_type(only: OfType) -> str:
    column = write_identifier(only.column)
    if not only.is_content_type:
        return f"{column}={quote(only.value)}"
    label, _, model = only.value.partition(".")
    return (
        f"{column} IN (SELECT id FROM django_content_type"
        f" WHERE app_label={quote(label)} AND model={quote(model)})"
    )


def _row(columns: tuple[str, ...]) -> str:
    names = ", ".join(write_identifier(name) for name in columns)
    return names if len(columns) == 1 else f"({names})"


def _text(field: Field) -> str:
    column = write_identifier(field.column)
    if not field.path:
        return either(_exact(f"CAST({column} AS CHAR)"), f"CAST({column} AS text)")
    path = quote(json_path(field.path))
    others = f"CASE WHEN JSON_VALID({column}) THEN CAST(JSON_EXTRACT({column},{path}) AS CHAR) END"
    others = _exact(others)
    if len(field.path) == 1:
        return either(others, f"CAST({column} AS jsonb)->>{quote(field.path[0])}")
    keys = quote("{" + ",".join(map(_in_array, field.path)) + "}")
    return either(others, f"CAST({column} AS jsonb)#>>{keys}")


def _exact(text: str) -> str:
    """``text`` by its bytes: MariaDB's and MySQL's collations take TRUE for true."""
    return f"/*!40101 CAST( */ {text} /*!40101 AS BINARY) */"


def _in_array(part: str) -> str:
    """``part`` as an item of a text array: bare, or in double quotes (PostgreSQL, 8.15.2)."""
    bare = re.fullmatch(r"[A-Za-z0-9_ -]*[A-Za-z0-9_-]", part) and part.upper() != "NULL"
    return part if bare and part == part.strip() else f'"{part}"'


def json_path(path: tuple[str, ...]) -> str:
    """``$.metadata."demo-seed"``: a path as SQLite and MariaDB both read it."""
    return "$" + "".join(
        f".{part}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part) else f'."{part}"'
        for part in path
    )


def _where(where: Where) -> str:
    if where.sqlite == where.mariadb:
        if where.sqlite == where.postgresql:
            return f"({where.sqlite})"
        return "\n" + either(f"({where.sqlite})", f"({where.postgresql})")
    # MySQL reads # as a comment to the end of the line, also inside /*! */, and needs a space
    # after -- to take it for one; SQLite knows no #, and takes any -- for a comment. Three
    # levels deep, PostgreSQL sees none of it until the last line.
    return (
        f"\n/* /* /* */ /*!40101 ({where.mariadb}) # */ ({where.sqlite})\n"
        f"--*/ 0\n-- */ ({where.postgresql})\n"
    )
