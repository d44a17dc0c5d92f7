"""What every engine's catalog can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from demo_snapshots.engines.base.session import Session
from demo_snapshots.model.tables import Column, ColumnSequence, ForeignKey, Table, Trigger

Place = tuple[str | None, str]
"""A table's schema, None for the default one, and its name."""

Names = Mapping[str | None, Sequence[str]]
"""The tables of each schema, sorted; the default schema is None, and always there."""


class Keys(Struct, frozen=True):
    """A table's primary key in key order, empty where it has none, and what else is unique:
    the columns of constraints and of indexes that hold for every row, in any order."""

    primary: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]


class Check(Struct, frozen=True):
    """A CHECK constraint: what the engine calls it, and its condition in SQL."""

    name: str
    condition: str


class Catalog(ABC):
    """The database that ``session`` is connected to. Every question is asked anew:
    answers are as old as the transaction, never older. Driver's errors arrive as they are."""

    has_schemas = False
    """Whether a database holds several schemas, found by a search path."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.dialect = session.dialect

    def _rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.session.rows(sql, arguments)

    def home(self) -> str:
        """The default schema's name; empty where there are no schemas."""
        return ""

    @abstractmethod
    def tables(self) -> Names:
        """All tables, without views, temporary tables and the engine's own."""

    @abstractmethod
    def foreign_keys(self, names: Names) -> dict[Place, tuple[ForeignKey, ...]]:
        """Those of every table that has any; ``names`` are what ``tables`` gave."""

    def divided_keys(self) -> list[tuple[Place, ForeignKey]]:
        """Foreign keys that are none of the whole table's (PostgreSQL): some of its partitions
        have them, and others lead to another table by the same columns."""
        return []

    @abstractmethod
    def keys(self, places: Iterable[Place]) -> dict[Place, Keys]:
        """The keys of these tables."""

    @abstractmethod
    def columns(self, places: Iterable[Place]) -> dict[Place, tuple[Column, ...]]:
        """The columns of these tables, in table order."""

    @abstractmethod
    def triggers(self) -> dict[Place, tuple[Trigger, ...]]:
        """The triggers that may fire, and rules (PostgreSQL), of every table that has any."""

    @abstractmethod
    def stamp(self, tables: Sequence[Table]) -> object:
        """What the database says of these tables, in whatever form: equal to one taken before
        only if all that an import goes by is as it was (columns, constraints, triggers)."""

    def checks(self, table: Table) -> tuple[Check, ...]:
        """The CHECK constraints that all rows of ``table`` fulfil, as far as other rows of its
        columns can be held to them."""
        return ()

    def sequences(self, places: Iterable[Place]) -> dict[Place, tuple[ColumnSequence, ...]]:
        """What PostgreSQL's sequences fill in these tables; engines whose counters the stock
        client moves by itself have none."""
        return {}

    def partitions(self) -> set[tuple[str, str]]:
        """Schema (by its name) and name of the tables that are only a part of another, which
        has their rows."""
        return set()

    def relations(self, names: Sequence[str]) -> list[tuple[str, str, bool]]:
        """All that is called one of ``names``, tables or not: schema (by its name), name, and
        whether the bare name leads there. Only where there are schemas."""
        return []

    def inherited(self) -> set[Place]:
        """The tables that others inherit from."""
        return set()


def by_place(rows: Iterable[tuple[Place, Trigger]]) -> dict[Place, tuple[Trigger, ...]]:
    found: dict[Place, list[Trigger]] = {}
    for place, trigger in rows:
        found.setdefault(place, []).append(trigger)
    return {place: tuple(triggers) for place, triggers in found.items()}
