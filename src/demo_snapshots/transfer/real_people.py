"""The rows outside the demo, asked for what demo rows say of persons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.errors import DatabaseBusyError, DatabaseError
from demo_snapshots.model.people import PersonFound, Trait
from demo_snapshots.model.rules import WithCopies
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.people.columns import confirming_columns, is_phone, name_columns
from demo_snapshots.people.recognising import NEEDLE_DIGITS, folded, is_same, looks_like, needle
from demo_snapshots.people.rows import TEXTS, Candidate, texts_in
from demo_snapshots.selection.demo_set import DemoSet

_SAMPLED_ROWS = 100
_SAMPLED_CHARACTERS = 4000
_BATCH = 5000
_SEPARATORS = " -().,/+\u00a0"


class Spot(Struct, frozen=True):
    """Where rows outside the demo say something of persons: the text in SQL. Of a name,
    ``also`` are what tells namesakes apart, and the texts in SQL of that."""

    place: str
    trait: Trait
    text: str
    also: tuple[tuple[str, str], ...] = ()


class RealPeople:
    """The rows of the database of ``demo`` that are no demo rows, of whatever scenario. Of each
    table ``most`` are looked at, the newest by their key; all where it is None. ``sampled`` and
    ``unread`` name the tables that have more, and those that may not be read."""

    def __init__(self, demo: DemoSet, most: int | None) -> None:
        self._demo = demo.of(WithCopies())
        self._database = demo.database
        self._dialect = demo.dialect
        self._most = most
        self.sampled: list[str] = []
        self.unread: list[str] = []

    def meet(self, candidates: Iterable[Candidate]) -> Iterator[PersonFound]:
        """Those of the candidates that rows outside the demo have too. Some thousands are held at
        a time, and for these each place that has their like is read once."""
        waiting = iter(candidates)
        batch = list(islice(waiting, _BATCH))
        places = self._places() if batch else []
        while batch:
            for table, rows, spots in places:
                for spot in spots:
                    yield from self._met(table, rows, spot, batch)
            batch = list(islice(waiting, _BATCH))

    # --- Where to look -----------------------------------------------------------------------

    def _places(self) -> list[tuple[Table, str, list[Spot]]]:
        """Tables with something of persons: which, its rows in FROM, and where in them."""
        found = []
        for table in list(self._tables()):
            with self._database.attempt() as undo:
                try:
                    spots = self._spots(table)
                    if spots:
                        found.append((table, self._looked_at(table), spots))
                except DatabaseBusyError:
                    raise
                except DatabaseError:
                    undo()
                    self.unread.append(table.name)
        return found

    def _tables(self) -> Iterator[Table]:
        """All there are, but for those of schemas that may not be used."""
        database = self._database
        with database.wrapped():
            catalog = database.catalog
            parts, home, tables = catalog.partitions(), catalog.home(), catalog.tables()
        own = {(table.schema, table.name): table for table in self._demo.schema.tables.values()}
        for schema, names in tables.items():
            places = [(schema, name) for name in names if (schema or home, name) not in parts]
            with database.attempt() as undo:
                try:
                    with database.wrapped():
                        columns, keys = catalog.columns(places), catalog.keys(places)
                except DatabaseBusyError:
                    raise
                except DatabaseError:
                    undo()
                    self.unread += [f"{schema}.{name}" for name in names]
                    continue
            for place in places:
                found = Table(place[1], columns[place], keys[place].primary, schema=schema)
                yield own.get(place, found)

    def _source(self, table: Table) -> str:
        source = f"FROM {self._dialect.rows_of(table)}"
        if self._is_demo(table):
            source += f" WHERE ({self._demo.predicate(table)}) IS NOT TRUE"
        return source

    def _is_demo(self, table: Table) -> bool:
        return self._demo.schema.tables.get(table.name) is table

    def _looked_at(self, table: Table) -> str:
        source = self._source(table)
        if self._most is None:
            return source
        beyond = f"SELECT count(*) FROM (SELECT 1 {source} LIMIT {self._most + 1}) AS r"
        if int(self._database.scalar(beyond)) <= self._most:
            return source
        self.sampled.append(table.name)
        newest = ", ".join(f"{self._dialect.quote(name)} DESC" for name in table.key)
        return f"{source}{f' ORDER BY {newest}' if newest else ''} LIMIT {self._most}"

    def _spots(self, table: Table) -> list[Spot]:
        """By the names of its columns, and by what some of its rows hold."""
        columns = [c for c in table.columns if c.kind in TEXTS or _is_number(c)]
        if not columns:
            return []
        cut = ", ".join(f"substr({self._text(c)}, 1, {_SAMPLED_CHARACTERS})" for c in columns)
        sample = self._database.rows(f"SELECT {cut} {self._source(table)} LIMIT {_SAMPLED_ROWS}")
        if not sample:
            return []
        found: dict[tuple[str, Trait], Spot] = {}
        for column, values in zip(columns, zip(*sample, strict=True), strict=True):
            for place, trait in _traits(column.name, values):
                path = tuple(place.split(".")[1:]) if place != column.name else ()
                text = self._dialect.json_text(column, path) if path else self._text(column)
                found[place, trait] = Spot(place, trait, text)
        return [*found.values(), *self._called(table, columns)]

    def _called(self, table: Table, columns: Sequence[Column]) -> Iterator[Spot]:
        names = [column.name for column in columns if column.kind in TEXTS]
        called = name_columns(names)
        also = confirming_columns([column.name for column in table.columns])
        if called and also:
            texts = [self._text(table.column(name)) for name in called]
            whole = texts[0]
            if len(texts) > 1:
                # What is joined may be bytes, in which no engine knows small letters.
                joined = self._dialect.concatenate([texts[0], "' '", texts[1]])
                whole = self._dialect.text_of(table.column(called[0]), joined)
            confirming = tuple((w, self._text(table.column(name))) for w, name in also.items())
            yield Spot(" and ".join(called), Trait.NAME, whole, confirming)

    def _text(self, column: Column) -> str:
        return self._dialect.text_of(column, self._dialect.quote(column.name))

    # --- Who is there ------------------------------------------------------------------------

    def _met(
        self, table: Table, rows: str, spot: Spot, batch: Sequence[Candidate]
    ) -> Iterator[PersonFound]:
        wanted: dict[str, list[Candidate]] = {}
        for candidate in batch:
            if candidate.found.trait is spot.trait:
                wanted.setdefault(needle(spot.trait, candidate.value), []).append(candidate)
        if not wanted:
            return
        met: dict[int, Candidate] = {}
        for row in self._database.rows(self._query(rows, spot, wanted)):
            key, text, *also = (str(value or "") for value in row)
            for candidate in wanted.get(folded(key), ()):
                alike = is_same(spot.trait, candidate.value, text)
                if alike and _confirmed(candidate, spot, also):
                    met[id(candidate)] = candidate
        for candidate in met.values():
            yield replace(candidate.found, real=f"{table.name}.{spot.place}")

    def _query(self, rows: str, spot: Spot, wanted: Iterable[str]) -> str:
        also = "".join(f", {text} AS also{n}" for n, (_, text) in enumerate(spot.also))
        names = "".join(f", r.also{n}" for n in range(len(spot.also)))
        needles = ", ".join(self._dialect.text(value) for value in wanted)
        key = self._needle(spot.trait)
        # Texts are made of the rows that are looked at before any is compared, or the limit
        # would count those that match.
        return (
            f"SELECT DISTINCT {key} AS k, r.value{names} FROM (SELECT {spot.text} AS value{also}"
            f" {rows}) AS r WHERE {key} IN ({needles})"
        )

    def _needle(self, trait: Trait) -> str:
        if trait is Trait.PHONE:
            digits = "r.value"
            for separator in _SEPARATORS:
                digits = f"replace({digits}, '{separator}', '')"
            return self._dialect.ending(digits, NEEDLE_DIGITS)
        if trait is Trait.IBAN:
            return "lower(replace(r.value, ' ', ''))"
        return "lower(trim(r.value))"


def _is_number(column: Column) -> bool:
    return column.kind is Kind.INTEGER and is_phone(column.name)


def _traits(name: str, values: Sequence[Any]) -> Iterator[tuple[str, Trait]]:
    """What the values of a column are, as wholes, or in their JSON."""
    for value in values:
        for place, text, phone in texts_in(str(value), name, is_phone(name)):
            if "[*]" in place:
                continue
            if phone:
                yield place, Trait.PHONE
            if (trait := looks_like(text.strip())) is not None:
                yield place, trait


def _confirmed(candidate: Candidate, spot: Spot, also: Sequence[str]) -> bool:
    """Whether the rows say more alike than the name, where it is no more than a name."""
    if spot.trait is not Trait.NAME:
        return True
    there = {(what, folded(text)) for (what, _), text in zip(spot.also, also, strict=True) if text}
    return bool(there & set(candidate.also))
