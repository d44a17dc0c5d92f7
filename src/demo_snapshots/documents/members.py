"""A header, and what only the SQL form has, as members of an object of JSON or YAML, both ways.

They are read by turning them into the lines of an SQL document's header, so that one reader
checks every header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from demo_snapshots.documents.sql.header import FORMAT as SQL_FORMAT
from demo_snapshots.documents.sql.header import (
    TITLE,
    describe_column,
    fingerprint,
    read_header,
    spelled_moment,
    titles,
)
from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.documents.sql.rendering import ForClients, Survey
from demo_snapshots.documents.values import Number, Tree, shown
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header, TableCount
from demo_snapshots.model.tables import Table

FORMAT = "demo_snapshot"
"""The first member: the number of the form."""
NUMBER = "1"
INCLUDED, ROWS, DEFERRED, DIGEST = "included", "rows", "deferred", "digest"
"""The members that are rows, in this order, and the last member."""

_WORDS = re.compile(r"[a-z]+(?: key[0-9]*)?(?: null)?")
_COUNT = re.compile(r"0|[1-9][0-9]{0,14}")
_LINES = {
    "scenario": "Scenario",
    "version": "Version",
    "generated": "Generated",
    "anchor": "Anchor",
    "source": "Source",
    "tool": "Tool",
    "schema": "Schema",
    "migration": "Migration",
    "base": "Base",
    "merged": "Merged",
}
_COUNTED = "deferred_count"
_KNOWN = {FORMAT, *_LINES, "other", "tables", "included_tables", _COUNTED, "sql"}


class Member(Struct, frozen=True):
    """One member of the document's object, and the ``line`` where its value begins."""

    name: str
    value: Tree
    line: int


def require_known(member: Member) -> None:
    """Raise DocumentError for a form that this version does not read."""
    if member.value != Number(NUMBER) or not isinstance(member.value, Number):
        raise DocumentError(
            f"a {FORMAT} other than {NUMBER}, which is what this version reads",
            line=member.line,
            hint="Upgrade demo-snapshots.",
        )


# --- Header -> members -----------------------------------------------------------------------


def members_of(found: Survey) -> Iterator[tuple[str, Tree]]:
    """Everything before the rows."""
    header = found.header
    yield FORMAT, Number(NUMBER)
    values = {
        "scenario": header.scenario,
        "version": str(header.version),
        "generated": spelled_moment(header.generated),
        "anchor": header.anchor and spelled_moment(header.anchor),
        "source": header.source,
        "tool": header.tool,
        "schema": fingerprint(header.tables),
        "migration": header.migration,
        "base": header.base and str(header.base),
        "merged": header.merged and str(header.merged),
    }
    yield from ((name, value) for name, value in values.items() if value)
    if header.extra:
        yield "other", [[key, value] for key, value in header.extra]
    yield "tables", [_table(header, count) for count in header.statistics.tables]
    if header.includes:
        yield "included_tables", [_described(table, rows) for table, rows in header.includes]
    if found.updates:
        yield _COUNTED, Number(str(found.updates))
    yield "sql", _sql(found.for_clients)


def _table(header: Header, count: TableCount) -> Tree:
    table = next(table for table in header.tables if table.name == count.table)
    members = _described(table, count.rows)
    if count.breakdown:
        members["breakdown"] = {label: Number(str(rows)) for label, rows in count.breakdown}
    return members


def _described(table: Table, rows: int) -> dict[str, Tree]:
    columns: dict[str, Tree] = {c.name: describe_column(table, c) for c in table.carried}
    return {"name": table.name, "columns": columns, "count": Number(str(rows))}


def _sql(parts: ForClients) -> Tree:
    members: dict[str, Tree] = {
        "before": _lines(parts.before),
        "after": _lines(parts.after),
    }
    for name, tables in (("overriding", parts.overriding), ("only", parts.only)):
        if tables:
            members[name] = [*sorted(tables)]
    return members


def _lines(text: bytes) -> Tree:
    return list(text.decode().split("\n")[:-1])


# --- Members -> header -----------------------------------------------------------------------


class Opening(Struct, frozen=True):
    """What stands before the rows: the header, what only the SQL form has, and on which ``line``,
    and how many deferred references there are (``updates``)."""

    header: Header
    for_clients: ForClients
    line: int
    updates: int


def read_members(members: Mapping[str, Member]) -> Opening:
    """What ``members_of`` gave. Raises DocumentError naming the line."""
    for name, member in members.items():
        if name not in _KNOWN:
            raise DocumentError(f"a member {shown(name)}, which no snapshot has", line=member.line)
    for name in ("tables", "sql"):
        if name not in members:
            raise DocumentError(f"the header has no {name}")
    lines, places = [TITLE, f"-- Format: {SQL_FORMAT}"], [1, 1]
    for member in members.values():
        try:
            for line in _header_lines(member):
                lines.append(line)
                places.append(member.line)
        except ValueError as error:
            raise DocumentError(f"{member.name}: {error}", line=member.line) from None
    try:
        header = read_header(lines)
    except DocumentError as error:
        raise _placed(error, places) from None
    sql, counted = members["sql"], members.get(_COUNTED)
    try:
        updates = int(_counted(counted.value)) if counted else 0
        return Opening(header, _for_clients(sql.value), sql.line, updates)
    except ValueError as error:
        raise DocumentError(f"sql: {error}", line=sql.line) from None


def _placed(error: DocumentError, places: list[int]) -> DocumentError:
    if error.line is None:
        return error
    message = error.message.removeprefix(f"line {error.line}: ")
    return DocumentError(message, line=places[error.line - 1], hint=error.hint)


def _header_lines(member: Member) -> Iterator[str]:
    if member.name in _LINES:
        yield f"-- {_LINES[member.name]}: {_string(member.value)}"
    elif member.name == "other":
        for pair in _list(member.value):
            key, value = map(_string, _list(pair))
            yield f"-- {key}: {value}"
    elif member.name == "tables":
        yield from _table_lines(_list(member.value))
    elif member.name == "included_tables":
        for table in _list(member.value):
            name, columns, count, _ = _read_table(table, {"name", "columns", "count"})
            yield f"-- Include {write_identifier(name)}: {columns}"
            yield f"-- Included {write_identifier(name)}: {count}"


def _table_lines(values: list[Tree]) -> Iterator[str]:
    tables = [_read_table(v, {"name", "columns", "count", "breakdown"}) for v in values]
    for name, columns, _, _ in tables:
        yield f"-- Table {write_identifier(name)}: {columns}"
    title = titles(name for name, _, _, _ in tables)
    for name, _, count, breakdown in tables:
        yield f"-- Total {title[name]}: {count}"
        if breakdown is not None:
            yield f"-- Breakdown {write_identifier(name)}: {breakdown}"
    yield f"-- Total Records: {sum(int(count) for _, _, count, _ in tables)}"


def _read_table(value: Tree, known: set[str]) -> tuple[str, str, str, str | None]:
    """Name, columns as a header line has them, count, and breakdown."""
    members = _object(value)
    if not members.keys() <= known or not members.keys() >= {"name", "columns", "count"}:
        raise ValueError("not a table's description: it has name, columns and count")
    columns = []
    for name, words in _object(members["columns"]).items():
        if not isinstance(words, str) or not _WORDS.fullmatch(words):
            raise ValueError(f"not the description of a column: {shown(name)}")
        columns.append(f"{write_identifier(name)} {words}")
    breakdown = None
    if "breakdown" in members:
        counts = {n: int(_counted(c)) for n, c in _object(members["breakdown"]).items()}
        breakdown = json.dumps(counts)
    name = _string(members["name"])
    return name, ", ".join(columns), _counted(members["count"]), breakdown


def _for_clients(value: Tree) -> ForClients:
    members = _object(value)
    if not {"before", "after"} <= members.keys() <= {"before", "after", "overriding", "only"}:
        raise ValueError("it has before and after, and may have overriding and only")
    return ForClients(
        _text(members["before"]),
        _text(members["after"]),
        frozenset(names_in(members.get("overriding", []))),
        frozenset(names_in(members.get("only", []))),
    )


def names_in(value: Tree) -> list[str]:
    """A list of names. Raises ValueError for anything else."""
    return list(map(_string, _list(value)))


def _text(value: Tree) -> bytes:
    try:
        return "".join(f"{_string(line)}\n" for line in _list(value)).encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair, which is no text") from None


def _string(value: Tree) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        raise ValueError("not a string, where one is wanted")
    return value


def _counted(value: Tree) -> str:
    if not isinstance(value, Number) or not _COUNT.fullmatch(value):
        raise ValueError("not a count, where one is wanted")
    return str(value)


def _list(value: Tree) -> list[Tree]:
    if not isinstance(value, list):
        raise ValueError("not a list, where one is wanted")
    return value


def _object(value: Tree) -> dict[str, Tree]:
    if not isinstance(value, dict):
        raise ValueError("not an object, where one is wanted")
    return value
