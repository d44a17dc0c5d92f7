"""The directory as people and git see it, and as git merges, editors and attackers leave it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest
from unit.store.snapshots import DAY, directory_store, document, files_in, save

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import ExportNotFoundError, StoreError, UsageError
from demo_snapshots.model.snapshots import Version
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.operations.listing import get_latest_export_path, list_exports
from demo_snapshots.store import Store, open_store
from demo_snapshots.store.backends.directory import DirectoryBackend

MANIFEST = "metadata/export_manifest.json"
SCHEMAS = "metadata/schema_versions.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "database" / "demo-snapshots"


@pytest.fixture
def store(root: Path) -> Store:
    return directory_store(root)


def names(store: Store) -> list[str]:
    return [entry.path for entry in store.entries()]


def reconcile(store: Store) -> None:
    with store.lock():
        pass


def test_it_looks_as_drawn(root: Path, store: Store) -> None:
    save(store)
    save(store, day=date(2025, 1, 20))
    assert files_in(root) == {
        ".gitattributes",
        ".gitignore",
        "general/general_v1_2025-01-15.sql",
        "general/general_v2_2025-01-20.sql",
        "general/latest.sql",
        MANIFEST,
        SCHEMAS,
    }
    latest = root / "general" / "latest.sql"
    assert latest.readlink() == Path("general_v2_2025-01-20.sql")
    assert "*.sql -text" in (root / ".gitattributes").read_text("utf-8").splitlines()


def test_the_lock_and_temporary_files_are_never_committed(root: Path, store: Store) -> None:
    save(store)
    (root / "general" / ".general_v2_2025-01-15.sql.tmp-0123456789abcdef").touch()
    (root / MANIFEST).with_name("export_manifest.json.damaged-1").touch()
    subprocess.run(["git", "init", "-q", root], check=True)
    status = subprocess.run(
        ["git", "-C", root, "status", "--porcelain", "-uall"], check=True, capture_output=True
    )
    assert {line[3:] for line in status.stdout.decode().splitlines()} == {
        ".gitattributes",
        ".gitignore",
        "general/general_v1_2025-01-15.sql",
        "general/latest.sql",
        MANIFEST,
        SCHEMAS,
    }


def test_peoples_own_git_files_are_kept(root: Path, store: Store) -> None:
    root.mkdir(parents=True)
    (root / ".gitattributes").write_text("*.sql binary\n", "utf-8")
    save(store)
    assert (root / ".gitattributes").read_text("utf-8") == "*.sql binary\n"


def test_git_files_that_the_tool_wrote_once_are_renewed(root: Path, store: Store) -> None:
    root.mkdir(parents=True)
    (root / ".gitattributes").write_text(
        "# Documents stay byte for byte as exported, whatever core.autocrlf says.\n"
        "*.sql -text\n*.sql.gz binary\n*.sql.zst binary\n*.json text eol=lf\n",
        "utf-8",
    )
    save(store)
    assert "*.yaml text eol=lf\n" in (root / ".gitattributes").read_text("utf-8")


def test_the_manifest_is_the_same_for_the_same_contents(root: Path, store: Store) -> None:
    for _ in range(11):
        save(store)
    save(store, "writer")
    written = (root / MANIFEST).read_bytes()
    schemas = (root / SCHEMAS).read_bytes()
    assert written.endswith(b"}\n")
    assert b"\r" not in written
    parsed = json.loads(written)["scenarios"]["general"]
    assert (parsed["highest"], parsed["latest"]) == (11, "v11_2025-01-15")
    assert list(parsed["versions"])[-2:] == ["v10_2025-01-15", "v11_2025-01-15"]
    assert parsed["versions"]["v1_2025-01-15"]["tables"] == [
        {"table": "vaults", "rows": 2, "breakdown": {"Größe": 2}}
    ]
    shutil.rmtree(root / "metadata")
    reconcile(store)
    assert (root / MANIFEST).read_bytes() == written
    assert (root / SCHEMAS).read_bytes() == schemas


def test_nothing_is_rewritten_where_nothing_changed(root: Path, store: Store) -> None:
    save(store)
    before = {path: (root / path).lstat().st_ino for path in files_in(root)}
    reconcile(store)
    assert {path: (root / path).lstat().st_ino for path in files_in(root)} == before


def test_schemas_are_listed_with_who_uses_them(root: Path, store: Store) -> None:
    other = Table("vaults", (Column("id", Kind.INTEGER, False),), ("id",))
    first, second = save(store), save(store, table=other)
    save(store, "writer", table=other)
    schemas = json.loads((root / SCHEMAS).read_bytes())["schemas"]
    assert schemas.keys() == {first.schema, second.schema}
    assert schemas[first.schema]["tables"] == ["vaults: id integer key, name text null"]
    assert schemas[second.schema] == {
        "tables": ["vaults: id integer key"],
        "sources": ["sqlite 3.40.1"],
        "migrations": ["0001"],
        "versions": {"general": ["v2_2025-01-15"], "writer": ["v1_2025-01-15"]},
    }
    lines = (root / first.path).read_text("utf-8").splitlines()
    assert f"-- Table {schemas[first.schema]['tables'][0]}" in lines


# --- Lost, damaged, merged -------------------------------------------------------------------


def test_a_lost_manifest_loses_nothing(root: Path, store: Store) -> None:
    entries = (save(store), save(store))[::-1]
    (root / MANIFEST).unlink()
    assert store.entries() == entries
    assert store.listing().notes == ("there is no export_manifest.json; the files were read",)
    assert not (root / MANIFEST).exists()
    assert save(store).version.number == 3
    assert store.entries()[1:] == entries
    assert store.listing().notes == ()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 2}', b"[" * 100_000, b'{"format": 1}'],
)
def test_a_damaged_manifest_is_rebuilt_and_kept_aside(
    root: Path, store: Store, damage: bytes
) -> None:
    entries = (save(store), save(store))[::-1]
    whole = (root / MANIFEST).read_bytes()
    (root / MANIFEST).write_bytes(damage)
    assert store.entries() == entries
    assert "damaged" in store.listing().notes[0]
    reconcile(store)
    assert (root / MANIFEST).read_bytes() == whole
    assert (root / f"{MANIFEST}.damaged-1").read_bytes() == damage
    assert store.listing().notes == ()
    (root / MANIFEST).write_bytes(damage)
    reconcile(store)
    assert (root / f"{MANIFEST}.damaged-2").read_bytes() == damage


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "-C", root, *arguments], capture_output=True, check=False)


def test_two_branches_that_both_exported_are_merged(root: Path, store: Store) -> None:
    save(store)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-m", "one")
    git(root, "checkout", "-q", "-b", "other")
    save(store, day=date(2025, 1, 21))
    git(root, "add", "-A")
    git(root, "commit", "-m", "two, there")
    git(root, "checkout", "-q", "main")
    save(store, day=date(2025, 1, 20))
    save(store, day=date(2025, 1, 20))
    git(root, "add", "-A")
    git(root, "commit", "-m", "two and three, here")
    store.remove([store.find("general", "v2")])
    git(root, "commit", "-a", "-m", "two removed, here")
    git(root, "merge", "other")
    assert b"<<<<<<<" in (root / MANIFEST).read_bytes()

    listing = store.listing()
    assert "merge-conflict markers" in listing.notes[0]
    assert names(store) == [
        "general/general_v3_2025-01-20.sql",
        "general/general_v2_2025-01-21.sql",
        "general/general_v1_2025-01-15.sql",
    ]
    assert save(store).version.number == 4
    assert store.listing().notes == ()
    assert (root / "general" / "latest.sql").resolve() == store.source(store.entries()[0]).path


def test_conflicting_sides_keep_the_higher_number(root: Path, store: Store) -> None:
    save(store)
    (root / MANIFEST).write_text(
        '{"format": 1, "scenarios": {"general": {\n<<<<<<< HEAD\n"highest": 7,\n'
        '||||||| base\n"highest": 99,\n=======\n"highest": 5,\n>>>>>>> other\n"versions": {}}}}\n',
        "utf-8",
    )
    assert store.next_number("general") == 8


def test_what_conflicting_sides_say_differently_is_read_from_the_file(
    root: Path, store: Store
) -> None:
    entry = save(store)
    text = (root / MANIFEST).read_text("utf-8")
    line = next(line for line in text.splitlines() if '"sha256"' in line)
    other = line.replace(entry.sha256, "0" * 64)
    conflict = f"<<<<<<< HEAD\n{line}\n=======\n{other}\n>>>>>>> other"
    (root / MANIFEST).write_text(text.replace(line, conflict), "utf-8")
    assert store.entries() == (entry,)


def test_two_snapshots_of_one_number_are_both_kept(root: Path, store: Store) -> None:
    save(store)
    later = root / "general" / "general_v1_2025-01-16.sql"
    later.write_bytes(document("general", Version(1, date(2025, 1, 16))))
    notes = store.listing().notes
    assert any("2 versions 1: v1_2025-01-15, v1_2025-01-16" in note for note in notes)
    latest = store.latest("general")
    assert latest is not None
    assert str(latest.version) == "v1_2025-01-16"
    with pytest.raises(ExportNotFoundError, match="2 versions v1") as error:
        store.find("general", "v1")
    assert error.value.available == ("v1_2025-01-16", "v1_2025-01-15")
    assert store.find("general", "v1_2025-01-15").path == "general/general_v1_2025-01-15.sql"
    reconcile(store)
    assert (root / "general" / "latest.sql").readlink() == Path(later.name)


def test_files_and_manifest_that_disagree_are_settled_by_the_files(
    root: Path, store: Store
) -> None:
    first, second, third = save(store), save(store), save(store)
    (root / second.path).unlink()
    (root / first.path).write_bytes(document("general", first.version, rows=9))
    (root / "general" / "general_v9_2025-02-01.sql").write_bytes(
        document("general", Version(9, date(2025, 2, 1)))
    )
    entries = store.entries()
    assert [entry.version.number for entry in entries] == [9, 3, 1]
    assert entries[1] == third
    assert entries[2].statistics.total == 9
    notes = "\n".join(store.listing().notes)
    assert f"'{second.path}' is in export_manifest.json but not in the store" in notes
    assert f"'{first.path}' has " in notes
    assert "'general/general_v9_2025-02-01.sql' was not in export_manifest.json" in notes
    assert save(store).version.number == 10
    assert store.listing().notes == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("general_v7_2025-01-15.sql", b"-- not a snapshot\n"),
        ("general_v7_2025-01-15.sql", document("general", Version(7, DAY))[:-30]),
        ("general_v7_2025-01-15.sql", document("writer", Version(7, DAY))),
        ("general_v7_2025-01-15.sql", document("general", Version(8, DAY))),
        ("general_v7_2025-01-15.sql.gz", b""),
        ("general_v7_2025-02-30.sql", document("general", Version(7, DAY))),
        ("notes.txt", b"ours"),
        ("writer_v7_2025-01-15.sql", document("writer", Version(7, DAY))),
        ("General_v7_2025-01-15.sql", b""),
        ("general_v7_\x1b[31m.sql", b""),
    ],
)
def test_what_is_not_a_snapshot_of_the_scenario_is_left_alone(
    root: Path, store: Store, name: str, content: bytes
) -> None:
    entry = save(store)
    (root / "general" / name).write_bytes(content)
    listing = store.listing()
    assert store.entries() == (entry,)
    assert len(listing.notes) == 1
    assert listing.notes[0].endswith("left alone")
    assert listing.notes[0].isprintable()
    # Its number is not given to another, if it has one.
    assert store.next_number("general") == (8 if name.startswith("general_v7_") else 2)
    reconcile(store)
    assert (root / "general" / name).read_bytes() == content


def test_a_damaged_latest_is_not_passed_over(root: Path, store: Store) -> None:
    first, second = save(store), save(store)
    whole = (root / second.path).read_bytes()
    (root / second.path).write_bytes(whole[:-30])
    assert store.entries() == (first,)
    for ask in (
        lambda: store.latest("general"),
        lambda: store.find("general", "v2"),
        lambda: get_latest_export_path(store, "general"),
    ):
        with pytest.raises(StoreError, match=r"general_v2_2025-01-15\.sql.*cut short") as error:
            ask()
        assert error.value.hint
    assert store.find("general", "v1") == first
    (root / first.path).unlink()
    with pytest.raises(StoreError, match="cut short"):
        list_exports(store, "general")
    reconcile(store)
    assert store.next_number("general") == 3
    (root / second.path).write_bytes(whole)
    assert store.latest("general") == second


def test_numbers_survive_a_clean_up_and_a_lost_manifest(root: Path, store: Store) -> None:
    entries = [save(store) for _ in range(3)]
    store.remove(entries[:2])
    assert store.next_number("general") == 4
    (root / MANIFEST).unlink()
    assert store.next_number("general") == 4


def test_numbers_survive_the_loss_of_the_files(root: Path, store: Store) -> None:
    for _ in range(3):
        save(store)
    shutil.rmtree(root / "general")
    assert store.entries() == ()
    reconcile(store)
    assert store.next_number("general") == 4
    assert save(store).version.number == 4


def test_numbers_are_told_by_entries_whose_files_are_gone(root: Path, store: Store) -> None:
    entries = [save(store) for _ in range(3)]
    text = (root / MANIFEST).read_text("utf-8")
    (root / MANIFEST).write_text(text.replace('"highest": 3', '"highest": null'), "utf-8")
    (root / entries[2].path).unlink()
    assert store.next_number("general") == 4


def test_numbers_end(root: Path, store: Store) -> None:
    save(store)
    text = (root / MANIFEST).read_text("utf-8")
    (root / MANIFEST).write_text(text.replace('"highest": 1', '"highest": 999999999'), "utf-8")
    with pytest.raises(StoreError, match="used up"):
        save(store)


# --- latest.sql ------------------------------------------------------------------------------


def test_latest_is_put_right_but_never_read(root: Path, store: Store) -> None:
    first, second = save(store), save(store)
    latest = root / "general" / "latest.sql"
    for wrong in (Path(first.path).name, "/etc/hostname", "../../outside.sql"):
        latest.unlink()
        latest.symlink_to(wrong)
        assert store.latest("general") == second
        reconcile(store)
        assert latest.readlink() == Path(Path(second.path).name)
    latest.unlink()
    reconcile(store)
    assert latest.is_symlink()


def test_file_times_say_nothing(root: Path, store: Store) -> None:
    first, second = save(store), save(store)
    os.utime(root / first.path, (2e9, 2e9))
    assert store.latest("general") == second


def test_a_checkout_without_symlinks_keeps_its_stand_in(root: Path, store: Store) -> None:
    save(store)
    latest = root / "general" / "latest.sql"
    latest.unlink()
    latest.write_bytes(b"general_v1_2025-01-15.sql")
    reconcile(store)
    assert latest.read_bytes() == b"general_v1_2025-01-15.sql"
    save(store)
    assert not latest.is_symlink()
    assert latest.read_bytes() == b"general_v2_2025-01-15.sql"


def test_a_link_left_dangling_is_removed_and_a_copy_kept(root: Path, store: Store) -> None:
    entry = save(store)
    latest = root / "general" / "latest.sql"
    (root / entry.path).unlink()
    reconcile(store)
    assert not os.path.lexists(latest)
    latest.write_bytes(b"the only copy")
    reconcile(store)
    assert latest.read_bytes() == b"the only copy"


# --- Hostile contents ------------------------------------------------------------------------


def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "general_v1_2025-01-15.sql").write_bytes(document("general", Version(1, DAY)))
    return directory


def test_a_linked_scenario_directory_is_not_followed(
    tmp_path: Path, root: Path, store: Store
) -> None:
    target = outside(tmp_path)
    save(store, "writer")
    entry = save(store)
    shutil.rmtree(root / "general")
    (root / "general").symlink_to(target)
    for use in (store.source, lambda entry: store.remove([entry])):
        with pytest.raises(StoreError, match="a link"):
            use(entry)
    assert store.scenarios() == ("writer",)
    assert any("'general' is not" in note for note in store.listing().notes)
    assert any("'general' is a link" in note for note in store.listing("general").notes)
    reconcile(store)
    with pytest.raises(StoreError, match="a link"):
        save(store)
    assert [path.name for path in target.iterdir()] == ["general_v1_2025-01-15.sql"]


def test_a_linked_snapshot_is_not_followed(tmp_path: Path, root: Path, store: Store) -> None:
    entry = save(store)
    target = outside(tmp_path) / "general_v1_2025-01-15.sql"
    (root / entry.path).unlink()
    (root / entry.path).symlink_to(target)
    assert store.entries() == ()
    with pytest.raises(StoreError):
        store.source(entry)
    source = DirectoryBackend(root).source(entry.path)
    with pytest.raises(OSError, match="symbolic link"):
        source.open()
    before = target.read_bytes()
    assert save(store).version.number == 2
    store.remove([entry])
    assert target.read_bytes() == before


@pytest.mark.parametrize("linked", ["metadata", MANIFEST, SCHEMAS])
def test_linked_metadata_is_not_followed(
    tmp_path: Path, root: Path, store: Store, linked: str
) -> None:
    entry = save(store)
    target = tmp_path / "elsewhere"
    (root / linked).rename(target)
    before = {path: path.read_bytes() for path in (target, *target.glob("*")) if path.is_file()}
    (root / linked).symlink_to(target)
    assert store.entries() == (entry,)
    if linked == "metadata":
        with pytest.raises(StoreError, match="a link"):
            save(store)
    else:
        save(store)
        assert not (root / linked).is_symlink()
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../outside/general_v1_2025-01-15.sql"},
        {"path": "/etc/passwd"},
        {"path": "general/general_v2_2025-01-15.sql"},
        {"path": 7},
        {"size": -1},
        {"size": True},
        {"sha256": "x"},
        {"digest": None},
        {"generated": "2025-01-15T10:30:00"},
        {"generated": "soon"},
        {"source": "\x1b]0;owned\x07"},
        {"tables": [{"table": "vaults", "rows": "2"}]},
        {"tables": [{"table": "vaults", "rows": 2, "breakdown": []}]},
        {"tables": {"vaults": 2}},
        {"migration": []},
    ],
)
def test_an_entry_that_is_not_ours_is_read_from_its_file(
    root: Path, store: Store, change: dict[str, object]
) -> None:
    entry = save(store)
    whole = (root / MANIFEST).read_bytes()
    manifest = json.loads(whole)
    manifest["scenarios"]["general"]["versions"]["v1_2025-01-15"].update(change)
    (root / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert store.entries() == (entry,)
    assert "an entry of general is not one of ours" in store.listing().notes[0]
    reconcile(store)
    assert (root / MANIFEST).read_bytes() == whole


@pytest.mark.parametrize("name", ["../outside", "metadata", "", "/etc", "a\nb"])
def test_hostile_names_in_the_manifest_are_dropped(
    tmp_path: Path, root: Path, store: Store, name: str
) -> None:
    entry = save(store)
    target = outside(tmp_path)
    manifest = json.loads((root / MANIFEST).read_bytes())
    manifest["scenarios"][name] = manifest["scenarios"]["general"]
    manifest["scenarios"]["general"] = {"highest": "9", "versions": {"v1": None, "../v2": {}}}
    (root / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert store.entries() == (entry,)
    reconcile(store)
    assert json.loads((root / MANIFEST).read_bytes())["scenarios"].keys() == {"general"}
    assert len(list(target.iterdir())) == 1


def test_odd_things_in_the_root_are_left_alone(root: Path, store: Store) -> None:
    entry = save(store)
    (root / "README.md").write_text("ours", "utf-8")
    (root / "My Scenario").mkdir()
    (root / "general" / "general_v2_2025-01-15.sql").mkdir()
    os.mkfifo(root / "general" / "general_v3_2025-01-15.sql")
    assert store.entries() == (entry,)
    assert len(store.listing().notes) == 3
    assert save(store).version.number == 4


# --- Places ----------------------------------------------------------------------------------


def test_an_export_that_wrote_nothing_leaves_nothing(root: Path, store: Store) -> None:
    with store.lock(), store.draft("general", Version(1, DAY)):
        pass
    assert not root.parent.exists()
    root.mkdir(parents=True)
    (root / "mine").touch()
    reconcile(store)
    assert (root / "mine").exists()


def test_a_link_to_the_store_itself_is_followed(tmp_path: Path, root: Path) -> None:
    root.mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    save(directory_store(tmp_path / "link"))
    assert directory_store(root).scenarios() == ("general",)


def test_a_file_where_the_store_should_be_is_an_error(root: Path, store: Store) -> None:
    root.parent.mkdir()
    root.write_bytes(b"")
    with pytest.raises(StoreError, match="demo-snapshots"):
        store.listing()
    with pytest.raises(StoreError, match="demo-snapshots"):
        save(store)
    assert root.read_bytes() == b""


def test_a_url_is_not_taken_for_a_directory() -> None:
    with pytest.raises(UsageError, match="s3://") as error:
        open_store("s3://key:secret@bucket/demo", describe)
    assert "secret" not in str(error.value)
    assert open_store("somewhere", describe).scenarios() == ()


def test_the_umask_is_respected(root: Path, store: Store) -> None:
    before = os.umask(0o027)
    try:
        save(store)
    finally:
        os.umask(before)
    modes = {
        path: stat.S_IMODE((root / path).lstat().st_mode)
        for path in files_in(root) - {"general/latest.sql"}
    }
    assert set(modes.values()) == {0o640}, modes
    assert stat.S_IMODE((root / "general").stat().st_mode) == 0o750
