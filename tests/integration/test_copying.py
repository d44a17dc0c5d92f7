"""Versions between a directory and a bucket: byte for byte, by digest, and never over another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from integration.live import NOW
from unit.store.snapshots import save

from demo_snapshots.config.settings import load_config
from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import ExportNotFoundError, MergeError, StoreError
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.operations.backup import backup_store
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.operations.copying import copy_versions
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store import Store, open_store


@pytest.fixture
def directory(tmp_path: Path) -> Store:
    return open_store(tmp_path / "here", describe)


@pytest.fixture
def bucket(bucket_url: str) -> Store:
    return open_store(bucket_url, describe)


def test_what_lacks_is_copied_and_nothing_else(
    directory: Store, bucket: Store, tmp_path: Path
) -> None:
    saved = [save(directory), save(directory, packing=Packing.ZSTD), save(directory, "writer")]
    plan = copy_versions(directory, bucket, dry_run=True)
    assert [*plan.copied] == saved
    assert bucket.entries() == ()
    assert copy_versions(directory, bucket).copied == plan.copied
    assert bucket.entries() == directory.entries()
    assert verify_exports(bucket).valid
    again = copy_versions(directory, bucket)
    assert (again.copied, len(again.present)) == ((), 3)
    # Another machine has them all, and a number is not used twice afterwards.
    elsewhere = open_store(tmp_path / "there", describe)
    copy_versions(bucket, elsewhere, "general")
    assert elsewhere.entries() == directory.entries("general")
    assert elsewhere.next_number("general") == bucket.next_number("general") == 3
    with pytest.raises(ExportNotFoundError):
        copy_versions(bucket, elsewhere, "nobody")


def test_a_backup_goes_into_a_bucket_and_comes_back(
    directory: Store, bucket_url: str, tmp_path: Path
) -> None:
    save(directory)
    save(directory, packing=Packing.ZSTD)
    config = load_config(environment={}, directory=tmp_path)
    there = f"{bucket_url}/backups/monday.tar.zst"
    result = backup_store(config, directory, there, now=NOW)
    assert (result.file, result.entries) == (there, directory.entries())
    here = backup_store(config, directory, tmp_path / "monday.tar.zst", now=NOW)
    assert (result.size, result.sha256) == (here.size, here.sha256)
    with pytest.raises(StoreError, match="is there already"):
        backup_store(config, directory, there, now=NOW)
    for place in (tmp_path / "there", f"{bucket_url}/restored"):
        restored = open_store(place, describe)
        restore_store(restored, there)
        assert restored.entries() == directory.entries()
        assert verify_exports(restored).valid
    with pytest.raises(ExportNotFoundError, match="tuesday"):
        restore_store(directory, f"{bucket_url}/backups/tuesday.tar.zst")


def test_what_was_removed_stays_so(directory: Store, bucket: Store) -> None:
    for _ in range(3):
        save(directory)
    copy_versions(directory, bucket)
    cleanup_exports(bucket, keep=1)
    result = copy_versions(directory, bucket)
    assert (result.copied, len(result.removed), len(result.present)) == ((), 2, 1)


def test_two_versions_of_one_number_are_both_kept(
    directory: Store, bucket: Store, tmp_path: Path
) -> None:
    save(directory)
    copy_versions(directory, bucket)
    shutil.copytree(tmp_path / "here", tmp_path / "there", symlinks=True)
    other = open_store(tmp_path / "there", describe)
    mine, theirs = save(directory, rows=4), save(other, rows=5)
    assert mine.version == theirs.version
    copy_versions(other, bucket)
    for origin, target in ((directory, bucket), (bucket, directory)):
        with pytest.raises(MergeError, match="other content") as error:
            copy_versions(origin, target)
        assert "general v2_2025-01-15" in error.value.problems[0]
    planned = copy_versions(bucket, directory, renumber=True, dry_run=True)
    assert directory.entries()[0] == mine
    result = copy_versions(bucket, directory, renumber=True)
    assert (result.renumbered, result.copied) == (planned.renumbered, (theirs,))
    assert [entry.statistics.total for entry in directory.entries()] == [4, 5, 2]
    assert directory.entries()[0].digest == mine.digest
    assert len(copy_versions(directory, bucket).copied) == 1
    assert bucket.entries() == directory.entries()
    assert verify_exports(bucket).valid
    assert verify_exports(directory).valid


def test_what_was_altered_is_not_copied(directory: Store, bucket: Store) -> None:
    entry = save(directory)
    path = directory.source(entry).on_disk()
    content = path.read_bytes()
    path.write_bytes(content.replace(b"demo-snapshots 0.1.0", b"demo-snapshots 0.1.1", 1))
    assert path.read_bytes() != content
    with pytest.raises(StoreError, match="altered"):
        copy_versions(directory, bucket)
    assert bucket.entries() == ()
