"""The selection as stock clients read it: one predicate text for all three engines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.documents.sql.polyglot import either
from demo_snapshots.documents.sql.statements import of
from demo_snapshots.model.rules import (
    Field,
    Follows,
    FollowsAny,
    FollowsInside,
    Marked,
    TableSelection,
    Way,
    Where,
)
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
        case Follows() | FollowsInside() as way:
            return _way(selection, table, way, parents)
        case FollowsAny(ways):
            return f"({' OR '.join(_way(selection, table, way, parents) for way in ways)})"


def _way(
    selection: Mapping[str, TableSelection], table: str, way: Way, parents: Collection[str]
) -> str:
    if isinstance(way, FollowsInside):
        return _follows_inside(selection, table, way, parents)
    return _follows(selection, way, parents)


def _follows_inside(
    selection: Mapping[str, TableSelection],
    table: str,
    way: FollowsInside,
    parents: Collection[str],
) -> str:
    inner = predicate(selection, way.table, parents)
    wanted = write_identifier(way.referenced_column)
    keys = ", ".join(f"t.{write_identifier(name)}" for name in way.key)
    goal = (
        f"(SELECT {wanted} AS id {of('FROM', way.table, only=way.table in parents)} WHERE {inner})"
    )
    source = of("FROM", table, only=table in parents)
    return (
        f"{_row(way.key)} IN (SELECT * FROM (SELECT {keys} {source} AS t JOIN {goal} AS p"
        f" ON {_where(_holds(way))}) AS demo)"
    )


def _holds(way: FollowsInside) -> Where:
    """A condition: the JSON of the row ``t`` holds the key of the row ``p``."""
    cell = f"t.{write_identifier(way.column)}"
    if way.is_array:
        # No other engine takes a file with arrays in it.
        return Where("1 = 0", f"CAST(p.id AS text) = ANY(CAST({cell} AS text[]))", "1 = 0")
    before, star, after = way.path.partition("[*]")
    first, last = json_path(_steps(before)), json_path(_steps(after))
    if star:
        item = "CASE WHEN json_valid(i.value) THEN i.value END"
        value = f"json_extract({item},{quote(last)})" if after else "i.value"
        sqlite = (
            f"EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid({cell}) THEN {cell} END,"
            f"{quote(first)}) AS i WHERE typeof(i.key) = 'integer'"
            f" AND CAST({value} AS TEXT) = CAST(p.id AS TEXT))"
        )
    else:
        sqlite = (
            f"CASE WHEN json_valid({cell}) THEN CAST(json_extract({cell},{quote(first)}) AS TEXT)"
            " = CAST(p.id AS TEXT) END"
        )
    whole = first + (star + last[1:] if star else "")
    found = f"JSON_EXTRACT({cell},{quote(whole)})"
    text = "CAST(p.id AS CHAR)"
    mariadb = (
        f"CASE WHEN JSON_VALID({cell}) THEN JSON_CONTAINS({found},JSON_QUOTE({text}))"
        f" OR CASE WHEN JSON_VALID({text}) THEN JSON_CONTAINS({found},{text}) END END"
    )
    strict = quote(_strict((*_steps(before), *([star] if star else []), *_steps(after))))
    postgresql = (
        f"EXISTS (SELECT 1 FROM jsonb_path_query(CAST({cell} AS jsonb),{strict}, silent => true)"
        " AS i(value) WHERE i.value #>> '{}' = CAST(p.id AS text))"
    )
    return Where(sqlite, postgresql, mariadb)


def _strict(steps: Iterable[str]) -> str:
    """A path as PostgreSQL reads it, strictly: what a step needs is asked for before, since such a
    path ends at the first item that lacks it."""
    asked = (
        ' ? (@.type() == "array")[*]' if step == "[*]" else f' ? (exists (@."{step}"))."{step}"'
        for step in steps
    )
    return "strict $" + "".join(asked)


def _steps(path: str) -> tuple[str, ...]:
    return tuple(filter(None, path.split(".")))


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
