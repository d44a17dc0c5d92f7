"""Delta -> changes, as strictly as a whole document is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from demo_snapshots.documents.order import key_of_keys, key_of_rows
from demo_snapshots.documents.protocol import (
    Event,
    Included,
    Lookups,
    Target,
    Update,
    any_literals,
)
from demo_snapshots.documents.sql import delta_statements, statements
from demo_snapshots.documents.sql.delta_statements import Part
from demo_snapshots.documents.sql.identifiers import read_identifier
from demo_snapshots.documents.sql.reader import any_lookup, decode_pairs
from demo_snapshots.documents.sql.rendering import ONLY, PartedDocument, require_count
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Delta
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.keys import Key
from demo_snapshots.rows.literals import encode, records


class Edit(Struct, frozen=True):
    """What a statement on ``line`` does to the row with that ``key``, raw literals in key order:
    it sets ``values``, or deletes the row where there are none."""

    table: str
    key: tuple[bytes, ...]
    values: tuple[tuple[str, bytes], ...]
    line: int


class Insert(Struct, frozen=True):
    """A row that is new, and the line where it begins."""

    table: str
    record: bytes
    line: int


Change = Edit | Insert | Included | Update


class DeltaDocument(PartedDocument):
    """An open delta: ``header`` is read at once, ``changes`` once."""

    @property
    def delta(self) -> Delta:
        """What its header says of it."""
        assert self.header.delta is not None
        return self.header.delta

    def rows(
        self, target: Target, includes: Target | None = None, lookups: Lookups | None = None
    ) -> Iterator[Event]:
        on = self.delta.of.on.version
        raise DocumentError(
            f"a delta, which holds only what changed since {on}",
            hint=f"It is read together with {on}, in a store or beside it in a directory.",
        )

    def changes(self) -> Iterator[Change]:
        """What it changes, in the order of the document: references that are let go of, deleted
        rows, updated ones, the included rows of tables that have all of them, inserted rows,
        references that are set, deferred references. Nothing is given but names and recognised
        literals.

        Raises DocumentError with the line for whatever is not in the grammar or stands in
        another order, and after the last change if counts or digest do not match.
        """
        self._pass_preamble()
        source = self._source
        source.hashing = True
        for part in (Part.RELEASED, Part.DELETED, Part.UPDATED):
            yield from self._edits(part)
        for table, expected in self.header.includes:
            if self.delta.changes_of(table.name).all_rows:
                yield from self._included(table, expected, any_literals)
        for table in self.header.tables:
            if expected := self.delta.changes_of(table.name).inserted:
                yield from self._inserts(table, expected)
        yield from self._edits(Part.REFERENCES)
        described = {table.name: table for table in self.header.tables}
        yield from self._deferred(described, any_literals)
        source.hashing = False
        self._pass_end()

    def _pass_cleanup(self) -> None:
        """A delta has none: it goes on from what is there."""

    def _inserts(self, table: Table, expected: int) -> Iterator[Insert]:
        line = self._source.line
        if not table.key:
            raise self._without_key(table.name, line)
        order, last, counted = key_of_rows(self.header, table), None, 0
        for rows in self._section(table, expected, any_literals, any_lookup):
            # The line where the reader stands is past them.
            found = records(rows.text)
            line = self.line - sum(encode(record).count(b"\n") + 1 for record in found)
            for record in found:
                key = order(record)
                if last is not None and key <= last:
                    raise _out_of_order(table.name, line)
                yield Insert(table.name, record, line)
                last = key
                line += encode(record).count(b"\n") + 1
            counted += len(found)
        require_count(table.name, counted, expected, line)

    def _edits(self, part: Part) -> Iterator[Edit]:
        source = self._source
        heading = (
            source.take(part.heading) if source.next_is(b"-- " + part.value.encode()) else None
        )
        if heading is None:
            return
        order = _Order(self, backwards=part is Part.DELETED)
        for _ in range(int(heading[1])):
            line = source.line
            edit = self._edit(part, line)
            order.require(edit)
            yield edit
        source.expect("")

    def _edit(self, part: Part, line: int) -> Edit:
        if part is Part.DELETED:
            match = self._pass(delta_statements.DELETE)
        else:
            match = self._pass(delta_statements.UPDATE, delta_statements.UNFINISHED_UPDATE)
        self._note(match["table"], only=ONLY in match[0][: match.start("table") - match.start()])
        name = read_identifier(match["table"].decode())
        table = next((table for table in self.header.tables if table.name == name), None)
        key = statements.read_pairs(match["where"])
        if table is None or not table.key or tuple(column for column, _ in key) != table.key:
            raise DocumentError("not a change by a described table's key", line=line)
        try:
            values = () if part is Part.DELETED else self._values(table, match)
            literals = tuple(literal for _, literal in decode_pairs(key))
        except ValueError as error:
            raise DocumentError(f"{name}: {error}", line=line) from None
        if part is Part.RELEASED and any(literal != b"NULL" for _, literal in values):
            raise DocumentError(f"{name}: a reference is let go of by NULL", line=line)
        return Edit(name, literals, values, line)

    def _values(self, table: Table, match: re.Match[bytes]) -> tuple[tuple[str, bytes], ...]:
        values, untouched = delta_statements.read_assignments(match["set"])
        if not values:
            raise ValueError("an update that sets nothing")
        for column in (*untouched, *(column for column, _ in values)):
            if not table.has(column):
                raise ValueError(f"it has no column {column}")
            if column in table.key:
                raise ValueError(f"{column} is of the key, which no update changes")
        return decode_pairs(values)

    @staticmethod
    def _without_key(table: str, line: int) -> DocumentError:
        return DocumentError(f"{table}: rows of a table without a key", line=line)


class _Order:
    """Whether the changes of a part come table by table in load order, each in the order of its
    key without a key twice; ``backwards``: both the other way round."""

    def __init__(self, document: DeltaDocument, *, backwards: bool) -> None:
        self._document = document
        self._backwards = backwards
        tables = document.header.tables
        self._ahead = list(tables if backwards else reversed(tables))
        self._table = ""
        self._last: Key | None = None

    def require(self, edit: Edit) -> None:
        if edit.table != self._table:
            self._begin(edit)
        key = self._key(b",".join(edit.key))
        if self._last is not None:
            ordered = key < self._last if self._backwards else key > self._last
            if not ordered:
                raise _out_of_order(edit.table, edit.line)
        self._last = key

    def _begin(self, edit: Edit) -> None:
        while self._ahead:
            table = self._ahead.pop()
            if table.name == edit.table:
                self._table, self._last = table.name, None
                self._key = key_of_keys(self._document.header, table)
                return
        raise DocumentError(f"{edit.table}: its changes stand elsewhere", line=edit.line)


def _out_of_order(table: str, line: int) -> DocumentError:
    return DocumentError(f"{table}: not in the order of the keys, or a key twice", line=line)
