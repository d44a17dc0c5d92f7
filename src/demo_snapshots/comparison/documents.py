"""Two documents side by side: which rows and which cells differ, in one pass over both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from msgspec.structs import replace

from demo_snapshots.comparison.cells import Compared
from demo_snapshots.comparison.keyed import Batches, KeyedDocument, sorted_records
from demo_snapshots.comparison.rows import RowComparison, Shape, Told
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.changes import TableDifference
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.rows.join import MergeJoin

Ignored = Callable[[str], Collection[str]]
"""The names of the columns of a table that are not compared."""

# Spelled and sorted alike by every engine.
_ALIKE = {Kind.INTEGER, Kind.TEXT}


def shape_of(old: Table, new: Table, ignored: Collection[str], *, exact: bool) -> Shape:
    """How the rows of a table are compared whose sides are described by ``old`` and ``new``."""
    ours = {column.name: place for place, column in enumerate(old.columns)}
    theirs = {column.name: place for place, column in enumerate(new.columns)}
    columns = tuple(
        Compared(column.name, ours[column.name], theirs[column.name], column.kind)
        for column in new.columns
        if column.name in ours and column.name not in ignored
    )
    by_name = {column.name: column for column in columns}
    has_key = bool(old.key) and old.key == new.key and all(name in by_name for name in old.key)
    return Shape(
        table=new.name,
        columns=columns,
        key=tuple(by_name[name] for name in old.key) if has_key else (),
        only_old=tuple(n for n in ours if n not in theirs and n not in ignored),
        only_new=tuple(n for n in theirs if n not in ours and n not in ignored),
        exact=exact,
    )


class DocumentComparison:
    """Compares the documents ``old`` and ``new``. Those of one engine by every byte, others by
    what their values mean: engines spell them differently."""

    def __init__(self, old: KeyedDocument, new: KeyedDocument, ignored: Ignored) -> None:
        self._old, self._new, self._ignored = old, new, ignored
        self._exact = old.engine == new.engine

    def tables(self, names: Collection[str] | None, tell: Told) -> Iterator[TableDifference]:
        """The difference of each table, or of those called ``names``: in the new document's
        order, then those that only the old one has. ``tell`` takes the changes."""
        there = {table.name for table in self._old.described}
        with_old = InOrder(self._old)
        for name, batches in self._new.tables():
            if names is not None and name not in names:
                continue
            if name in there:
                yield self._compared(name, with_old.rows(name), batches, tell)
            else:
                yield TableDifference(name, added=self._new.count(name), missing="old")
        known = {table.name for table in self._new.described}
        for table in self._old.described:
            if table.name not in known and (names is None or table.name in names):
                removed = self._old.count(table.name)
                yield TableDifference(table.name, removed=removed, missing="new")

    def _compared(self, name: str, old: Batches, new: Batches, tell: Told) -> TableDifference:
        ours, theirs = self._old.table(name), self._new.table(name)
        shape = shape_of(ours, theirs, self._ignored(name), exact=self._exact)
        rows = RowComparison(shape, tell)
        if shape.key and self._is_in_order(name, shape):
            join = MergeJoin(old, new, self._old.key_of(name), self._new.key_of(name))
        else:
            keys = shape.sort_key(old=True), shape.sort_key(old=False)
            join = MergeJoin(sorted_records(old, keys[0]), sorted_records(new, keys[1]), *keys)
        try:
            for pair in join:
                rows.take(pair)
        except ValueError as error:
            raise DocumentError(f"{name}: {error}") from error
        found = rows.finish()
        return replace(found, same=found.same + join.same)

    def _is_in_order(self, name: str, shape: Shape) -> bool:
        """Whether both documents have the rows in one order, by keys that are spelled alike."""
        if self._exact:
            return self._new.is_sorted_alike(name)
        return all(column.kind in _ALIKE for column in shape.key)


class InOrder:
    """One document's tables in the order in which another has them: as the first one streams by,
    or where that is past, from the beginning again."""

    def __init__(self, document: KeyedDocument) -> None:
        self._document = document
        self._passed: set[str] = set()
        self._tables = document.tables()

    def rows(self, name: str) -> Batches:
        if name in self._passed:
            return self._document.rows(name)
        for table, batches in self._tables:
            self._passed.add(table)
            if table == name:
                return batches
        raise KeyError(name)
