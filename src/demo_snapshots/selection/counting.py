"""How many rows rules select, counted for no longer than a look at a database may take."""

from __future__ import annotations

from collections.abc import Mapping

from demo_snapshots.engines.database import Database
from demo_snapshots.model.rules import TableSelection, ways_of
from demo_snapshots.selection.markers import Sample
from demo_snapshots.selection.rules import Selection

COUNTED_ROWS = 200_000
"""Tables with more rows than this are not counted to the end."""


class Counting:
    """Counts what rules select, never longer than a look at ``COUNTED_ROWS`` rows takes."""

    def __init__(
        self,
        database: Database,
        samples: Mapping[str, Sample],
        rules: Mapping[str, TableSelection],
    ) -> None:
        self.database = database
        self.samples = samples
        self.rules = rules
        tables = {name: sample.table for name, sample in samples.items()}
        self.selection = Selection(database.dialect, tables, rules)
        self._large: dict[str, bool] = {}

    def is_large(self, name: str) -> bool:
        if name not in self._large:
            table = self.database.dialect.table(self.samples[name].table)
            some = f"SELECT 1 AS x FROM {table} LIMIT {COUNTED_ROWS + 1}"
            count = self.database.scalar(f"SELECT count(*) FROM ({some}) AS s")
            self._large[name] = int(count) > COUNTED_ROWS
        return self._large[name]

    def all_of(self, name: str) -> int | None:
        """All rows of a table, None where it is large."""
        if self.is_large(name):
            return None
        table = self.database.dialect.rows_of(self.samples[name].table)
        return int(self.database.scalar(f"SELECT count(*) FROM {table}"))

    def of(self, name: str, condition: str = "") -> tuple[int | None, bool]:
        """The demo rows of a table for which ``condition`` holds too, and whether that is all
        of them."""
        rule = self.rules[name].rule
        where = f"WHERE {self.selection.predicate(name)}{condition}"
        if not self._is_far(name):
            table = self.database.dialect.table(self.samples[name].table)
            return int(self.database.scalar(f"SELECT count(*) FROM {table} {where}")), True
        if ways_of(rule):
            return None, False
        ends = self.samples[name].ends("*")
        counts = (self.database.scalar(f"SELECT count(*) FROM ({e}) AS s {where}") for e in ends)
        return sum(int(count) for count in counts), False

    def _is_far(self, name: str) -> bool:
        """Whether the table, or one that it follows, is large."""
        rule = self.rules[name].rule
        return self.is_large(name) or any(self._is_far(way.table) for way in ways_of(rule))
