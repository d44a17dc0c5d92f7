"""What a merge of two versions gives: whose changes were taken, and what stands against it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from demo_snapshots.model.snapshots import Statistics, Version
from demo_snapshots.model.sources import path_named


class Side(StrEnum):
    """Whose state is taken where both sides changed the same."""

    OURS = "ours"
    THEIRS = "theirs"
    BASE = "base"


class Conflict(Struct, frozen=True):
    """A cell, a place inside JSON, or with an empty ``cell`` a whole row, that both sides changed,
    each to something else; or that one changed and the other deleted.

    ``key`` tells the row, by name and literal. ``base``, ``ours`` and ``theirs`` are SQL literals,
    of a place inside JSON the JSON text, of a row all its literals; None where it is not there.
    """

    table: str
    key: tuple[tuple[str, str], ...]
    cell: str
    base: str | None
    ours: str | None
    theirs: str | None

    @property
    def row(self) -> str:
        """``id=26``"""
        return ", ".join(f"{name}={literal}" for name, literal in self.key)

    @property
    def place(self) -> tuple[str, str, str]:
        """What no other conflict of the merge has: table, row, cell."""
        return self.table, self.row, self.cell

    @property
    def sentence(self) -> str:
        """What it is about, without the values."""
        if self.cell:
            return f"{self.table} {self.row}: both changed {self.cell}"
        if self.ours is None or self.theirs is None:
            deletes, changes = ("ours", "theirs") if self.ours is None else ("theirs", "ours")
            return f"{self.table} {self.row}: {deletes} deleted the row, {changes} changed it"
        return f"{self.table} {self.row}: both added the row"


class TableMerge(Struct, frozen=True):
    """How many rows of a table came to be how. ``ours`` and ``theirs`` were added, changed or
    deleted by that side alone, ``both`` by both; ``renewed`` rows of theirs got a fresh key, and
    ``decided`` rows held a conflict that was decided."""

    table: str
    rows: int = 0
    ours: int = 0
    theirs: int = 0
    both: int = 0
    renewed: int = 0
    decided: int = 0


class MergeResult(Struct, frozen=True):
    """``ours``, ``theirs`` and ``base`` are the versions it was made from. ``written`` is false
    with ``dry_run``, and where the latest version holds the same rows: ``version`` and ``file``
    are then that version's. ``file`` is what the stored file is called, a path or a URL; None
    where nothing was written and there is none."""

    scenario: str
    version: Version
    file: str | None
    ours: Version
    theirs: Version
    base: Version
    statistics: Statistics
    tables: tuple[TableMerge, ...]
    digest: str
    written: bool
    dry_run: bool

    @property
    def path(self) -> Path | None:
        """The stored file. Raises StoreError where it is in a bucket."""
        return None if self.file is None else path_named(self.file)
