"""A document as the tables are called today: renamed tables and columns, columns that came since.

The only place where a document's own names and the database's meet. The reader goes by the
former, since they stand in the file; whoever takes the rows sees the latter alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.documents.protocol import (
    Document,
    Event,
    Included,
    Lookups,
    Rows,
    Target,
    Update,
)
from demo_snapshots.model.snapshots import Header, Statistics
from demo_snapshots.model.tables import Column, Table
from demo_snapshots.rows.literals import records


class TableDrift(Struct, frozen=True):
    """What became of one table of a document: its ``name`` today, what those of its ``columns``
    that were renamed are called today, and the columns that each of its rows gets besides, with
    raw literals."""

    name: str
    columns: Mapping[str, str]
    added: tuple[tuple[Column, bytes], ...] = ()

    def column(self, name: str) -> str:
        """What a column of the document is called today."""
        return self.columns.get(name, name)

    def described(self, table: Table) -> Table:
        """The document's description of the table, as it would be today."""
        columns = [replace(column, name=self.column(column.name)) for column in table.columns]
        return replace(
            table,
            name=self.name,
            columns=(*columns, *(column for column, _ in self.added)),
            key=tuple(map(self.column, table.key)),
        )

    def as_it_was(self, described: Table, table: Table) -> Table:
        """The database's ``table`` with the names that the document has for it."""
        columns = [
            replace(table.column(self.column(column.name)), name=column.name)
            for column in described.columns
            if table.has(self.column(column.name))
        ]
        return replace(table, name=described.name, columns=tuple(columns))


def drifted_header(header: Header, drifts: Mapping[str, TableDrift]) -> Header:
    """The header with today's names; ``drifts`` are by the names of the document's tables."""

    def today(table: Table) -> Table:
        return drifts[table.name].described(table) if table.name in drifts else table

    counts = [
        replace(count, table=drifts[count.table].name) if count.table in drifts else count
        for count in header.statistics.tables
    ]
    return replace(
        header,
        tables=tuple(map(today, header.tables)),
        includes=tuple((today(table), rows) for table, rows in header.includes),
        statistics=Statistics(tuple(counts)),
    )


class DriftedDocument:
    """``document`` with today's names and columns: a Document like any other."""

    def __init__(self, document: Document, drifts: Mapping[str, TableDrift]) -> None:
        self._document = document
        self._drifts = drifts
        self._described = {
            table.name: table
            for table in (
                *document.header.tables,
                *(table for table, _ in document.header.includes),
            )
        }
        self.header: Header = drifted_header(document.header, drifts)
        self.digest = ""

    def rows(
        self, target: Target, includes: Target | None = None, lookups: Lookups | None = None
    ) -> Iterator[Event]:
        """As ``protocol.Document.rows``; what they are given goes by today's names."""
        events = self._document.rows(
            self._target(target),
            None if includes is None else self._target(includes),
            None if lookups is None else self._lookups(lookups),
        )
        for event in events:
            drift = self._drifts.get(event.table)
            yield event if drift is None else _today(event, drift)
        self.digest = self._document.digest

    def line_of(self, number: int, given: bytes) -> int:
        """As ``protocol.Document.line_of``."""
        return self._document.line_of(number, given)

    def _target(self, target: Target) -> Target:
        def was(name: str) -> Table | None:
            drift = self._drifts.get(name)
            if drift is None:
                return target(name)
            table = target(drift.name)
            return None if table is None else drift.as_it_was(self._described[name], table)

        return was

    def _lookups(self, lookups: Lookups) -> Lookups:
        def was(table: str, column: str) -> bytes | None:
            drift = self._drifts.get(table)
            return (
                lookups(table, column)
                if drift is None
                else lookups(drift.name, drift.column(column))
            )

        return was


def _today(event: Event, drift: TableDrift) -> Event:
    if isinstance(event, Update):
        return Update(
            drift.name,
            _renamed(event.values, drift.column),
            _renamed(event.key, drift.column),
            tuple(map(drift.column, event.untouched)),
        )
    kind = Included if isinstance(event, Included) else Rows
    names = (*map(drift.column, event.columns), *(column.name for column, _ in drift.added))
    return kind(drift.name, names, _widened(event.text, [value for _, value in drift.added]))


def _renamed(
    pairs: Sequence[tuple[str, bytes]], today: Callable[[str], str]
) -> tuple[tuple[str, bytes], ...]:
    return tuple((today(name), value) for name, value in pairs)


def _widened(text: bytes, values: Sequence[bytes]) -> bytes:
    """Raw rows with these literals at the end of each."""
    if not values:
        return text
    end = b"," + b",".join(values) + b")"
    return b",\n".join([b"(" + record + end for record in records(text)])
