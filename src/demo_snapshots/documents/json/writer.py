"""Rows -> JSON: one object, each row on a line of its own, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from demo_snapshots.documents.members import DEFERRED, DIGEST, INCLUDED, ROWS, members_of
from demo_snapshots.documents.protocol import Event, EventsByTable
from demo_snapshots.documents.rows import update_tree
from demo_snapshots.documents.sql.rendering import Survey
from demo_snapshots.documents.values import (
    NUMBER_TAG,
    Tree,
    is_kept,
    quoted,
    spelled,
    value_in_tree,
)
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.rows.literals import cells


def write_json(stream: BinaryIO, found: Survey, events: Iterable[Event]) -> None:
    """Write a document that was surveyed, and whose ``events`` come once more, as JSON."""
    writer = _Writer(stream)
    for name, value in members_of(found):
        writer.member(name, _laid_out(value))
    header = found.header
    by_table = EventsByTable(events)
    if header.includes:
        writer.tables(INCLUDED, [table for table, _ in header.includes], by_table)
    writer.tables(ROWS, header.tables, by_table)
    if found.updates:
        described = {table.name: table for table in header.tables}
        updates = (update_tree(each, described[each.table]) for each in by_table.updates())
        writer.rows(f"{quoted(DEFERRED)}: ", ([spelled(update)] for update in updates))
    writer.member(DIGEST, quoted(f"sha256:{found.digest}"))
    writer.end()


def _laid_out(value: Tree) -> str:
    """On several lines where a diff is to show one of many items."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(spelled(item) for item in value) + "\n]" if value else "[]"
    if isinstance(value, dict):
        members = (f"{quoted(name)}: {_laid_out(item)}" for name, item in value.items())
        return "{" + ", ".join(members) + "}"
    return spelled(value)


class _Writer:
    """Members, each from the beginning of a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._before = "{\n"

    def _put(self, text: str) -> None:
        self._stream.write(text.encode())

    def member(self, name: str, value: str) -> None:
        self._put(f"{self._before}{quoted(name)}: {value}")
        self._before = ",\n"

    def tables(self, name: str, tables: Sequence[Table], by_table: EventsByTable) -> None:
        self._put(f"{self._before}{quoted(name)}: {{")
        self._before = "\n"
        for table in tables:
            row = _RowSpelling(table)
            batches = (list(map(row, batch)) for batch in by_table.records(table))
            self.rows(f"{quoted(table.name)}: ", batches)
        self._put("\n}")
        self._before = ",\n"

    def rows(self, name: str, batches: Iterable[list[str]]) -> None:
        """A list of which each item has a line."""
        self._put(f"{self._before}{name}[")
        between = "\n"
        for batch in batches:
            self._put(between + ",\n".join(batch))
            between = ",\n"
        self._put("]" if between == "\n" else "\n]")
        self._before = ",\n"

    def end(self) -> None:
        self._put("\n}\n")


class _RowSpelling:
    """A record of ``table`` as an object."""

    def __init__(self, table: Table) -> None:
        self._columns = [(f"{quoted(c.name)}: ", c.kind) for c in table.columns]

    def __call__(self, record: bytes) -> str:
        values = zip(self._columns, cells(record), strict=True)
        return "{" + ", ".join([n + _spelled(literal, kind) for (n, kind), literal in values]) + "}"


def _spelled(literal: bytes, kind: Kind) -> str:
    first = literal[:1]
    if first == b"'" and kind is not Kind.JSON:
        return quoted(literal[1:-1].replace(b"''", b"'").decode())
    if first in b"-0123456789":
        text = literal.decode()
        return text if is_kept(text) else f'{{"{NUMBER_TAG}": "{text}"}}'
    return spelled(value_in_tree(literal, kind))
