"""The changes of a comparison that are shown, kept until the counts above them are known."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from demo_snapshots.model.changes import NOTHING, Cell, Change, What

_IN_MEMORY = 4_000_000


class _Place(Struct):
    """Where a table's changes begin in the file, how many of them lie there, and how many not."""

    start: int
    kept: int = 0
    left_out: int = 0


class KeptChanges:
    """Takes changes table by table, and gives those of a table back as often as asked.

    Keeps the first ``most`` of each table, and of a table no more than half of what is left of
    ``room`` bytes, so that one table cannot take the place of all. They lie in a temporary file
    without a name once they are many. Close it when done.
    """

    def __init__(self, most: int, room: int) -> None:
        self._most, self._room = most, room
        self._used = 0
        self._places: dict[str, _Place] = {}
        # Nothing but what this process wrote is ever read from it.
        self._file: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115

    def __call__(self, change: Change) -> None:
        place = self._places.get(change.table)
        if place is None:
            self._room -= self._used
            self._used = 0
            place = self._places[change.table] = _Place(self._file.tell())
        if place.left_out or place.kept == self._most:
            place.left_out += 1
            return
        written = pickle.dumps(change, pickle.HIGHEST_PROTOCOL)
        if self._used + len(written) > self._room // 2:
            place.left_out += 1
            return
        self._used += len(written)
        self._file.write(written)
        place.kept += 1

    def of(self, table: str) -> Iterator[Change]:
        """The kept changes of a table; to be read before those of another."""
        place = self._places.get(table)
        if place is None:
            return
        self._file.seek(place.start)
        for _ in range(place.kept):
            yield pickle.load(self._file)

    def kept(self, table: str) -> int:
        """How many changes of the table there are to be read."""
        return self._places[table].kept if table in self._places else 0

    def left_out(self, table: str) -> int:
        """How many changes of the table were not kept."""
        return self._places[table].left_out if table in self._places else 0

    def close(self) -> None:
        self._file.close()


def without_values(change: Change) -> Change:
    """The change as its key and the names of its columns alone: a cell that has neither side.

    Members of JSON are named by what is in the data, and go as well. Rows of tables without a key
    are nothing but values.
    """
    if change.what is What.MOVED:
        return change
    names = dict.fromkeys(cell.column for cell in change.cells)
    told = change.what is What.CHANGED
    cells = tuple(Cell(name, NOTHING, NOTHING) for name in names) if told else ()
    return Change(change.table, change.what, change.key, cells, change.copies)
