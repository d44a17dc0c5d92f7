"""The names of uploaded files that rows hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from demo_snapshots.rows.literals import cells, value_of
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.file_places import FilePlace
from demo_snapshots.transfer.extract import RowSource


def names_in_demo(demo: DemoSet, place: FilePlace) -> Iterator[tuple[str, str]]:
    """Each name at a place of the demo rows, with its row's key, in the order of the keys."""
    return _names(demo, place, RowSource(demo).columns_query(place.table, _columns(place)))


def names_in_real_rows(demo: DemoSet, place: FilePlace) -> Iterator[tuple[str, str]]:
    """The same of the rows that are not demo data, in no order."""
    table, dialect = place.table, demo.dialect
    row = dialect.row([dialect.literal(table.column(name)) for name in _columns(place)])
    source = f"FROM {dialect.rows_of(table)}"
    if table.name in demo.selection.tables:
        source += f" WHERE ({demo.predicate(table)}) IS NOT TRUE"
    return _names(demo, place, f"SELECT {row} {source}")


def _columns(place: FilePlace) -> tuple[str, ...]:
    return (*place.table.key, place.column)


def _names(demo: DemoSet, place: FilePlace, query: str) -> Iterator[tuple[str, str]]:
    source = RowSource(demo)
    for rows in source.stream(place.table, _columns(place), query):
        for row in rows:
            *key, value = map(value_of, cells(row[1:-1]))
            for name in _at(value, place.steps):
                yield ", ".join(map(str, key)) or "none", name


def _at(value: object, steps: Sequence[str]) -> Iterator[str]:
    """The names in a column's value: texts that are not empty."""
    if not steps:
        if isinstance(value, str) and value:
            yield value
        return
    try:
        values = [json.loads(value)] if isinstance(value, str) else []
    except (ValueError, RecursionError):
        return
    for step in steps:
        if step == "[*]":
            values = [item for each in values if isinstance(each, list) for item in each]
        else:
            values = [each[step] for each in values if isinstance(each, dict) and step in each]
    yield from (each for each in values if isinstance(each, str) and each)
