"""Documents of other forms, read as the SQL form: one strict grammar and one digest for all.

The reader of a form gives *items* as its file streams by. What they say is spelled as the SQL
document of the same rows, which ``SqlDocument`` then recognises to the last token, so that
nothing from another form is trusted more than an SQL file is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from msgspec import Struct

from demo_snapshots.documents.members import (
    DEFERRED,
    DIGEST,
    INCLUDED,
    ROWS,
    Member,
    read_members,
)
from demo_snapshots.documents.protocol import Event, Lookups, Target
from demo_snapshots.documents.rows import raw_row, read_update
from demo_snapshots.documents.sql.rendering import PartedDocument, Rendering, require_count
from demo_snapshots.documents.sql.window import BLOCK
from demo_snapshots.documents.sql.writer import Inserts, Output
from demo_snapshots.documents.values import Tree
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Beginning(Struct, frozen=True):
    """Here begin rows: of ``table`` in the member ``member``, or the deferred references."""

    member: str
    table: str
    line: int


class Row(Struct, frozen=True):
    """One object of those that a Beginning announced, and the ``line`` where it begins."""

    value: Tree
    line: int


Item = Member | Beginning | Row
"""In the order of the file: the members before the rows, the rows, the digest."""


class _Lines:
    """Takes the SQL form as it is written, until it is taken on, and knows which of its lines came
    of which line of the file."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.next = 1
        # From which line of the SQL form on, which line of the file it is, and whether the lines
        # after it go on line by line in both.
        self._ours = [1]
        self._theirs = [(1, True)]

    def write(self, data: bytes) -> int:
        self.written.append(data)
        self.next += data.count(b"\n")
        return len(data)

    def mark(self, line: int, ahead: int = 0, *, goes_on: bool = True) -> None:
        """What is written next, after so many lines more, came of ``line`` of the file."""
        ours = self.next + ahead
        if not goes_on or not self._theirs[-1][1] or self.of(ours) != line:
            self._ours.append(ours)
            self._theirs.append((line, goes_on))

    def of(self, line: int) -> int:
        """The line of the file that a line of the SQL form came of."""
        place = max(0, bisect_right(self._ours, line) - 1)
        theirs, goes_on = self._theirs[place]
        return theirs + max(0, line - self._ours[place]) * goes_on

    def forget(self, line: int) -> None:
        """Nobody will ask for a line before this one."""
        passed = max(0, bisect_right(self._ours, line) - 1)
        del self._ours[:passed], self._theirs[:passed]


class _MarkedInserts(Inserts):
    """INSERTs that mark the line that each of their rows came of."""

    def __init__(self, out: Output, head: bytes, lines: _Lines) -> None:
        super().__init__(out, head)
        self._breaks = head.count(b"\n")
        self._lines = lines
        self._waiting: list[int] = []

    def take(self, row: bytes, line: int) -> None:
        self._waiting.append(line)
        self.add([row])

    def close(self) -> None:
        ahead = self._breaks
        for row, line in zip(self._rows, self._waiting, strict=False):
            breaks = row.count(b"\n")
            self._lines.mark(line, ahead, goes_on=not breaks)
            ahead += breaks + 1
        del self._waiting[: len(self._rows)]
        super().close()


class _Translation:
    """The SQL form of the document that ``items`` are, as a stream; read once."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._ahead: Item | None = None
        self._line = 1
        self.lines = _Lines()
        self._pieces = self._translated()
        self._last = (0, 1)
        self.fault: DocumentError | None = None

    def read(self, size: int) -> bytes:
        """At least ``size`` bytes, unless the end comes first; to begin with, the header alone.
        Of what was given before, at most ``size`` bytes have not been recognised yet."""
        length, start = self._last
        if size <= BLOCK <= length:
            self.lines.forget(start)
        start = self.lines.next
        whole: list[bytes] = []
        length = 0
        try:
            while length < size and (piece := next(self._pieces, None)) is not None:
                whole.append(piece)
                length += len(piece)
                if start == 1:
                    break
        except DocumentError as error:
            self.fault = error
            raise
        self._last = (length, start)
        return b"".join(whole)

    def _translated(self) -> Iterator[bytes]:
        lines = self.lines
        opening = read_members(self._members())
        header, parts = opening.header, opening.for_clients
        out = cast(BinaryIO, lines)
        rendering = Rendering(out, header, parts.overriding, parts.only)
        rendering.begin()
        lines.mark(opening.line, goes_on=False)
        rendering.before(parts.before)
        yield from self._taken()
        rendering.begin_rows()
        for table, count in header.includes:
            line = self._begin(INCLUDED, table.name)
            rendering.includes(table, count)
            yield from self._included(rendering, table, count, line)
        for table in header.tables:
            line = self._begin(ROWS, table.name)
            expected = header.statistics.rows(table.name)
            rendering.section(table, expected)
            yield from self._section(rendering, table, expected, line)
        yield from self._deferred(rendering, header, opening.updates)
        rendering.end_rows()
        digest = self._digest()
        lines.mark(opening.line, goes_on=False)
        rendering.after(parts.after)
        lines.mark(digest.line)
        rendering.end(str(digest.value).removeprefix("sha256:"))
        yield from self._taken()

    def _taken(self) -> Iterator[bytes]:
        yield b"".join(self.lines.written)
        self.lines.written.clear()

    def _next(self) -> Item | None:
        item, self._ahead = self._ahead, None
        if item is None:
            item = next(self._items, None)
        if item is not None:
            self._line = item.line
        return item

    def _members(self) -> dict[str, Member]:
        members: dict[str, Member] = {}
        while isinstance(item := self._next(), Member) and item.name != DIGEST:
            members[item.name] = item
        self._ahead = item
        return members

    def _begin(self, member: str, table: str) -> int:
        """The line where these rows begin, which must come now."""
        item = self._next()
        if isinstance(item, Beginning) and (item.member, item.table) == (member, table):
            self.lines.mark(item.line)
            return item.line
        what = f"{member} of {table}" if table else member
        raise DocumentError(f"expected the {what} before this", line=self._line)

    def _rows(self) -> Iterator[Row]:
        while isinstance(item := self._next(), Row):
            yield item
        self._ahead = item

    def _included(
        self, rendering: Rendering, table: Table, expected: int, line: int
    ) -> Iterator[bytes]:
        names, counted = [column.name for column in table.columns], 0
        for row in self._rows():
            self.lines.mark(row.line)
            with _placing(row, table.name):
                rendering.include(table, raw_row(names, row.value))
            counted += 1
            yield from self._taken()
        require_count(table.name, counted, expected, line)
        rendering.end_part()

    def _section(
        self, rendering: Rendering, table: Table, expected: int, line: int
    ) -> Iterator[bytes]:
        out, head = rendering.inserts(table)
        inserts = _MarkedInserts(out, head, self.lines)
        names, counted = [column.name for column in table.columns], 0
        for row in self._rows():
            with _placing(row, table.name):
                raw = raw_row(names, row.value)
            inserts.take(raw, row.line)
            counted += 1
            if self.lines.written:
                yield from self._taken()
        inserts.close()
        require_count(table.name, counted, expected, line)
        rendering.end_part()

    def _deferred(self, rendering: Rendering, header: Header, expected: int) -> Iterator[bytes]:
        if not expected:
            return
        line = self._begin(DEFERRED, "")
        described = {table.name: table for table in header.tables}
        rendering.deferred(expected)
        counted = 0
        for row in self._rows():
            self.lines.mark(row.line)
            with _placing(row, DEFERRED):
                update = read_update(row.value)
                if update.table not in described:
                    raise ValueError("not an update of a described table")
                rendering.update(described[update.table], update)
            counted += 1
            yield from self._taken()
        require_count("deferred references", counted, expected, line)
        rendering.end_part()

    def _digest(self) -> Member:
        item = self._next()
        if not isinstance(item, Member) or item.name != DIGEST:
            raise DocumentError("expected the digest before this", line=self._line)
        if not isinstance(item.value, str) or not _DIGEST.fullmatch(item.value):
            raise DocumentError("not a digest", line=item.line)
        if (more := self._next()) is not None:
            raise DocumentError("something follows the digest", line=more.line)
        return item


@contextmanager
def _placing(row: Row, where: str) -> Iterator[None]:
    """Turn a ValueError about a row into a DocumentError that names its line."""
    try:
        yield
    except ValueError as error:
        raise DocumentError(f"{where}: {error}", line=row.line) from None


class TranslatedDocument(PartedDocument):
    """The document that ``items`` are; its errors name lines of the file."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._translation = _Translation(items)
        with self._placing():
            super().__init__(cast(BinaryIO, self._translation))

    @contextmanager
    def _placing(self) -> Iterator[None]:
        try:
            yield
        except DocumentError as error:
            if error is self._translation.fault or error.line is None:
                raise
            message = error.message.removeprefix(f"line {error.line}: ")
            line = self._translation.lines.of(error.line)
            raise type(error)(message, line=line, hint=error.hint) from None

    def rows(
        self, target: Target, includes: Target | None = None, lookups: Lookups | None = None
    ) -> Iterator[Event]:
        with self._placing():
            yield from super().rows(target, includes, lookups)

    def line_of(self, number: int, given: bytes) -> int:
        return self._translation.lines.of(super().line_of(number, given))

    def holds(self, digest: str) -> bool:
        with self._placing():
            return super().holds(digest)
