"""An archive as other programs see it, and as we read it back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from unit.store.snapshots import directory_store, save

from demo_snapshots.errors import StoreError
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.store import Store
from demo_snapshots.store.archive import Archive, _head, write_archive
from demo_snapshots.store.contents import Contents

LONG = "a" * 100
"""The longest name of a scenario: a ustar header has no room for the names of its files."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = directory_store(tmp_path)
    save(store)
    save(store, rows=400, packing=Packing.ZSTD)
    assert len(save(store, LONG).path) > 200
    return store


def archived(store: Store, **highest: int) -> bytes:
    stream = io.BytesIO()
    entries = store.entries()
    sources = {entry.path: store.source(entry) for entry in entries}
    write_archive(stream, Contents(entries, store.highest()).using(highest), sources)
    return stream.getvalue()


def test_any_tar_unpacks_it_into_the_store(store: Store, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archived(store))) as tar:
        assert all(member.isreg() and member.mode == 0o644 for member in tar)
        tar.extractall(tmp_path / "unpacked", filter="data")
    for entry in store.entries():
        unpacked = tmp_path / "unpacked" / entry.path
        assert unpacked.read_bytes() == (tmp_path / entry.path).read_bytes()
    assert directory_store(tmp_path / "unpacked").entries() == store.entries()


def test_it_is_read_as_it_was_written(store: Store, tmp_path: Path) -> None:
    archive = Archive(io.BytesIO(archived(store, general=7)))
    assert archive.recorded.highest == {"general": 7, LONG: 1}
    found = {
        entry: b"".join(block for _, blocks in files for block in blocks)
        for entry, files in archive.documents()
    }
    assert list(found) == sorted(store.entries(), key=lambda e: (e.scenario, e.version))
    assert all((tmp_path / entry.path).read_bytes() == content for entry, content in found.items())


def test_the_same_store_gives_the_same_bytes(store: Store) -> None:
    assert archived(store) == archived(store)


@pytest.mark.parametrize("name", ["general/general_v1_2025-01-15.sql", f"{LONG}/{LONG}.sql.zst"])
@pytest.mark.parametrize("size", [0, 0o77777777777, 0o77777777777 + 1, 10**15])
def test_a_header_says_any_name_and_size(name: str, size: int) -> None:
    with tarfile.open(fileobj=io.BytesIO(_head(name, size))) as tar:
        member = tar.next()
    assert member is not None
    assert (member.name, member.size, member.isreg()) == (name, size, True)


def test_a_file_that_changes_meanwhile_ends_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / store.entries("general")[0].path
    whole = path.read_bytes()
    entries = store.entries()
    for altered in (whole[:-1], whole + b"x", whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(altered)
        sources = {entry.path: store.source(entry) for entry in entries}
        with pytest.raises(StoreError, match=r"general_v2.*altered while it was read"):
            write_archive(io.BytesIO(), Contents(entries, store.highest()), sources)


def test_nothing_is_left_out_unnoticed(store: Store) -> None:
    with pytest.raises(ValueError, match="manifest"):
        write_archive(io.BytesIO(), Contents(store.entries(), {}), {})
