"""Rows out, with stand-ins for what the configuration wants replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from demo_snapshots.comparison.json_text import changed
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.people.standins import StandIns
from demo_snapshots.rows.literals import cells, quote, value_of
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.places import place_in, why_tied

_UNBOUNDED = 1_000_000
_FEWEST_CHARACTERS = 16

KEY = "DEMO_ANONYMISE_KEY"
"""The variable of the environment, or of ``.env``, that holds the secret."""


class Replaced(Struct, frozen=True):
    """A column, or a ``path`` in its JSON, and what stands in for what is there."""

    column: str
    path: tuple[str, ...]
    sort: str
    longest: int
    unique: bool


class Anonymised:
    """The rows of ``demo`` with stand-ins, by ``wanted``: ``{"users.email": "email"}``. Rows stay
    in their order. Raises ConfigError for what cannot be replaced, or without a key."""

    def __init__(self, demo: DemoSet, wanted: Mapping[str, str], key: str | None) -> None:
        self._tables: dict[str, list[Replaced]] = {}
        for name, sort in wanted.items():
            table, replaced = _resolved(demo, name, sort)
            self._tables.setdefault(table.name, []).append(replaced)
        if key is None or len(key) < _FEWEST_CHARACTERS:
            raise ConfigError(
                "people.anonymise: there is no key to make stand-ins with"
                if key is None
                else f"{KEY}: a key has {_FEWEST_CHARACTERS} characters or more",
                hint=f"Set {KEY} to a secret, in the environment or in .env, that does not go into"
                " the repository: who has it can find out whom a stand-in stands for.",
            )
        self._stand_ins = StandIns(key)

    def rows(self, table: Table, batches: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        """Raw rows as they come, replaced."""
        replaced = self._tables.get(table.name)
        if not replaced:
            yield from batches
            return
        at = {column.name: number for number, column in enumerate(table.carried)}
        for batch in batches:
            yield [self._row(row, replaced, at, table) for row in batch]

    def _row(
        self, row: bytes, replaced: Sequence[Replaced], at: Mapping[str, int], table: Table
    ) -> bytes:
        values = cells(row[1:-1])
        for wanted in replaced:
            value = value_of(values[at[wanted.column]])
            if isinstance(value, str):
                values[at[wanted.column]] = quote(self._replaced(value, wanted, table)).encode()
        return b"(" + b",".join(values) + b")"

    def _replaced(self, value: str, wanted: Replaced, table: Table) -> str:
        if not wanted.path:
            return self._stand_in(value, wanted, table)
        return changed(
            value,
            wanted.path,
            lambda text: json.dumps(self._stand_in(str(text), wanted, table)),
        )

    def _stand_in(self, value: str, wanted: Replaced, table: Table) -> str:
        made = self._stand_ins.of(wanted.sort, value, wanted.longest, wanted.unique)
        if value and not made:
            raise ConfigError(
                f"people.anonymise: {table.name}.{wanted.column} has room for {wanted.longest}"
                f" characters, and no stand-in of the kind {wanted.sort} is as short"
            )
        return made


def _resolved(demo: DemoSet, name: str, sort: str) -> tuple[Table, Replaced]:
    table, rest = _table_of(demo, name)
    place = place_in(table, rest)
    column_name, path = place.column, place.path
    if not table.has(column_name):
        raise ConfigError(f"people.anonymise: {table.name} has no column {column_name}")
    column = table.column(column_name)
    if column.kind not in (Kind.TEXT, Kind.JSON) and column.native != "citext":
        raise ConfigError(f"people.anonymise: {name} is no text")
    if column.kind is Kind.JSON and not path:
        raise ConfigError(f"people.anonymise: {name} is JSON; name a place in it")
    if column.generated:
        raise ConfigError(f"people.anonymise: {name} is made by the database")
    if (why := why_tied(demo, table, place)) is not None:
        raise ConfigError(f"people.anonymise: {table.name}.{column_name} cannot be replaced: {why}")
    longest = column.length if column.length and not path else _UNBOUNDED
    unique = not path and (column_name,) in table.uniques
    if unique and sort == "phone":
        raise ConfigError(
            f"people.anonymise: {name} is unique, and too few phone numbers are set aside for"
            " examples"
        )
    return table, Replaced(column_name, path, sort, longest, unique)


def _table_of(demo: DemoSet, name: str) -> tuple[Table, str]:
    tables = {called: demo.schema.tables[own] for called, own in demo.schema.configured.items()}
    tables |= {table.name: table for table in demo.external.included}
    for called, table in tables.items():
        if name.startswith(f"{called}."):
            return table, name.removeprefix(f"{called}.")
    raise ConfigError(f"people.anonymise: {name} is in no table whose rows are exported")
