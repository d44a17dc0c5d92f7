"""Are the demo rows exactly the staged ones? Row by row, by image, in the engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from demo_snapshots.model.results import TableComparison
from demo_snapshots.model.tables import Column
from demo_snapshots.transfer.stage import Stage, Staging

Written = Callable[[Stage], str] | None
"""A condition on alias ``s`` of a stage's rows: may the row of that key have been written? None
for any row: where rows were deleted, a foreign key or a trigger may have changed others."""


Ignored = Callable[[str], Collection[str]]
"""The columns of a table of that name, none of its key, that are not looked at."""


def compare(
    staging: Staging, written: Written = None, ignored: Ignored = lambda _: ()
) -> list[TableComparison]:
    """The demo rows there are against the staged ones, row by row, tables in load order."""
    stages = staging.stages.values()
    return [compare_table(staging, stage, written, ignored(stage.table.name)) for stage in stages]


def compare_table(
    staging: Staging, stage: Stage, written: Written = None, ignored: Collection[str] = ()
) -> TableComparison:
    """The demo rows of one table against the staged ones."""
    columns = [column for column in stage.columns if column.name not in ignored]
    dialect = staging.dialect
    staged = staging.count(stage.rows)
    if not stage.key:
        present = staging.count(stage.target, staging.demo_predicate(stage))
        missing = _unmatched(staging, stage, columns)
        extra = 0 if staging.adds else missing + present - staged
        return TableComparison(stage.table.name, present, missing, extra, 0)
    # The demo rows there are: selected afresh, since an import has changed them.
    selected = staging.chosen(stage, staging.demo_predicate(stage))
    match = dialect.match("s", "t", stage.key)
    # By their keys alone first: whole rows of large tables are more than a join has room for.
    first = f"s.{dialect.quote(stage.key[0])}"
    alike = f"count(CASE WHEN {first} IS NULL AND {staging.is_alike(stage, 't')} THEN 1 END)"
    present, both, still = staging.database.rows(
        f"SELECT count(*), count({first}), {alike if stage.joined else 0}"
        f" FROM {selected} AS t LEFT JOIN {stage.rows} AS s ON {match}"
    )[0]
    both, still = int(both), int(still)
    looked_at = "1 = 1" if written is None else f"({written(stage)})"
    changed = staging.count(
        f"{stage.rows} AS s JOIN {selected if written is None else stage.target} AS t ON {match}",
        f"{looked_at} AND NOT ({dialect.same('t', 's', columns)})",
    )
    extra = 0 if staging.adds else int(present) - both - still
    missing = staged - both + staging.alike.get(stage.table.name, 0) - still
    return TableComparison(stage.table.name, int(present), missing, extra, changed)


def _unmatched(staging: Staging, stage: Stage, columns: Sequence[Column]) -> int:
    """Staged rows of a table without key that, by these columns, have no row of their own among
    the demo rows."""
    dialect = staging.dialect
    row = dialect.row([dialect.literal(column) for column in columns])
    groups = f"SELECT {row} AS image, count(*) AS copies FROM {{source}} GROUP BY 1"
    staged = groups.format(source=stage.rows)
    present = groups.format(source=f"{stage.target} WHERE {staging.demo_predicate(stage)}")
    return int(
        staging.database.scalar(
            "SELECT coalesce(sum(CASE WHEN p.copies IS NULL THEN s.copies"
            " WHEN s.copies > p.copies THEN s.copies - p.copies ELSE 0 END), 0)"
            f" FROM ({staged}) AS s LEFT JOIN ({present}) AS p ON s.image = p.image"
        )
    )
