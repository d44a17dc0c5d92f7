"""Numbers moved out of everybody's way: by a block, which is a power of ten above all of them or a
multiple of it. So it can be told by how much a number was moved when it is to be moved again."""

from __future__ import annotations

from functools import cached_property

from demo_snapshots.transfer.protect import is_real
from demo_snapshots.transfer.stage import Stage, Staging


class Block:
    """By how much the numbers in a column of staged rows are moved. None of them is negative."""

    def __init__(self, staging: Staging, stage: Stage, name: str) -> None:
        self.staging = staging
        self.stage = stage
        self.quoted = staging.dialect.quote(name)
        highest = staging.database.scalar(f"SELECT max({self.quoted}) FROM {stage.rows}")
        self.size = int(f"1{'0' * len(str(highest or 0))}")

    @cached_property
    def moved(self) -> str:
        """The staged rows ``s`` joined with rows ``t`` that have the number moved by ``kept``."""
        t, s = f"t.{self.quoted}", f"s.{self.quoted}"
        return f"{self.stage.rows} AS s JOIN {self.stage.target} AS t ON {t} = {s} + {self.kept}"

    @cached_property
    def kept(self) -> int:
        """By how much the rows there are now were moved, as far as the first of them tells; 0 where
        it tells nothing."""
        match = self.staging.dialect.match("n", "t", self.stage.key)
        there = self.staging.database.scalar(
            f"SELECT min(t.{self.quoted}) FROM {self.stage.target} AS t"
            f" JOIN {self.stage.now} AS n ON {match}"
        )
        return int(there or 0) // self.size * self.size

    @property
    def is_free(self) -> bool:
        """Whether no other row has one of the numbers moved by ``kept``."""
        return self.kept > 0 and not self.staging.count(
            self.moved, is_real(self.staging, self.stage, "t")
        )

    @property
    def next(self) -> int:
        """The first block beyond all numbers in the column."""
        top = self.staging.database.scalar(f"SELECT max({self.quoted}) FROM {self.stage.target}")
        return (int(top or 0) // self.size + 1) * self.size
