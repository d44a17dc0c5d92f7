"""When the newest of the demo rows' evergreen dates is, and at which places there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from demo_snapshots.model.snapshots import Statistics
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import cells, value_of
from demo_snapshots.rows.shift import DAY, clock_of
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.evergreen import EvergreenPlace, Places

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FIRST_ROWS = 1_000
_MANY_ROWS = 10_000
_decode = json.JSONDecoder(parse_int=str, parse_float=str).decode


class Newest:
    """The newest evergreen date of ``demo`` on the clocks in ``zone``, in seconds since 1970, in
    ``clock``: 0 where there is none since. Rows are read until one is as late as ``enough``, so of
    dates later than that it need not be the last. ``found`` are the places at which a date was.
    ``statistics`` count the rows. Within a read. Raises DatabaseError."""

    def __init__(
        self,
        demo: DemoSet,
        places: Places,
        statistics: Statistics,
        zone: ZoneInfo | None,
        enough: int,
    ) -> None:
        self.clock = 0
        self.found: set[str] = set()
        self._demo, self._zone, self._enough = demo, zone, enough
        self._day_before = ""
        self._told: set[str] = set()
        """Places of which all dates have been looked at, or the last of them."""
        there = [(demo.schema.tables[name], here) for name, here in places.items()]
        # Some rows are often enough, where the engine would go through many.
        for table, here in there:
            if statistics.rows(table.name) > _MANY_ROWS:
                self._read(table, here, _FIRST_ROWS)
        for table, here in there:
            self._ask(table, [place for place in self._left(here) if place.typed])
        for table, here in there:
            self._read(table, self._left(here), _FIRST_ROWS)
            self._read(table, self._left(here))

    def _left(self, places: Sequence[EvergreenPlace]) -> list[EvergreenPlace]:
        return [place for place in places if not self._is_known(place)]

    def _ask(self, table: Table, places: Sequence[EvergreenPlace]) -> None:
        """Have the engine say which is the last date in each of these columns."""
        if not places:
            return
        quoted = [self._demo.dialect.quote(place.column) for place in places]
        last = ", ".join(f"MAX({name}) AS {name}" for name in quoted)
        newest = f"FROM (SELECT {last} {self._from(table)}) AS newest"
        for record in chain.from_iterable(self._records(table, places, newest)):
            for place in places:
                self._note(place, record[place.column])
                # Infinity, or a word, may hide the last of the dates.
                if place.name in self.found or not dates_at(record[place.column], place):
                    self._told.add(place.name)

    def _read(
        self, table: Table, places: Sequence[EvergreenPlace], most: int | None = None
    ) -> None:
        """Read the rows until these places are known; not more than so many."""
        if not self._left(places):
            return
        read = 0
        limit = "" if most is None else f" LIMIT {most}"
        for batch in self._records(table, places, f"{self._from(table)}{limit}"):
            # Taken to the last, though known: a COPY that is broken off ends the transaction.
            left = self._left(places)
            for record in batch if left else ():
                read += 1
                for place in left:
                    self._note(place, record[place.column])
        if most is None or read < most:
            self._told |= {place.name for place in places}

    def _is_known(self, place: EvergreenPlace) -> bool:
        recent = self.clock >= self._enough and place.name in self.found
        return recent or place.name in self._told

    def _note(self, place: EvergreenPlace, literal: bytes) -> None:
        for text in dates_at(literal, place):
            # A day earlier than the day before the newest is none later, whatever its offset.
            if text[:10] < self._day_before and text[4:5] == "-" and place.name in self.found:
                continue
            clock = clock_of(text, self._zone, instant=place.instant)
            if clock is not None:
                self.found.add(place.name)
                if clock[0] > self.clock:
                    self.clock = clock[0]
                    before = datetime.fromtimestamp(self.clock - 2 * DAY, UTC)
                    self._day_before = f"{before:%Y-%m-%d}"

    def _from(self, table: Table) -> str:
        return f"FROM {self._demo.dialect.rows_of(table)} WHERE {self._demo.predicate(table)}"

    def _records(
        self, table: Table, places: Sequence[EvergreenPlace], source: str
    ) -> Iterator[Iterator[Mapping[str, bytes]]]:
        dialect = self._demo.dialect
        names = list(dict.fromkeys(place.column for place in places))
        row = dialect.row([dialect.literal(table.column(name)) for name in names])
        for batch in self._demo.database.stream(f"SELECT {row} {source}"):
            yield (dict(zip(names, cells(raw[1:-1]), strict=True)) for raw in batch)


def dates_at(literal: bytes, place: EvergreenPlace) -> list[str]:
    """What stands at a place, as text: of JSON the texts and numbers."""
    value = value_of(literal)
    if not place.path:
        return [] if value is None else [str(value)]
    try:
        values = [_decode(str(value))]
    except (ValueError, RecursionError):
        return []
    for step in place.path:
        if step == "[*]":
            values = [item for each in values if isinstance(each, list) for item in each]
        else:
            values = [each[step] for each in values if isinstance(each, dict) and step in each]
    return [each for each in values if isinstance(each, str)]
