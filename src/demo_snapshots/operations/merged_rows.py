"""Merged rows as a document has them: counted, with what has to wait until the end put aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from demo_snapshots.comparison.keyed import KeyedDocument
from demo_snapshots.comparison.merged import MergedRows
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.rows.literals import cells, value_of
from demo_snapshots.rows.spill import Spool
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.order import DeferredReference
from demo_snapshots.selection.search_path import search_path


class MergedRowsToWrite:
    """``snapshot.RowsToWrite`` of merged rows. What cannot be there from the start, by the order
    in which ``demo``'s tables load, is put aside in temporary files, until ``close``."""

    def __init__(self, merged: MergedRows, demo: DemoSet, like: KeyedDocument) -> None:
        """``like``: a document that has its rows in the order that these are in."""
        self.merged, self.demo = merged, demo
        self.order = demo.order
        self.selection = demo.selection
        self.search_path = search_path(demo)
        self._included = demo.external.included
        self._like = like
        self._deferred = [(reference, Spool()) for reference in demo.order.deferred]
        self._without: dict[str, Spool] = {}
        for name in dict.fromkeys(r.table.name for r in demo.order.deferred):
            self._without[name] = Spool()
            self._put_aside(name)

    def _put_aside(self, name: str) -> None:
        """Empty the references that have to wait, and keep them, each with its row's key."""
        waiting = [
            (spool, self._places(r.table, (*r.table.key, *r.columns)), self._waits(r), r)
            for r, spool in self._deferred
            if r.table.name == name
        ]
        for batch in self.merged.rows(name):
            records = []
            for record in batch:
                values = cells(record)
                emptied = list(values)
                for spool, places, waits, reference in waiting:
                    if waits(record, values):
                        spool.add([b",".join(values[place] for place in places)])
                        for place in places[len(reference.table.key) :]:
                            emptied[place] = b"NULL"
                records.append(record if emptied == values else b",".join(emptied))
            self._without[name].add(records)

    def _waits(self, reference: DeferredReference) -> Callable[[bytes, list[bytes]], bool]:
        table = reference.table
        columns = reference.foreign_key.columns
        places = self._places(table, columns)
        own = self._like.key_of(table.name)
        ahead = self._like.reference_of(table.name, columns) if reference.forward else None

        def waits(record: bytes, values: list[bytes]) -> bool:
            # A reference by natural key is looked up where it stands.
            if any(values[place] == b"NULL" or values[place][:1] == b"\n" for place in places):
                return False
            return ahead is None or ahead(record) > own(record)

        return waits

    def _places(self, table: Table, columns: tuple[str, ...]) -> list[int]:
        names = [column.name for column in table.carried]
        return [names.index(column) for column in columns]

    def rows(self, table: Table) -> Iterator[list[bytes]]:
        """Raw rows, in the order of the document."""
        for batch in self._without.get(table.name) or self.merged.rows(table.name):
            yield [b"(" + record + b")" for record in batch]

    def leads_ahead(self, table: Table, key: ForeignKey) -> bool:
        """As ``RowSource.leads_ahead``."""
        in_order = key.referenced_table == table.name and key.referenced_columns == table.key
        ahead = DeferredReference(table, key, key.columns, in_order)
        waits = self._waits(ahead)
        return any(
            waits(record, cells(record))
            for batch in self.merged.rows(table.name)
            for record in batch
        )

    def deferred_count(self, reference: DeferredReference) -> int:
        return self._spool(reference).count

    def deferred_rows(self, reference: DeferredReference) -> Iterator[list[bytes]]:
        for batch in self._spool(reference):
            yield [b"(" + record + b")" for record in batch]

    def _spool(self, reference: DeferredReference) -> Spool:
        return next(spool for each, spool in self._deferred if each is reference)

    def statistics(self) -> Statistics:
        """Rows per table in load order, with the breakdowns the configuration names."""
        return Statistics(tuple(self._count(table) for table in self.order.tables))

    def _count(self, table: Table) -> TableCount:
        breakdown = self.selection.rules[table.name].breakdown
        if breakdown is None:
            return TableCount(table.name, self.merged.count(table.name))
        [place] = self._places(table, (breakdown,))
        found: Counter[str] = Counter()
        for batch in self.merged.rows(table.name):
            found.update(_label(cells(record)[place]) for record in batch)
        return TableCount(table.name, self.merged.count(table.name), tuple(sorted(found.items())))

    def includes(self) -> tuple[tuple[Table, int], ...]:
        """The tables whose rows travel along, and how many."""
        return tuple((table, self.merged.count(table.name)) for table in self._included)

    def close(self) -> None:
        """Let go of what was put aside."""
        for spool in (*self._without.values(), *(spool for _, spool in self._deferred)):
            spool.close()


def _label(literal: bytes) -> str:
    """A breakdown's value as a header holds it, as the engine would have it as text."""
    value = value_of(literal)
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
