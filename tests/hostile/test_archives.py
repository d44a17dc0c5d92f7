"""Backups that are damaged or hostile: each is refused, saying where, and the store and all around
it are what they were."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import zstandard
from unit.documents.documents import sealed
from unit.operations.test_backup import back_up, contents
from unit.store.snapshots import directory_store, save

from demo_snapshots.documents import compression
from demo_snapshots.errors import DocumentError
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.store.archive import _head, _padding

MANIFEST = "metadata/export_manifest.json"
V1, V2 = (f"general/general_v{number}_2025-01-15.sql" for number in (1, 2))
END = bytes(1024)

Parts = list[bytes]
"""The members, each with its header and padding: the manifest, V1 and V2."""
Change = Callable[[Parts], Parts]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    place = tmp_path_factory.mktemp("good")
    for rows in (2, 3):
        save(directory_store(place / "store"), rows=rows)
    whole = back_up(place / "store", place / "b.tar").path.read_bytes()
    starts = [whole.index(name.encode().rpartition(b"/")[2] + b"\0") for name in (MANIFEST, V1, V2)]
    parts = [whole[a:b] for a, b in zip(starts, [*starts[1:], len(whole)], strict=True)]
    parts[-1] = parts[-1].removesuffix(END)
    assert b"".join(parts) + END == whole
    return parts


def made(name: str, content: bytes) -> bytes:
    return _head(name, len(content)) + content + _padding(len(content))


def by_tar(form: Literal[0, 1, 2] = tarfile.GNU_FORMAT, **fields: Any) -> bytes:
    """A member as Python's tar writes it."""
    member = tarfile.TarInfo(V1)
    for name, value in fields.items():
        setattr(member, name, value)
    return member.tobuf(form)


def content_of(part: bytes) -> bytes:
    return part[512 : 512 + int(part[124:135], 8)]


# --- What can be done to one -----------------------------------------------------------------


def first(**fields: Any) -> Change:
    """V1 is a member as ``by_tar`` makes it."""
    return lambda parts: [parts[0], by_tar(**fields), parts[2]]


def manifest(change: Callable[[dict[str, Any]], object]) -> Change:
    """The manifest says otherwise, by what is done to its JSON for general."""

    def changed(parts: Parts) -> Parts:
        said = json.loads(content_of(parts[0]))
        change(said["scenarios"]["general"])
        return [made(MANIFEST, json.dumps(said).encode()), *parts[1:]]

    return changed


def entry(**fields: Any) -> Change:
    return manifest(lambda general: general["versions"]["v1_2025-01-15"].update(fields))


def text(old: bytes, new: bytes) -> Change:
    """The manifest's text, by any means."""
    return lambda parts: [made(MANIFEST, content_of(parts[0]).replace(old, new)), *parts[1:]]


def agreeing(change: Callable[[bytes], bytes]) -> Change:
    """Another document in the place of V1, and a manifest that says its size and SHA-256."""

    def changed(parts: Parts) -> Parts:
        new = change(content_of(parts[1]))
        said = entry(size=len(new), sha256=hashlib.sha256(new).hexdigest())(parts)
        return [said[0], made(V1, new), parts[2]]

    return changed


def blobs(*contents: bytes) -> Change:
    """There are these besides."""
    more = [made(f"_files/{hashlib.sha256(content).hexdigest()}", content) for content in contents]
    return lambda parts: [parts[0], *more, *parts[1:]]


EXPECTED = f"something else stands where {V1} should be"
CASES: dict[str, tuple[Change, str]] = {
    "nothing": (lambda parts: [], "not a backup"),
    "no tar": (lambda parts: [b"PK\3\4" + bytes(600)], "not a backup"),
    "no manifest": (lambda parts: parts[1:], "not a backup"),
    "a manifest elsewhere": (
        lambda parts: [made("./" + MANIFEST, content_of(parts[0])), *parts[1:]],
        "not a backup",
    ),
    "a linked manifest": (
        lambda parts: [by_tar(name=MANIFEST, type=tarfile.SYMTYPE, linkname="/etc/passwd")],
        "not a backup",
    ),
    "two manifests": (lambda parts: [parts[0], *parts], EXPECTED),
    "a manifest at the end": (lambda parts: [*parts, parts[0]], "where the end should be"),
    "a manifest without end": (lambda parts: [_head(MANIFEST, 1 << 32)], "as no manifest has"),
    "no JSON": (text(b"{", b"["), "it is not JSON"),
    "another format": (text(b'"format": 1', b'"format": 2'), "it is not of format 1"),
    "a conflict": (text(b'  "format"', b'<<<<<<< a\n  "format"'), "merge-conflict markers"),
    "a scenario that is a path": (text(b'"general"', b'"../general"'), "not a scenario"),
    "a path that leads out": (entry(path="../../evil.sql"), "not one of ours"),
    "an absolute path": (entry(path="/tmp/evil.sql"), "not one of ours"),
    "another's path": (entry(path=V2), "not one of ours"),
    "a size below nothing": (entry(size=-1), "not one of ours"),
    "a size that is too small": (entry(size=10), EXPECTED),
    "a size that is too large": (entry(size=10**12), EXPECTED),
    "another SHA-256": (entry(sha256="0" * 64), f"{V1}: has another SHA-256"),
    "another digest": (entry(digest="0" * 64), f"{V1}: is not what the manifest"),
    "a version more": (
        manifest(lambda general: general["versions"].pop("v2_2025-01-15")),
        "where the end should be",
    ),
    "a version less": (lambda parts: parts[:2], f"where {V2} should be"),
    "one twice": (lambda parts: [*parts[:2], *parts[1:]], f"where {V2} should be"),
    "another order": (lambda parts: [parts[0], parts[2], parts[1]], EXPECTED),
    "a member of no version": (lambda parts: [*parts, made("general/a.sql", b"")], "the end"),
    "a name that leads out": (first(name="../../" + V1), EXPECTED),
    "an absolute name": (first(name="/" + V1), EXPECTED),
    "a symlink": (first(type=tarfile.SYMTYPE, linkname="/etc/passwd"), EXPECTED),
    "a hard link": (first(type=tarfile.LNKTYPE, linkname=V2), EXPECTED),
    "a directory": (first(type=tarfile.DIRTYPE), EXPECTED),
    "a device": (first(type=tarfile.CHRTYPE, devmajor=1, devminor=5), EXPECTED),
    "a pipe": (first(type=tarfile.FIFOTYPE), EXPECTED),
    "a sparse file": (first(type=tarfile.GNUTYPE_SPARSE, size=1 << 40), EXPECTED),
    "a long name without end": (first(type=tarfile.GNUTYPE_LONGNAME, size=1 << 40), EXPECTED),
    "pax fields": (
        first(form=tarfile.PAX_FORMAT, pax_headers={"path": "../x", "size": "9"}),
        EXPECTED,
    ),
    "pax fields without end": (first(type=tarfile.XHDTYPE, size=1 << 32), EXPECTED),
    "a set-uid file": (first(mode=0o4755, size=10), EXPECTED),
    "padding that says something": (
        lambda parts: [parts[0], parts[1][:-1] + b"x", parts[2]],
        EXPECTED,
    ),
    "something after the end": (lambda parts: [*parts, END, b"x"], "something follows the end"),
    "no document": (agreeing(lambda _: b"DROP TABLE todos;\n"), f"{V1}: not a demo snapshot"),
    "half a document": (agreeing(lambda old: old[:400]), f"{V1}: the file was cut short"),
    "a row altered": (agreeing(lambda old: old.replace(b"'x'", b"'y'", 1)), "was altered"),
    "a row altered, and its digest": (
        agreeing(lambda old: sealed(old.replace(b"'x'", b"'y'", 1))),
        f"{V1}: is not what the manifest",
    ),
    "another version's document": (
        agreeing(lambda old: old.replace(b"Version: v1", b"Version: v9")),
        f"{V1}: is not what the manifest",
    ),
    "another compression than its name says": (
        agreeing(lambda old: zstandard.ZstdCompressor().compress(old)),
        f"{V1}: is not what the manifest",
    ),
    "a blob of no version": (blobs(b"x"), "blobs that no version names"),
    "a blob altered": (
        lambda parts: [parts[0], made("_files/" + "0" * 64, b"x"), *parts[1:]],
        "has another SHA-256",
    ),
    "a blob twice": (blobs(b"x", b"x"), "is there twice, or out of order"),
    "a blob that leads out": (
        lambda parts: [parts[0], made("_files/" + "../" * 21 + "x", b"x"), *parts[1:]],
        EXPECTED,
    ),
    "a blob with another head": (
        lambda parts: [parts[0], _head("_files/" + "0" * 64, 0).replace(b"ustar", b"xstar")],
        "where a blob should be",
    ),
    "uploaded files that are not there": (
        entry(files={"count": 1, "size": 1, "sha256": "0" * 64, "list_size": 1}),
        "a list of uploaded files is not in the backup",
    ),
    "half a character in a header": (
        agreeing(lambda old: old.replace(rb"Gr\u00f6\u00dfe", rb"Gr\ud800")),
        f"{V1}: line 12: not a breakdown",
    ),
}


def refusal(tmp_path: Path, archive: bytes, name: str = "b.tar") -> str:
    """Why it is not restored into a store that has another v1."""
    backup, root = tmp_path / name, tmp_path / "in" / "store"
    backup.write_bytes(archive)
    save(directory_store(root), rows=5)
    before, around = contents(root), set(tmp_path.rglob("*"))
    with pytest.raises(DocumentError) as caught:
        restore_store(directory_store(root), backup)
    assert caught.value.message.startswith(f"{backup}: ")
    assert caught.value.message.isprintable()
    assert (contents(root), set(tmp_path.rglob("*"))) == (before, around)
    return caught.value.message


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused(good: Parts, tmp_path: Path, name: str) -> None:
    change, says = CASES[name]
    assert says in refusal(tmp_path, b"".join(change(good)) + END)


def test_the_one_they_were_made_from_is_good(good: Parts, tmp_path: Path) -> None:
    backup = tmp_path / "b.tar"
    backup.write_bytes(b"".join(good) + END)
    assert len(restore_store(directory_store(tmp_path / "store"), backup).versions) == 2


@pytest.mark.parametrize("packing", ["plain", "packed"])
def test_it_is_cut_anywhere(good: Parts, tmp_path: Path, packing: str) -> None:
    whole = b"".join(good) + END
    if packing == "packed":
        whole = zstandard.ZstdCompressor(write_checksum=True).compress(whole)
    store = directory_store(tmp_path / "store")
    backup = tmp_path / "b"
    for length in range(0, len(whole), 297 if packing == "plain" else 29):
        backup.write_bytes(whole[:length])
        with pytest.raises(DocumentError, match=r"cut short|not a backup") as caught:
            restore_store(store, backup)
        assert "backup" in str(caught.value.hint) or MANIFEST in str(caught.value.hint)
    assert not (tmp_path / "store").exists()


def test_a_few_bytes_that_fill_the_disk(
    good: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest may say any size: how far it goes, the file itself bounds, and memory it takes
    none. 256 MiB are drawn in to one."""
    monkeypatch.setattr(compression, "ALLOWANCE", 1 << 20)
    size = 1 << 40
    said = entry(size=size)(good)[0]
    packer = zstandard.ZstdCompressor(19).compressobj()
    archive = packer.compress(said + _head(V1, size))
    archive += b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert len(archive) < 5000
    tracemalloc.start()
    says = refusal(tmp_path, archive, "b.tar.zst")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    assert "it unpacks to more than 5000 times its size" in says


def test_something_follows_the_compressed_data(good: Parts, tmp_path: Path) -> None:
    whole = zstandard.ZstdCompressor().compress(b"".join(good) + END)
    assert "something follows" in refusal(tmp_path, whole + whole, "b.tar.zst")


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_who_has_a_damaged_one_is_told_of_the_backup(
    good: Parts, tmp_path: Path, packing: str
) -> None:
    whole = b"".join(good) + END
    packed = gzip.compress(whole) if packing == "gzip" else zstandard.compress(whole)
    backup = tmp_path / "b"
    for archive, hint in {
        packed[:-9] + bytes([packed[-9] ^ 255]) + packed[-8:]: "make it again",
        packed[:-9]: "make it again",
        packed + b"x": "A backup is one",
    }.items():
        backup.write_bytes(archive)
        with pytest.raises(DocumentError) as caught:
            restore_store(directory_store(tmp_path / "store"), backup)
        assert hint in str(caught.value.hint)
