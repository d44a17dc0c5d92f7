"""Snapshots with three endings side by side: named, listed, removed and repaired alike."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from datetime import date
from pathlib import Path

import pytest
from unit.store.snapshots import DAY, directory_store, document, files_in, save

from demo_snapshots.documents.compression import opened, packed
from demo_snapshots.errors import ExportNotFoundError
from demo_snapshots.model.snapshots import Packing, Version
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store import Store

LATER = date(2025, 1, 16)
ALL = (Packing.PLAIN, Packing.GZIP, Packing.ZSTD)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return directory_store(tmp_path)


def latest(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "general").glob("latest*"))


def reconcile(store: Store) -> None:
    with store.lock():
        pass


def test_they_are_named_by_how_they_are_stored(tmp_path: Path, store: Store) -> None:
    saved = [save(store, packing=packing) for packing in ALL]
    assert [entry.path for entry in saved] == [
        "general/general_v1_2025-01-15.sql",
        "general/general_v2_2025-01-15.sql.gz",
        "general/general_v3_2025-01-15.sql.zst",
    ]
    assert len({entry.digest for entry in saved}) == 1
    for entry in saved:
        content = (tmp_path / entry.path).read_bytes()
        assert (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert store.find("general", f"v{entry.version.number}") == entry
        with store.source(entry).open() as file:
            assert file.read() == content
    assert verify_exports(store).valid
    assert store.listing().notes == ()


def test_without_the_manifest_they_describe_themselves(tmp_path: Path, store: Store) -> None:
    saved = tuple(save(store, packing=packing) for packing in ALL)
    written = (tmp_path / "metadata" / "export_manifest.json").read_bytes()
    (tmp_path / "metadata" / "export_manifest.json").unlink()
    assert store.entries() == saved[::-1]
    reconcile(store)
    assert (tmp_path / "metadata" / "export_manifest.json").read_bytes() == written


@pytest.mark.parametrize("before", ALL)
@pytest.mark.parametrize("after", ALL)
def test_latest_follows_and_is_only_one(
    tmp_path: Path, store: Store, before: Packing, after: Packing
) -> None:
    save(store, packing=before)
    entry = save(store, packing=after)
    assert latest(tmp_path) == [f"latest{after.suffix}"]
    link = tmp_path / "general" / f"latest{after.suffix}"
    assert link.resolve() == store.source(entry).on_disk().resolve()
    assert store.inconsistencies() == ()


@pytest.mark.parametrize("stands", ["name", "copy"])
def test_a_latest_that_is_no_link_follows_too(tmp_path: Path, store: Store, stands: str) -> None:
    first = save(store, packing=Packing.GZIP)
    link = tmp_path / "general" / "latest.sql.gz"
    link.unlink()
    name = first.path.rpartition("/")[2]
    link.write_bytes(
        name.encode() if stands == "name" else store.source(first).on_disk().read_bytes()
    )
    assert store.inconsistencies() == ()
    second = save(store, packing=Packing.GZIP)
    name = second.path.rpartition("/")[2]
    if stands == "name":
        assert link.read_bytes() == name.encode()
    else:
        assert link.readlink() == Path(name)
    save(store)
    assert latest(tmp_path) == ["latest.sql"]


def test_a_latest_that_was_left_over_is_told_and_removed(tmp_path: Path, store: Store) -> None:
    save(store)
    (tmp_path / "general" / "latest.sql.zst").symlink_to("general_v9_2025-01-01.sql.zst")
    assert store.inconsistencies() == ("general/latest.sql.zst is left over",)
    reconcile(store)
    assert latest(tmp_path) == ["latest.sql"]


def test_the_clean_up_counts_them_alike(tmp_path: Path, store: Store) -> None:
    for packing in (*ALL, *ALL):
        save(store, packing=packing)
    result = cleanup_exports(store, "general", keep=2)
    assert [entry.version.number for entry in result.removed] == [4, 3, 2, 1]
    assert {name for name in files_in(tmp_path) if name.startswith("general/")} == {
        "general/general_v5_2025-01-15.sql.gz",
        "general/general_v6_2025-01-15.sql.zst",
        "general/latest.sql.zst",
    }
    assert save(store).version.number == 7


def test_a_compressed_file_uses_up_its_number(tmp_path: Path, store: Store) -> None:
    save(store)
    path = tmp_path / "general" / "general_v8_2025-02-01.sql.zst"
    path.write_bytes(b"not one")
    assert store.next_number("general") == 9
    assert store.listing().notes != ()


@pytest.mark.parametrize("packing", ALL)
def test_a_name_with_another_ending_than_the_content_is_no_snapshot(
    tmp_path: Path, store: Store, packing: Packing
) -> None:
    save(store)
    entry = save(store, packing=packing)
    path = store.source(entry).on_disk()
    wrong = path.with_name(
        f"general_{entry.version}" + (".sql.gz" if packing is not Packing.GZIP else ".sql")
    )
    path.rename(wrong)
    assert f"'general/{wrong.name}' is not what its name says; it was left alone" in (
        store.listing().notes
    )
    problems = verify_exports(store).damaged
    assert any("another ending" in "; ".join(check.problems) for check in problems)


def test_one_version_with_two_endings_is_two_with_one_number(tmp_path: Path, store: Store) -> None:
    """As someone leaves it who runs ``gzip --keep``."""
    entry = save(store)
    plain = store.source(entry).on_disk()
    twin = plain.with_name(plain.name + ".gz")
    twin.write_bytes(gzip.compress(plain.read_bytes()))
    assert len(store.entries()) == 2
    assert any("2 versions 1" in note for note in store.listing().notes)
    with pytest.raises(ExportNotFoundError):
        store.find("general", "v1")
    result = repair_store(store)
    (change,) = result.renumbered
    assert change.becomes == Version(2, DAY)
    assert [e.path for e in store.entries()] == [
        "general/general_v2_2025-01-15.sql.gz",
        "general/general_v1_2025-01-15.sql",
    ]
    assert not twin.exists()
    assert verify_exports(store).valid
    assert latest(tmp_path) == ["latest.sql.gz"]


def test_of_one_version_with_two_endings_the_clean_up_keeps_the_latest(
    tmp_path: Path, store: Store
) -> None:
    plain = store.source(save(store)).on_disk()
    plain.with_name(plain.name + ".gz").write_bytes(gzip.compress(plain.read_bytes()))
    cleanup_exports(store, "general", keep=1)
    assert [entry.path for entry in store.entries()] == ["general/general_v1_2025-01-15.sql.gz"]
    assert latest(tmp_path) == ["latest.sql.gz"]
    assert verify_exports(store).valid


@pytest.mark.parametrize("packing", ALL)
def test_a_new_number_keeps_the_ending(tmp_path: Path, store: Store, packing: Packing) -> None:
    save(store)
    text = document("general", Version(1, LATER), rows=3)
    with (
        (tmp_path / "general" / f"general_v1_{LATER}{packing.suffix}").open("wb") as file,
        packed(file, packing) as packer,
    ):
        packer.write(text)
    (change,) = repair_store(store).renumbered
    newest = store.entries()[0]
    assert change.becomes == newest.version == Version(2, LATER)
    assert newest.path == f"general/general_v2_{LATER}{packing.suffix}"
    with opened(store.source(newest)) as stream:
        assert stream.read() == document("general", Version(2, LATER), rows=3)
    assert verify_exports(store).valid


def test_git_takes_them_for_binary(tmp_path: Path, store: Store) -> None:
    save(store)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name, attribute in (("a.sql", "text: unset"), ("a.sql.gz", "binary: set")):
        done = subprocess.run(
            ["git", "-C", tmp_path, "check-attr", attribute.split(":")[0], f"general/{name}"],
            check=True,
            capture_output=True,
        )
        assert done.stdout.decode().strip().endswith(attribute)


def test_a_plain_one_is_stored_byte_for_byte(store: Store) -> None:
    entry = save(store)
    assert store.source(entry).on_disk().read_bytes() == document("general", entry.version)
