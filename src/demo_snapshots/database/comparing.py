"""Are the demo rows exactly the staged ones? Row by row, by image, in the engine."""

from __future__ import annotations

from demo_snapshots.database.staging import Stage, Staging
from demo_snapshots.errors import VerificationError
from demo_snapshots.model import TableComparison


def require_same(staging: Staging) -> None:
    """Raise VerificationError unless the demo rows are exactly the staged ones."""
    for comparison in compare(staging):
        if not comparison.same:
            raise VerificationError(
                f"{comparison.table}: after the load {comparison.missing} rows of the snapshot"
                f" were not there, {comparison.changed} were not alike and"
                f" {comparison.extra} were too many",
                hint="Nothing was changed. A trigger may rewrite rows, or the snapshot's rows"
                " are no demo rows by this configuration.",
            )


def compare(staging: Staging) -> list[TableComparison]:
    """The demo rows there are against the staged ones, row by row, tables in load order."""
    return [compare_table(staging, stage) for stage in staging.stages.values()]


def compare_table(staging: Staging, stage: Stage) -> TableComparison:
    """The demo rows of one table against the staged ones."""
    dialect = staging.dialect
    present = staging.count(stage.target, staging.demo_predicate(stage))
    staged = staging.count(stage.rows)
    if not stage.key:
        missing = _unmatched(staging, stage)
        extra = 0 if staging.adds else missing + present - staged
        return TableComparison(stage.table.name, present, missing, extra, 0)
    # The demo rows there are: selected afresh, since an import has changed them.
    selected = f"(SELECT * FROM {stage.target} WHERE {staging.demo_predicate(stage)})"
    both, alike = staging.database.rows(
        "SELECT count(*), coalesce(sum(CASE WHEN"
        f" {dialect.same('t', 's', stage.columns)} THEN 1 ELSE 0 END), 0)"
        f" FROM {stage.rows} AS s JOIN {selected} AS t"
        f" ON {dialect.match('s', 't', stage.key)}"
    )[0]
    both, alike = int(both), int(alike)
    extra = 0 if staging.adds else present - both
    return TableComparison(stage.table.name, present, staged - both, extra, both - alike)


def _unmatched(staging: Staging, stage: Stage) -> int:
    """Staged rows of a table without key that have no row of their own among the demo rows."""
    dialect = staging.dialect
    row = dialect.row([dialect.literal(column) for column in stage.columns])
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
