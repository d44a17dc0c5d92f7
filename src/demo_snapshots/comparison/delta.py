"""What changed between two versions, as statements that lead from the one to the other, row by
row and in an order that holds with foreign keys and unique keys enforced.

References that change are let go of first, where rows that they are to may go; then rows go, then
values change, then rows come, and references are set last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, zip_longest
from typing import BinaryIO

from demo_snapshots.comparison.documents import InOrder
from demo_snapshots.comparison.keyed import Batches, KeyedDocument, Open
from demo_snapshots.comparison.table_delta import NoDeltaError, TableDelta
from demo_snapshots.documents.opening import open_in_parts
from demo_snapshots.documents.protocol import Document
from demo_snapshots.documents.sql.delta_statements import Part
from demo_snapshots.documents.sql.delta_writer import DeltaContent, Statements, TableRows
from demo_snapshots.documents.sql.header import describe_table
from demo_snapshots.documents.sql.rendering import ForClients, PartedDocument
from demo_snapshots.model.snapshots import Delta, DeltaOf, TableChanges
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.join import MergeJoin
from demo_snapshots.rows.spill import Spool


class PartedKeyedDocument(KeyedDocument):
    """Knows what only clients need, too."""

    def __init__(self, opening: Open) -> None:
        self.for_clients: ForClients
        super().__init__(opening)

    @staticmethod
    def _document(stream: BinaryIO) -> PartedDocument:
        return open_in_parts(stream)

    def _check(self, document: Document) -> dict[str, int]:
        counted = super()._check(document)
        assert isinstance(document, PartedDocument)
        self.for_clients = document.for_clients
        return counted


class DeltaRows:
    """The changes that lead from ``old`` to ``new``, put aside in temporary files until ``close``.
    ``tables`` are the demo's as the database has them, with their foreign and unique keys;
    ``loose``: texts that differ in case may be one value, as MariaDB's collations have it. Making
    one raises NoDeltaError."""

    def __init__(
        self,
        old: PartedKeyedDocument,
        new: PartedKeyedDocument,
        tables: Mapping[str, Table],
        *,
        loose: bool,
    ) -> None:
        self._old, self._new = old, new
        self._files = ExitStack()
        self._deferred = [self._spool() for _ in new.deferred_counts]
        self._included: list[tuple[Table, Spool]] = []
        self._tables: list[TableDelta] = []
        try:
            _require_alike(old, new)
            self._walk(tables, loose=loose)
            self._require_order(tables)
        except BaseException:
            self.close()
            raise

    def _spool(self) -> Spool:
        spool = Spool()
        self._files.callback(spool.close)
        return spool

    def _walk(self, tables: Mapping[str, Table], *, loose: bool) -> None:
        before = InOrder(self._old)
        included = {table.name for table in self._new.included}
        for name, batches in self._new.tables():
            described = self._new.table(name)
            if name in included:
                self._take_included(described, before.rows(name), batches)
            elif not described.key:
                _require_same(name, before.rows(name), batches)
            else:
                table = TableDelta(tables[name], described, self._deferred, loose=loose)
                self._files.callback(table.close)
                self._tables.append(table)
                key = self._new.key_of(name)
                join = MergeJoin(before.rows(name), batches, key)
                try:
                    table.take(
                        join, key, self._old.deferred(described), self._new.deferred(described)
                    )
                except ValueError:
                    raise NoDeltaError(f"{name} is not in the order of its keys") from None

    def _take_included(self, table: Table, old: Batches, new: Batches) -> None:
        spool = self._spool()
        for batch in new:
            spool.add(batch)
        if not _same(old, spool):
            self._included.append((table, spool))

    def _require_order(self, tables: Mapping[str, Table]) -> None:
        """Raise NoDeltaError for what no order of statements leads to."""
        deleting = {table.name for table in self._tables if table.counts.deleted}
        changed = {table.name: table.changed_columns for table in self._tables}
        for table in self._tables:
            for key in table.fixed:
                if key.referenced_table in deleting:
                    raise NoDeltaError(
                        f"{table.name}.{', '.join(key.columns)} cannot be NULL, changes, and"
                        f" references {key.referenced_table}, of which rows go"
                    )
            for key in tables[table.name].foreign_keys:
                referenced = tables.get(key.referenced_table)
                columns = {*key.referenced_columns} - {*(referenced.key if referenced else ())}
                if columns & changed.get(key.referenced_table, set()):
                    raise NoDeltaError(
                        f"{key.referenced_table}.{', '.join(key.referenced_columns)} changes,"
                        f" which {table.name} references"
                    )

    # --- What there is -----------------------------------------------------------------------

    def delta(self, of: DeltaOf) -> Delta:
        """What the header says of it."""
        included = (TableChanges(table.name, all_rows=True) for table, _ in self._included)
        edited = (table.counts for table in self._tables if table.is_changed)
        changes = (*included, *edited)
        return Delta(of, self._new.digest, changes, self._new.deferred_counts)

    def content(self) -> DeltaContent:
        """The statements, for ``write_delta``."""
        deleting = {table.name for table in self._tables if table.counts.deleted}
        backwards = list(reversed(self._tables))
        edits = {
            Part.RELEASED: _joined(t.released(deleting) for t in self._tables),
            Part.DELETED: _joined(Statements(t.counts.deleted, t.deleted()) for t in backwards),
            Part.UPDATED: _joined(Statements(t.updated.count, t.updated) for t in self._tables),
            Part.REFERENCES: _joined(Statements(t.set.count, t.set) for t in self._tables),
        }
        return DeltaContent(
            for_clients=self._new.for_clients,
            edits=edits,
            included=[TableRows(table, spool.count, spool) for table, spool in self._included],
            inserted=[
                TableRows(t.described, t.inserted.count, t.inserted)
                for t in self._tables
                if t.inserted.count
            ],
            deferred=_joined(Statements(spool.count, spool) for spool in self._deferred),
        )

    def close(self) -> None:
        """Let go of what was put aside."""
        self._files.close()


def _joined(parts: Iterable[Statements]) -> Statements:
    found = list(parts)
    return Statements(
        sum(part.count for part in found), chain.from_iterable(part.batches for part in found)
    )


def _same(old: Batches, new: Iterable[Sequence[bytes]]) -> bool:
    ours, theirs = chain.from_iterable(old), chain.from_iterable(new)
    return all(one == other for one, other in zip_longest(ours, theirs))


def _require_same(name: str, old: Batches, new: Batches) -> None:
    if not _same(old, new):
        raise NoDeltaError(f"{name} has no key, and changed")


def _require_alike(old: PartedKeyedDocument, new: PartedKeyedDocument) -> None:
    if old.engine != new.engine:
        raise NoDeltaError(f"it was exported from {old.engine}, and this one from {new.engine}")
    if [*map(describe_table, old.described)] != [*map(describe_table, new.described)]:
        raise NoDeltaError("its tables are not the same")
    if old.for_clients.before != new.for_clients.before:
        raise NoDeltaError("its demo rows are selected otherwise")
