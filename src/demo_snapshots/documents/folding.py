"""A whole document and deltas on top of it, read as the one document that they are.

Nothing is trusted here that the one grammar does not check again: what comes out is the text of a
whole document, byte for byte as it was exported, and is read as any other.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Container, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from msgspec.structs import replace

from demo_snapshots.documents.changes import Changes
from demo_snapshots.documents.opening import (
    describe,
    describe_whole,
    open_in_parts,
    opened_whole,
    reading,
)
from demo_snapshots.documents.order import key_of_keys, key_of_rows
from demo_snapshots.documents.protocol import EventsByTable, Update, any_literals
from demo_snapshots.documents.sql.header import FORMAT, describe_table
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.documents.sql.rendering import (
    PartedDocument,
    Rendering,
    RowsByTable,
    last_lines,
    rendered,
    require_count,
)
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.keys import Key, KeyOf

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER = 1 << 18
_ENDING = 4096
_RESTORE = "Restore the file from version control or a backup, or export again."


class Folding:
    """``parts.RowsByTable`` of what ``changes`` make of ``below``. In constant memory."""

    def __init__(self, below: RowsByTable, changes: Changes) -> None:
        self._below = below
        self._changes = changes
        self._included = {table.name for table, _ in changes.header.includes}

    def records(self, table: Table) -> Iterator[list[bytes]]:
        if table.name not in self._included:
            return self._joined(table)
        included = self._changes.included(table)
        if included is None:
            return self._below.records(table)
        for _ in self._below.records(table):
            pass
        return included

    def _joined(self, table: Table) -> Iterator[list[bytes]]:
        changes = self._changes.of(table)
        ahead = next(changes, None)
        key = key_of_rows(self._changes.header, table) if ahead else None
        for batch in self._below.records(table):
            found: list[bytes] = []
            passed = 0
            # A row that is changed is searched for: finding the keys of all takes longer.
            while ahead is not None and key is not None and key(batch[-1]) >= ahead.place:
                there = bisect_left(batch, ahead.place, passed, key=key)
                found += batch[passed:there]
                is_same = key(batch[there]) == ahead.place
                made = ahead.applied(batch[there] if is_same else None)
                found += [] if made is None else [made]
                passed = there + is_same
                ahead = next(changes, None)
            yield found + batch[passed:] if passed or found else batch
        while ahead is not None:
            added = ahead.applied(None)
            yield [] if added is None else [added]
            ahead = next(changes, None)

    def updates(self) -> Iterator[Update]:
        """A row that is changed has, of deferred references, those that the changes give it; each
        other row has those that it had."""
        below = _Ahead(self._below.updates())
        parts = self._changes.delta.deferred
        wanted = {(part.table, part.columns) for part in parts}
        for part in parts:
            while below.next is not None and below.part not in wanted:
                self._require_none(*below.part, below)
            counted = 0
            for update in self._part(part.table, part.columns, below):
                yield update
                counted += 1
            require_count(f"deferred references of {part.table}", counted, part.count)
        while below.next is not None:
            self._require_none(*below.part, below)

    def _require_none(self, table: str, columns: tuple[str, ...], below: _Ahead) -> None:
        for _ in self._part(table, columns, below):
            raise DocumentError(f"{table}: deferred references that its header does not count")

    def _part(self, name: str, columns: tuple[str, ...], below: _Ahead) -> Iterator[Update]:
        """The deferred references of one table by these columns, in the order of its keys."""
        header = self._changes.header
        table = next(table for table in header.tables if table.name == name)
        order = key_of_keys(header, table)
        changes = self._changes.of(table)
        ahead = next(changes, None)
        while below.part == (name, columns) or ahead is not None:
            there = below.part == (name, columns)
            place = _place(order, below.next) if there and below.next else None
            if ahead is None or (place is not None and place < ahead.place):
                yield below.take()
                continue
            if place == ahead.place:
                below.take()
            if (update := ahead.deferred(columns)) is not None:
                yield update
            ahead = next(changes, None)


class _Ahead:
    """Deferred references, the next of which can be looked at."""

    def __init__(self, updates: Iterator[Update]) -> None:
        self._updates = updates
        self.next = next(updates, None)

    @property
    def part(self) -> tuple[str, tuple[str, ...]]:
        """The table and the columns of the next one."""
        if self.next is None:
            return "", ()
        return self.next.table, tuple(name for name, _ in self.next.values)

    def take(self) -> Update:
        taken, self.next = self.next, next(self._updates, None)
        assert taken is not None
        return taken


def _place(order: KeyOf, update: Update) -> Key:
    return order(b",".join(literal for _, literal in update.key))


# --- As a stream -----------------------------------------------------------------------------


def folded(files: Sequence[Source]) -> Source:
    """The document that a whole one and the deltas on top of it are, in that order; it is called
    as the last of them. Its ``open`` raises DocumentError, which names the file, for a delta that
    is not whole or is on top of something else, and for a base whose rows were altered."""
    checked: list[bool] = []

    def opening() -> BinaryIO:
        stream = _Folded(files, check=not checked)
        checked.append(True)
        return io.BufferedReader(stream, _BUFFER)

    return Source(files[-1].name, opening)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except DocumentError as error:
        raise error.within(name) from error


class _Folded(io.RawIOBase):
    """The document, as a stream that can be sought to its beginning and its end, of which the
    last few kilobytes are known at once."""

    def __init__(self, files: Sequence[Source], *, check: bool) -> None:
        self._files = files
        self._blocks: Generator[bytes] | None = None
        self._close = ExitStack()
        with ExitStack() as stack:
            self._changes = [stack.enter_context(_changes_in(file)) for file in files[1:]]
            self._require_chain(check=check)
            last = self._changes[-1]
            end = last.for_clients.after + last_lines(last.delta.digest).encode()
            self._tail = end[-_ENDING:]
            self._size = last.delta.of.whole_size
            if self._size < len(end):
                raise self._other_rows()
            self._close = stack.pop_all()
        self._restart()

    def _other_rows(self) -> DocumentError:
        name = self._files[-1].name
        what = "together with its base it makes other rows than it says"
        return DocumentError(f"{name}: {what}", hint=_RESTORE)

    def _require_chain(self, *, check: bool) -> None:
        """Raise DocumentError unless each is on top of the one before. ``check`` looks whether the
        base's rows are those of its digest, too: before anybody does anything with them."""
        base = self._files[0]
        digest = (describe_whole(base) if check else describe(base)).digest
        below = base.name
        for file, changes in zip(self._files[1:], self._changes, strict=True):
            on = changes.delta.of.on
            if on.digest != digest:
                raise DocumentError(
                    f"{file.name}: is on top of {on.version}, and {below} holds other rows",
                    hint=_RESTORE,
                )
            digest, below = changes.delta.digest, file.name

    def _restart(self) -> None:
        self._stop()
        self._blocks = self._pieces()
        self._waiting = memoryview(b"")
        self._position = 0

    def _stop(self) -> None:
        if self._blocks is not None:
            self._blocks.close()
        self._blocks = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence, self._size)
        if place == 0:
            self._restart()
        elif place != self._position:
            known = self._size - len(self._tail)
            if not known <= place <= self._size:
                raise io.UnsupportedOperation("a delta: only beginning and end can be sought")
            self._stop()
            self._waiting = memoryview(self._tail)[place - known :]
            self._position = place
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._waiting:
            block = next(self._blocks, None) if self._blocks else None
            if block is None:
                return 0
            self._waiting = memoryview(block)
        count = min(len(target), len(self._waiting))
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        self._position += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._stop()
            self._close.close()
        super().close()

    # --- Writing it --------------------------------------------------------------------------

    def _pieces(self) -> Generator[bytes]:
        # Not ``reading``, which would name this file in the errors of the others.
        with opened_whole(self._files[0]) as stream:
            with _naming(self._files[0].name):
                base = open_in_parts(stream)
            yield from self._written(base)

    def _written(self, base: PartedDocument) -> Iterator[bytes]:
        last = self._changes[-1]
        header = replace(last.header, format=FORMAT, delta=None)
        rows = self._rows(base)
        written = _Written()
        above = [changes.for_clients for changes in self._changes]
        rendering = Rendering(
            cast(BinaryIO, written),
            header,
            _AnyOf([base.overriding, *(part.overriding for part in above)]),
            _AnyOf([base.only, *(part.only for part in above)]),
        )
        rendering.begin()
        before = base.for_clients.before
        for file, changes in zip(self._files[1:], self._changes, strict=True):
            if not before.startswith(changes.for_clients.before):
                raise DocumentError(f"{file.name}: has another preamble than its base")
        rendering.before(before)
        deferred = sum(part.count for part in last.delta.deferred)
        for _ in rendered(rendering, header, rows, lambda: deferred):
            yield written.taken()
        digest = rendering.end_rows()
        rendering.after(last.for_clients.after)
        rendering.end(digest)
        yield written.taken()
        if (digest, written.size) != (last.delta.digest, self._size):
            raise self._other_rows()

    def _rows(self, base: PartedDocument) -> RowsByTable:
        """Those of the base, and on top of them the changes of each delta."""
        with _naming(self._files[0].name):
            events = EventsByTable(base.rows(any_literals, any_literals, any_lookup))
        rows: RowsByTable = _Naming(events, self._files[0].name)
        header = base.header
        for file, changes in zip(self._files[1:], self._changes, strict=True):
            _require_same_tables(header, changes, file)
            rows, header = _Naming(Folding(rows, changes), file.name), changes.header
        return rows


class _AnyOf:
    """What any of these sets holds."""

    def __init__(self, sets: Sequence[Container[str]]) -> None:
        self._sets = sets

    def __contains__(self, name: object) -> bool:
        return any(name in each for each in self._sets)


class _Written:
    """Takes what is written, until it is taken on."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._written.append(data)
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._written)
        self._written.clear()
        return data


class _Naming:
    """Rows whose errors name the file that makes them."""

    def __init__(self, rows: RowsByTable, name: str) -> None:
        self._rows, self._name = rows, name

    def records(self, table: Table) -> Iterator[list[bytes]]:
        with _naming(self._name):
            yield from self._rows.records(table)

    def updates(self) -> Iterator[Update]:
        with _naming(self._name):
            yield from self._rows.updates()


@contextmanager
def _changes_in(file: Source) -> Iterator[Changes]:
    with reading(file) as stream:
        changes = Changes(stream)
    with closing(changes):
        yield changes


def _require_same_tables(base: Header, changes: Changes, file: Source) -> None:
    ours, theirs = (
        [describe_table(table) for table in (*h.tables, *(table for table, _ in h.includes))]
        for h in (changes.header, base)
    )
    if ours != theirs:
        raise DocumentError(f"{file.name}: describes other tables than its base")
