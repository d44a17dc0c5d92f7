"""Three documents merged into the rows of a fourth: table by table, in constant memory."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from demo_snapshots.comparison.constraints import Constraints
from demo_snapshots.comparison.documents import InOrder
from demo_snapshots.comparison.keyed import Batches, KeyedDocument, sorted_records
from demo_snapshots.comparison.renewal import JsonReferences, Renewal
from demo_snapshots.comparison.threeway import Decide, RowMerge, merged_count
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.merging import TableMerge
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.join import ThreeWayJoin
from demo_snapshots.rows.spill import Spool


class Relations(Struct, frozen=True):
    """What documents do not tell: ``tables`` and, of rows that travel along, ``included`` with
    their foreign keys and unique keys, both by name and in load order; ``json_references``; and by
    table the columns whose JSON the engine writes in an order of its own (``canonical``)."""

    tables: Mapping[str, Table]
    included: Mapping[str, Table]
    json_references: JsonReferences
    canonical: Mapping[str, Collection[str]]


class MergedRows:
    """The rows that ``ours`` and ``theirs`` have become since ``base``; the three describe the
    same tables. Making it merges them: the rows lie in temporary files until ``close``."""

    def __init__(
        self,
        base: KeyedDocument,
        ours: KeyedDocument,
        theirs: KeyedDocument,
        relations: Relations,
        decide: Decide,
    ) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._relations, self._decide = relations, decide
        self._spools: dict[str, Spool] = {}
        self._renewal = Renewal(relations.tables, relations.json_references)
        described = {table.name: table for table in ours.described}
        self._constraints = Constraints(
            {**relations.included, **relations.tables},
            described,
            loose=ours.engine in ("mariadb", "mysql"),
        )
        self.tables: tuple[TableMerge, ...] = ()
        try:
            self._renewal.find(base, ours, theirs)
            self.tables = tuple(self._merged())
        except ValueError as error:
            self.close()
            raise DocumentError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def _merged(self) -> Iterator[TableMerge]:
        documents = [InOrder(d) for d in (self._base, self._ours, self._theirs)]
        for name in (*self._relations.included, *self._relations.tables):
            sides = [document.rows(name) for document in documents]
            if name in self._relations.tables:
                sides[2] = self._renewal.rewritten(name, sides[2], self._theirs)
            else:
                key = self._ours.key_of(name)
                sides = [sorted_records(side, key) for side in sides]
            self._spools[name] = Spool()
            if self._ours.table(name).key:
                yield self._merge_by_key(name, sides)
            else:
                yield self._merge_multisets(name, sides)

    def _merge_by_key(self, name: str, sides: Sequence[Batches]) -> TableMerge:
        spool = self._spools[name]
        canonical = self._relations.canonical.get(name, ())
        rows = RowMerge(self._ours.table(name), self._decide, canonical)
        asks_for_all = self._constraints.asks_for_all(name)
        travels_along = name in self._relations.included
        for found in ThreeWayJoin(sides, self._ours.key_of(name)):
            if isinstance(found, list):
                spool.add(found)
                for same in found if asks_for_all else ():
                    self._constraints.take(name, same, is_in_both=True)
                continue
            _, ours, theirs = found
            if travels_along and (ours is None or theirs is None):
                # The other side's rows may still reference it, and it is nobody's to delete.
                record = ours or theirs
            else:
                record = rows.merge(found)
            if record is not None:
                spool.add([record])
                if ours != theirs or asks_for_all:
                    self._constraints.take(name, record, is_in_both=ours == theirs)
        renewed = len(self._renewal.fresh.get(name, ()))
        counts = (rows.ours, rows.theirs, rows.both, renewed, rows.decided)
        return TableMerge(name, spool.count, *counts)

    def _merge_multisets(self, name: str, sides: Sequence[Batches]) -> TableMerge:
        spool = self._spools[name]
        by_ours = by_theirs = by_both = 0
        marked = [_marked(side, rows) for side, rows in enumerate(sides)]
        for record, alike in groupby(heapq.merge(*marked), key=lambda pair: pair[0]):
            counts = [0, 0, 0]
            for _, side in alike:
                counts[side] += 1
            base, ours, theirs = counts
            by_ours += ours != base and theirs == base
            by_theirs += theirs != base and ours == base
            by_both += base not in (ours, theirs)
            left = merged_count(base, ours, theirs)
            for _ in range(left):
                spool.add([record])
            if left:
                self._constraints.take(name, record, is_in_both=bool(ours and theirs))
        return TableMerge(name, spool.count, by_ours, by_theirs, by_both)

    def rows(self, name: str) -> Batches:
        """The merged records of a table, in the order of their keys, or of their bytes."""
        return iter(self._spools[name])

    def count(self, name: str) -> int:
        return self._spools[name].count

    def problems(self) -> list[str]:
        """Foreign keys and unique keys that would not hold, as sentences."""
        found = list(self._constraints.broken_references(self.rows))
        for table in self.tables:
            if table.both or (table.ours and table.theirs):
                found += self._constraints.broken_uniques(table.table, self.rows)
        return found

    def close(self) -> None:
        """Let go of the temporary files."""
        self._constraints.close()
        for spool in self._spools.values():
            spool.close()


def _marked(side: int, rows: Batches) -> Iterator[tuple[bytes, int]]:
    """The records in the order of their bytes, each with the side it is on."""
    for batch in sorted_records(rows, _whole):
        for record in batch:
            yield record, side


def _whole(record: bytes) -> tuple[object, ...]:
    return (record,)
