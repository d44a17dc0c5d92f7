"""Two sides of rows in key order, joined in one pass and in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from demo_snapshots.rows.keys import KeyOf

Pair = tuple[bytes | None, bytes | None]
"""A record of each side with one key; None where a side has none."""


class MergeJoin:
    """Iterating gives the pairs that are not the same bytes, in key order; ``same`` counts those
    that are, and is final when the pairs are through.

    Both sides are lists of records in key order, of any length; ValueError where they are not in
    that order. Where both sides are alike, whole lists are compared at memory speed, and no key
    is looked for.
    """

    def __init__(
        self,
        old: Iterable[list[bytes]],
        new: Iterable[list[bytes]],
        old_key: KeyOf,
        new_key: KeyOf | None = None,
    ) -> None:
        self._old, self._new = _Side(old, old_key), _Side(new, new_key or old_key)
        self.same = 0

    def __iter__(self) -> Iterator[Pair]:
        old, new = self._old, self._new
        while old.fill() and new.fill():
            self.same += _pass_same(old, new)
            if old.is_used_up or new.is_used_up:
                continue
            ours, theirs = old.key(), new.key()
            if ours == theirs:
                yield old.take(), new.take()
            elif ours < theirs:
                yield old.take(), None
            else:
                yield None, new.take()
        while old.fill():
            old.key()
            yield old.take(), None
        while new.fill():
            new.key()
            yield None, new.take()


Triple = tuple[bytes | None, bytes | None, bytes | None]
"""A record of each of three sides with one key; None where a side has none."""


class ThreeWayJoin:
    """Iterating gives, in key order, the triples of records with one key; and in their place,
    where all three sides go on with the same bytes, those records as a list, at memory speed.

    The sides are as those of ``MergeJoin``, all in the order of ``key``; ValueError where one is
    not, or has a key twice.
    """

    def __init__(self, sides: Sequence[Iterable[list[bytes]]], key: KeyOf) -> None:
        self._sides = [_Side(side, key) for side in sides]
        self._last: tuple[object, ...] | None = None

    def __iter__(self) -> Iterator[list[bytes] | Triple]:
        base, ours, theirs = self._sides
        while True:
            there = [side.fill() for side in self._sides]
            if not any(there):
                return
            if all(there):
                same = _pass_same_of_three(base, ours, theirs)
                if same:
                    yield same
                    continue
            yield self._lowest(there)

    def _lowest(self, there: Sequence[bool]) -> Triple:
        sides = list(zip(self._sides, there, strict=True))
        lowest = min(side.key() for side, filled in sides if filled)
        if lowest == self._last:
            raise ValueError("two rows have one key")
        self._last = lowest
        base, ours, theirs = (
            side.take() if filled and side.key() == lowest else None for side, filled in sides
        )
        return base, ours, theirs


class _Side:
    """The records of one side that have been read and not been used."""

    def __init__(self, batches: Iterable[list[bytes]], key: KeyOf) -> None:
        self._batches = iter(batches)
        self._key_of = key
        self._last: tuple[object, ...] | None = None
        self.records: list[bytes] = []
        self.position = 0

    def fill(self) -> bool:
        """Whether there is a record."""
        while self.is_used_up:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self.records, self.position = batch, 0
        return True

    @property
    def is_used_up(self) -> bool:
        return self.position == len(self.records)

    def key(self) -> tuple[object, ...]:
        """Of the next record; ValueError if it comes before one that was passed."""
        key = self._key_of(self.records[self.position])
        if self._last is not None and key < self._last:
            raise ValueError("the rows are not in the order of their keys")
        self._last = key
        return key

    def take(self) -> bytes:
        record = self.records[self.position]
        self.position += 1
        return record


def _pass_same(old: _Side, new: _Side) -> int:
    """Pass the records that both sides have next in the same bytes; how many."""
    most = min(len(old.records) - old.position, len(new.records) - new.position)
    ours, theirs = old.position, new.position
    if old.records[ours : ours + most] == new.records[theirs : theirs + most]:
        passed = most
    else:
        passed = 0
        while old.records[ours + passed] == new.records[theirs + passed]:
            passed += 1
    old.position += passed
    new.position += passed
    return passed


def _pass_same_of_three(base: _Side, ours: _Side, theirs: _Side) -> list[bytes]:
    """Pass the records that all three sides have next in the same bytes; which."""
    sides = (base, ours, theirs)
    most = min(len(side.records) - side.position for side in sides)
    first, second, third = (side.records[side.position : side.position + most] for side in sides)
    if not first == second == third:
        passed = 0
        while first[passed] == second[passed] == third[passed]:
            passed += 1
        first = first[:passed]
    for side in sides:
        side.position += len(first)
    return first
