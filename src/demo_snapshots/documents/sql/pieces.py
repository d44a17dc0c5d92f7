"""The files that hold the rows of a version in parts: written, and all of them as one document.

A part begins and ends where a statement of the whole document does. So the statements of the parts,
one after the other, are those of the whole one, and nothing of them has to be understood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, cast

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.documents.sql import polyglot
from demo_snapshots.documents.sql.header import IN_PARTS, PART_TITLE, describe_table
from demo_snapshots.documents.sql.rendering import ForClients, Rendering
from demo_snapshots.documents.sql.writer import (
    Batches,
    Deferred,
    Output,
    Section,
    write_includes,
    write_rows,
    write_updates,
)
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header, Part
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import cells

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NOTICE = "-- Rows of a version in parts: demo import reads them by the file that names this one."
_COMPLETE = "-- Part completed successfully"
_LONGEST_KEY = 200
_BLOCK = 1 << 18


class Kind(StrEnum):
    """What of a document a piece holds."""

    INCLUDED = "included"
    ROWS = "rows"
    DEFERRED = "deferred"


class Piece(Struct, frozen=True):
    """What a part holds of one table: ``size`` bytes of statements, in which there are ``rows``.
    ``first`` and ``last`` are the keys of the first and the last of them as literals, for people;
    long ones are cut."""

    kind: Kind
    table: str
    rows: int
    size: int
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


class Contents(Struct, frozen=True):
    """A part, and what it holds, in the order of the whole document."""

    part: Part
    pieces: tuple[Piece, ...]


# --- Writing ---------------------------------------------------------------------------------


class PartWriter:
    """Writes a part to ``stream``, piece by piece in the order of the whole document, whose header
    is ``header``; ``tables`` are those of which it gets something. Raises UnportableValueError, as
    writing the whole one does."""

    def __init__(
        self,
        stream: BinaryIO,
        header: Header,
        tables: Iterable[Table],
        lookups: Mapping[tuple[str, str], bytes],
    ) -> None:
        self._counted = _Counted(stream)
        self._out = Output(cast(BinaryIO, self._counted))
        self._header = header
        self._lookups = lookups
        self._out.bytes(_beginning(header.scenario, tables))
        self._out.hashing = True
        self.pieces: list[Piece] = []

    def included(self, section: Section) -> None:
        seen = _Seen(section.rows)
        start = self._counted.size
        write_includes(self._out, self._header, replace(section, rows=seen))
        self._ended(Kind.INCLUDED, section.table, seen, start, _places(section.table))

    def rows(self, section: Section) -> None:
        seen = _Seen(section.rows)
        start = self._counted.size
        write_rows(self._out, self._header, replace(section, rows=seen), self._lookups)
        self._ended(Kind.ROWS, section.table, seen, start, _places(section.table))

    def deferred(self, deferred: Deferred) -> None:
        seen = _Seen(deferred.rows)
        start = self._counted.size
        write_updates(self._out, self._header, replace(deferred, rows=seen))
        places = range(len(deferred.table.key))
        self._ended(Kind.DEFERRED, deferred.table, seen, start, places)

    def _ended(
        self, kind: Kind, table: Table, seen: _Seen, start: int, places: Sequence[int]
    ) -> None:
        keys = (_key(row, places) for row in (seen.first, seen.last))
        size = self._counted.size - start
        self.pieces.append(Piece(kind, table.name, seen.rows, size, *keys))
        self._out.text("\n")

    def end(self) -> None:
        """The last lines."""
        self._out.hashing = False
        self._out.bytes(_end(self._out.hash.hexdigest()))


class _Counted:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0

    def write(self, data: ReadableBuffer) -> int:
        self.size += memoryview(data).nbytes
        return self._stream.write(data)


class _Seen:
    """Rows that are counted as they pass, and of which the first and the last are kept."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.rows = 0
        self.first = b""
        self.last = b""

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        for batch in filter(None, self._batches):
            self.first = self.first or batch[0]
            self.last = batch[-1]
            self.rows += len(batch)
            yield batch


def _places(table: Table) -> Sequence[int]:
    names = [column.name for column in table.carried]
    return [names.index(name) for name in table.key]


def _key(row: bytes, places: Sequence[int]) -> tuple[str, ...]:
    values = cells(row[1:-1])
    return tuple(_shown(values[place]) for place in places) if row else ()


def _shown(literal: bytes) -> str:
    text = literal.decode()
    return text if len(text) <= _LONGEST_KEY else text[:_LONGEST_KEY] + "…"


def _beginning(scenario: str, tables: Iterable[Table]) -> bytes:
    described = dict.fromkeys(f"-- Table {describe_table(table)}" for table in tables)
    lines = [
        PART_TITLE,
        f"-- Format: {IN_PARTS}",
        f"-- Scenario: {scenario}",
        *described,
        _NOTICE,
        "",
    ]
    return "".join(line + "\n" for line in lines).encode()


def _end(digest: str) -> bytes:
    return f"{polyglot.DIGEST_PREFIX}{digest}\n{_COMPLETE}\n".encode()


# --- Reading ---------------------------------------------------------------------------------


def joined(
    header: Header,
    clients: ForClients,
    updates: int,
    parts: Iterable[tuple[Contents, BinaryIO]],
    digest: str | None = None,
) -> Iterator[bytes]:
    """The whole document, block by block, byte for byte as a single export of the same rows.

    ``updates`` counts the deferred references, ``digest`` is what the last lines are to say; None:
    what the rows make. ``parts`` are what they hold and their bytes
    (unpacked), which are read once and closed; each has the size and SHA-256 of its Part. Raises
    DocumentError, naming the part, where one holds something else than it says.
    """
    taken = _Taken()
    rendering = Rendering(cast(BinaryIO, taken), header, (), ())
    pieces = _Pieces(header, parts)
    rendering.begin()
    rendering.before(clients.before)
    rendering.begin_rows()
    yield from taken
    for table, count in header.includes:
        rendering.includes(table, count)
        for block in pieces.of(Kind.INCLUDED, table.name):
            rendering.as_it_stands(block)
            yield from taken
        rendering.end_part()
    for table in header.tables:
        rendering.section(table, header.statistics.rows(table.name))
        for block in pieces.of(Kind.ROWS, table.name):
            rendering.as_it_stands(block)
            yield from taken
        rendering.end_part()
    if updates:
        rendering.deferred(updates)
        for block in pieces.of(Kind.DEFERRED):
            rendering.as_it_stands(block)
            yield from taken
        rendering.end_part()
    pieces.require_end()
    made = rendering.end_rows()
    rendering.after(clients.after)
    rendering.end(digest or made)
    yield from taken


class _Taken:
    """Takes what is written, until it is taken on."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(data)
        return len(data)

    def __iter__(self) -> Iterator[bytes]:
        written, self._written = self._written, []
        return iter(written)


class _Pieces:
    """The pieces of ``parts`` one after the other, each taken by its kind and table."""

    def __init__(self, header: Header, parts: Iterable[tuple[Contents, BinaryIO]]) -> None:
        self._tables = {table.name: table for table, _ in header.includes}
        self._tables |= {table.name: table for table in header.tables}
        self._scenario = header.scenario
        self._all = self._pieces(parts)
        self._next = next(self._all, None)

    def of(self, kind: Kind, table: str | None = None) -> Iterator[bytes]:
        """The statements of the next pieces of that kind, of ``table`` or of whichever."""
        while self._next is not None:
            piece, blocks = self._next
            if piece.kind is not kind or table not in (None, piece.table):
                return
            yield from blocks
            self._next = next(self._all, None)

    def require_end(self) -> None:
        if self._next is not None:
            raise DocumentError("its parts are not in the order of its tables")

    def _pieces(
        self, parts: Iterable[tuple[Contents, BinaryIO]]
    ) -> Iterator[tuple[Piece, Iterator[bytes]]]:
        for contents, stream in parts:
            name = contents.part.name
            tables = [self._tables[piece.table] for piece in contents.pieces]
            with stream:
                _expect(stream, _beginning(self._scenario, tables), name)
                hashed = hashlib.sha256()
                for piece in contents.pieces:
                    yield piece, _blocks(stream, piece.size, hashed, name)
                    _expect(stream, b"\n", name)
                    hashed.update(b"\n")
                _expect(stream, _end(hashed.hexdigest()), name)
                if stream.read(1):
                    raise _unlike(name)


def _blocks(stream: BinaryIO, size: int, hashed: hashlib._Hash, name: str) -> Iterator[bytes]:
    left = size
    while left:
        block = stream.read(min(left, _BLOCK))
        if not block:
            raise _unlike(name)
        left -= len(block)
        hashed.update(block)
        yield block


def _expect(stream: BinaryIO, wanted: bytes, name: str) -> None:
    if stream.read(len(wanted)) != wanted:
        raise _unlike(name)


def _unlike(name: str) -> DocumentError:
    return DocumentError(f"{name}: does not hold what the version says of it")
