"""The comment lines at the top of a document, both directions, and the schema fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from demo_snapshots.documents.sql.delta_header import (
    DELTA_FORMAT,
    DELTA_NOTICE,
    delta_lines,
    take_delta,
)
from demo_snapshots.documents.sql.identifiers import IDENTIFIER, read_identifier, write_identifier
from demo_snapshots.errors import DocumentError, UsageError
from demo_snapshots.model.snapshots import (
    Header,
    Parent,
    Statistics,
    TableCount,
    Version,
    check_scenario_name,
)
from demo_snapshots.model.tables import Column, Kind, Table

TITLE = "-- Demo Data Export"
FORMAT = 2
"""What is written."""
FORMATS = (1, 2, DELTA_FORMAT)
"""What is read. The first two differ in where statements are cut, which no reader has to know; in
the last only deltas are written."""
IN_PARTS = 4
"""The format of a version in parts, which is read by its own reader."""
HEAD = f"{TITLE}\n-- Format: {IN_PARTS}\n".encode()
"""How the head of one begins."""
PART_TITLE = "-- Demo Data Part"
NOTICE = (
    "-- Load with demo import, which protects other rows; "
    "sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too."
)
HEAD_NOTICE = (
    "-- In parts: demo import reads them all, demo convert makes one file of them"
    " for sqlite3, psql and mariadb."
)
MAX_LINES = 10_000
_SUM = "Records"

_TABLE = re.compile(rf"-- Table ({IDENTIFIER}): (.+)")
_TOTAL = re.compile(r"-- Total (.+): ([0-9]{1,15})")
_BREAKDOWN = re.compile(rf"-- Breakdown ({IDENTIFIER}): (.+)")
_INCLUDE = re.compile(rf"-- Include ({IDENTIFIER}): (.+)")
_INCLUDED = re.compile(rf"-- Included ({IDENTIFIER}): ([0-9]{{1,15}})")
_OTHER = re.compile(r"-- ([A-Za-z][A-Za-z0-9 _-]*): (.*)")
_COLUMN = re.compile(rf"({IDENTIFIER}) ([a-z]+)( key[0-9]*)?( null)?(?:, |$)")
_Value = TypeVar("_Value")
GENERATED = "%Y-%m-%dT%H:%M:%SZ"


def spelled_moment(moment: datetime) -> str:
    """A moment as a header has it."""
    return moment.astimezone(UTC).strftime(GENERATED)


def _read_moment(text: str) -> datetime:
    # Not by strptime, of which importing takes longer than reading a header.
    moment = datetime.fromisoformat(text)
    # First for Z: another offset may lead out of the years there are.
    if not text.endswith("Z") or spelled_moment(moment) != text:
        raise ValueError(text)
    return moment


def describe_table(table: Table) -> str:
    """``vaults: id integer key, name text, description text null``: what ``Table`` lines say."""
    columns = ", ".join(
        f"{write_identifier(column.name)} {describe_column(table, column)}"
        for column in table.carried
    )
    return f"{write_identifier(table.name)}: {columns}"


def describe_column(table: Table, column: Column) -> str:
    """``integer key``, ``text null``: what a description says of a column after its name."""
    text = str(column.kind)
    if column.name in table.key:
        text += " key" + (str(table.key.index(column.name) + 1) if len(table.key) > 1 else "")
    return text + (" null" if column.nullable else "")


def fingerprint(tables: Iterable[Table]) -> str:
    """Twelve hexadecimal digits over names, kinds, keys and nullability of ``tables``.

    The same for the same tables on every engine, in whatever order they are given.
    """
    lines = sorted(describe_table(table) for table in tables)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def titles(tables: Iterable[str]) -> dict[str, str]:
    """A title for each table: ``chat_sessions`` is ``Chat Sessions``.

    Names that are not lower-case words, or whose titles would be the same or that of the sum of
    all tables, keep their name.
    """
    names = list(tables)
    made = {
        name: name.replace("_", " ").strip().title()
        if re.fullmatch(r"[a-z][a-z0-9_]*", name)
        else write_identifier(name)
        for name in names
    }
    twice = {title for title, count in Counter([*made.values(), _SUM]).items() if count > 1}
    return {name: write_identifier(name) if made[name] in twice else made[name] for name in names}


def write_header(header: Header) -> str:
    """The header's lines, each ended by LF, without the blank line after them; of a delta in format
    3, of the head of a version in parts in format 4, else of format 2, whatever the header was read
    from."""
    title = titles(table.name for table in header.tables)
    format, notice = FORMAT, NOTICE
    if header.delta:
        format, notice = DELTA_FORMAT, DELTA_NOTICE
    elif header.format == IN_PARTS:
        format, notice = IN_PARTS, HEAD_NOTICE
    lines = [
        TITLE,
        f"-- Format: {format}",
        f"-- Scenario: {header.scenario}",
        f"-- Version: {header.version}",
        f"-- Generated: {spelled_moment(header.generated)}",
        *([f"-- Anchor: {spelled_moment(header.anchor)}"] if header.anchor else []),
        f"-- Source: {header.source}",
    ]
    if header.tool:
        lines.append(f"-- Tool: {header.tool}")
    lines.append(f"-- Schema: {header.schema}")
    if header.migration:
        lines.append(f"-- Migration: {header.migration}")
    if header.base:
        lines.append(f"-- Base: {header.base}")
    if header.merged:
        lines.append(f"-- Merged: {header.merged}")
    lines += [f"-- Table {describe_table(table)}" for table in header.tables]
    for table, rows in header.includes:
        lines.append(f"-- Include {describe_table(table)}")
        lines.append(f"-- Included {write_identifier(table.name)}: {rows}")
    own = delta_lines(header.delta) if header.delta else ()
    lines += [f"-- {key}: {value}" for key, value in (*header.extra, *own)]
    for count in header.statistics.tables:
        lines.append(f"-- Total {title[count.table]}: {count.rows}")
        if count.breakdown:
            values = json.dumps(dict(count.breakdown), separators=(", ", ": "))
            lines.append(f"-- Breakdown {write_identifier(count.table)}: {values}")
    lines += [f"-- Total {_SUM}: {header.statistics.total}", notice]
    return "\n".join(lines) + "\n"


def read_header(lines: Iterable[str], formats: Sequence[int] = FORMATS) -> Header:
    """Read what ``write_header`` wrote; ``lines`` come without LF and end at the blank line.

    Unknown keys are kept in ``extra``. Raises DocumentError naming the line.
    """
    values: dict[str, str] = {}
    tables: list[Table] = []
    totals: dict[str, int] = {}
    breakdowns: dict[str, tuple[tuple[str, int], ...]] = {}
    includes: list[Table] = []
    included: list[tuple[str, int]] = []
    extra: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if number == 1:
            if line != TITLE:
                raise DocumentError(
                    "not a demo snapshot", line=1, hint=f"It begins with {TITLE!r}."
                )
            continue
        if line in (NOTICE, DELTA_NOTICE, HEAD_NOTICE):
            continue
        if not line.isprintable() or number > MAX_LINES:
            raise DocumentError("not a header line", line=number)
        try:
            if match := _TABLE.fullmatch(line):
                tables.append(_read_table(read_identifier(match[1]), match[2]))
            elif match := _INCLUDE.fullmatch(line):
                includes.append(_read_table(read_identifier(match[1]), match[2]))
            elif match := _INCLUDED.fullmatch(line):
                included.append((read_identifier(match[1]), int(match[2])))
            elif match := _TOTAL.fullmatch(line):
                _once(totals, match[1], int(match[2]))
            elif match := _BREAKDOWN.fullmatch(line):
                _once(breakdowns, read_identifier(match[1]), _read_breakdown(match[2]))
            elif match := _OTHER.fullmatch(line):
                _keep(match[1], match[2], values, extra, formats)
            else:
                raise ValueError("not a header line")
        except ValueError as error:
            raise DocumentError(str(error), line=number) from None
    header = _assemble(values, tables, totals, breakdowns, extra)
    if [name for name, _ in included] != [table.name for table in includes]:
        raise DocumentError("the header's included tables and their counts do not match")
    counts = [rows for _, rows in included]
    header = replace(header, includes=tuple(zip(includes, counts, strict=True)))
    if header.format != DELTA_FORMAT:
        return header
    names, travelling = ([table.name for table in each] for each in (tables, includes))
    delta, rest = take_delta(header.extra, names, travelling)
    return replace(header, delta=delta, extra=rest)


_OPTIONAL = {"Anchor", "Tool", "Migration", "Base", "Merged"}
_KNOWN = {"Format", "Scenario", "Version", "Generated", "Source", "Schema", *_OPTIONAL}


def _keep(
    key: str,
    value: str,
    values: dict[str, str],
    extra: list[tuple[str, str]],
    formats: Sequence[int],
) -> None:
    if key not in _KNOWN:
        extra.append((key, value))
        return
    if key == "Format" and value not in map(str, formats):
        *others, last = (*FORMATS, IN_PARTS)
        read = f"{', '.join(map(str, others))} and {last}"
        raise DocumentError(
            f"format {value}, and this version reads formats {read}",
            hint="Upgrade demo-snapshots.",
        )
    _once(values, key, value)


def _once(values: dict[str, _Value], key: str, value: _Value) -> None:
    if key in values:
        raise ValueError(f"{key} appears twice")
    values[key] = value


def _assemble(
    values: dict[str, str],
    tables: list[Table],
    totals: dict[str, int],
    breakdowns: dict[str, tuple[tuple[str, int], ...]],
    extra: list[tuple[str, str]],
) -> Header:
    missing = _KNOWN - _OPTIONAL - values.keys()
    if missing:
        raise DocumentError(f"the header has no {', '.join(sorted(missing))}")
    names = [table.name for table in tables]
    if len(set(names)) != len(names):
        raise DocumentError("the header describes a table twice")
    title = titles(names)
    expected = {title[name] for name in names} | {_SUM}
    if totals.keys() != expected or not breakdowns.keys() <= set(names):
        raise DocumentError("the header's totals do not match its tables")
    counts = tuple(
        TableCount(name, totals[title[name]], breakdowns.get(name, ())) for name in names
    )
    if sum(count.rows for count in counts) != totals[_SUM]:
        raise DocumentError("the header's totals do not add up")
    try:
        scenario = check_scenario_name(values["Scenario"])
        version = Version.parse(values["Version"])
        generated = _read_moment(values["Generated"])
        anchor = _read_moment(values["Anchor"]) if "Anchor" in values else None
        base, merged = (
            Parent.parse(values[key]) if key in values else None for key in ("Base", "Merged")
        )
    except (UsageError, ValueError) as error:
        raise DocumentError(f"the header is not one of ours: {error}") from None
    if values["Schema"] != fingerprint(tables):
        raise DocumentError("the header's schema fingerprint does not match its tables")
    return Header(
        scenario=scenario,
        version=version,
        generated=generated,
        source=values["Source"],
        schema=values["Schema"],
        tables=tuple(tables),
        statistics=Statistics(counts),
        tool=values.get("Tool", ""),
        migration=values.get("Migration"),
        format=int(values["Format"]),
        extra=tuple(extra),
        base=base,
        merged=merged,
        anchor=anchor,
    )


def _read_table(name: str, text: str) -> Table:
    columns: list[Column] = []
    key: list[tuple[int, str]] = []
    position = 0
    while match := _COLUMN.match(text, position):
        column, kind, in_key, null = match.groups()
        columns.append(Column(read_identifier(column), Kind(kind), nullable=null is not None))
        if in_key:
            key.append((int(in_key[4:] or 1), columns[-1].name))
        position = match.end()
    if position != len(text) or not columns or text.endswith(", "):
        raise ValueError("not a table description")
    if len({column.name for column in columns}) != len(columns):
        raise ValueError(f"table {name} has a column twice")
    return Table(name, tuple(columns), tuple(column for _, column in sorted(key)))


def _read_breakdown(text: str) -> tuple[tuple[str, int], ...]:
    try:
        parsed = json.loads(text)
    except RecursionError:
        raise ValueError("not a breakdown") from None
    if not isinstance(parsed, dict) or not all(
        type(count) is int and label.isprintable() for label, count in parsed.items()
    ):
        raise ValueError("not a breakdown")
    return tuple(parsed.items())
