"""One row from three: what base, ours and theirs have under one key, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Collection

from demo_snapshots.comparison.cells import normal
from demo_snapshots.comparison.json_text import merge_json
from demo_snapshots.model.merging import Conflict, Side
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.rows.join import Triple
from demo_snapshots.rows.literals import cells, value_of

Decide = Callable[[Conflict], Side | None]
"""Whose state is taken in a conflict; None leaves it open, and no version can be made."""


NamedLiterals = tuple[tuple[str, str], ...]


class RowMerge:
    """Merges the rows of one table, and counts how they came to be. A change that one side alone
    made is taken; what both changed, each to something else, ``decide`` is asked about."""

    def __init__(self, table: Table, decide: Decide, canonical: Collection[str] = ()) -> None:
        """``table`` as the documents describe it; ``canonical`` are the columns whose JSON the
        engine writes in an order of its own."""
        self._table, self._decide, self._canonical = table, decide, canonical
        self._names = [column.name for column in table.columns]
        self._key = [self._names.index(name) for name in table.key]
        self._is_open = False
        self.ours = self.theirs = self.both = self.decided = 0

    def merge(self, triple: Triple) -> bytes | None:
        """The row there is from now on, None for none."""
        base, ours, theirs = triple
        if ours == theirs:
            self.both += ours != base
            return ours
        if ours == base:
            self.theirs += 1
            return theirs
        if theirs == base:
            self.ours += 1
            return ours
        self.both += 1
        before, self._is_open = self.decided, False
        row = self._conflicting(base, ours, theirs)
        self.decided = before + self._is_open
        return row

    def _conflicting(
        self, base: bytes | None, ours: bytes | None, theirs: bytes | None
    ) -> bytes | None:
        if base is None or ours is None or theirs is None:
            key = self._key_of(ours or theirs or b"")
            side = self._settle(key, "", *map(_text, (base, ours, theirs)))
            return {Side.OURS: ours, Side.THEIRS: theirs, Side.BASE: base}[side]
        key = self._key_of(ours)
        there = zip(cells(base), cells(ours), cells(theirs), strict=True)
        return b",".join(self._cell(key, place, *values) for place, values in enumerate(there))

    def _cell(
        self, key: NamedLiterals, place: int, base: bytes, ours: bytes, theirs: bytes
    ) -> bytes:
        kind = self._table.columns[place].kind
        if _alike(theirs, ours, kind) or _alike(theirs, base, kind):
            return ours
        if _alike(ours, base, kind):
            return theirs
        if kind is Kind.JSON:
            merged = self._json(key, self._names[place], base, ours, theirs)
            if merged is not None:
                return merged
        side = self._settle(key, self._names[place], *map(_text, (base, ours, theirs)))
        return {Side.OURS: ours, Side.THEIRS: theirs, Side.BASE: base}[side]

    def _json(
        self, key: NamedLiterals, name: str, base: bytes, ours: bytes, theirs: bytes
    ) -> bytes | None:
        was, left, right = (value_of(literal) for literal in (base, ours, theirs))
        if not isinstance(left, str) or not isinstance(right, str):
            return None
        merged = merge_json(
            was if isinstance(was, str) else None,
            left,
            right,
            lambda path, *values: self._inside(key, name + path, *values),
            canonical=name in self._canonical,
        )
        if merged is None:
            return None
        return ours if merged == left else theirs if merged == right else _quoted(merged)

    def _inside(
        self,
        key: NamedLiterals,
        cell: str,
        base: str | None,
        ours: str | None,
        theirs: str | None,
    ) -> str | None:
        side = self._settle(key, cell, base, ours, theirs)
        return {Side.OURS: ours, Side.THEIRS: theirs, Side.BASE: base}[side]

    def _settle(
        self,
        key: NamedLiterals,
        cell: str,
        base: str | None,
        ours: str | None,
        theirs: str | None,
    ) -> Side:
        self._is_open = True
        side = self._decide(Conflict(self._table.name, key, cell, base, ours, theirs))
        return side or Side.OURS

    def _key_of(self, record: bytes) -> NamedLiterals:
        values = cells(record)
        return tuple((self._names[place], values[place].decode()) for place in self._key)


def _alike(one: bytes, other: bytes, kind: Kind) -> bool:
    if one == other or kind is not Kind.JSON:
        return one == other
    return normal(one, kind) == normal(other, kind)


def _text(literal: bytes | None) -> str | None:
    return None if literal is None else literal.decode().strip("\n")


def _quoted(text: str) -> bytes:
    return b"'" + text.encode().replace(b"'", b"''") + b"'"


def merged_count(base: int, ours: int, theirs: int) -> int:
    """How many of rows that are alike there are from now on, in a table without a key: what
    either side added or removed is added or removed."""
    return max(0, ours + theirs - base)
