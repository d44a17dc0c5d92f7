"""Which dates of demo rows move with today: the configuration, resolved against tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from demo_snapshots.config.rules import TableRule
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.rules import Field
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.places import place_in, why_tied

DATES = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
_MAY_HOLD_DATES = (*DATES, Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT)


class EvergreenPlace(Struct, frozen=True):
    """Where a date stands that moves: a column, or a ``path`` into its JSON. ``instant``: one
    without an offset from UTC is in UTC. ``name`` is for people."""

    name: str
    column: str
    path: tuple[str, ...] = ()
    instant: bool = False


Places = Mapping[str, tuple[EvergreenPlace, ...]]
"""By the names of tables."""


def evergreen_places(demo: DemoSet, rules: Mapping[str, TableRule]) -> Places:
    """What ``evergreen`` says in the rules of the tables, by table. Raises ConfigError for what
    cannot move, or holds no dates."""
    found = {}
    for name, rule in rules.items():
        if rule.evergreen:
            table = demo.schema.tables[demo.schema.configured[name]]
            found[table.name] = tuple(_places(demo, table, rule))
    return found


def _places(demo: DemoSet, table: Table, rule: TableRule) -> Iterator[EvergreenPlace]:
    if rule.evergreen is True:
        columns = [
            column
            for column in table.carried
            if column.kind in DATES and why_tied(demo, table, Field(column.name)) is None
        ]
        if not columns:
            raise ConfigError(f"tables.{table.name}.evergreen: no column of dates that can move")
        yield from (_place(table, column, ()) for column in columns)
        return
    for text in dict.fromkeys(rule.evergreen or ()):
        place = place_in(table, text)
        where = f"tables.{table.name}.evergreen: {text}"
        if not table.has(place.column):
            raise ConfigError(f"{where}: {table.name} has no column {place.column}")
        column = table.column(place.column)
        if (why := _why_not(column, place) or why_tied(demo, table, place)) is not None:
            raise ConfigError(f"{where} cannot move: {why}")
        yield _place(table, column, place.path)


def _why_not(column: Column, place: Field) -> str | None:
    if column.generated:
        return "the database makes it"
    if place.path:
        return None if column.kind in (Kind.JSON, Kind.TEXT) else "it is no JSON"
    if column.kind is Kind.JSON:
        return "it is JSON; name a place in it"
    return None if column.kind in _MAY_HOLD_DATES else f"it is {column.kind}, and holds no dates"


def _place(table: Table, column: Column, path: tuple[str, ...]) -> EvergreenPlace:
    steps = "".join(step if step == "[*]" else f".{step}" for step in path)
    name = f"{table.name}.{column.name}{steps}"
    return EvergreenPlace(name, column.name, path, column.kind is Kind.TIMESTAMPTZ)
