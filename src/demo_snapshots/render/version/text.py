"""A version for a terminal: the first rows of each table, as many columns as there is room for."""

from __future__ import annotations

from itertools import islice

from demo_snapshots.model.changes import Value
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Kind
from demo_snapshots.operations.show import ShownTable
from demo_snapshots.render.comparison import words
from demo_snapshots.render.report import (
    Block,
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    counted,
    file_size,
)
from demo_snapshots.render.visible import visible

_WIDEST = 40
_GAP = 3
_NUMBERS = {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT}
_TAKEN = {"", "NULL", "true", "false"}


def table_report(shown: ShownTable, most: int, width: int, signs: words.Signs) -> Report:
    """The first ``most`` rows of a table, in at most ``width`` columns of the terminal."""
    name = shown.table.name + (" (not demo rows: they travel along)" if shown.included else "")
    heading = Line(f"{name}: {counted(shown.count, 'row')}", Look.STRONG)
    rows = [tuple(short(value, signs) for value in row) for row in islice(shown.rows, most)]
    if not rows:
        return (heading,)
    columns = shown.table.columns
    fitting = _fitting([column.name for column in columns], rows, width)
    headings = tuple(
        Heading(visible(column.name), numeric=column.kind in _NUMBERS)
        for column in columns[:fitting]
    )
    blocks: list[Block] = [heading, Grid(headings, tuple(Row(row[:fitting]) for row in rows))]
    more = []
    if shown.count > len(rows):
        more.append(f"{signs.dots} and {counted(shown.count - len(rows), 'more row')}")
    if fitting < len(columns):
        names = ", ".join(column.name for column in columns[fitting:])
        more.append(f"{signs.dots} and {counted(len(columns) - fitting, 'more column')}: {names}")
    blocks += [Line(f"  {line}", Look.FAINT) for line in more]
    return tuple(blocks)


def uploads(header: Header) -> Report:
    """How many uploaded files go with it."""
    if header.files is None:
        return ()
    count = counted(header.files.count, "uploaded file")
    return (Line(f"{count}, {file_size(header.files.size)}", Look.FAINT),)


def _fitting(names: list[str], rows: list[tuple[str, ...]], width: int) -> int:
    """How many of the columns there is room for; one at least."""
    room = width
    for place, name in enumerate(names):
        room -= max(len(name), *(len(row[place]) for row in rows)) + _GAP
        if room < 0:
            return max(place, 1)
    return len(names)


def short(value: Value, signs: words.Signs) -> str:
    """A value in a table: text bare, unless it would be taken for something else."""
    if isinstance(value, str) and value not in _TAKEN and value == value.strip(" \"'"):
        return words.cut(visible(value[: _WIDEST + 1]), _WIDEST, signs)
    return words.cut(words.written(value), _WIDEST, signs)
