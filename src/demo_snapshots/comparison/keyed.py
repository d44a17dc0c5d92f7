"""A document as keyed rows: table by table, each row whole, in the order of its key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import groupby
from typing import BinaryIO

from demo_snapshots.documents.opening import open_document, reading
from demo_snapshots.documents.order import (
    engine_of,
    key_of_keys,
    key_of_rows,
    reference_of_rows,
)
from demo_snapshots.documents.protocol import Document, Included, Rows, Update, any_literals
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import DeferredCount, Header
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.rows.keys import Key, KeyOf
from demo_snapshots.rows.literals import cells, count_rows, records
from demo_snapshots.rows.spill import Sorter

Open = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a document's bytes, unpacked, from the beginning."""

Seen = Callable[[Document], Document]

Batches = Iterator[list[bytes]]

# Sorted alike by every engine, in each of its documents.
_SORTED_ALIKE = {
    *(Kind.INTEGER, Kind.TEXT, Kind.UUID, Kind.BOOLEAN),
    *(Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.BINARY),
}


def as_it_is(document: Document) -> Document:
    """Under its own names."""
    return document


class KeyedDocument:
    """A document that is read as often as it takes. Making one reads it whole, so that nothing
    is told of a file that is cut short or altered: raises DocumentError. ``seen`` gives it the
    names under which it is seen. Close it when done."""

    def __init__(self, opening: Open, seen: Seen = as_it_is) -> None:
        self._open = opening
        self._seen = seen
        self._updates: dict[str, Sorter] = {}
        self._parts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], int] = {}
        self._counts: Counter[tuple[str, tuple[str, ...], tuple[str, ...]]] = Counter()
        with self._open() as stream:
            document = self._document(stream)
            self.header: Header = document.header
            self.included = tuple(table for table, _ in self.header.includes)
            self.described = (*self.included, *self.header.tables)
            self._keys = {
                table.name: key_of_rows(self.header, table) for table in self.described if table.key
            }
            counted = self._check(document)
            self.digest = document.digest
        for table in self.header.tables:
            if counted.get(table.name, 0) != self.count(table.name):
                raise DocumentError(
                    f"{table.name}: {counted.get(table.name, 0)} rows,"
                    f" and the header counts {self.count(table.name)}"
                )

    def _document(self, stream: BinaryIO) -> Document:
        return self._seen(open_document(stream))

    def _check(self, document: Document) -> dict[str, int]:
        counted: dict[str, int] = {}
        for event in document.rows(any_literals, any_literals, any_lookup):
            if isinstance(event, Rows):
                counted[event.table] = counted.get(event.table, 0) + count_rows(event.text)
            elif isinstance(event, Update):
                self._remember(event)
        return counted

    def _remember(self, update: Update) -> None:
        """Deferred references stand at a document's end, and belong to the rows before."""
        key = b",".join(literal for _, literal in update.key)
        names = tuple(name for name, _ in update.values)
        part = (update.table, names, update.untouched)
        number = self._parts.setdefault(part, len(self._parts))
        self._counts[part] += 1
        if update.table not in self._updates:
            order = key_of_keys(self.header, self.table(update.table))
            self._updates[update.table] = Sorter(lambda record: order(record[0]))
        literals = [literal for _, literal in update.values]
        self._updates[update.table].add((key, b"%d" % number, *literals))

    @property
    def engine(self) -> str:
        """``sqlite``, ``postgresql``, ``mariadb`` or ``mysql``: whose document it is."""
        return engine_of(self.header)

    def table(self, name: str) -> Table:
        """The table, selected or included, as the header describes it."""
        return next(table for table in self.described if table.name == name)

    def count(self, name: str) -> int:
        """How many rows of the table the header says there are."""
        included = {table.name: rows for table, rows in self.header.includes}
        return included.get(name, self.header.statistics.rows(name))

    def key_of(self, table: str) -> KeyOf:
        """The key of a record of a table that has one."""
        return self._keys[table]

    def reference_of(self, table: str, columns: Sequence[str]) -> KeyOf:
        """What a record references by ``columns``, which hold a key of its own table; sorts with
        ``key_of``."""
        return reference_of_rows(self.header, self.table(table), columns)

    def is_sorted_alike(self, table: str) -> bool:
        """Whether every engine has the table's rows in this order."""
        described = self.table(table)
        return described not in self.included and all(
            described.column(name).kind in _SORTED_ALIKE for name in described.key
        )

    def tables(self) -> Iterator[tuple[str, Batches]]:
        """Every table, the included ones first, with its records in the document's order, with
        their deferred references; each to be read before the next is asked for."""
        with self._open() as stream:
            events = self._document(stream).rows(any_literals, any_literals, any_lookup)
            rows = (event for event in events if isinstance(event, (Rows, Included)))
            there = iter(groupby(rows, key=lambda event: event.table))
            following = next(there, None)
            for table in self.described:
                if following is None or following[0] != table.name:
                    yield table.name, iter(())
                    continue
                yield table.name, self._whole(table, (records(e.text) for e in following[1]))
                following = next(there, None)

    def _whole(self, table: Table, batches: Batches) -> Batches:
        if table.name not in self._updates:
            yield from batches
            return
        key = self.key_of(table.name)
        updates = self.deferred(table)
        names = [column.name for column in table.columns]
        following = next(updates, None)
        for batch in batches:
            whole = []
            for record in batch:
                if following is not None and following[0] == key(record):
                    changes = {n: literal for _, u in following[1] for n, literal in u.values}
                    record = _with(record, names, changes)
                    following = next(updates, None)
                whole.append(record)
            yield whole
        if following is not None:
            raise DocumentError(f"{table.name}: a deferred reference of a row that is not there")

    def deferred(self, table: Table) -> Iterator[tuple[Key, list[tuple[int, Update]]]]:
        """Deferred references of rows of the table, by the rows' keys; each with its place in
        ``deferred_counts``."""
        if table.name not in self._updates:
            return
        order = key_of_keys(self.header, table)
        parts = list(self._parts)
        for place, found in groupby(
            iter(self._updates[table.name]), key=lambda record: order(record[0])
        ):
            updates = []
            for key, number, *literals in found:
                _, names, untouched = parts[int(number)]
                values = tuple(zip(names, literals, strict=True))
                own = tuple(zip(table.key, cells(key), strict=True))
                updates.append((int(number), Update(table.name, values, own, untouched)))
            yield place, updates

    @property
    def deferred_counts(self) -> tuple[DeferredCount, ...]:
        """How many there are by which columns, in the order of the document."""
        return tuple(DeferredCount(part[0], part[1], self._counts[part]) for part in self._parts)

    def rows(self, name: str) -> Batches:
        """One table's records, wherever in the document it stands."""
        for table, batches in self.tables():
            if table == name:
                yield from batches
                return

    def close(self) -> None:
        """Let go of what was put aside."""
        for updates in self._updates.values():
            updates.close()


def _with(record: bytes, names: Sequence[str], changes: dict[str, bytes]) -> bytes:
    values = cells(record)
    for name, literal in changes.items():
        values[names.index(name)] = literal
    return b",".join(values)


@contextmanager
def keyed_document(source: Source, seen: Seen = as_it_is) -> Iterator[KeyedDocument]:
    """A document, read whole once; errors of its content, whoever meets them, name it. Raises
    DocumentError, ExportNotFoundError."""
    with reading(source), closing(KeyedDocument(lambda: reading(source), seen)) as document:
        yield document


def sorted_records(batches: Batches, key: Callable[[bytes], Key]) -> Batches:
    """The records in the order of ``key``, in whatever order they come."""
    sorter = Sorter(lambda record: key(record[0]))
    try:
        for batch in batches:
            for record in batch:
                sorter.add((record,))
        yield from ([record] for (record,) in sorter)
    finally:
        sorter.close()
