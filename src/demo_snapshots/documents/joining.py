"""A version in parts, read as the whole document that it is: its bytes, part after part."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from demo_snapshots.documents.compression import opened
from demo_snapshots.documents.sql import polyglot
from demo_snapshots.documents.sql.head import Head
from demo_snapshots.documents.sql.pieces import Contents, joined
from demo_snapshots.errors import (
    DocumentError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from demo_snapshots.model.snapshots import Part
from demo_snapshots.model.sources import Source

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK = 1 << 18
_RESTORE = "Restore it from version control or a backup, or export again."


def joined_stream(head: Head, place: Source) -> BinaryIO:
    """The whole document of the version whose head, kept at ``place``, that is. Every part is read
    first. Raises DocumentError, naming the part, for one that is missing or is not what the head
    says."""
    for number, contents in enumerate(head.parts, 1):
        part = contents.part
        require_part(part, place, f"part {number} of {len(head.parts)}, {part.name},")
    return io.BufferedReader(_Joined(head, place), _BLOCK)


def require_part(part: Part, place: Source, name: str) -> None:
    """Raise DocumentError unless the part is there and has its size and SHA-256."""
    size, hashed = 0, hashlib.sha256()
    try:
        with _source(part, place).open() as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                hashed.update(block)
    except (StoreUnreachableError, StoreDeniedError):
        raise  # says nothing of the part
    except StoreError as error:
        raise DocumentError(f"{name} cannot be read: {error.message}", hint=_RESTORE) from error
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "is missing" if missing else f"cannot be read: {error.strerror}"
        raise DocumentError(f"{name} {reason}", hint=_RESTORE) from error
    if (size, hashed.hexdigest()) != (part.size, part.sha256):
        raise DocumentError(f"{name} is not the one that was saved: it was altered", hint=_RESTORE)


def opened_part(part: Part, place: Source) -> BinaryIO:
    """The part's bytes, unpacked; the caller closes."""
    return opened(_source(part, place))


def _source(part: Part, place: Source) -> Source:
    if place.beside is None:
        raise StoreError(f"{place.name}: there is nothing beside it")
    return place.beside(part.name, part.sha256)


def _opened(head: Head, place: Source) -> Iterator[tuple[Contents, BinaryIO]]:
    for contents in head.parts:
        yield contents, opened_part(contents.part, place)


class _Joined(io.RawIOBase):
    """The whole document as a stream that can be sought to any place, to its end at once."""

    def __init__(self, head: Head, place: Source) -> None:
        self._head = head
        self._place = place
        end = f"{polyglot.DIGEST_PREFIX}{head.digest}\n{polyglot.COMPLETE}\n"
        self._tail = head.clients.after + end.encode()
        self._restart()

    def _restart(self) -> None:
        head = self._head
        parts = _opened(head, self._place)
        self._blocks = joined(head.header, head.clients, head.updates, parts, head.digest)
        self._waiting = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._head.size}[whence]
        place, tail = start + offset, self._head.size - len(self._tail)
        if place >= tail:
            self._blocks = iter((self._tail[place - tail :],))
            self._waiting = memoryview(b"")
            self._position = place
        elif place != self._position:
            self._restart()
            while self._position < place and self.read(min(_BLOCK, place - self._position)):
                pass
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._waiting:
            block = next(self._blocks, None)
            if block is None:
                if self._position != self._head.size:
                    raise DocumentError("its parts are not as long as it says")
                return 0
            self._waiting = memoryview(block)
        count = min(len(target), len(self._waiting))
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        self._position += count
        return count
