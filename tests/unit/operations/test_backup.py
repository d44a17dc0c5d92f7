"""A store into a file, and from there into an empty store and into one that went on."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from unit.operations.test_repair import export
from unit.store.snapshots import directory_store, files_in, save

from demo_snapshots.config.settings import load_config
from demo_snapshots.errors import (
    DocumentError,
    ExportError,
    ExportNotFoundError,
    StoreBusyError,
    StoreError,
    UsageError,
)
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.model.upkeep import BackupResult, RestoreResult
from demo_snapshots.operations import backup as backing_up
from demo_snapshots.operations.backup import backup_store
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import verify_exports

NOW = datetime(2025, 1, 31, tzinfo=UTC)


def back_up(root: Path, path: str | Path) -> BackupResult:
    config = load_config(environment={}, directory=root)
    return backup_store(config, directory_store(root), path, now=NOW)


def outcome(result: RestoreResult) -> dict[str, str]:
    """What became of each version: a name, in brackets where nothing was written."""
    return {
        f"{restored.entry.scenario} {restored.entry.version}": (
            str(restored.becomes) if restored.written else f"({restored.becomes})"
        )
        for restored in result.versions
    }


def contents(root: Path) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in files_in(root)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three versions of general, of which the first has gone, and a packed one of another."""
    root = tmp_path / "store"
    for day in (20, 21, 22):
        export(root, day=day, hour=9, rows=day)
    cleanup_exports(directory_store(root), "general", keep=2)
    save(directory_store(root), "writer", packing=Packing.ZSTD)
    return root


@pytest.fixture
def backup(root: Path, tmp_path: Path) -> Path:
    return back_up(root, tmp_path / "demo.tar.zst").path


def test_an_empty_store_becomes_the_same(root: Path, backup: Path, tmp_path: Path) -> None:
    result = restore_store(directory_store(tmp_path / "other"), backup)
    assert contents(tmp_path / "other") == contents(root)
    assert list(outcome(result)) == [
        "general v2_2025-01-21",
        "general v3_2025-01-22",
        "writer v1_2025-01-15",
    ]
    again = restore_store(directory_store(root), backup)
    assert not any(restored.written for restored in again.versions)


@pytest.mark.parametrize("name", ["b.tar.zst", "b.tar.gz", "b.tar"])
def test_the_same_store_gives_the_same_bytes(root: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    first = back_up(root, tmp_path / name)
    second = back_up(copy, tmp_path / f"again-{name}")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.size, first.sha256) == (second.size, second.sha256)
    result = restore_store(directory_store(tmp_path / "other"), first.path)
    assert len(result.versions) == len(first.entries) == 3


def test_what_the_numbers_were_is_kept(tmp_path: Path) -> None:
    root, backup = tmp_path / "store", tmp_path / "b.tar.zst"
    for _ in range(2):
        save(directory_store(root))
    (root / "general" / "general_v2_2025-01-15.sql").unlink()
    back_up(root, backup)
    there = directory_store(tmp_path / "other")
    restore_store(there, backup)
    assert there.next_number("general") == 3


def test_versions_meet_by_number_and_digest(root: Path, backup: Path, tmp_path: Path) -> None:
    """There: v1 and v2 of its own, the backup's v3 under its number, and a v4."""
    there = tmp_path / "there"
    for day, rows in ((1, 5), (2, 6), (22, 22), (23, 7)):
        export(there, day=day, hour=9, rows=rows)
    before = contents(there)
    store = directory_store(there)
    expected = {
        "general v2_2025-01-21": "v5_2025-01-21",
        "general v3_2025-01-22": "(v3_2025-01-22)",
        "writer v1_2025-01-15": "v1_2025-01-15",
    }
    planned = restore_store(store, backup, dry_run=True)
    assert (planned.dry_run, contents(there)) == (True, before)
    assert outcome(planned) == expected
    assert outcome(restore_store(store, backup)) == expected
    after = contents(there)
    documents = {name: content for name, content in before.items() if "/general_v" in name}
    assert documents.items() <= after.items(), "what was there stays"
    old, new = (
        contents(place)[f"general/general_{name}.sql"]
        for place, name in ((root, "v2_2025-01-21"), (there, "v5_2025-01-21"))
    )
    assert new == old.replace(b"Version: v2_", b"Version: v5_")
    assert verify_exports(store).valid

    again = restore_store(store, backup)
    assert outcome(again)["general v2_2025-01-21"] == "(v5_2025-01-21)"
    assert contents(there) == after


def test_numbers_are_beyond_those_of_both(root: Path, backup: Path, tmp_path: Path) -> None:
    for place, days, becomes in (
        ("less", (1, 2), ["v4_2025-01-21", "v3_2025-01-22"]),
        ("more", (1, 2, 3, 4), ["v5_2025-01-21", "v6_2025-01-22"]),
    ):
        for day in days:
            export(tmp_path / place, day=day, hour=9, rows=3)
        result = restore_store(directory_store(tmp_path / place), backup)
        assert list(outcome(result).values())[:2] == becomes


def test_the_store_is_locked(root: Path, tmp_path: Path) -> None:
    """While a backup is made, and from before a restore decides to its end."""
    busy: list[bool] = []
    other = tmp_path / "other"

    def look(*_: object) -> None:
        place = root if not (tmp_path / "b.tar").exists() else other
        try:
            with directory_store(place).lock(timeout=0):
                busy.append(False)
        except StoreBusyError:
            busy.append(True)

    config = load_config(environment={}, directory=root)
    store = directory_store(root)
    backup = backup_store(config, store, tmp_path / "b.tar", now=NOW, progress=look).path
    assert busy == [True] * 6
    busy.clear()
    restore_store(directory_store(other), backup, progress=look)
    assert busy == [False] * 3 + [True] * 3


def test_a_damaged_file_is_replaced_and_an_altered_one_named(
    root: Path, backup: Path, tmp_path: Path
) -> None:
    path = root / "general" / "general_v2_2025-01-21.sql"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert outcome(restore_store(directory_store(root), backup))["general v2_2025-01-21"] == (
        "v2_2025-01-21"
    )
    assert path.read_bytes() == whole

    path.write_bytes(whole.replace(b"'x'", b"'y'", 1))
    before = contents(root)
    with pytest.raises(StoreError, match=r"general_v2_2025-01-21\.sql: .*altered") as caught:
        restore_store(directory_store(root), backup)
    assert "move it away" in str(caught.value.hint)
    assert str(backup) not in caught.value.message
    assert contents(root) == before
    path.unlink()
    restore_store(directory_store(root), backup)
    assert verify_exports(directory_store(root)).valid


def test_what_is_damaged_is_left_out_and_named(root: Path, tmp_path: Path) -> None:
    documents = sorted((root / "general").glob("general_v*.sql"))
    documents[0].write_bytes(documents[0].read_bytes()[:-1])
    documents[1].write_bytes(documents[1].read_bytes().replace(b"'x'", b"'y'", 1))
    result = back_up(root, tmp_path / "b.tar.zst")
    assert [entry.scenario for entry in result.entries] == ["writer"]
    assert [problem.partition(": ")[0] for problem in result.left] == [
        "general v3_2025-01-22",
        "general v2_2025-01-21",
    ]
    store = directory_store(tmp_path / "other")
    restore_store(store, result.path)
    assert (store.next_number("general"), verify_exports(store).valid) == (4, True)


def test_one_version_in_two_files_is_for_repair(root: Path, tmp_path: Path) -> None:
    store = directory_store(root)
    entry = store.entries("writer")[0]
    save(directory_store(tmp_path / "other"), "writer")
    plain = entry.path.removesuffix(".zst")
    shutil.copy(tmp_path / "other" / plain, root / plain)
    result = back_up(root, tmp_path / "b.tar.zst")
    assert len(result.entries) == 3
    assert "writer v1_2025-01-15: is there twice: project.repair() gives" in result.left[0]


def test_it_never_takes_the_place_of_another(root: Path, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(StoreError, match="is there already"):
        back_up(root, backup)
    assert backup.read_bytes() == before
    stale = backup.with_name(f".new.{backup.name}.tmp-0123456789abcdef")
    stale.touch()
    other = backup.with_name(f".{backup.name}.tmp-0123456789abcdef")
    other.touch()
    back_up(root, backup.with_name(f"new.{backup.name}"))
    assert (stale.exists(), other.exists()) == (False, True)


def test_a_directory_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    back_up(root, tmp_path / "link" / "b.tar.zst")
    assert (tmp_path / "disk" / "b.tar.zst").exists()


def test_nothing_to_back_up_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExportNotFoundError, match="nothing to back up in"):
        back_up(tmp_path / "nowhere", tmp_path / "b.tar.zst")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        *("b.zip", "b.zst", "b.tar.xz", "ftp://bucket/b.tar.zst", "s3://b.tar.zst"),
        *("s3://key:s3cret@bucket/b.tar.zst", "s3://key:s3cret@bucket/b.zip"),
    ],
)
def test_a_name_that_is_no_archive_s(root: Path, tmp_path: Path, name: str) -> None:
    location = name if "://" in name else tmp_path / name
    with pytest.raises(UsageError) as caught:
        back_up(root, location)
    assert "s3cret" not in str(caught.value)
    if location == name:
        with pytest.raises(UsageError) as caught:
            restore_store(directory_store(root), location)
        assert f"kept at {name.partition(':')[0]}://…" in caught.value.message


def test_what_cannot_be_opened(root: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.zst").mkdir()
    for name in ("b.tar.zst", "missing.tar.zst"):
        with pytest.raises(ExportNotFoundError, match=f"{name}: cannot be read"):
            restore_store(directory_store(root), tmp_path / name)
    (tmp_path / "file").touch()
    for place in ("file", "missing"):
        with pytest.raises(StoreError, match=f"{place} is no directory") as caught:
            back_up(root, tmp_path / place / "b.tar.zst")
        assert caught.value.hint == "Name a file in a directory that can be written to."
    assert not (tmp_path / "missing").exists()


def test_too_little_in_too_many_bytes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits of compression, drawn in: what would not be read is not written."""
    save(directory_store(root), rows=60_000)
    plain = back_up(root, tmp_path / "b.tar").path
    monkeypatch.setattr("demo_snapshots.documents.compression.ALLOWANCE", 300_000)
    monkeypatch.setattr(backing_up, "BACKUP", replace(backing_up.BACKUP, ratio=1))
    with pytest.raises(ExportError, match="compress to less than"):
        back_up(root, tmp_path / "b.tar.zst")
    assert not (tmp_path / "b.tar.zst").exists()
    assert len(restore_store(directory_store(tmp_path / "other"), plain).versions) == 4


def test_a_backup_that_changes_between_the_readings(tmp_path: Path) -> None:
    """It is read again, and checked again, before anything of it is published."""
    save(directory_store(tmp_path / "store"), rows=9000)
    backup = back_up(tmp_path / "store", tmp_path / "b.tar").path
    calls = []

    def change(*told: object) -> None:
        calls.append(told)
        if len(calls) == 2:
            changed = backup.read_bytes().replace(b"'x'", b"'y'")
            with backup.open("r+b") as file:
                file.write(changed)

    store = directory_store(tmp_path / "other")
    with pytest.raises(DocumentError, match=r"b\.tar: general/.*: it was altered"):
        restore_store(store, backup, progress=change)
    assert (len(calls), store.entries()) == (2, ())
