"""Which demo rows real rows need: they are *held*, and so is what these reference in their turn.

Found before anything is changed, in a temporary table beside each stage of a table with a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demo_snapshots.model.tables import ForeignKey
from demo_snapshots.transfer.protect import is_held
from demo_snapshots.transfer.stage import Stage, Staging


def pairs(staging: Staging, key: ForeignKey, referencing: str, referenced: str) -> str:
    """A condition: the row ``referencing`` references the row ``referenced``, aliases both."""
    quote = staging.dialect.quote
    return " AND ".join(
        f"{referencing}.{quote(own)} = {referenced}.{quote(theirs)}"
        for own, theirs in zip(key.columns, key.referenced_columns, strict=True)
    )


class Held:
    """The held rows of a staging's tables with a key, the stages ``keyed``; ``found`` says whether
    there are some, once ``find`` has looked."""

    def __init__(self, staging: Staging, keyed: Sequence[Stage]) -> None:
        self.staging = staging
        self.database = staging.database
        self.dialect = staging.dialect
        self.keyed = keyed
        self.found = False

    def rows(self, stage: Stage) -> str:
        """The SQL name of the table with the keys of its held rows."""
        return self.dialect.temporary(f"demo_held_{stage.number}")

    def find(self) -> None:
        """Look for the rows that real rows need, within the transaction of the staging."""
        for stage in self.keyed:
            name = f"demo_held_{stage.number}"
            keys = self.dialect.columns(stage.key, "t")
            held = is_held(self.staging, stage, "t") or "1 = 0"
            rows = (
                f"SELECT {keys} FROM {stage.target} AS t JOIN {stage.now} AS n"
                f" ON {self.dialect.match('n', 't', stage.key)} WHERE {held}"
            )
            self.database.create_temporary(name, rows, stage.key)
        self.found = any(self.staging.count(self.rows(stage)) for stage in self.keyed)
        more = int(self.found)
        while more:
            more = sum(self._hold_referenced(stage) for stage in self.keyed)

    def _hold_referenced(self, stage: Stage) -> int:
        """Hold what the held rows of ``stage`` reference; how many more."""
        more = 0
        for key in stage.table.declared_keys:
            referenced = self.staging.stages.get(key.referenced_table)
            if referenced is None or not referenced.key:
                continue
            names = self.dialect.columns(referenced.key)
            more += self.database.execute(
                f"INSERT INTO {self.rows(referenced)} ({names})"
                f" SELECT DISTINCT {self.dialect.columns(referenced.key, 'r')}"
                f" FROM {stage.target} AS t JOIN {self.rows(stage)} AS h"
                f" ON {self.dialect.match('h', 't', stage.key)}"
                f" JOIN {referenced.target} AS r ON {pairs(self.staging, key, 't', 'r')}"
                f" JOIN {referenced.now} AS n ON {self.dialect.match('n', 'r', referenced.key)}"
                f" WHERE {self.is_not(referenced, 'r')}"
            )
        return more

    def is_not(self, stage: Stage, alias: str) -> str:
        """A condition: the row ``alias`` of the stage's target is not held."""
        match = self.dialect.match("held", alias, stage.key)
        return f"NOT EXISTS (SELECT 1 FROM {self.rows(stage)} AS held WHERE {match})"

    def needs(self, stage: Stage) -> Iterator[str]:
        """Conditions: a held row of a table with a key references the row ``t``."""
        for other in self.keyed if self.found else ():
            for key in other.table.declared_keys:
                if key.referenced_table == stage.table.name:
                    yield (
                        f"EXISTS (SELECT 1 FROM {other.target} AS o JOIN {self.rows(other)} AS h"
                        f" ON {self.dialect.match('h', 'o', other.key)}"
                        f" WHERE {pairs(self.staging, key, 'o', 't')})"
                    )

    def moves(self) -> bool:
        """Whether held rows are gone from the snapshot, or change in what foreign keys may
        reference, which then act on the rows that reference them."""
        return self.found and any(map(self._moves, self.keyed))

    def _moves(self, stage: Stage) -> bool:
        held = f"{self.rows(stage)} AS h JOIN {stage.unlike} AS u ON " + self.dialect.match(
            "h", "u", stage.key
        )
        staged = self.dialect.match("s", "u", stage.key)
        if self.staging.count(held, f"NOT EXISTS (SELECT 1 FROM {stage.rows} AS s WHERE {staged})"):
            return True
        both = (
            f" JOIN {stage.rows} AS s ON {staged}"
            f" JOIN {stage.target} AS t ON {self.dialect.match('t', 'u', stage.key)}"
        )
        return bool(
            self.staging.count(held + both, f"NOT ({self.dialect.same('t', 's', stage.hard)})")
        )
