"""A whole store in one stream, and back: a tar archive that any tar unpacks into a store::

    metadata/export_manifest.json        the versions in it, the highest numbers ever used
    _files/59944…                        the blobs that they name, in their order
    general/general_v1_2025-01-15.sql    each of them, in the manifest's order
    general/general_v2_2025-01-20.sql.gz
    general/general_v3_2025-01-21.parts.sql
    general/general_part_….sql           the parts that this one names

Read, it is nobody's word. What stands before a member follows from its name and size alone, and
names, sizes and order from the manifest: so the bytes there must be just those that are expected
next. A link, a device, a path, a second manifest, a member that is there twice, a sparse one: each
is other bytes, and refused before anything is made of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from demo_snapshots.errors import DocumentError, StoreError
from demo_snapshots.model.files import FileList
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import Entry, Part
from demo_snapshots.model.sources import Source
from demo_snapshots.store.blobs import FOLDER as BLOBS
from demo_snapshots.store.blobs import Blobs, files_in
from demo_snapshots.store.contents import Contents
from demo_snapshots.store.inventory import MANIFEST, MAX_MANIFEST
from demo_snapshots.store.manifest import Recorded, parse_manifest, render_manifest

_BLOCK = 512
_END = bytes(2 * _BLOCK)
_READ = 1 << 18
# What a ustar header has room for (POSIX.1-2017, pax, "ustar Interchange Format").
_LONGEST, _LARGEST = 100, 0o77777777777
RESTORE = "Take another copy of the backup, or make it again."
"""What to do about a damaged one."""
_NOTHING_ELSE = "A backup holds what its manifest names, in that order, and nothing else."
_HEX = re.compile(r"[0-9a-f]{64}")


# --- Writing ---------------------------------------------------------------------------------


def write_archive(
    stream: BinaryIO,
    contents: Contents,
    sources: Mapping[str, Source],
    progress: Progress = no_progress,
    blobs: Blobs | None = None,
) -> None:
    """Write the versions in ``contents``, the bytes of each from ``sources`` by its path, and those
    of their uploaded files from ``blobs``. The same contents give the same bytes.
    ``progress`` counts versions.

    Raises ValueError for contents that no manifest can say, with two versions of one name or
    numbers that are not used, and StoreError for a version whose bytes are not those of its entry
    any more.
    """
    manifest = render_manifest(contents)
    entries = parse_manifest(manifest).entries.values()
    if {*entries} != {*contents.entries}:
        raise ValueError("the manifest does not say what is to be in the archive")
    _write_member(stream, MANIFEST, len(manifest.encode()), [manifest.encode()])
    if blobs is not None:
        _write_blobs(stream, {entry.files for entry in entries if entry.files}, blobs)
    for done, entry in enumerate(entries):
        progress(f"{entry.scenario} {entry.version}", done, len(entries))
        source = sources[entry.path]
        _write_member(stream, entry.path, entry.size, _unchanged(source, entry))
        for part in dict.fromkeys(entry.parts):
            assert source.beside is not None
            beside = source.beside(part.name, part.sha256)
            _write_member(stream, _key(entry, part), part.size, _unchanged(beside, part))
    stream.write(_END)


def _write_blobs(stream: BinaryIO, lists: Iterable[FileList], blobs: Blobs) -> None:
    needed: dict[str, int] = {}
    for files in lists:
        needed[files.sha256] = files.list_size
        needed |= {file.sha256: file.size for file in files_in(blobs, files)}
    for sha256, size in sorted(needed.items()):
        source, blob = blobs.source(sha256), Part(sha256, size, sha256)
        if size > _LARGEST:
            raise StoreError(f"{source.name}: too large for a backup, which takes files of 8 GiB")
        _write_member(stream, f"{BLOBS}/{sha256}", size, _unchanged(source, blob))


def _write_member(stream: BinaryIO, name: str, size: int, blocks: Iterable[bytes]) -> None:
    stream.write(_head(name, size))
    for block in blocks:
        stream.write(block)
    stream.write(_padding(size))


def _key(entry: Entry, part: Part) -> str:
    return f"{entry.scenario}/{part.name}"


def _unchanged(source: Source, entry: Entry | Part) -> Iterator[bytes]:
    hashed, left = hashlib.sha256(), entry.size
    try:
        with source.open() as file:
            while block := file.read(_READ):
                left -= len(block)
                hashed.update(block)
                if left < 0:
                    break
                yield block
    except OSError as error:
        raise StoreError(f"{source.name}: cannot read: {error.strerror}") from error
    if left or hashed.hexdigest() != entry.sha256:
        raise StoreError(f"{source.name}: was altered while it was read")


def _head(name: str, size: int) -> bytes:
    """What stands before a member: a ustar header, which says everything but name and size alike
    of all; before it a pax header with what there is no room for in that."""
    folder, _, last = name.rpartition("/")
    records = b""
    if len(last) > _LONGEST:
        records += _record("path", name)
    if size > _LARGEST:
        records += _record("size", str(size))
    head = _header(folder, last[:_LONGEST], min(size, _LARGEST))
    if not records:
        return head
    extended = _header("", "././@PaxHeader", len(records), b"x")
    return extended + records + _padding(len(records)) + head


def _header(folder: str, name: str, size: int, kind: bytes = b"0") -> bytes:
    nobody, epoch = b"0000000\0", b"00000000000\0"
    block = b"".join(
        (
            name.encode().ljust(100, b"\0"),
            b"0000644\0" + nobody + nobody,
            b"%011o\0" % size + epoch,
            b" " * 8 + kind + bytes(100),
            b"ustar\00000" + bytes(64) + nobody + nobody,
            folder.encode().ljust(155, b"\0") + bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _record(name: str, value: str) -> bytes:
    """``LENGTH name=value``, where the length counts its own digits."""
    rest = f" {name}={value}\n".encode()
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


# --- Reading ---------------------------------------------------------------------------------


class Archive:
    """An archive in ``stream``, read once from its beginning to its end, in bounded memory.

    ``recorded`` is its manifest. Reading raises DocumentError, naming the member, for anything
    that ``write_archive`` would not have written there.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = b""
        self.recorded = self._manifest()

    def _manifest(self) -> Recorded:
        head = self._read(_BLOCK)
        try:
            size = int(head[124:135], 8)
        except ValueError:
            size = -1
        if not 0 <= size <= _LARGEST or head != _head(MANIFEST, size):
            raise DocumentError(
                "not a backup of a store",
                hint=f"One is a tar archive that begins with {MANIFEST}.",
            )
        if size > MAX_MANIFEST:
            raise DocumentError(f"{MANIFEST}: {size} bytes, as no manifest has")
        text = self._taken(MANIFEST, size).decode("utf-8", "replace")
        self._expect(_padding(size), MANIFEST)
        recorded = parse_manifest(text)
        if recorded.damage:
            raise DocumentError(f"{MANIFEST}: {'; '.join(recorded.damage)}", hint=RESTORE)
        return recorded

    def blobs(self) -> Iterator[tuple[Part, Iterator[bytes]]]:
        """Each blob and its bytes, which are those of its SHA-256 once the last is taken, in the
        order of their names; before the versions. What is not taken of one is read before the
        next."""
        last = ""
        while (blob := self._blob()) is not None:
            name = f"{BLOBS}/{blob.name}"
            if blob.name <= last:
                raise DocumentError(f"{name}: is there twice, or out of order", hint=RESTORE)
            last = blob.name
            blocks = self._content(name, blob)
            yield blob, blocks
            for _ in blocks:
                pass
            self._expect(_padding(blob.size), name)

    def _blob(self) -> Part | None:
        """The next one, None where a version or the end stands."""
        head = self._taken("the end", _BLOCK)
        if not head[345:].startswith(f"{BLOBS}\0".encode()):
            self._ahead = head
            return None
        name = head[:64].decode("ascii", "replace")
        try:
            size = int(head[124:135], 8)
        except ValueError:
            size = -1
        is_one = _HEX.fullmatch(name) and 0 <= size <= _LARGEST
        if not is_one or head != _head(f"{BLOBS}/{name}", size):
            raise DocumentError("something else stands where a blob should be", hint=_NOTHING_ELSE)
        return Part(name, size, name)

    def documents(self) -> Iterator[tuple[Entry, Iterator[tuple[Part | None, Iterator[bytes]]]]]:
        """Each version and its files, in the manifest's order: its own, and then its parts. Their
        bytes are those of their size and SHA-256 once the last is taken. What is not taken of one
        is read before the next, and so are the blobs."""
        for _ in self.blobs():
            pass
        for entry in self.recorded.entries.values():
            files = self._files(entry)
            yield entry, files
            for _ in files:
                pass
        self._expect(_END, "the end")
        if self._read(1):
            raise DocumentError("something follows the end of the backup", hint=RESTORE)

    def _files(self, entry: Entry) -> Iterator[tuple[Part | None, Iterator[bytes]]]:
        for part in (None, *dict.fromkeys(entry.parts)):
            name, of = (entry.path, entry) if part is None else (_key(entry, part), part)
            self._expect(_head(name, of.size), name)
            blocks = self._content(name, of)
            yield part, blocks
            for _ in blocks:
                pass
            self._expect(_padding(of.size), name)

    def _content(self, name: str, of: Entry | Part) -> Iterator[bytes]:
        hashed, left = hashlib.sha256(), of.size
        while left:
            block = self._taken(name, min(left, _READ))
            left -= len(block)
            hashed.update(block)
            yield block
        if hashed.hexdigest() != of.sha256:
            raise DocumentError(
                f"{name}: has another SHA-256 than in the manifest: it was altered",
                hint=RESTORE,
            )

    def _taken(self, name: str, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            raise DocumentError(f"the file was cut short in {name}", hint=RESTORE)
        return data

    def _expect(self, wanted: bytes, name: str) -> None:
        found = self._taken(name, len(wanted))
        if found != wanted:
            raise DocumentError(
                f"something else stands where {name} should be",
                hint=_NOTHING_ELSE,
            )

    def _read(self, size: int) -> bytes:
        ahead, self._ahead = self._ahead[:size], self._ahead[size:]
        try:
            return ahead + self._stream.read(size - len(ahead))
        except OSError as error:
            raise DocumentError(f"cannot be read: {error.strerror}") from error
