"""Documents as they are stored: plain, or compressed with gzip or Zstandard while they stream.

Reading tells them apart by their first bytes, whatever the file is called. Exactly one gzip
member or Zstandard frame is a document: what follows it, or is missing at its end, is refused.
What is unpacked is bounded, so that no small file fills memory or runs without end.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from msgspec import Struct

from demo_snapshots.errors import DocumentError, ExportError
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.model.sources import Source, source_of
from demo_snapshots.model.words import Call, Words

if TYPE_CHECKING:
    from typing import Any

    from _typeshed import ReadableBuffer, WriteableBuffer

ALLOWANCE = 256 << 20
"""Bytes that any compressed file may unpack to."""


class Packable(Struct, frozen=True):
    """What is stored packed: what messages call it, how many bytes each stored byte may unpack to
    beyond ``ALLOWANCE`` (``ratio``), and what to do about a damaged one (``restore``)."""

    name: str
    ratio: int
    restore: str


# Rows differ at least in their keys; those of the sample application reach 10. No export writes a
# file beyond it.
SNAPSHOT = Packable("snapshot", 200, "Restore it from version control, or export again.")

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
# What RFC 8878 asks every decoder for, and all that zstd needs up to level 19.
_ZSTD_WINDOW = 8 << 20
_READ = 1 << 16
_BLOCK = 1 << 18


# --- Reading ---------------------------------------------------------------------------------


def opened(document: Source | Path, what: Packable = SNAPSHOT) -> BinaryIO:
    """The document's bytes, unpacked; may be sought to its beginning. The caller closes.

    Raises what opening its source does. Reading raises DocumentError for compressed data that
    is damaged, cut short, followed by anything, or unpacks to more than ``ALLOWANCE`` and
    ``what`` allow.
    """
    file = source_of(document).open()
    try:
        unpacker = _UNPACKERS.get(_told(file.read(4)))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if unpacker is None:
        return file
    return io.BufferedReader(_Unpacked(file, unpacker, what), _BLOCK)


def packing_of(document: Source | Path) -> Packing:
    """How the first bytes say it is stored. Raises what opening its source does."""
    with source_of(document).open() as file:
        return _told(file.read(4))


def ending(stream: BinaryIO, length: int) -> tuple[bytes, int]:
    """The last ``length`` bytes of an ``opened`` document, and its whole size. A
    compressed one is read from its beginning to its end for it."""
    if not isinstance(getattr(stream, "raw", None), _Unpacked):
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - length))
        return stream.read(), size
    stream.seek(0)
    tail, size = b"", 0
    while block := stream.read(_BLOCK):
        tail = (tail + block)[-length:]
        size += len(block)
    return tail, size


def _told(start: bytes) -> Packing:
    if start.startswith(_GZIP):
        return Packing.GZIP
    return Packing.ZSTD if start.startswith(_ZSTD) else Packing.PLAIN


class _Stored:
    """The bytes of the file, counted."""

    def __init__(self, file: BinaryIO, what: Packable) -> None:
        self._file = file
        self.what = what
        self.passed = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.passed += len(data)
        return data

    def exactly(self, size: int) -> bytes:
        data = self.read(size)
        if len(data) < size:
            raise self.cut_short()
        return data

    def require_end(self, ahead: bytes = b"") -> None:
        if ahead or self.read(1):
            raise DocumentError(
                "something follows the end of the compressed data",
                hint=f"A {self.what.name} is one gzip member or one Zstandard frame: unpack it,"
                " and compress it again in one piece.",
            )

    def cut_short(self) -> DocumentError:
        return DocumentError(
            "the file was cut short: the compressed data does not end", hint=self.what.restore
        )

    def damaged(self) -> DocumentError:
        return DocumentError("the compressed data is damaged", hint=self.what.restore)


class _Unpacked(io.RawIOBase):
    """What ``unpacker`` makes of a file, as a stream; closes the file."""

    def __init__(
        self, file: BinaryIO, unpacker: Callable[[_Stored], Iterator[bytes]], what: Packable
    ) -> None:
        self._file = file
        self._unpacker = unpacker
        self._what = what
        self._restart()

    def _restart(self) -> None:
        self._file.seek(0)
        self._stored = _Stored(self._file, self._what)
        self._blocks = self._unpacker(self._stored)
        self._waiting = memoryview(b"")
        self._unpacked = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) == (0, io.SEEK_SET):
            self._restart()
        elif (offset, whence) != (0, io.SEEK_CUR):
            raise io.UnsupportedOperation("compressed: only the beginning can be sought")
        return self._unpacked - len(self._waiting)

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._waiting:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._unpacked += len(block)
            if _is_beyond(self._unpacked, self._stored.passed, self._what.ratio):
                raise DocumentError(
                    f"it unpacks to more than {self._what.ratio} times its size, as no"
                    f" {self._what.name} does",
                    hint="If you trust it, unpack it yourself and take the result.",
                )
            self._waiting = memoryview(block)
        count = min(len(target), len(self._waiting))
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_beyond(unpacked: int, stored: int, ratio: int) -> bool:
    return unpacked > ALLOWANCE + ratio * stored


def _gunzipped(stored: _Stored) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    while not unpacker.eof:
        data = stored.read(_READ)
        if not data:
            raise stored.cut_short()
        while data and not unpacker.eof:
            try:
                block = unpacker.decompress(data, _BLOCK)
            except zlib.error:
                raise stored.damaged() from None
            yield block
            data = unpacker.unconsumed_tail
    stored.require_end(unpacker.unused_data)


def _unzstd(stored: _Stored) -> Iterator[bytes]:
    """Block by block (RFC 8878, 3.1.1): none unpacks to more than 128 KiB, and so the library
    can neither run ahead nor stop unnoticed before the frame's end."""
    import zstandard

    head = stored.exactly(5)
    try:
        head += stored.exactly(zstandard.frame_header_size(head) - 5)
        frame = zstandard.get_frame_parameters(head)
        if frame.window_size > _ZSTD_WINDOW:
            raise DocumentError(
                f"unpacking it would need more memory than a {stored.what.name} may",
                hint="Compress it again without --ultra and --long.",
            )
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        yield unpacker.decompress(head)
        last = False
        while not last:
            start = stored.exactly(3)
            bits = int.from_bytes(start, "little")
            last, repeated, size = bool(bits & 1), bits >> 1 & 3 == 1, bits >> 3
            if size > 1 << 17:
                raise stored.damaged()
            block = start + stored.exactly(1 if repeated else size)
            if last and frame.has_checksum:
                block += stored.exactly(4)
            yield unpacker.decompress(block)
    except zstandard.ZstdError:
        raise stored.damaged() from None
    stored.require_end()


_UNPACKERS = {Packing.GZIP: _gunzipped, Packing.ZSTD: _unzstd}


# --- Writing ---------------------------------------------------------------------------------


@contextmanager
def packed(stream: BinaryIO, packing: Packing, what: Packable = SNAPSHOT) -> Iterator[BinaryIO]:
    """Where to write a document that ``stream`` is to hold packed; whole when the context ends,
    and ``stream`` stays open. The same bytes give the same bytes, under any name, at any time.

    Writing raises ExportError for what ``opened`` would refuse: too little in too many bytes.
    """
    if packing is Packing.PLAIN:
        yield stream
        return
    packer = _Packer(stream, _Gzip() if packing is Packing.GZIP else _zstd(), what.ratio)
    yield cast(BinaryIO, packer)
    packer.finish()


class _Compressor(Protocol):
    def compress(self, data: Any, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _zstd() -> _Compressor:
    from zstandard import ZstdCompressor

    settings = ZstdCompressor(_ZSTD_LEVEL, write_checksum=True, write_content_size=False)
    return settings.compressobj()


class _Gzip:
    """zlib's own header would name the operating system (RFC 1952, 2.3)."""

    def __init__(self) -> None:
        self._head = _GZIP + b"\x08\0\0\0\0\0\0\xff"
        self._deflate = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._sum = 0
        self._size = 0

    def compress(self, data: Any, /) -> bytes:
        self._sum = zlib.crc32(data, self._sum)
        self._size += len(data)
        head, self._head = self._head, b""
        return head + self._deflate.compress(data)

    def flush(self) -> bytes:
        end = self._sum.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        return self._head + self._deflate.flush() + end


class _Packer:
    def __init__(self, stream: BinaryIO, compressor: _Compressor, ratio: int) -> None:
        self._stream = stream
        self._compressor = compressor
        self._ratio = ratio
        self._taken = 0
        self._given = 0

    def write(self, data: ReadableBuffer) -> int:
        size = memoryview(data).nbytes
        self._taken += size
        self._give(self._compressor.compress(data))
        # The compressor lags behind, so whatever passes here passes at the reader.
        if _is_beyond(self._taken, self._given, self._ratio):
            raise ExportError(
                f"the rows compress to less than 1/{self._ratio}, which no import would unpack",
                hint=Words("Export them without ", Call(compress=...), "."),
            )
        return size

    def _give(self, data: bytes) -> None:
        self._given += len(data)
        self._stream.write(data)

    def finish(self) -> None:
        self._give(self._compressor.flush())
