"""Compressed documents: told by their content, whole or refused, and never more than bargained
for."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import subprocess
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard
from unit.documents.documents import table, text, write

from demo_snapshots.documents import compression as packing
from demo_snapshots.documents.compression import opened, packed, packing_of
from demo_snapshots.documents.opening import describe, read_tail, reading
from demo_snapshots.documents.protocol import any_literals
from demo_snapshots.documents.sql.reader import SqlDocument
from demo_snapshots.errors import DocumentError, ExportError
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.operations.verify import validate_export_file

COMPRESSED = (Packing.GZIP, Packing.ZSTD)
_RANDOM = random.Random(4)
ROWS = [b"(%d,'%s')" % (n, _RANDOM.randbytes(40).hex().encode()) for n in range(12_000)]
DOCUMENT = write([(table("notes", text("note")), ROWS)])


def pack(content: bytes, how: Packing, step: int = 1 << 30) -> bytes:
    stream = io.BytesIO()
    with packed(stream, how) as file:
        for start in range(0, len(content), step):
            file.write(content[start : start + step])
    return stream.getvalue()


def stored(tmp_path: Path, content: bytes, name: str = "a.sql") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refusal(path: Path) -> DocumentError:
    """What reading the whole file says; read_tail, which looks first, refuses it too."""
    with pytest.raises(DocumentError) as caught, reading(path) as stream:
        for _ in SqlDocument(stream).rows(any_literals):
            pass
    with pytest.raises(DocumentError):
        read_tail(path)
    assert caught.value.message.startswith(f"{path}: ")
    return caught.value


@pytest.mark.parametrize("how", Packing)
def test_what_is_packed_is_unpacked_the_same(tmp_path: Path, how: Packing) -> None:
    path = stored(tmp_path, pack(DOCUMENT, how))
    with opened(path) as stream:
        assert stream.read() == DOCUMENT
        stream.seek(0)
        assert stream.readline() == b"-- Demo Data Export\n"
        stream.seek(0)
        assert b"".join(iter(lambda: stream.read(999), b"")) == DOCUMENT
    assert (packing_of(path), read_tail(path).size) == (how, len(DOCUMENT))


@pytest.mark.parametrize("how", COMPRESSED)
def test_the_same_bytes_give_the_same_bytes_however_they_were_written(how: Packing) -> None:
    whole = pack(DOCUMENT, how)
    assert [pack(DOCUMENT, how, step) for step in (999, 1 << 17)] == [whole, whole]
    if how is Packing.GZIP:
        # No name, no time, no operating system.
        assert whole[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


@pytest.mark.parametrize("how", COMPRESSED)
def test_the_content_tells_and_not_the_name(tmp_path: Path, how: Packing) -> None:
    plain = describe(stored(tmp_path, DOCUMENT))
    for name in ("a.sql", "b.sql.gz", "c.sql.zst", "d"):
        found = validate_export_file(stored(tmp_path, pack(DOCUMENT, how), name))
        assert found.packing is how
        assert (found.header, found.digest) == (plain.header, plain.digest)
        assert found.size == (tmp_path / name).stat().st_size < plain.size
        assert found.sha256 != plain.sha256


@pytest.mark.parametrize("how", COMPRESSED)
def test_the_stock_tools_unpack_it_and_theirs_is_read(tmp_path: Path, how: Packing) -> None:
    tool = shutil.which("gzip" if how is Packing.GZIP else "zstd")
    if tool is None:
        pytest.skip("the tool is not there")
    theirs = subprocess.run([tool, "-dc"], input=pack(DOCUMENT, how), capture_output=True)
    assert theirs.stdout == DOCUMENT
    for level in ("-1", "-9"):
        made = subprocess.run([tool, level, "-c"], input=DOCUMENT, capture_output=True).stdout
        assert describe(stored(tmp_path, made)).packing is how


@pytest.mark.parametrize("how", COMPRESSED)
def test_cut_short_anywhere_it_is_refused(tmp_path: Path, how: Packing) -> None:
    whole = pack(DOCUMENT, how)
    cuts = [*range(6, len(whole), len(whole) // 9), *range(len(whole) - 10, len(whole))]
    for cut in cuts:
        assert "cut short" in refusal(stored(tmp_path, whole[:cut])).message, cut


@pytest.mark.parametrize("how", COMPRESSED)
@pytest.mark.parametrize("more", ["itself", "garbage", "a line end", "an empty one"])
def test_whatever_follows_is_refused(tmp_path: Path, how: Packing, more: str) -> None:
    whole = pack(DOCUMENT, how)
    after = {"itself": whole, "garbage": b"x" * 9, "a line end": b"\n", "an empty one": b""}[more]
    path = stored(tmp_path, whole + (after or pack(b"", how)))
    assert "something follows the end of the compressed data" in refusal(path).message


@pytest.mark.parametrize("how", COMPRESSED)
def test_a_document_in_two_parts_is_refused(tmp_path: Path, how: Packing) -> None:
    half = len(DOCUMENT) // 2
    path = stored(tmp_path, pack(DOCUMENT[:half], how) + pack(DOCUMENT[half:], how))
    assert "something follows" in refusal(path).message


@pytest.mark.slow
@pytest.mark.parametrize("how", COMPRESSED)
def test_a_flipped_bit_is_refused(tmp_path: Path, how: Packing) -> None:
    whole = pack(DOCUMENT, how)
    for place in (*range(10, len(whole), len(whole) // 40), len(whole) - 1, len(whole) - 6):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        refusal(stored(tmp_path, bytes(damaged)))


def test_a_window_that_needs_much_memory_is_refused(tmp_path: Path) -> None:
    settings = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    made = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    path = stored(tmp_path, made.compress(DOCUMENT) + made.flush())
    error = refusal(path)
    assert "more memory" in error.message
    assert "--long" in (error.hint or "")


# --- Bombs -----------------------------------------------------------------------------------


def endless(start: bytes, block: bytes) -> bytes:
    """``start``, and then ``block`` over and over: 10 GB in a gzip file of 10 MB."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflate.compress(start) + deflate.flush(zlib.Z_FULL_FLUSH)
    )
    part = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    return head + part * (10_000_000 // len(part))


def endless_frame(start: bytes, letter: bytes) -> bytes:
    """The same as a Zstandard frame of blocks that each repeat one byte 128 Ki times."""
    length = len(start)
    raw = [start[at : at + 65536] for at in range(0, length, 65536)]
    head = b"\x28\xb5\x2f\xfd\x00\x58"  # a window of 2 MiB, no checksum, no size
    blocks = b"".join((len(part) << 3).to_bytes(3, "little") + part for part in raw)
    repeated = ((1 << 17) << 3 | 1 << 1).to_bytes(3, "little") + letter
    return head + blocks + repeated * 80_000


START = DOCUMENT[: DOCUMENT.index(b"(0,'")]


@pytest.mark.slow
@pytest.mark.parametrize("made", [endless, endless_frame])
@pytest.mark.parametrize("start", [b"", b"-- Demo Data Export\n", START, START + b"(0,'"])
def test_a_file_that_unpacks_without_end_is_stopped(
    tmp_path: Path, made: Callable[[bytes, bytes], bytes], start: bytes
) -> None:
    path = stored(tmp_path, made(start, b"a" if made is endless_frame else b"a" * (1 << 20)))
    assert path.stat().st_size < 11_000_000
    began = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError):
            read_tail(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("how", COMPRESSED)
def test_rows_without_end_are_stopped(
    tmp_path: Path, how: Packing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is in the grammar, and the header may count as many as it likes."""
    rows = b"(1,'a'),\n" * 1_000_000
    content = START.replace(b"12000", b"999999999") + rows
    path = stored(tmp_path, pack(content, how))
    monkeypatch.setattr(packing, "ALLOWANCE", 1 << 20)
    error = refusal(path)
    assert "unpacks to more than 200 times its size" in error.message
    assert "unpack it yourself" in (error.hint or "")


@pytest.mark.parametrize("how", COMPRESSED)
def test_what_would_be_refused_is_not_written(
    how: Packing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "ALLOWANCE", 1 << 20)
    with pytest.raises(ExportError, match="less than 1/200") as caught:
        pack(b"a" * (16 << 20), how, step=1 << 16)
    assert "compress=…" in (caught.value.hint or "")


def test_gzip_of_the_standard_library_reads_it() -> None:
    assert gzip.decompress(pack(DOCUMENT, Packing.GZIP)) == DOCUMENT


class _Failing(io.BytesIO):
    def write(self, data: object) -> int:
        raise OSError("no room")


@pytest.mark.parametrize("how", COMPRESSED)
def test_a_failure_to_write_comes_through(how: Packing) -> None:
    stream: BinaryIO = _Failing()
    with pytest.raises(OSError, match="no room"), packed(stream, how) as file:
        file.write(DOCUMENT)
