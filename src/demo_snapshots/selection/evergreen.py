"""Which dates of demo rows move with today: the configuration, resolved against tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from demo_snapshots.config.rules import TableRule
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.rules import Field, TableSelection, Where
from demo_snapshots.model.snapshots import Statistics
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.people.columns import words_of
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.places import is_in, place_in, why_tied

DATES = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
_MAY_HOLD_DATES = (*DATES, Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT)


class EvergreenPlace(Struct, frozen=True):
    """Where a date stands that moves: a column, or a ``path`` into its JSON. ``instant``: one
    without an offset from UTC is in UTC. ``typed``: the engine knows that the column holds dates.
    ``name`` is for people."""

    name: str
    column: str
    path: tuple[str, ...] = ()
    instant: bool = False
    typed: bool = False


_LASTING = {
    *("birth", "birthday", "birthdate", "dob", "born", "geburtsdatum", "geboren"),
    *("death", "died", "founded", "established", "built", "anniversary", "wedding"),
}
"""Words of columns whose dates are what they are, whenever a demo is shown."""
_LASTS = {"expires", "expiry", "expiration", "expired", "valid", "issued", "issue"}
_DOCUMENTS = {
    *("passport", "licence", "license", "visa", "permit", "certificate", "document", "identity"),
    *("card", "ausweis", "fuehrerschein"),
}

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
        for column in table.carried:
            if column.kind in DATES and why_tied(demo, table, Field(column.name)) is None:
                yield _place(table, column, ())
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
    typed = not path and column.kind in DATES
    return EvergreenPlace(name, column.name, path, column.kind is Kind.TIMESTAMPTZ, typed)


def without_dates(
    places: Places, found: Collection[str], statistics: Statistics
) -> tuple[str, ...]:
    """The places of tables with rows that are not among those at which a date was ``found``, but
    for columns of dates: these may be empty, and nothing is wrong."""
    return tuple(
        place.name
        for table, here in places.items()
        for place in here
        if statistics.rows(table) and place.name not in found and not place.typed
    )


def proposed(table: Table, selection: TableSelection) -> tuple[str, ...]:
    """The columns of dates that seem to be about the time that a demo is shown at: neither
    somebody's birthday nor the expiry of a document, nor what rows are told by."""
    if not table.key:
        return ()
    tied = {*table.key, *(name for key in table.foreign_keys for name in key.columns)}
    where = selection.rule if isinstance(selection.rule, Where) else None
    return tuple(
        column.name
        for column in table.carried
        if column.kind in DATES
        and column.name not in tied
        and not (where and is_in(column.name, f"{where.sqlite} {where.mariadb}"))
        and not _lasts(table.name, column.name)
    )


def _lasts(table: str, column: str) -> bool:
    words = set(words_of(column))
    about = words | {word.removesuffix("s") for word in words_of(table)}
    return bool(words & _LASTING or (words & _LASTS and about & _DOCUMENTS))
