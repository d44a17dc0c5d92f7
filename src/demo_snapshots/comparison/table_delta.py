"""What changed in one table, as statements by key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack

from demo_snapshots.documents.protocol import Update
from demo_snapshots.documents.sql import delta_statements, statements
from demo_snapshots.documents.sql.delta_writer import Statements
from demo_snapshots.model.snapshots import TableChanges
from demo_snapshots.model.tables import ForeignKey, Table, moments
from demo_snapshots.rows.join import MergeJoin
from demo_snapshots.rows.keys import Key, KeyOf
from demo_snapshots.rows.literals import cells
from demo_snapshots.rows.spill import Sorter, Spool

_MOST_BYTES = 8_000_000

Deferred = Iterator[tuple[Key, list[tuple[int, Update]]]]
"""As ``KeyedDocument.deferred`` gives them."""


class NoDeltaError(Exception):
    """There is no delta that a client could load row by row. Its text is a clause that says why."""


class TableDelta:
    """``table`` as the database has it, ``described`` as the document does. ``deferred`` takes the
    deferred references of changed rows. All else is put aside in temporary files until ``close``,
    but 16 bytes for each changed value of a unique key, in sets."""

    def __init__(
        self, table: Table, described: Table, deferred: Sequence[Spool], *, loose: bool
    ) -> None:
        self.name = table.name
        self.described = described
        self.updated, self.inserted, self.set = Spool(), Spool(), Spool()
        self._released = Spool()
        self._deleted = Sorter(lambda record: -int(record[0]), _MOST_BYTES)
        self._files = ExitStack()
        for each in (self.updated, self.inserted, self.set, self._released, self._deleted):
            self._files.callback(each.close)
        self._deferred = deferred
        self._only = table.has_heirs
        self._names = [column.name for column in described.columns]
        self._key = [self._names.index(name) for name in described.key]
        self._foreign_keys = table.foreign_keys
        self._uniques = [_Unique(self._places(u), loose=loose) for u in table.uniques]
        self._deletes, self._updates = 0, 0
        self.changed_columns: set[str] = set()
        """Those in which updated rows differ."""
        self.fixed: set[ForeignKey] = set()
        """Foreign keys that change in updated rows and cannot be let go of."""

    def _places(self, names: Iterable[str]) -> list[int]:
        return [self._names.index(name) for name in names if name in self._names]

    @property
    def counts(self) -> TableChanges:
        return TableChanges(self.name, self._deletes, self._updates, self.inserted.count)

    @property
    def is_changed(self) -> bool:
        return self.counts != TableChanges(self.name)

    # --- Taking the rows ---------------------------------------------------------------------

    def take(self, join: MergeJoin, order: KeyOf, old: Deferred, new: Deferred) -> None:
        """Take the rows that differ. Raises NoDeltaError, ValueError where rows are in no order."""
        before, after = _ByKey(old), _ByKey(new)
        for ours, theirs in join:
            if theirs is None:
                assert ours is not None
                self._delete(cells(ours), before.at(order(ours)))
            elif ours is None:
                self._insert(cells(theirs), after.at(order(theirs)))
            else:
                self._update(cells(ours), cells(theirs), after.at(order(theirs)))
        for unique in self._uniques:
            if unique.is_exchanged:
                names = ", ".join(self._names[place] for place in unique.places)
                raise NoDeltaError(f"rows of {self.name} exchange values of {names}, a unique key")

    def _delete(self, row: list[bytes], deferred: list[tuple[int, Update]]) -> None:
        self._deletes += 1
        statement = delta_statements.delete_row(self.name, self._pairs(row), only=self._only)
        self._deleted.add((b"%d" % self._deletes, statement))
        # Rows that go may reference one another round a cycle.
        columns = [name for _, update in deferred for name, _ in update.values]
        if columns:
            self._release(row, self._places(columns), ())

    def _insert(self, row: list[bytes], deferred: list[tuple[int, Update]]) -> None:
        self._defer(deferred)
        for _, update in deferred:
            for place in self._places(name for name, _ in update.values):
                row[place] = b"NULL"
        self.inserted.add([b",".join(row)])

    def _update(
        self, old: list[bytes], new: list[bytes], deferred: list[tuple[int, Update]]
    ) -> None:
        changed = {place for place, literal in enumerate(new) if literal != old[place]}
        if changed & {*self._key}:
            raise NoDeltaError(f"a key of {self.name} is spelled otherwise than before")
        self._updates += 1
        self.changed_columns |= {self._names[place] for place in changed}
        self._require_no_own_lookup(new[place] for place in changed)
        references, let_go = self._references(old, changed)
        for unique in self._uniques:
            unique.take(old, new, changed, references)
        self._defer(deferred)
        later = {p for _, u in deferred for p in self._places(name for name, _ in u.values)}
        self._write(self.updated, new, changed - references)
        self._write(self.set, new, references - later)
        if let_go:
            self._release(old, (), let_go)

    def _references(self, old: list[bytes], changed: set[int]) -> tuple[set[int], list[int]]:
        """The columns of foreign keys that change, but for those of the key; and which foreign
        keys have to be let go of where rows that they reference may go."""
        places: set[int] = set()
        let_go: list[int] = []
        for number, key in enumerate(self._foreign_keys):
            own = self._places(key.columns)
            if not changed & {*own}:
                continue
            places |= {*own} - {*self._key}
            nullable = self._nullable(key)
            if nullable:
                if all(old[place] != b"NULL" for place in own):
                    let_go.append(number)
            elif self._is_unique(key):
                raise NoDeltaError(
                    f"{self.name}.{', '.join(key.columns)} cannot be NULL, is unique, and changes"
                )
            else:
                self.fixed.add(key)
        return places, let_go

    def _nullable(self, key: ForeignKey) -> list[int]:
        columns = self.described.columns
        there = (place for place in self._places(key.columns) if place not in self._key)
        return [place for place in there if columns[place].nullable]

    def _is_unique(self, key: ForeignKey) -> bool:
        own = {*self._places(key.columns)}
        return any(own & {*unique.places} for unique in self._uniques)

    def _require_no_own_lookup(self, values: Iterable[bytes]) -> None:
        for value in values:
            match = re.fullmatch(statements.LOOKUP, value) if value[:1] == b"\n" else None
            # MariaDB and MySQL look nothing up in a table that they update (error 1093).
            if match is not None and statements.read_lookup(match)[0] == self.name:
                raise NoDeltaError(f"a reference of {self.name} by natural key to itself changes")

    def _defer(self, deferred: list[tuple[int, Update]]) -> None:
        for number, update in deferred:
            statement = statements.update(
                self.name, update.values, update.untouched, update.key, only=self._only
            )
            self._deferred[number].add([statement])

    def _pairs(self, row: Sequence[bytes]) -> list[tuple[str, bytes]]:
        return [(self._names[place], row[place]) for place in self._key]

    def _write(self, spool: Spool, row: Sequence[bytes], places: Collection[int]) -> None:
        if places:
            values = [(self._names[place], row[place]) for place in sorted(places)]
            spool.add([self._statement(values, self._pairs(row))])

    def _statement(
        self, values: Sequence[tuple[str, bytes]], key: Sequence[tuple[str, bytes]]
    ) -> bytes:
        but = {*self.described.key, *(name for name, _ in values)}
        untouched = moments(self.described.columns, but)
        return statements.update(self.name, values, untouched, key, only=self._only)

    def _release(
        self, row: list[bytes], places: Collection[int], foreign_keys: Collection[int]
    ) -> None:
        """Note that a row lets go of these columns; of these foreign keys, if need be."""
        masks = (sum(1 << number for number in numbers) for numbers in (places, foreign_keys))
        key = b",".join(row[place] for place in self._key)
        self._released.add([b"%d %d " % tuple(masks) + key])

    # --- Giving the statements ---------------------------------------------------------------

    def deleted(self) -> Iterator[list[bytes]]:
        """From the last key to the first: rows mostly reference earlier ones."""
        for _, statement in self._deleted:
            yield [statement]

    def released(self, deleting: Collection[str]) -> Statements:
        """Where rows of the tables ``deleting`` go."""
        needed = {
            number: self._nullable(key)
            for number, key in enumerate(self._foreign_keys)
            if key.referenced_table in deleting or self._is_unique(key)
        }
        count = sum(1 for _ in self._releases(needed))
        return Statements(count, self._releases(needed))

    def _releases(self, needed: dict[int, list[int]]) -> Iterator[list[bytes]]:
        for batch in self._released:
            for record in batch:
                columns, foreign_keys, key = record.split(b" ", 2)
                places = _numbers(columns).union(
                    *(needed.get(number, ()) for number in _numbers(foreign_keys))
                )
                if places:
                    own = list(zip(self.described.key, cells(key), strict=True))
                    values = [(self._names[place], b"NULL") for place in sorted(places)]
                    yield [self._statement(values, own)]

    def close(self) -> None:
        """Let go of what was put aside."""
        self._files.close()


def _numbers(mask: bytes) -> set[int]:
    bits = int(mask)
    return {number for number in range(bits.bit_length()) if bits >> number & 1}


class _ByKey:
    """Deferred references, asked for key by key."""

    def __init__(self, deferred: Deferred) -> None:
        self._deferred = deferred
        self._next = next(deferred, None)

    def at(self, place: Key) -> list[tuple[int, Update]]:
        """Those of the row with that key, which comes after the one asked for before."""
        while self._next is not None and self._next[0] < place:
            self._next = next(self._deferred, None)
        return self._next[1] if self._next is not None and self._next[0] == place else []


class _Unique:
    """Whether updated rows take values of a unique key from one another: then one of them would
    have to wait for the other."""

    def __init__(self, places: Sequence[int], *, loose: bool) -> None:
        self.places = places
        self._loose = loose
        self._old: set[bytes] = set()
        self._new: set[bytes] = set()

    def take(
        self,
        old: Sequence[bytes],
        new: Sequence[bytes],
        changed: Collection[int],
        references: Collection[int],
    ) -> None:
        """References are let go of first and set last, so their old values are free by then."""
        own = {*self.places}
        if own & {*changed} and not own & {*references}:
            for row, values in ((old, self._old), (new, self._new)):
                literals = [row[place] for place in self.places]
                if b"NULL" not in literals:
                    values.add(self._hash(literals))

    def _hash(self, literals: Sequence[bytes]) -> bytes:
        text = b",".join(literals)
        if self._loose:
            text = text.decode().casefold().encode()
        return hashlib.blake2b(text, digest_size=16).digest()

    @property
    def is_exchanged(self) -> bool:
        return not self._old.isdisjoint(self._new)
