"""One version to look at: its tables, and their rows as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from demo_snapshots.comparison.keyed import Batches, KeyedDocument, keyed_document
from demo_snapshots.errors import UsageError
from demo_snapshots.model.changes import Value
from demo_snapshots.model.snapshots import Entry, Header, check_scenario_name
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import cells, value_of
from demo_snapshots.store import Store, unknown_scenario

ValueRow = tuple[Value, ...]
"""A row's values, in the order of its table's columns."""


class ShownTable(Struct, frozen=True):
    """One table of a version. ``rows`` is to be read before the next table is asked for."""

    table: Table
    count: int
    included: bool
    """Whether its rows are no demo rows: they travel along, for demo rows reference them."""
    rows: Iterator[ValueRow]


class Showing:
    """A version that was read whole once, and is read again for every call of ``tables``."""

    def __init__(self, document: KeyedDocument, entry: Entry, names: frozenset[str]) -> None:
        self._document = document
        self._names = names
        self.entry = entry
        self.header: Header = document.header
        self.digest = document.digest
        known = [table.name for table in document.described]
        for name in sorted(names - set(known)):
            raise UsageError(
                f"no table {name} in the snapshot", hint=f"There are: {', '.join(known)}."
            )

    @property
    def described(self) -> tuple[Table, ...]:
        """The tables that are shown, in the document's order."""
        return tuple(table for table in self._document.described if self._is_shown(table.name))

    def count(self, table: Table) -> int:
        """How many rows of the table there are."""
        return self._document.count(table.name)

    def tables(self) -> Iterator[ShownTable]:
        """Every table that is shown, its rows by key."""
        included = {table.name for table in self._document.included}
        for name, batches in self._document.tables():
            if self._is_shown(name):
                table, count = self._document.table(name), self._document.count(name)
                yield ShownTable(table, count, name in included, _values(batches))

    def _is_shown(self, name: str) -> bool:
        return not self._names or name in self._names


def _values(batches: Batches) -> Iterator[ValueRow]:
    for batch in batches:
        for record in batch:
            yield tuple(map(value_of, cells(record)))


@contextmanager
def show_export(
    store: Store, scenario: str, version: str | None = None, *, tables: Iterable[str] = ()
) -> Iterator[Showing]:
    """A version of ``scenario``, ``v1`` or ``v1_2025-01-15``, the latest if None; only the
    ``tables`` of these names, all if there are none.

    A context manager: rows can be read within it, in constant memory. The file is read whole
    first, so that nothing is shown of one that is damaged. Raises ExportNotFoundError,
    DocumentError, UsageError, StoreError.
    """
    check_scenario_name(scenario)
    entry = store.find(scenario, version) if version else store.latest(scenario)
    if entry is None:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    with keyed_document(store.source(entry)) as document:
        yield Showing(document, entry, frozenset(tables))
