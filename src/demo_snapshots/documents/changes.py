"""What a delta changes, put aside by the keys of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import BinaryIO

from msgspec import Struct

from demo_snapshots.documents.order import key_of_keys
from demo_snapshots.documents.protocol import Included, Update
from demo_snapshots.documents.sql.delta_reader import Change, DeltaDocument, Edit, Insert
from demo_snapshots.documents.sql.rendering import ForClients
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Delta, Header, TableChanges
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.keys import Key
from demo_snapshots.rows.literals import cells, records
from demo_snapshots.rows.spill import Sorter, Spool

_MOST_BYTES = 8_000_000
_DELETE, _SET, _INSERT, _DEFER = b"delete", b"set", b"insert", b"defer"


class Step(Struct, frozen=True):
    """What a statement on ``line`` does to a row: ``words`` are names and literals in turn, or
    the record that it inserts; of a deferred reference after the names of ``untouched`` columns."""

    line: int
    what: bytes
    words: tuple[bytes, ...] = ()
    untouched: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[tuple[str, bytes], ...]:
        names = (name.decode() for name in self.words[::2])
        return tuple(zip(names, self.words[1::2], strict=True))


class RowChanges:
    """All that a delta does to the row of ``table`` with the literals ``key``, in the order of
    the document. ``place`` sorts as the rows do."""

    def __init__(self, place: Key, table: Table, key: bytes, steps: Sequence[Step]) -> None:
        self.place = place
        self._table = table
        self._key = key
        self._steps = steps

    def applied(self, record: bytes | None) -> bytes | None:
        """What becomes of the row, whose record is None where there is none, as a document holds
        it, without its deferred references. Raises DocumentError for what cannot be done."""
        names = [column.name for column in self._table.columns]
        values = None if record is None else cells(record)
        for number, step in enumerate(self._steps):
            if step.what == _INSERT:
                if number or values is not None:
                    raise self._error(step, "an insert of a row that its base has")
                values = cells(step.words[0])
            elif values is None:
                raise self._error(step, "a change of a row that its base has not")
            elif step.what == _DELETE:
                values = None
            else:
                for name, literal in step.values:
                    values[names.index(name)] = b"NULL" if step.what == _DEFER else literal
        return None if values is None else b",".join(values)

    def deferred(self, columns: Sequence[str]) -> Update | None:
        """The reference by ``columns`` that is deferred in the whole document."""
        for step in self._steps:
            if step.what == _DEFER and [name for name, _ in step.values] == [*columns]:
                key = tuple(zip(self._table.key, cells(self._key), strict=True))
                return Update(self._table.name, step.values, key, step.untouched)
        return None

    @property
    def kind(self) -> bytes:
        """Whether the row is deleted, inserted, or else updated."""
        kinds = {step.what for step in self._steps}
        return next((kind for kind in (_DELETE, _INSERT) if kind in kinds), _SET)

    def _error(self, step: Step, what: str) -> DocumentError:
        return DocumentError(f"{self._table.name}: {what}", line=step.line)


class Changes:
    """The changes of the delta in ``stream``, which is read whole, in bounded memory. Raises
    DocumentError for what is no delta, was altered or contradicts itself; close it when done."""

    def __init__(self, stream: BinaryIO) -> None:
        self._files = ExitStack()
        self._steps: dict[str, Sorter] = {}
        self._included: dict[str, Spool] = {}
        document = DeltaDocument(stream)
        self.header: Header = document.header
        self.delta: Delta = document.delta
        self._tables = {table.name: table for table in document.header.tables}
        self._places = [(part.table, part.columns) for part in self.delta.deferred]
        self._last: tuple[int, Key] | None = None
        for table, _ in document.header.includes:
            if self.delta.changes_of(table.name).all_rows:
                self._included[table.name] = Spool()
                self._files.callback(self._included[table.name].close)
        try:
            for number, change in enumerate(document.changes()):
                self._take(number, change, document.line)
            self.for_clients: ForClients = document.for_clients
            self._require_counts()
        except BaseException:
            self.close()
            raise

    # --- Reading -----------------------------------------------------------------------------

    def _take(self, number: int, change: Change, line: int) -> None:
        if isinstance(change, Included):
            self._included[change.table].add(records(change.text))
        elif isinstance(change, Insert):
            table = self._tables[change.table]
            names = [column.name for column in table.columns]
            values = cells(change.record)
            key = [values[names.index(name)] for name in table.key]
            step = Step(change.line, _INSERT, (change.record,))
            self._add(table, key, number, step)
        elif isinstance(change, Edit):
            words = tuple(_words(change.values))
            step = Step(change.line, _SET if words else _DELETE, words)
            self._add(self._tables[change.table], change.key, number, step)
        else:
            key = [literal for _, literal in change.key]
            self._require_order(change, key, line - 1)
            step = Step(line - 1, _DEFER, tuple(_words(change.values)), change.untouched)
            self._add(self._tables[change.table], key, number, step)

    def _require_order(self, update: Update, key: Iterable[bytes], line: int) -> None:
        """Raise DocumentError unless the deferred references come part by part, each in the order
        of the keys."""
        place = (update.table, tuple(name for name, _ in update.values))
        if place not in self._places:
            raise DocumentError("deferred references that the header does not count", line=line)
        order = key_of_keys(self.header, self._tables[update.table])
        where = (self._places.index(place), order(b",".join(key)))
        if self._last is not None and where <= self._last:
            raise DocumentError("deferred references in another order", line=line)
        self._last = where

    def _add(self, table: Table, key: Iterable[bytes], number: int, step: Step) -> None:
        if table.name not in self._steps:
            order = key_of_keys(self.header, table)
            sorter = Sorter(lambda record: (order(record[0]), int(record[1])), _MOST_BYTES)
            self._steps[table.name] = sorter
            self._files.callback(sorter.close)
        untouched = [name.encode() for name in step.untouched]
        numbers = (b"%d" % value for value in (number, step.line, len(untouched)))
        record = (b",".join(key), *numbers, step.what, *untouched, *step.words)
        self._steps[table.name].add(record)

    def _require_counts(self) -> None:
        """Raise DocumentError unless the header counts the rows that are changed."""
        for table in self._tables.values():
            kinds = dict.fromkeys((_DELETE, _SET, _INSERT), 0)
            for change in self.of(table):
                kinds[change.kind] += 1
            counted = TableChanges(table.name, kinds[_DELETE], kinds[_SET], kinds[_INSERT])
            if counted != self.delta.changes_of(table.name):
                raise DocumentError(f"{table.name}: other changes than the header counts")

    # --- What there is -----------------------------------------------------------------------

    def of(self, table: Table) -> Iterator[RowChanges]:
        """What is done to rows of the table, in the order of their keys. To be read to its end,
        or given up, before it is asked for again."""
        if table.name not in self._steps:
            return
        order = key_of_keys(self.header, table)
        for literals, found in groupby(self._steps[table.name], key=lambda record: record[0]):
            yield RowChanges(order(literals), table, literals, [_step(record) for record in found])

    def included(self, table: Table) -> Iterator[list[bytes]] | None:
        """All rows of a table whose rows travel along; None where they are those of the base."""
        spool = self._included.get(table.name)
        return None if spool is None else iter(spool)

    def close(self) -> None:
        """Let go of what was put aside."""
        self._files.close()


def _words(values: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    for name, literal in values:
        yield name.encode()
        yield literal


def _step(record: tuple[bytes, ...]) -> Step:
    line, untouched, what, *words = record[2:]
    count = int(untouched)
    names = tuple(name.decode() for name in words[:count])
    return Step(int(line), what, tuple(words[count:]), names)
