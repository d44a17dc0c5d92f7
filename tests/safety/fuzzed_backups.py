"""What the product promises of backups, tried with one tampered archive at a time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import zstandard
from safety.mutating import WITHOUT_GRAMMAR, Change, recounted, resealed
from safety.shapes import as_json, change, shape_of
from unit.operations.test_backup import back_up, contents
from unit.store.snapshots import directory_store, save

from demo_snapshots.errors import DemoError
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store.archive import _head, _padding

_BLOCK = 512
_END = bytes(2 * _BLOCK)
_PIECES = [
    *('"../evil.sql"', '"/etc/passwd"', '"general/general_v1_2025-01-15.sql"', '"x\\u0000"', "-1"),
    *('"general/general_v9_2025-01-15.sql.gz"', '"2025-01-15T10:00:00Z"', '"' + "0" * 64 + '"'),
    *("1e99", "NaN", "9" * 30),
]
# Fields of a ustar header: where, and how long.
_FIELDS = [
    *((0, 100), (100, 8), (108, 8), (124, 12), (136, 12), (148, 8), (156, 1), (157, 100)),
    *((257, 8), (345, 155)),
]
_VALUES = [
    *(b"", b"../../x", b"/etc/passwd", b"7" * 11, b"00000000001", b"5", b"2", b"L", b"x", b"g"),
    *(b"S", b"-1", b"\x80" + b"\xff" * 11),
]


class Member:
    """One of an archive: its header, its content."""

    def __init__(self, head: bytes, content: bytes) -> None:
        self.head = head
        self.content = content

    @property
    def name(self) -> str:
        name, folder = (self.head[at : at + 100].rstrip(b"\0").decode() for at in (0, 345))
        return f"{folder}/{name}" if folder else name

    def renewed(self, content: bytes) -> Member:
        return Member(_head(self.name, len(content)), content)


def members_of(archive: bytes) -> list[Member]:
    found, at = [], 0
    while archive[at : at + _BLOCK] != bytes(_BLOCK):
        head = archive[at : at + _BLOCK]
        size = int(head[124:135], 8)
        found.append(Member(head, archive[at + _BLOCK : at + _BLOCK + size]))
        at += _BLOCK + size + len(_padding(size))
    return found


class Backups:
    """A backup of three versions, tampered with and restored into a store that is empty, or has
    versions of its own."""

    def __init__(self, directory: Path) -> None:
        self.outcomes: Counter[str] = Counter()
        self._place = directory / "place"
        self._place.mkdir()
        self._root = self._place / "store"
        self._backup = self._place / "backup"
        origin = directory / "origin"
        for rows in (2, 3):
            save(directory_store(origin), rows=rows)
        save(directory_store(origin), "writer", packing=Packing.ZSTD)
        self.archive = back_up(origin, directory / "b.tar").path.read_bytes()
        save(directory_store(directory / "other"), rows=5)
        self._stores = [None, origin, directory / "other"]

    # --- Tampering ---------------------------------------------------------------------------

    def tampered(self, random: Random) -> bytes:
        members = members_of(self.archive)
        for _ in range(random.choice((0, 1, 1, 1, 2))):
            self._change(random, members)
        archive = b"".join(m.head + m.content + _padding(len(m.content)) for m in members) + _END
        if random.random() < 0.25:
            archive = _blocks_moved(random, archive)
        if random.random() < 0.25:
            archive = _scribbled(random, archive)
        pack = random.choice((bytes, bytes, gzip.compress, zstandard.compress))
        packed = pack(archive)
        return _scribbled(random, packed) if pack is not bytes and random.random() < 0.3 else packed

    def _change(self, random: Random, members: list[Member]) -> None:
        if not members:
            return
        at, other = random.randrange(len(members)), random.randrange(len(members))
        match random.randrange(10):
            case 0:
                del members[at]
            case 1:
                members.insert(other, members[at])
            case 2:
                members[at], members[other] = members[other], members[at]
            case 3:
                members[at] = _field_changed(random, members[at])
            case 4:
                members[at] = Member(members[at].head, members[other].content)
            case 5:
                members[at] = members[at].renewed(members[other].content)
            case 6 | 7:
                shape = shape_of(members[0].content.decode()) if _is_json(members[0]) else None
                if shape is not None:
                    change(random, shape, _PIECES)
                    text = as_json(shape, random.choice((", ", ",\n")))
                    members[0] = members[0].renewed(text.encode("utf-8", "surrogatepass"))
            case _:
                self._document_changed(random, members, at)

    @staticmethod
    def _document_changed(random: Random, members: list[Member], at: int) -> None:
        """The document is another, and the manifest often says so."""
        old = members[at].content
        new = old
        if not old.startswith(b"-- Demo Data Export"):
            return
        for _ in range(random.choice((1, 2))):
            new = Change(*(random.randrange(10_000) for _ in range(3)))(new)
        new = resealed(recounted(new)) if random.random() < 0.8 else new
        members[at] = members[at].renewed(new)
        if random.random() < 0.9 and _is_json(members[0]):
            said = members[0].content
            for before, after in (
                (hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest()),
                (str(len(old)), str(len(new))),
                (_digest(old), _digest(new)),
            ):
                if before:
                    said = said.replace(before.encode(), after.encode())
            members[0] = members[0].renewed(said)

    # --- Checking ----------------------------------------------------------------------------

    def recover(self) -> None:
        """Each case has a store of its own."""

    def judge(self, random: Random, archive: bytes) -> None:
        """Restore ``archive`` into an empty store, the one it is of, or another."""
        before, around = self._prepared(archive, random.randrange(3))
        root = self._root
        failure: DemoError | None = None
        try:
            result = restore_store(directory_store(root), self._backup)
        except DemoError as error:
            failure = error
        if failure is not None:
            self.outcomes[type(failure).__name__] += 1
            assert failure.message.isprintable(), ascii(failure.message)
            assert (contents(root), self._around()) == (before, around)
            return
        self.outcomes["accepted"] += 1
        after = contents(root)
        theirs = _unpacked(archive)
        assert all(after[name] == before[name] for name in _documents(before))
        for restored in result.versions:
            if restored.written and restored.becomes == restored.entry.version:
                assert after[restored.entry.path] == theirs[restored.entry.path]
        new = _documents(after) - before.keys()
        assert len(new) == sum(restored.written for restored in result.versions)
        # What is forged, with digest and all, is refused by who reads the rows.
        found = verify_exports(directory_store(root))
        assert not found.problems
        problems = [problem for version in found.versions for problem in version.problems]
        assert all(problem.startswith("line ") for problem in problems), problems
        self.outcomes["forged rows, refused by verify"] += len(problems)

    def _prepared(self, archive: bytes, into: int) -> tuple[dict[str, bytes], set[str]]:
        """What is in the store, and what is around it."""
        shutil.rmtree(self._place)
        self._place.mkdir()
        store = self._stores[into]
        if store is not None:
            shutil.copytree(store, self._root, symlinks=True)
        self._backup.write_bytes(archive)
        return contents(self._root), self._around()

    def _around(self) -> set[str]:
        return {path.name for path in self._place.parent.iterdir()}


def _documents(files: Iterable[str]) -> set[str]:
    return {name for name in files if re.search(r"/\w+_v[0-9]+_[0-9-]+\.", name)}


def _is_json(member: Member) -> bool:
    try:
        return isinstance(json.loads(member.content), dict)
    except (ValueError, RecursionError):
        return False


def _digest(document: bytes) -> str:
    found = re.search(rb"Content digest: sha256:([0-9a-f]{64})", document)
    return found[1].decode() if found else ""


def _field_changed(random: Random, member: Member) -> Member:
    """A field of the header says something else, and its checksum is often right."""
    at, size = random.choice(_FIELDS)
    value = random.choice(_VALUES)[:size].ljust(size, b"\0")
    head = member.head[:at] + value + member.head[at + size :]
    if random.random() < 0.8:
        blank = head[:148] + b" " * 8 + head[156:]
        head = head[:148] + b"%06o\0 " % sum(blank) + head[156:]
    return Member(head, member.content)


def _blocks_moved(random: Random, archive: bytes) -> bytes:
    blocks = [archive[at : at + _BLOCK] for at in range(0, len(archive), _BLOCK)]
    for _ in range(random.choice((1, 2))):
        at, to = random.randrange(len(blocks)), random.randrange(len(blocks))
        match random.randrange(4):
            case 0:
                blocks[at], blocks[to] = blocks[to], blocks[at]
            case 1:
                blocks.insert(to, blocks[at])
            case 2 if len(blocks) > 1:
                del blocks[at]
            case _:
                blocks[at] = bytes(_BLOCK)
    return b"".join(blocks)


def _scribbled(random: Random, archive: bytes) -> bytes:
    act = random.choice(WITHOUT_GRAMMAR)
    return act(archive, random.randrange(1 << 20), random.randrange(1 << 20))


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """The members, as Python's tar reads them."""
    if archive.startswith(b"\x1f\x8b"):
        archive = gzip.decompress(archive)
    elif archive.startswith(b"\x28\xb5\x2f\xfd"):
        archive = zstandard.ZstdDecompressor().decompressobj().decompress(archive)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
        return found
