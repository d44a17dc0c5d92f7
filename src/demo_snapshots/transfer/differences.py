"""The demo rows there are against the staged ones: which rows and which cells differ.

The engine finds the rows, by image as an import would, and spells both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from demo_snapshots.comparison.cells import Compared
from demo_snapshots.comparison.keyed import sorted_records
from demo_snapshots.comparison.rows import RowComparison, Shape, Told
from demo_snapshots.model.changes import TableDifference
from demo_snapshots.model.tables import Column
from demo_snapshots.rows.join import MergeJoin
from demo_snapshots.transfer.stage import Stage, Staging


def differences(
    staging: Staging, stage: Stage, ignored: Collection[str], tell: Told
) -> TableDifference:
    """What differs between the staged rows of a table, the old side, and its demo rows, in all
    columns that are staged but the ``ignored`` ones. ``tell`` takes the changes."""
    columns = [column for column in stage.columns if column.name not in ignored]
    shape = _shape(stage, columns, ignored)
    key = shape.sort_key(old=True)
    old, new = (
        (_records(staging, query, columns) for query in _differing(staging, stage, columns))
        if stage.key
        else (_records(staging, query, columns) for query in _everything(staging, stage))
    )
    # A connection answers one query at a time: the first is read whole before the second.
    join = MergeJoin(sorted_records(old, key), sorted_records(new, key), key)
    rows = RowComparison(shape, tell)
    for pair in join:
        rows.take(pair)
    found = rows.finish()
    staged = staging.count(stage.rows)
    return replace(found, same=staged - found.changed - found.removed - found.moved)


def _shape(stage: Stage, columns: Sequence[Column], ignored: Collection[str]) -> Shape:
    compared = tuple(
        Compared(column.name, place, place, column.kind) for place, column in enumerate(columns)
    )
    staged = {column.name for column in stage.columns}
    return Shape(
        table=stage.table.name,
        columns=compared,
        key=tuple(column for name in stage.key for column in compared if column.name == name),
        only_new=tuple(
            c.name for c in stage.table.carried if c.name not in staged and c.name not in ignored
        ),
    )


def _differing(staging: Staging, stage: Stage, columns: Sequence[Column]) -> tuple[str, str]:
    """Where the rows of each side are that the other has not, or has otherwise."""
    dialect = staging.dialect
    match = dialect.match("s", "t", stage.key)
    alike = dialect.same("t", "s", columns)
    selected = staging.chosen(stage, staging.demo_predicate(stage))
    first = dialect.quote(stage.key[0])
    names = [column.name for column in columns]
    return (
        f"SELECT {dialect.columns(names, 's')} FROM {stage.rows} AS s LEFT JOIN {selected} AS t"
        f" ON {match} WHERE t.{first} IS NULL OR NOT ({alike})",
        f"SELECT {dialect.columns(names, 't')} FROM {selected} AS t LEFT JOIN {stage.rows} AS s"
        f" ON {match} WHERE s.{first} IS NULL OR NOT ({alike})",
    )


def _everything(staging: Staging, stage: Stage) -> tuple[str, str]:
    return (
        f"SELECT * FROM {stage.rows}",
        f"SELECT * FROM {staging.chosen(stage, staging.demo_predicate(stage))} AS t",
    )


def _records(staging: Staging, query: str, columns: Sequence[Column]) -> Iterator[list[bytes]]:
    row = staging.dialect.row([staging.dialect.literal(column) for column in columns])
    for batch in staging.database.stream(f"SELECT {row} FROM ({query}) AS differing"):
        yield [record[1:-1] for record in batch]
