"""Two sides of rows in key order, joined in one pass and in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
