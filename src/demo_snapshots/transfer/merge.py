"""Make the demo rows exactly the staged snapshot, writing only what differs.

What makes it sound: only changes outside key, unique and foreign-key columns are made in place.
Any other changed row is deleted and inserted again, and where foreign keys act, so are the demo
rows that reference it, since they would go down with it or block it. What real rows need is
*held*: the rows they reference, and the rows those reference. A held row is never deleted and
inserted again but updated in place, after the inserts, or the engine refuses; one that is gone
from the snapshot is deleted last of all, when nothing references it any more. Inserts are
computed after the deletes.

In a table said to be *rigid* no row is changed in place, as if every column were a key: an update
there does not leave the row as it was told to. What must be changed in place nevertheless (held
rows, references that can only be set when both rows are there) is, with the triggers passed by
where the engine lets us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from demo_snapshots.model.tables import Column, Table
from demo_snapshots.selection.order import DeferredReference
from demo_snapshots.transfer.compare import Written, compare_table
from demo_snapshots.transfer.held import Held, pairs
from demo_snapshots.transfer.joining import NotJoinableError
from demo_snapshots.transfer.protect import is_held, require_not_held
from demo_snapshots.transfer.stage import Stage, Staging, naming


class Merge:
    """One use: ``apply`` within the staging's transaction; ``rigid`` are tables by name."""

    def __init__(self, staging: Staging, rigid: frozenset[str] = frozenset()) -> None:
        self.staging = staging
        self.rigid = rigid
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
        self.held = Held(staging, [stage for stage in self.stages if stage.key])
        self.untouched: set[int] = set()
        self.differing: dict[int, int] = {}
        self.drops = False
        self.updated: set[str] = set()
        """The tables of which rows were changed in place."""

    def apply(self) -> int:
        """Delete, update and insert; the number of rows that were written."""
        with self.database.postponing(self.staging.order.postponed):
            return self._apply()

    def _apply(self) -> int:
        self._plan()
        with self.database.passing_by(self._updated_anyway()):
            return self._change()

    def _updated_anyway(self) -> list[Table]:
        """The rigid tables of which rows must be changed in place."""
        referencing = {reference.table.name for reference in self.between}
        return [
            stage.table
            for stage in self.stages
            if stage.table.name in self.rigid
            and (self.held.found or stage.table.name in referencing)
        ]

    def _change(self) -> int:
        for reference in self.between:
            self._let_go(reference)
        written = self._each(self._delete, reversed(self.stages))
        written += self._each(self._update, self.stages)
        written += self._each(self._insert, self.stages)
        if self.held.found:
            written += self._each(self._update_held, self.stages)
        for reference in self.between:
            self._set(reference)
        if self.held.found:
            written += self._each(self._delete_held, reversed(self.stages))
        return written

    def _hard(self, stage: Stage) -> Sequence[Column]:
        return stage.columns if stage.table.name in self.rigid else stage.hard

    def _plain(self, stage: Stage) -> Sequence[Column]:
        return () if stage.table.name in self.rigid else stage.plain

    @staticmethod
    def _each(step: Callable[[Stage], int], stages: Iterable[Stage]) -> int:
        written = 0
        for stage in stages:
            with naming(stage.table):
                written += step(stage)
        return written

    @property
    def written(self) -> Written:
        """Which rows ``apply`` may have written, where those are all that may have changed."""
        tables = [stage.table for stage in self.stages]
        rewritten = any(not table.key and n not in self.untouched for n, table in enumerate(tables))
        if (
            self.drops
            or self.held.found
            or rewritten
            or any(table.has_triggers for table in tables)
        ):
            return None
        return self._is_written

    def _is_written(self, stage: Stage) -> str:
        match = self.dialect.match("n", "s", stage.key)
        return (
            f"{self._differs(stage)} OR NOT EXISTS (SELECT 1 FROM {stage.now} AS n WHERE {match})"
        )

    # --- Which rows go -----------------------------------------------------------------------

    def _drop(self, stage: Stage) -> str:
        return self.dialect.temporary(f"demo_drop_{stage.number}")

    def _plan(self) -> None:
        keyed = self.held.keyed
        if self.dialect.enforces_foreign_keys:
            self.held.find()
        for stage in keyed:
            self._plan_table(stage)
        if self.dialect.enforces_foreign_keys:
            while sum(self._spread(stage) for stage in keyed):
                pass
        self._settle_joined(keyed)
        self.drops = any(self.staging.count(self._drop(stage)) for stage in keyed)
        if not self.drops:
            # Deleting a table without a key and inserting it again would write it all.
            self.untouched = {
                stage.number
                for stage in self.stages
                if not stage.key and compare_table(self.staging, stage).same
            }
        if self.dialect.enforces_foreign_keys:
            self._require_free_to_go()

    def _settle_joined(self, keyed: Sequence[Stage]) -> None:
        """Have all that will be written of joined tables staged. Raises NotJoinableError if rows
        are written on which rows that are not staged may depend otherwise than by their keys."""
        if not any(stage.joined for stage in keyed):
            return
        if self.held.moves():
            raise NotJoinableError
        for stage in keyed:
            if stage.joined:
                self.staging.bring(stage, self._drop(stage))

    def _require_free_to_go(self) -> None:
        """Raise RealRowsError where rows of a table without a key, which are about to be deleted
        and inserted again, are such as real rows need: those cannot be told, and held."""
        going: set[str] = set()
        while more := {
            stage.table.name
            for stage in self.stages
            if not stage.key and self._goes(stage, going) and stage.table.name not in going
        }:
            going |= more
        for stage in self.stages:
            if stage.table.name in going:
                held = [is_held(self.staging, stage, "t"), *self.held.needs(stage)]
                require_not_held(self.staging, stage, list(filter(None, held)))

    def _goes(self, stage: Stage, going: set[str]) -> bool:
        """Whether its rows are deleted, or may be by a cascade from tables whose rows are."""
        cascades = {key.referenced_table for key in stage.table.declared_keys} & going
        return stage.number not in self.untouched or bool(cascades)

    def _plan_table(self, stage: Stage) -> None:
        keys = self.dialect.columns(stage.key, "n")
        staged = self.dialect.match("s", "n", stage.key)
        gone = (
            f"SELECT {keys} FROM {stage.unlike} AS n"
            f" WHERE NOT EXISTS (SELECT 1 FROM {stage.rows} AS s WHERE {staged})"
        )
        both = (
            f"FROM {stage.rows} AS s {self.dialect.join_in_order} {stage.target} AS t"
            f" ON {self.dialect.match('s', 't', stage.key)}"
        )
        # One pass over all columns of all rows; what follows looks at those that differ.
        differing = (
            f"SELECT {self.dialect.columns(stage.key, 't')} {both}"
            f" WHERE NOT ({self.dialect.same('t', 's', stage.columns)})"
        )
        found = f"demo_diff_{stage.number}"
        self.database.create_temporary(found, differing, stage.key)
        self.database.run(self.dialect.index_temporary(found, stage.key))
        self.differing[stage.number] = self.staging.count(self._diff(stage))
        moved = (
            f"SELECT {self.dialect.columns(stage.key, 't')} {both}"
            f" WHERE {self._differs(stage)}"
            f" AND NOT ({self.dialect.same('t', 's', self._hard(stage))})"
        )
        if self.held.found:
            gone += f" AND {self.held.is_not(stage, 'n')}"
            moved += f" AND {self.held.is_not(stage, 't')}"
        name = f"demo_drop_{stage.number}"
        self.database.create_temporary(name, gone, stage.key)
        names = self.dialect.columns(stage.key)
        if self.differing[stage.number]:
            self.database.execute(f"INSERT INTO {self._drop(stage)} ({names}) {moved}")
        self.database.run(self.dialect.index_temporary(name, stage.key))

    def _diff(self, stage: Stage) -> str:
        return self.dialect.temporary(f"demo_diff_{stage.number}")

    def _differs(self, stage: Stage) -> str:
        match = self.dialect.match("d", "s", stage.key)
        return f"EXISTS (SELECT 1 FROM {self._diff(stage)} AS d WHERE {match})"

    def _spread(self, stage: Stage) -> int:
        """Let rows that reference a row which goes, go with it; how many more."""
        more = 0
        names = self.dialect.columns(stage.key)
        for key in stage.table.declared_keys:
            referenced = self.staging.stages.get(key.referenced_table)
            if referenced is None or not referenced.key:
                continue
            more += self.database.execute(
                f"INSERT INTO {self._drop(stage)} ({names})"
                f" SELECT DISTINCT {self.dialect.columns(stage.key, 't')} FROM {stage.target} AS t"
                f" JOIN {stage.now} AS n ON {self.dialect.match('n', 't', stage.key)}"
                f" JOIN {referenced.target} AS r ON {pairs(self.staging, key, 't', 'r')}"
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
        if stage.number in self.untouched:
            return 0
        if not stage.key:
            predicate = self.staging.predicate(stage)
            return self.database.execute(f"DELETE FROM {stage.target} WHERE {predicate}")
        if not self.staging.count(self._drop(stage)):
            return 0  # a pass over all rows of the table, just to find none
        return self.database.execute(
            self.dialect.delete_matching(
                stage.target, self._drop(stage), self.dialect.match("s", "t", stage.key)
            )
        )

    def _update(self, stage: Stage) -> int:
        plain = self._plain(stage)
        if not plain or not self.differing.get(stage.number):
            return 0
        condition = (
            f"{self.dialect.match('s', 't', stage.key)} AND {self._differs(stage)}"
            f" AND {self.dialect.same('t', 's', self._hard(stage))}"
        )
        names = [column.name for column in plain]
        self.updated.add(stage.table.name)
        return self.database.execute(
            self.dialect.update_from(stage.target, _same(names), stage.rows, condition)
        )

    def _update_held(self, stage: Stage) -> int:
        names = [column.name for column in stage.columns if column.name not in stage.key]
        if not stage.key or not names:
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
        self.updated.add(stage.table.name)
        return self.database.execute(
            self.dialect.update_from(stage.target, _same(names), stage.rows, condition)
        )

    def _delete_held(self, stage: Stage) -> int:
        if not stage.key:
            return 0
        staged = self.dialect.match("s", "t", stage.key)
        held = self.dialect.match("held", "t", stage.key)
        return self.database.execute(
            f"DELETE FROM {stage.target} AS t"
            f" WHERE EXISTS (SELECT 1 FROM {self.held.rows(stage)} AS held WHERE {held})"
            f" AND EXISTS (SELECT 1 FROM {stage.unlike} AS u"
            f" WHERE {self.dialect.match('u', 't', stage.key)})"
            f" AND NOT EXISTS (SELECT 1 FROM {stage.rows} AS s WHERE {staged})"
        )

    def _insert(self, stage: Stage) -> int:
        if stage.number in self.untouched:
            return 0
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
            f"INSERT INTO {stage.into} ({names}){overriding}"
            f" SELECT {values} FROM {stage.rows} AS s{missing}"
        )

    def _set(self, reference: DeferredReference) -> None:
        stage = self.staging.stages[reference.table.name]
        columns = [stage.table.column(name) for name in reference.columns]
        self.updated.add(stage.table.name)
        condition = (
            f"{self.dialect.match('s', 't', stage.key)}"
            f" AND NOT ({self.dialect.same('t', 's', columns)})"
        )
        self.database.execute(
            self.dialect.update_from(stage.target, _same(reference.columns), stage.rows, condition)
        )


def _same(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]
