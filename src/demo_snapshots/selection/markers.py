"""A table's rows -> what marks them as demo rows. Looks at a bounded number of rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from demo_snapshots.engines.database import Database
from demo_snapshots.model.rules import Field
from demo_snapshots.model.tables import Column, Kind, Table

SAMPLED_ROWS = 5_000
"""Looked at from each end of a table, in key order: demo rows are among the oldest where a
seeder ran first, among the newest where it ran today."""

_MATCHES = 100
_MARKER_KEY = "demo_seed"
_SCENARIO_KEY = "scenario"
_BOOLEANS = ("isdemo", "demo", "demoseed", "isdemodata", "isdemorow", "demodata")
_TRUTH_TEXTS = {"0", "1", "true", "false", None}
_TRUE = ("true", "1", '"true"', '"1"')
_DEEPEST = 6
_MOST_KINDS = 20
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Marker(Struct, frozen=True):
    """``field`` tells a table's demo rows, for the reason in words. Where ``by_scenario``, they
    are those with any scenario at all. ``doubtful``: every row would be one."""

    field: Field
    reason: str
    scenario: Field | None = None
    scenarios: tuple[str, ...] = ()
    by_scenario: bool = False
    doubtful: bool = False


class Sample:
    """Both ends of one table."""

    def __init__(self, database: Database, table: Table) -> None:
        self.database = database
        self.dialect = database.dialect
        self.table = table

    def ends(self, selected: str) -> list[str]:
        """Queries for ``selected`` of the first and the last rows in key order; of any rows
        where there is no key."""
        query = f"SELECT {selected} FROM {self.dialect.table(self.table)}"
        keys = [self.dialect.quote(name) for name in self.table.key]
        if not keys:
            return [f"{query} LIMIT {SAMPLED_ROWS}"]
        return [
            f"{query} ORDER BY {', '.join(key + way for key in keys)} LIMIT {SAMPLED_ROWS}"
            for way in ("", " DESC")
        ]

    def distinct(self, column: Column, limit: int) -> set[str | None]:
        """The column's values as text, ``limit`` of them at most."""
        text = self.dialect.text_of(column, self.dialect.quote(column.name))
        return {
            row[0]
            for end in self.ends(f"{text} AS x")
            for row in self.database.rows(f"SELECT DISTINCT x FROM ({end}) AS s LIMIT {limit}")
        }

    def documents(self, column: Column, key: str) -> Iterator[dict[str, Any]]:
        """JSON objects in ``column`` whose text mentions ``key``, a limited number of them."""
        text = self.dialect.text_of(column, self.dialect.quote(column.name))
        like = self.dialect.text(f"%{key}%")
        for end in self.ends(f"{text} AS x"):
            query = f"SELECT x FROM ({end}) AS s WHERE x LIKE {like} LIMIT {_MATCHES}"
            for (value,) in self.database.rows(query):
                try:
                    document = json.loads(value)
                except (ValueError, RecursionError):
                    continue
                if isinstance(document, dict):
                    yield document


def find_marker(sample: Sample) -> Marker | None:
    """What marks the table's demo rows: JSON that says ``demo_seed``, else a boolean column,
    else a column that names a scenario."""
    return _in_json(sample) or _in_boolean(sample) or _in_scenario(sample)


def find_breakdown(sample: Sample) -> str | None:
    """A ``type`` or ``kind`` column with a handful of different values."""
    for column in sample.table.columns:
        if column.name.lower() in ("type", "kind") and column.kind is Kind.TEXT:
            values = sample.distinct(column, _MOST_KINDS + 1)
            if 2 <= len(values) <= _MOST_KINDS and all(len(v or "") <= 40 for v in values):
                return column.name
    return None


def _in_json(sample: Sample) -> Marker | None:
    for column in _json_columns(sample.table):
        documents = list(sample.documents(column, _MARKER_KEY))
        found = Counter(
            path
            for document in documents
            for path, value in _places(document, _MARKER_KEY)
            if json.dumps(value) in _TRUE
        )
        if not found:
            continue
        path = found.most_common(1)[0][0]
        field = Field(column.name, path)
        scenario = (*path[:-1], _SCENARIO_KEY)
        named = _strings(documents, scenario)
        reason = f"{field} is true in its JSON"
        if named:
            return Marker(field, reason, Field(column.name, scenario), named)
        own, named = _scenario_column(sample)
        return Marker(field, reason, own, named)
    return None


def _json_columns(table: Table) -> list[Column]:
    """Where JSON may be, the columns that say so first. A dot in a column's name leaves no way
    to write a path into it."""
    columns = [column for column in table.carried if "." not in column.name]
    long = [c for c in columns if c.kind is Kind.TEXT and (c.length is None or c.length >= 100)]
    return [*(c for c in columns if c.kind is Kind.JSON), *long]


def _places(
    value: object, key: str, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    if not isinstance(value, dict) or len(path) > _DEEPEST:
        return
    for name, inner in value.items():
        if name and set(name) <= _PLAIN:
            if name == key:
                yield (*path, name), inner
            yield from _places(inner, key, (*path, name))


def _strings(documents: list[dict[str, Any]], path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                value
                for document in documents
                for place, value in _places(document, path[-1])
                if place == path and isinstance(value, str) and value
            }
        )
    )


def _in_boolean(sample: Sample) -> Marker | None:
    for column in sample.table.carried:
        if column.name.lower().replace("_", "") not in _BOOLEANS:
            continue
        if column.kind is not Kind.BOOLEAN and not sample.distinct(column, 5) <= _TRUTH_TEXTS:
            continue
        scenario, named = _scenario_column(sample)
        if scenario is None:
            scenario, named = _scenario_in_json(sample)
        return Marker(Field(column.name), f"{column.name} is true", scenario, named)
    return None


def _scenario_in_json(sample: Sample) -> tuple[Field | None, tuple[str, ...]]:
    for column in _json_columns(sample.table):
        if column.kind is Kind.JSON:
            named = _strings(list(sample.documents(column, _SCENARIO_KEY)), (_SCENARIO_KEY,))
            if named:
                return Field(column.name, (_SCENARIO_KEY,)), named
    return None, ()


def _scenario_column(sample: Sample) -> tuple[Field | None, tuple[str, ...]]:
    for column in sample.table.carried:
        is_name = column.name.lower().replace("_", "") in ("scenario", "demoscenario")
        if is_name and column.kind is Kind.TEXT:
            values = sample.distinct(column, _MOST_KINDS)
            return Field(column.name), tuple(sorted(value for value in values if value))
    return None, ()


def _in_scenario(sample: Sample) -> Marker | None:
    field, named = _scenario_column(sample)
    if field is None:
        return None
    # Where every row has a scenario, having one tells demo rows from no others.
    doubtful = not sample.table.column(field.column).nullable
    reason = f"{field.column} names a scenario"
    return Marker(field, reason, field, named, by_scenario=True, doubtful=doubtful)
