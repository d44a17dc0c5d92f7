"""Sorting what does not fit into memory, by runs in temporary files."""

from __future__ import annotations

import heapq
import marshal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

_MOST_BYTES = 32_000_000
_BATCH = 500
_LENGTH = 8
_PACK_BYTES = 1_000_000
_WRITE_BYTES = 4_000_000


class Sorter:
    """Takes records, each a tuple of bytes, and gives them back in the order of ``key``.

    At most about ``most`` bytes are held; what is more lies in temporary files, without a name,
    until ``close``. May be iterated over several times at once.
    """

    def __init__(self, key: Callable[[tuple[bytes, ...]], Any], most: int = _MOST_BYTES) -> None:
        self._key = key
        self._most = most
        self._held: list[tuple[bytes, ...]] = []
        self._size = 0
        self._runs: list[BinaryIO] = []

    def add(self, record: tuple[bytes, ...]) -> None:
        self._held.append(record)
        self._size += sum(map(len, record)) + 100
        if self._size > self._most:
            self._spill()

    def _spill(self) -> None:
        run = _temporary_file()
        self._runs.append(run)
        for record in sorted(self._held, key=self._key):
            marshal.dump(record, run)
        self._held, self._size = [], 0

    def __iter__(self) -> Iterator[tuple[bytes, ...]]:
        held = iter(sorted(self._held, key=self._key))
        if not self._runs:
            return held
        return heapq.merge(held, *map(_read, self._runs), key=self._key)

    def close(self) -> None:
        """Let go of the temporary files."""
        while self._runs:
            self._runs.pop().close()


class Spool:
    """Takes lists of records, and gives them back in the same order, as often as it is asked; what
    is more than a few megabytes is in a temporary file, without a name, until ``close``. ``count``
    says how many records there are."""

    def __init__(self) -> None:
        # Opened once there is something: there may be several of a table, of hundreds of tables.
        self._file: BinaryIO | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.count = 0

    def add(self, records: Sequence[bytes]) -> None:
        self.count += len(records)
        self._held += records
        self._held_bytes += sum(map(len, records))
        if len(self._held) >= _BATCH or self._held_bytes > _PACK_BYTES:
            self._pack()

    def _pack(self) -> None:
        packed = marshal.dumps(self._held)
        self._held, self._held_bytes = [], 0
        # Each write lets other threads in, and may wait for them: a few large ones.
        self._waiting += (len(packed).to_bytes(_LENGTH, "big"), packed)
        self._waiting_bytes += len(packed)
        if self._waiting_bytes > _WRITE_BYTES:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            if self._file is None:
                self._file = _temporary_file()
            self._file.write(b"".join(self._waiting))
        self._waiting, self._waiting_bytes = [], 0

    def __iter__(self) -> Iterator[list[bytes]]:
        if self._file is None:
            yield from map(marshal.loads, self._waiting[1::2])
            if self._held:
                yield list(self._held)
            return
        if self._held:
            self._pack()
        self._write()
        self._file.seek(0)
        while length := self._file.read(_LENGTH):
            yield marshal.loads(self._file.read(int.from_bytes(length, "big")))

    def close(self) -> None:
        """Let go of the temporary file."""
        if self._file is not None:
            self._file.close()


def _temporary_file() -> BinaryIO:
    # Imported late: what few rows need takes as long to import as all that sorts them.
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile())


def _read(run: BinaryIO) -> Iterator[tuple[bytes, ...]]:
    """A run's records, some at a time, so that several may be reading it."""
    place, ended = 0, False
    while not ended:
        found: list[tuple[bytes, ...]] = []
        size = 0
        run.seek(place)
        try:
            while len(found) < _BATCH and size < _PACK_BYTES:
                found.append(marshal.load(run))
                size += sum(map(len, found[-1]))
        except EOFError:
            ended = True
        place = run.tell()
        yield from found
