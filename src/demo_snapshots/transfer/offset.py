"""By how much the dates of the demo rows there are differ from those in a document.

A fresh import leaves no mark: the offset stands in the rows. Of the rows with the same key some
thousands are compared, and what nearly all their evergreen dates differ by is the offset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from demo_snapshots.documents.protocol import Document, Rows, any_literals
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import cells, records
from demo_snapshots.rows.shift import clock_of
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.evergreen import EvergreenPlace, Places
from demo_snapshots.transfer.newest import dates_at
from demo_snapshots.transfer.stage import Staging

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_ROWS_A_TABLE = 1_000
_KEYS_A_QUERY = 200
_NEARLY_ALL = 0.9

Key = tuple[bytes, ...]
Record = dict[str, bytes]


class FoundOffset(Struct, frozen=True):
    """``seconds`` by which the dates there are later than the document's, 0 where no offset stands
    out; ``exact`` where all that were compared are apart by just that, and no row was missing."""

    seconds: int = 0
    exact: bool = False


def find_offset(
    demo: DemoSet, document: Document, places: Places, unit: int, zone: ZoneInfo | None
) -> FoundOffset:
    """Compare the dates of ``demo`` with those of ``document``, which is under today's names. An
    offset counts that is a whole number of ``unit`` seconds. Within a read or a transaction.
    Raises DatabaseError, and DocumentError for what it has read of a damaged document."""
    comparing = _Comparing(zone)
    for table, columns, sample in _samples(demo, document, places):
        here = [place for place in places[table.name] if place.column in columns]
        comparing.add_all(demo, table, here, sample)
    return comparing.found(unit)


def find_staged_offset(
    staging: Staging, places: Places, unit: int, zone: ZoneInfo | None
) -> FoundOffset:
    """As ``find_offset``, of staged rows in place of a document's: those of a copy have its keys.
    Within the transaction of the stages."""
    comparing = _Comparing(zone)
    for stage in staging.stages.values():
        columns = {column.name for column in stage.columns}
        here = [place for place in places.get(stage.table.name, ()) if place.column in columns]
        if here and stage.table.key:
            names, row = _wanted(staging.demo, stage.table, here)
            query = f"SELECT {row} FROM {stage.rows} LIMIT {_ROWS_A_TABLE}"
            sample = [
                dict(zip(names, cells(raw[1:-1]), strict=True))
                for batch in staging.database.stream(query)
                for raw in batch
            ]
            comparing.add_all(staging.demo, stage.table, here, sample)
    return comparing.found(unit)


def _samples(
    demo: DemoSet, document: Document, places: Places
) -> Iterator[tuple[Table, Sequence[str], list[Record]]]:
    """Of each table rows that are spread over it."""
    described = {table.name: table for table in document.header.tables}
    wanted = {
        name
        for name in places
        if name in described and _has_same_key(described[name], demo.schema.tables[name])
    }
    last = [name for name in described if name in wanted][-1:]
    sample: list[Record] = []
    columns: tuple[str, ...] = ()
    current, number = "", 0
    for event in document.rows(any_literals, any_literals, any_lookup):
        if event.table != current:
            if current in wanted:
                yield demo.schema.tables[current], columns, sample
                if [current] == last:
                    return
            current, number, sample = event.table, 0, []
        if current not in wanted or not isinstance(event, Rows):
            continue
        columns = event.columns
        step = max(1, document.header.statistics.rows(current) // _ROWS_A_TABLE)
        found = records(event.text)
        for place in range(-number % step, len(found), step):
            sample.append(dict(zip(columns, cells(found[place]), strict=True)))
        number += len(found)
    if current in wanted:
        yield demo.schema.tables[current], columns, sample


def _has_same_key(described: Table, table: Table) -> bool:
    """Whether the table's keys can be asked for as the document has them."""
    return described.key == table.key and all(
        described.column(name).kind is table.column(name).kind for name in table.key
    )


def _key(table: Table, record: Record) -> Key:
    return tuple(record[name] for name in table.key)


def _there(
    demo: DemoSet, table: Table, places: Sequence[EvergreenPlace], keys: Sequence[Key]
) -> Mapping[Key, Record]:
    """The demo rows with these keys: keys and what is evergreen."""
    dialect = demo.dialect
    names, row = _wanted(demo, table, places)
    wanted = " OR ".join(
        " AND ".join(
            f"{dialect.quote(name)} = {dialect.sql_literal(literal)}"
            for name, literal in zip(table.key, key, strict=True)
        )
        for key in keys
    )
    query = (
        f"SELECT {row} FROM {dialect.rows_of(table)} WHERE ({demo.predicate(table)}) AND ({wanted})"
    )
    found = (
        dict(zip(names, cells(raw[1:-1]), strict=True))
        for batch in demo.database.stream(query)
        for raw in batch
    )
    return {_key(table, record): record for record in found}


def _wanted(demo: DemoSet, table: Table, places: Sequence[EvergreenPlace]) -> tuple[list[str], str]:
    """The columns of the key and of what is evergreen, and a row of them in SQL."""
    names = list(dict.fromkeys((*table.key, *(place.column for place in places))))
    return names, demo.dialect.row([demo.dialect.literal(table.column(name)) for name in names])


class _Comparing:
    """Counts by how much dates are apart, on the clocks in ``zone``."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self._apart: Counter[tuple[int, int]] = Counter()
        """By seconds and by the finest unit of the two clocks."""
        self._missing = 0

    def add_all(
        self, demo: DemoSet, table: Table, places: Sequence[EvergreenPlace], sample: list[Record]
    ) -> None:
        """These records beside the demo rows with the same keys."""
        for start in range(0, len(sample), _KEYS_A_QUERY):
            part = sample[start : start + _KEYS_A_QUERY]
            there = _there(demo, table, places, [_key(table, record) for record in part])
            for record in part:
                self.add(record, there.get(_key(table, record)), places)

    def add(self, record: Record, there: Record | None, places: Sequence[EvergreenPlace]) -> None:
        if there is None:
            self._missing += 1
            return
        for place in places:
            one, other = (dates_at(each[place.column], place) for each in (record, there))
            if len(one) != len(other):
                self._missing += 1
                continue
            for before, after in zip(one, other, strict=True):
                was, now = (
                    clock_of(text, self._zone, instant=place.instant) for text in (before, after)
                )
                if was and now:
                    self._apart[now[0] - was[0], max(was[1], now[1])] += 1
                elif before != after:
                    self._missing += 1

    def found(self, unit: int) -> FoundOffset:
        total = sum(self._apart.values())
        likely = [seconds for (seconds, _), _ in self._apart.most_common(2)]
        share, offset = max(((self._agree(s), s) for s in likely), default=(0, 0))
        if not total or share < _NEARLY_ALL * total or offset % unit:
            return FoundOffset()
        return FoundOffset(offset, exact=share == total and not self._missing)

    def _agree(self, offset: int) -> int:
        """How many dates are apart by ``offset``, as far as their clocks show it."""
        return sum(
            count
            for (seconds, unit), count in self._apart.items()
            if seconds == offset - offset % unit or seconds == offset + -offset % unit
        )
