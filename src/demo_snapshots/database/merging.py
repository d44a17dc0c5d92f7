"""Make the demo rows exactly the staged snapshot, writing only what differs.

What makes it sound: only changes outside key, unique and foreign-key columns are made in place.
Any other changed row is deleted and inserted again, and where foreign keys act, so are the demo
rows that reference it, since they would go down with it or block it. A row that real rows
reference stays where it is and is updated in place, or the engine refuses. Inserts are computed
after the deletes.
"""

from __future__ import annotations

from demo_snapshots.database.order import DeferredReference
from demo_snapshots.database.protection import is_held
from demo_snapshots.database.staging import Stage, Staging
from demo_snapshots.errors import VerificationError
from demo_snapshots.model import TableComparison


class Merge:
    """One use: ``apply`` within the staging's transaction, then ``verify``."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self.database = staging.database
        self.dialect = staging.dialect
        self.stages = list(staging.stages.values())
        # Self-references need no second step: one INSERT brings all rows of a table.
        self.between = [
            reference
            for reference in staging.order.deferred
            if reference.foreign_key.referenced_table != reference.table.name
            and self.dialect.enforces_foreign_keys
        ]
        self.postponed = staging.order.postponed

    def apply(self) -> int:
        """Delete, update and insert; the number of rows that were written."""
        if self.postponed:
            self.dialect.postpone(self.database.raw, self.postponed)
        self._plan()
        for reference in self.between:
            self._let_go(reference)
        written = sum(self._delete(stage) for stage in reversed(self.stages))
        written += sum(self._update(stage) for stage in self.stages)
        written += sum(self._insert(stage) for stage in self.stages)
        written += sum(self._update_held(stage) for stage in self.stages)
        for reference in self.between:
            self._set(reference)
        if self.postponed:
            self.dialect.settle(self.database.raw, self.postponed)
        return written

    # --- Which rows go -----------------------------------------------------------------------

    def _drop(self, stage: Stage) -> str:
        return self.dialect.temporary(f"demo_drop_{stage.number}")

    def _plan(self) -> None:
        for stage in self.stages:
            if stage.key:
                self._plan_table(stage)
        if self.dialect.enforces_foreign_keys:
            while sum(self._spread(stage) for stage in self.stages):
                pass

    def _plan_table(self, stage: Stage) -> None:
        keys = self.dialect.columns(stage.key, "n")
        staged = self.dialect.match("s", "n", stage.key)
        gone = (
            f"SELECT {keys} FROM {stage.now} AS n"
            f" WHERE NOT EXISTS (SELECT 1 FROM {stage.rows} AS s WHERE {staged})"
        )
        name = f"demo_drop_{stage.number}"
        self.database.execute(self.dialect.create_temporary(name, gone, stage.key))
        moved = (
            f"SELECT {self.dialect.columns(stage.key, 't')} FROM {stage.target} AS t"
            f" JOIN {stage.rows} AS s ON {self.dialect.match('s', 't', stage.key)}"
            f" WHERE NOT ({self.dialect.same('t', 's', stage.hard)})"
        )
        held = is_held(self.staging, stage, "t") if self.dialect.enforces_foreign_keys else None
        if held is not None:
            moved += f" AND NOT {held}"
        names = self.dialect.columns(stage.key)
        self.database.execute(f"INSERT INTO {self._drop(stage)} ({names}) {moved}")
        self.database.run(self.dialect.index_temporary(name, stage.key))

    def _spread(self, stage: Stage) -> int:
        """Let rows that reference a row which goes, go with it; how many more."""
        if not stage.key:
            return 0
        more = 0
        names = self.dialect.columns(stage.key)
        for key in stage.table.foreign_keys:
            referenced = self.staging.stages.get(key.referenced_table)
            if referenced is None or not referenced.key:
                continue
            pairs = " AND ".join(
                f"t.{self.dialect.quote(own)} = r.{self.dialect.quote(theirs)}"
                for own, theirs in zip(key.columns, key.referenced_columns, strict=True)
            )
            more += self.database.execute(
                f"INSERT INTO {self._drop(stage)} ({names})"
                f" SELECT DISTINCT {self.dialect.columns(stage.key, 't')} FROM {stage.target} AS t"
                f" JOIN {stage.now} AS n ON {self.dialect.match('n', 't', stage.key)}"
                f" JOIN {referenced.target} AS r ON {pairs}"
                f" JOIN {self._drop(referenced)} AS d"
                f" ON {self.dialect.match('d', 'r', referenced.key)}"
                f" WHERE NOT EXISTS (SELECT 1 FROM {self._drop(stage)} AS x"
                f" WHERE {self.dialect.match('x', 't', stage.key)})"
            )
        return more

    # --- The change --------------------------------------------------------------------------

    def _let_go(self, reference: DeferredReference) -> None:
        stage = self.staging.stages[reference.table.name]
        setting = ", ".join(f"{self.dialect.quote(name)} = NULL" for name in reference.columns)
        self.database.execute(
            f"UPDATE {stage.target} AS t SET {setting} WHERE EXISTS (SELECT 1 FROM"
            f" {self._drop(stage)} AS d WHERE {self.dialect.match('d', 't', stage.key)})"
        )

    def _delete(self, stage: Stage) -> int:
        if not stage.key:
            predicate = self.staging.predicate(stage)
            return self.database.execute(f"DELETE FROM {stage.target} WHERE {predicate}")
        return self.database.execute(
            self.dialect.delete_matching(
                stage.target, self._drop(stage), self.dialect.match("s", "t", stage.key)
            )
        )

    def _update(self, stage: Stage) -> int:
        if not stage.key or not stage.plain:
            return 0
        condition = (
            f"{self.dialect.match('s', 't', stage.key)}"
            f" AND {self.dialect.same('t', 's', stage.hard)}"
            f" AND NOT ({self.dialect.same('t', 's', stage.plain)})"
        )
        names = [column.name for column in stage.plain]
        return self.database.execute(
            self.dialect.update_from(stage.target, names, stage.rows, condition)
        )

    def _update_held(self, stage: Stage) -> int:
        names = [column.name for column in stage.columns if column.name not in stage.key]
        if not stage.key or not names or not self.dialect.enforces_foreign_keys:
            return 0
        later = {
            name
            for reference in self.between
            if reference.table.name == stage.table.name
            for name in reference.columns
        }
        compared = [column for column in stage.columns if column.name not in later]
        condition = (
            f"{self.dialect.match('s', 't', stage.key)}"
            f" AND NOT ({self.dialect.same('t', 's', compared)})"
        )
        return self.database.execute(
            self.dialect.update_from(stage.target, names, stage.rows, condition)
        )

    def _insert(self, stage: Stage) -> int:
        later = {
            name
            for reference in self.between
            if reference.table.name == stage.table.name
            for name in reference.columns
        }
        names = self.dialect.columns(column.name for column in stage.columns)
        values = ", ".join(
            "NULL" if column.name in later else f"s.{self.dialect.quote(column.name)}"
            for column in stage.columns
        )
        always = any(column.identity_always for column in stage.columns)
        overriding = " OVERRIDING SYSTEM VALUE" if always else ""
        missing = ""
        if stage.key:
            match = self.dialect.match("s", "t", stage.key)
            missing = f" WHERE NOT EXISTS (SELECT 1 FROM {stage.target} AS t WHERE {match})"
        return self.database.execute(
            f"INSERT INTO {stage.target} ({names}){overriding}"
            f" SELECT {values} FROM {stage.rows} AS s{missing}"
        )

    def _set(self, reference: DeferredReference) -> None:
        stage = self.staging.stages[reference.table.name]
        columns = [stage.table.column(name) for name in reference.columns]
        condition = (
            f"{self.dialect.match('s', 't', stage.key)}"
            f" AND NOT ({self.dialect.same('t', 's', columns)})"
        )
        self.database.execute(
            self.dialect.update_from(stage.target, reference.columns, stage.rows, condition)
        )

    # --- Was it so? --------------------------------------------------------------------------

    def verify(self) -> None:
        """Raise VerificationError unless the demo rows are exactly the staged ones."""
        for comparison in compare(self.staging):
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
    return [_compare(staging, stage) for stage in staging.stages.values()]


def _compare(staging: Staging, stage: Stage) -> TableComparison:
    dialect = staging.dialect
    present = staging.count(stage.target, staging.predicate(stage))
    staged = staging.count(stage.rows)
    if not stage.key:
        missing = _unmatched(staging, stage)
        return TableComparison(stage.table.name, present, missing, missing + present - staged, 0)
    # The demo rows there are: selected afresh, since an import has changed them.
    selected = (
        f"(SELECT {dialect.columns(stage.key)} FROM {stage.target}"
        f" WHERE {staging.predicate(stage)})"
    )
    own = dialect.columns(stage.key, "s")
    is_there = f"{own if len(stage.key) == 1 else f'({own})'} IN {selected}"
    both = staging.count(f"{stage.rows} AS s", is_there)
    alike = staging.count(
        f"{stage.rows} AS s JOIN {stage.target} AS t ON {dialect.match('s', 't', stage.key)}",
        f"{is_there} AND {dialect.same('t', 's', stage.columns)}",
    )
    return TableComparison(stage.table.name, present, staged - both, present - both, both - alike)


def _unmatched(staging: Staging, stage: Stage) -> int:
    """Staged rows of a table without key that have no row of their own among the demo rows."""
    dialect = staging.dialect
    row = dialect.row([dialect.literal(column) for column in stage.columns])
    groups = f"SELECT {row} AS image, count(*) AS copies FROM {{source}} GROUP BY 1"
    staged = groups.format(source=stage.rows)
    present = groups.format(source=f"{stage.target} WHERE {staging.predicate(stage)}")
    return int(
        staging.database.scalar(
            "SELECT coalesce(sum(CASE WHEN p.copies IS NULL THEN s.copies"
            " WHEN s.copies > p.copies THEN s.copies - p.copies ELSE 0 END), 0)"
            f" FROM ({staged}) AS s LEFT JOIN ({present}) AS p ON s.image = p.image"
        )
    )
