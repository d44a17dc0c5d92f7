"""Rows that a person wrote in YAML -> what stands in each, with its line.

Not a snapshot: it has no header and no digest, leaves columns out, and gives rows names. An anchor
on a key names its row; an alias, or ``$ref``, stands for that key. All of it is held in memory,
and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from msgspec import Struct
from yaml import events

from demo_snapshots.documents.values import MOST_DEPTH, REFERENCE_TAG, shown
from demo_snapshots.documents.yaml.reader import EventReader
from demo_snapshots.errors import DocumentError, UsageError
from demo_snapshots.model.snapshots import check_scenario_name

FORMAT = "demo_rows"
NUMBER = "1"
MOST_ROWS = 10_000
_TOO_LONG = "more than 16 MiB, which hand-written rows may have"
_HINT = "docs/documents.md says what rows written by hand may hold."


class Plain(str):
    """A scalar without quotes: what it means, its column says."""

    __slots__ = ()


class Name(str):
    """Stands for the key of the row that has this name."""

    __slots__ = ()


Given = str | Plain | Name | dict[str, "Given"] | list["Given"]
"""A value as it was written; ``str`` itself is a text in quotes, or of a block."""


class Cell(Struct, frozen=True):
    """A row's value for a column; ``name`` is what its anchor says."""

    value: Given
    line: int
    name: str | None = None


class HandwrittenRow(Struct, frozen=True):
    """The cells that a row gives, by column."""

    cells: Mapping[str, Cell]
    line: int


class HandwrittenTable(Struct, frozen=True):
    """The rows of one table, in the order of the file."""

    rows: tuple[HandwrittenRow, ...]
    line: int


class Handwritten(Struct, frozen=True):
    """A whole file. Every name that is used in it is defined once."""

    scenario: str
    tables: Mapping[str, HandwrittenTable]


class _Parser(EventReader):
    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, _TOO_LONG)
        self.names: set[str] = set()
        self.rows = 0
        self._used: list[tuple[str, int]] = []

    def require_plain(self, event: Any) -> None:
        if isinstance(event, events.AliasEvent):
            raise self.error("an alias that stands for no value", _HINT)
        if getattr(event, "anchor", None) is not None:
            raise self.error("an anchor on what is no key", _HINT)
        if getattr(event, "tag", None) is not None:
            raise self.error("a tag, which hand-written rows do not have", _HINT)

    def cell(self) -> Cell:
        """The value of a row's member, which comes next."""
        event = self.next()
        line = self.line
        name: str | None = event.anchor if isinstance(event, events.ScalarEvent) else None
        if name is None:
            return Cell(self._given(event), line)
        if name in self.names:
            raise self.error(f"the name {shown(name)} is defined twice", None)
        self.names.add(name)
        event.anchor = None
        return Cell(self._given(event), line, name)

    def _given(self, event: Any, depth: int = 0) -> Given:
        if isinstance(event, events.AliasEvent):
            alias = str(event.anchor)
            if alias not in self.names:
                raise self.error(
                    f"the name {shown(alias)} is not defined above",
                    f"Define it by an anchor on a key; {{{REFERENCE_TAG}: {alias[:60]}}} may stand"
                    " before that.",
                )
            return Name(alias)
        self.require_plain(event)
        if isinstance(event, events.ScalarEvent):
            return Plain(event.value) if event.implicit[0] else str(event.value)
        if depth > MOST_DEPTH:
            raise self.error(f"values within values deeper than {MOST_DEPTH}", None)
        if isinstance(event, events.SequenceStartEvent):
            items: list[Given] = []
            while not isinstance(event := self.next(), events.SequenceEndEvent):
                items.append(self._given(event, depth + 1))
            return items
        line = self.line
        members: dict[str, Given] = {}
        while not isinstance(event := self.next(), events.MappingEndEvent):
            member = self.name(event, members)
            members[member] = self._given(self.next(), depth + 1)
        name = members.get(REFERENCE_TAG)
        if len(members) == 1 and isinstance(name, str):
            self._used.append((name, line))
            return Name(name)
        return members

    def require_names(self) -> None:
        """Raise DocumentError for a name that is used and not defined anywhere."""
        for name, line in self._used:
            if name not in self.names:
                raise DocumentError(f"the name {shown(name)} is defined nowhere", line=line)


def read_handwritten(stream: BinaryIO) -> Handwritten:
    """What the file says. Raises DocumentError with the line for what is not YAML, not built as
    hand-written rows are, or more than 10,000 rows or 16 MiB."""
    parsed = _Parser(stream)
    parsed.take(events.StreamStartEvent, "a document")
    start = parsed.take(events.DocumentStartEvent, "a document")
    if start.version is not None or start.tags is not None:
        raise parsed.error("a directive, which hand-written rows do not have", None)
    parsed.take(events.MappingStartEvent, "a mapping")
    scenario: str | None = None
    tables: dict[str, HandwrittenTable] | None = None
    names: set[str] = set()
    while not isinstance(event := parsed.next(), events.MappingEndEvent):
        name = parsed.name(event, names)
        names.add(name)
        if name == FORMAT:
            if parsed.take(events.ScalarEvent, "a number").value != NUMBER:
                raise parsed.error(f"{FORMAT} is not {NUMBER}", "A newer version may read it.")
        elif name == "scenario":
            scenario = _scenario(parsed)
        elif name == "rows":
            tables = _tables(parsed)
        else:
            raise parsed.error(f"a member {shown(name)}, which hand-written rows do not have", None)
    if scenario is None or tables is None:
        raise parsed.error("scenario and rows are wanted, and one of them is missing", _HINT)
    parsed.take(events.DocumentEndEvent, "the end")
    if not isinstance(parsed.next(), events.StreamEndEvent):
        raise parsed.error("a second document", None)
    parsed.require_names()
    return Handwritten(scenario, tables)


def _scenario(parsed: _Parser) -> str:
    try:
        return check_scenario_name(parsed.take(events.ScalarEvent, "the name of a scenario").value)
    except UsageError as error:
        raise parsed.error(error.message, error.hint) from None


def _tables(parsed: _Parser) -> dict[str, HandwrittenTable]:
    parsed.take(events.MappingStartEvent, "a mapping of tables")
    tables: dict[str, HandwrittenTable] = {}
    while not isinstance(event := parsed.next(), events.MappingEndEvent):
        name, line = parsed.name(event, tables), parsed.line
        parsed.take(events.SequenceStartEvent, "a sequence of rows")
        tables[name] = HandwrittenTable(tuple(_rows(parsed)), line)
    return tables


def _rows(parsed: _Parser) -> list[HandwrittenRow]:
    rows: list[HandwrittenRow] = []
    while not isinstance(event := parsed.next(), events.SequenceEndEvent):
        parsed.require_plain(event)
        if not isinstance(event, events.MappingStartEvent):
            raise parsed.error("expected a row: a mapping of columns to values", None)
        parsed.rows += 1
        if parsed.rows > MOST_ROWS:
            raise parsed.error(f"more than {MOST_ROWS:,} rows, which are for a database", None)
        line = parsed.line
        cells: dict[str, Cell] = {}
        while not isinstance(event := parsed.next(), events.MappingEndEvent):
            column = parsed.name(event, cells)
            cells[column] = parsed.cell()
        rows.append(HandwrittenRow(cells, line))
    return rows
