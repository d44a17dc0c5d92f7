"""The rows of one table, pair by pair: added, removed, changed, or moved to another key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from demo_snapshots.comparison.cells import Compared, differing, normal
from demo_snapshots.model.changes import NOTHING, Cell, Change, NamedValues, TableDifference, What
from demo_snapshots.rows.join import Pair
from demo_snapshots.rows.keys import Key, KeyOf
from demo_snapshots.rows.literals import cells, value_of

Told = Callable[[Change], None]
"""Takes each change: of a table first the changed rows by key, then moved, removed and added."""

_MOST_LOOSE_ROWS = 10_000
_MOST_LOOSE_BYTES = 16_000_000


class Shape(Struct, frozen=True):
    """How the rows of a table are compared: by which columns, ``key`` among them (empty for
    tables that have none, whose rows are compared as multisets), and whether ``exact``."""

    table: str
    columns: tuple[Compared, ...]
    key: tuple[Compared, ...]
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    exact: bool = True

    def values(self, record: bytes, columns: Sequence[Compared], *, old: bool) -> list[bytes]:
        """The raw literals of these columns in a record of one side."""
        there = cells(record)
        return [there[column.old if old else column.new] for column in columns]

    def sort_key(self, *, old: bool) -> KeyOf:
        """An order in which equal keys, or equal rows where there is no key, meet."""
        columns = self.key or self.columns

        def key(record: bytes) -> Key:
            values = self.values(record, columns, old=old)
            return tuple(self._spelled(v, c) for v, c in zip(values, columns, strict=True))

        return key

    def rest(self, record: bytes, *, old: bool) -> bytes:
        """What a row holds besides its key."""
        columns = [column for column in self.columns if column not in self.key]
        values = self.values(record, columns, old=old)
        return b",".join(self._spelled(v, c) for v, c in zip(values, columns, strict=True))

    def _spelled(self, literal: bytes, column: Compared) -> bytes:
        return literal if self.exact else repr(normal(literal, column.kind)).encode()

    def named(self, record: bytes, columns: Sequence[Compared], *, old: bool) -> NamedValues:
        values = self.values(record, columns, old=old)
        return tuple((c.name, value_of(v)) for c, v in zip(columns, values, strict=True))


class RowComparison:
    """Takes the pairs of a join that are not the same bytes, and tells what each is.

    Rows that one side alone has are held until the end, for their counterpart may follow under
    another key; up to a bound, past which none is looked for.
    """

    def __init__(self, shape: Shape, tell: Told) -> None:
        self._shape, self._tell = shape, tell
        self._removed: list[bytes] = []
        self._added: list[bytes] = []
        self._bytes = 0
        self._looks_for_moved = bool(shape.key) and len(shape.key) < len(shape.columns)
        self._counts = dict.fromkeys(What, 0)
        self._same = 0

    def take(self, pair: Pair) -> None:
        old, new = pair
        if old is not None and new is not None:
            self._both(old, new)
        elif self._looks_for_moved:
            self._hold(pair)
        else:
            self._alone(pair)

    def _both(self, old: bytes, new: bytes) -> None:
        shape = self._shape
        found = differing(shape.columns, cells(old), cells(new), exact=shape.exact)
        if not found:
            self._same += 1
            return
        self._told(What.CHANGED, shape.named(old, shape.key, old=True), found)

    def _hold(self, pair: Pair) -> None:
        old, new = pair
        if old is not None:
            self._removed.append(old)
        if new is not None:
            self._added.append(new)
        self._bytes += len(old or new or b"")
        if len(self._removed) + len(self._added) > _MOST_LOOSE_ROWS or (
            self._bytes > _MOST_LOOSE_BYTES
        ):
            self._looks_for_moved = False
            self._let_go()

    def _let_go(self) -> None:
        for record in self._removed:
            self._alone((record, None))
        for record in self._added:
            self._alone((None, record))
        self._removed, self._added = [], []

    def _alone(self, pair: Pair) -> None:
        old, new = pair
        shape = self._shape
        record = old if old is not None else new
        assert record is not None
        is_old = old is not None
        values = shape.named(record, shape.columns, old=is_old)
        key = shape.named(record, shape.key, old=is_old)
        told = tuple(
            Cell(name, value, NOTHING) if is_old else Cell(name, NOTHING, value)
            for name, value in values
        )
        self._told(What.REMOVED if is_old else What.ADDED, key, told)

    def _told(self, what: What, key: NamedValues, found: tuple[Cell, ...]) -> None:
        self._counts[what] += 1
        self._tell(Change(self._shape.table, what, key, found))

    def _tell_moved(self) -> None:
        """Pair what was removed with what was added where all but the key is alike. Of several
        that are alike among themselves, the first goes with the first."""
        shape = self._shape
        waiting: dict[bytes, list[bytes]] = {}
        for record in self._added:
            waiting.setdefault(shape.rest(record, old=False), []).append(record)
        removed: list[bytes] = []
        moved: set[int] = set()
        for record in self._removed:
            alike = waiting.get(shape.rest(record, old=True))
            if not alike:
                removed.append(record)
                continue
            target = alike.pop(0)
            moved.add(id(target))
            before = shape.named(record, shape.key, old=True)
            after = dict(shape.named(target, shape.key, old=False))
            found = tuple(
                Cell(name, value, after[name]) for name, value in before if value != after[name]
            )
            self._told(What.MOVED, before, found)
        self._removed = removed
        self._added = [record for record in self._added if id(record) not in moved]

    def finish(self) -> TableDifference:
        """Tell what was held; the difference of the table."""
        self._tell_moved()
        self._let_go()
        shape, counts = self._shape, self._counts
        return TableDifference(
            shape.table,
            added=counts[What.ADDED],
            removed=counts[What.REMOVED],
            changed=counts[What.CHANGED],
            moved=counts[What.MOVED],
            same=self._same,
            only_old=shape.only_old,
            only_new=shape.only_new,
        )
