"""Uploaded files that demo rows name travel beside the snapshot, and come back with its rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Live

from demo_snapshots.errors import (
    ConfigError,
    DemoError,
    DocumentError,
    ExportError,
    ImportFailedError,
    MergeConflictError,
    NotConfirmedError,
    RealRowsError,
    StoreError,
    UsageError,
)
from demo_snapshots.model.changes import FilesDifference
from demo_snapshots.model.files import RestoredFiles, SavedFiles
from demo_snapshots.model.snapshots import DocumentForm
from demo_snapshots.opening import open_project
from demo_snapshots.project import Project

JSON = {"sqlite": "TEXT", "postgresql": "jsonb", "mariadb": "JSON"}
CONFIGURATION = """
[tables.media]
marker = "is_demo"

[files]
"media.path" = "storage/app"
"media.meta.images[*].file" = "storage/app/"
"""
META = '{"images": [{"file": "b/Größe.txt"}, {"file": "a/x.jpg"}, {"none": 1}]}'
X, Y = b"jpg" * 100_000, b"text"
FOUND = {"a/x.jpg": X, "b/Größe.txt": Y, "copy of.jpg": X, "real.txt": b"real"}


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(
        "CREATE TABLE media (id INTEGER PRIMARY KEY, path VARCHAR(200), meta"
        f" {JSON[live.engine]}, is_demo BOOLEAN)"
    )
    live.insert(
        "media",
        (1, "a/x.jpg", META, True),
        (2, "copy of.jpg", None, True),
        (3, "", "{}", True),
        (9, "real.txt", None, False),
    )
    return live


def project_of(live: Live, directory: Path, configuration: str = CONFIGURATION) -> Project:
    (directory / "demo.toml").write_text(configuration, encoding="utf-8")
    moments = iter(NOW + timedelta(seconds=n) for n in range(1000))
    return open_project(
        directory,
        database=live.url,
        snapshots=directory / "saved",
        environment={},
        clock=lambda: next(moments),
    )


def put(root: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = root / "storage/app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def there(root: Path) -> dict[str, bytes]:
    """Every file in the directory, temporary ones too."""
    directory = root / "storage/app"
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def blobs(project: Project) -> int:
    return len(project.store.blobs.sizes())


@engines("sqlite", "postgresql", "mariadb")
def test_files_go_along_and_come_back(live: Live, tmp_path: Path) -> None:
    put(tmp_path, **FOUND)
    project = project_of(live, tmp_path)
    size = 2 * len(X) + len(Y)
    first = project.export("general")
    assert first.files == SavedFiles(3, size, added=2)
    assert blobs(project) == 3, "two contents, and the list"
    assert not project.export("general").written
    assert project.verify().valid

    put(tmp_path, **{"b/Größe.txt": b"edited"})
    second = project.export("general")
    assert (second.written, second.digest) == (True, first.digest)
    assert second.files == SavedFiles(3, size + 2, added=1)

    rows = live.dump()
    (tmp_path / "storage/app/a/x.jpg").unlink()
    put(tmp_path, **{"b/Größe.txt": b"by a visitor"})
    live.run("UPDATE media SET path = 'none' WHERE id = 2")
    result = project.import_("general", version="v1")
    assert result.files == RestoredFiles(written=1, replaced=1, unchanged=1)
    assert (live.dump(), there(tmp_path)) == (rows, FOUND)

    undone = project.undo()
    assert undone.files == RestoredFiles(replaced=1)
    assert there(tmp_path) == {**FOUND, "b/Größe.txt": b"by a visitor"}
    assert live.value("SELECT path FROM media WHERE id = 2") == "none"
    project.undo(undone.undo)
    assert (live.dump(), there(tmp_path)) == (rows, FOUND)

    # The rows are the snapshot's; a real one names a file that has another content now.
    put(tmp_path, **{"a/x.jpg": b"of a customer"})
    live.run("""UPDATE media SET meta = '{"images": [{"file": "A/x.jpg"}]}' WHERE id = 9""")
    before = live.dump(), there(tmp_path)
    with pytest.raises(
        RealRowsError, match=r"^media.meta.images\[\*\].file: rows .*: 1, .* key 9$"
    ):
        project.import_("general")
    assert (live.dump(), there(tmp_path)) == before


REFUSED = {
    "../secret.txt": "has an empty part, . or ..",
    "a/./x.jpg": "has an empty part, . or ..",
    "/etc/passwd": "is absolute",
    "a\\x.jpg": "holds one of",
    "C:x.jpg": "holds one of",
    "a/aux.txt": "is a device on Windows",
    "a/x.": "ends in a dot or a space",
    "x" * 300: "is too long",
    "link/passwd": "a link leads out of the directory",
    "out.txt": "a link leads out of the directory",
    "a": "not a regular file",
    "A/X.jpg": "in case alone",
    "gone.jpg": "1 files that demo rows name are not there",
}


@engines("sqlite")
def test_a_name_that_leads_elsewhere_stops_an_export(live: Live, tmp_path: Path) -> None:
    put(tmp_path, **FOUND)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "storage/app/link").symlink_to("/etc")
    (tmp_path / "storage/app/out.txt").symlink_to(tmp_path / "secret.txt")
    project = project_of(live, tmp_path)
    for name, reason in REFUSED.items():
        live.run(f"UPDATE media SET path = '{name}' WHERE id = 2")
        with pytest.raises(ExportError) as failure:
            project.export("general")
        error = failure.value
        told = [error.message, *error.problems]
        assert reason in error.message
        assert "the row with key" in told[-1]
        assert not any(name in line for line in told if name not in ("a", "A/X.jpg"))
        assert not blobs(project)
        assert not project.store.entries()
    # Inside of the directory links are what they are.
    (tmp_path / "storage/app/in").symlink_to("a")
    live.run("UPDATE media SET path = 'in/x.jpg' WHERE id = 2")
    assert project.export("general").files == SavedFiles(3, 2 * len(X) + len(Y), added=2)


@engines("sqlite")
def test_what_is_configured(live: Live, tmp_path: Path) -> None:
    put(tmp_path, **{"a/x.jpg": X})
    warn = project_of(live, tmp_path, CONFIGURATION + 'missing = "warn"\n')
    saved = warn.export("general").files
    assert saved is not None
    assert (saved.count, saved.missing) == (1, 2)
    assert saved.problems[0].startswith("media.meta.images[*].file: the file that the row with key")
    for place, told in (
        ("media.nothing", "media has no column 'nothing'"),
        ("nothing.path", "'nothing.path' is in no table whose rows are exported"),
        ("media.meta[", "neither a column nor a path"),
        ("path", "expected table.column, or missing"),
    ):
        with pytest.raises(ConfigError, match=told.replace("[", r"\[")):
            project_of(live, tmp_path, CONFIGURATION + f'"{place}" = "up"\n').export("general")
    with pytest.raises(ConfigError, match="lies in the other"):
        project_of(live, tmp_path, CONFIGURATION + '"media.id" = "storage"\n')
    # Who does not configure the directory gets the rows alone.
    plain = project_of(live, tmp_path, CONFIGURATION.partition("[files]")[0])
    assert plain.import_("general").files == RestoredFiles(left=1)


@engines("sqlite")
def test_nothing_is_replaced_that_would_be_lost(live: Live, tmp_path: Path) -> None:
    put(tmp_path, **FOUND)
    project = project_of(live, tmp_path)
    project.export("general")
    put(tmp_path, **{"a/x.jpg": b"other"})
    before = there(tmp_path)
    for looked in (
        project.import_("general", dry_run=True),
        project.import_("general", only=["media"]),
    ):
        assert (looked.files, there(tmp_path)) == (None, before)
    with pytest.raises(UsageError, match="would not be kept"):
        project.import_("general", undo=None)
    with pytest.raises(NotConfirmedError):
        project.import_("general", confirm=lambda plan: plan.files != 1)
    assert there(tmp_path) == before
    # One that cannot be put in its place: those before it are taken away again.
    (tmp_path / "storage/app/a/x.jpg").unlink()
    (tmp_path / "storage/app/b/Größe.txt").unlink()
    (tmp_path / "storage/app/b").rmdir()
    put(tmp_path, b=b"a file")
    live.run("UPDATE media SET path = 'none' WHERE id = 1")
    before, rows = there(tmp_path), live.dump()
    with pytest.raises(ImportFailedError, match="cannot be written"):
        project.import_("general")
    assert (there(tmp_path), live.dump()) == (before, rows)
    assert not project.list_undo() or project.list_undo()[0].problem is None


@engines("sqlite")
def test_damaged_and_hostile_files(live: Live, tmp_path: Path) -> None:
    put(tmp_path, **FOUND)
    project = project_of(live, tmp_path)
    project.export("general")
    (tmp_path / "storage/app/a/x.jpg").unlink()
    before = there(tmp_path), live.dump()
    entry = project.store.entries()[0]
    assert entry.files is not None
    folder = tmp_path / "saved/_files"
    names = folder / entry.files.sha256
    list_text = names.read_bytes()
    content = next(path for path in folder.iterdir() if path.stat().st_size == len(X))

    def refused(told: str, kind: type[DemoError], verified: str) -> None:
        with pytest.raises(kind, match=told):
            project.import_("general")
        assert (there(tmp_path), live.dump()) == before
        problems = project.verify().versions[0].problems
        assert len(problems) == 1
        assert verified in problems[0]

    content.write_bytes(b"x" * len(X))
    refused("was altered", StoreError, "1 of which are not what was saved")
    content.write_bytes(b"")
    refused("is not there", StoreError, "1 of which are not what was saved")
    content.unlink()
    refused("is not there", StoreError, "1 of which are not in the store")
    content.write_bytes(X)
    names.write_bytes(list_text.replace(b"a/x.jpg", b"../../x"))
    refused("a name has an empty part", DocumentError, "a name has an empty part")
    names.write_bytes(list_text.replace(b"a/x.jpg", b"a/y.jpg"))
    refused("it was altered", DocumentError, "it was altered")
    names.unlink()
    refused("is not there", StoreError, "is not there")
    names.write_bytes(list_text)
    assert project.verify().valid
    assert project.import_("general").files == RestoredFiles(written=1, unchanged=2)


@engines("sqlite")
def test_wherever_versions_go_their_files_go(live: Live, tmp_path: Path, bucket_url: str) -> None:
    put(tmp_path, **FOUND)
    project = project_of(live, tmp_path)
    project.export("general")
    put(tmp_path, **{"b/Größe.txt": b"edited"})
    live.run("INSERT INTO media VALUES (4, 'b/Größe.txt', NULL, TRUE)")
    project.export("general", delta=True)
    project.export("general", parts=2, auto_version=True)
    project.export("general", format=DocumentForm.JSON, auto_version=True)
    count = blobs(project)
    listed = [entry.files for entry in project.store.entries()]
    assert None not in listed
    assert len(set(listed)) == 2

    assert len(project.push(bucket=bucket_url).copied) == 4
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = project_of(live, elsewhere)
    other.pull(bucket=bucket_url)
    assert (blobs(other), other.verify().valid) == (count, True)
    other.import_("general", version="v1")
    assert there(elsewhere) == {name: FOUND[name] for name in FOUND if name != "real.txt"}
    for version in ("v2", "v3", "v4"):
        result = other.import_("general", version=version)
        assert result.files is not None
        assert (result.files.replaced, result.files.unchanged) == (
            (1, 2) if version == "v2" else (0, 3)
        )

    # From a file of another store come that store's files.
    other.store.blobs.remove(other.store.blobs.sizes())
    (elsewhere / "storage/app/a/x.jpg").unlink()
    file = project.store.source(project.store.find("general", "v4")).on_disk()
    result = other.import_("general", file=file)
    assert result.files == RestoredFiles(written=1, unchanged=2)

    put(tmp_path, **{"b/Größe.txt": b"once more"})
    backup = project.backup(tmp_path / "all.tar.zst", with_database=True)
    assert (len(backup.entries), backup.left, blobs(project)) == (5, (), count)
    third = tmp_path / "third"
    third.mkdir()
    restored = project_of(live, third)
    restored.restore(tmp_path / "all.tar.zst")
    assert (blobs(restored), restored.verify().valid) == (count + 2, True)

    assert project.cleanup_exports(keep=1, dry_run=True).files == 2
    cleaned = project.cleanup_exports(keep=1)
    assert (cleaned.files, blobs(project), project.verify().valid) == (2, count - 2, True)
    (tmp_path / "saved/_files" / ("0" * 64)).write_bytes(b"of an export that died")
    assert project.cleanup_exports(keep=1).files == 1


@engines("sqlite")
def test_what_differs_and_what_a_merge_makes_of_it(live: Live, tmp_path: Path) -> None:
    put(tmp_path, **FOUND)
    project = project_of(live, tmp_path)
    project.export("general")
    put(tmp_path, **{"b/Größe.txt": b"ours"})
    project.export("general")
    found = project.compare("general", "v1", "v2")
    assert found.files == FilesDifference(changed=1)
    assert found.differs
    assert found.notes == ("uploaded files: 1 changed",)

    assert project.validate("general").valid
    put(tmp_path, **{"b/Größe.txt": Y, "new.jpg": b"new"})
    (tmp_path / "storage/app/a/x.jpg").unlink()
    assert project.validate("general").problems == (
        "uploaded files in storage/app: 1 missing, 1 changed",
    )
    # Theirs: another file, and one that is new.
    put(tmp_path, **{"a/x.jpg": b"theirs"})
    live.run("INSERT INTO media VALUES (5, 'new.jpg', NULL, TRUE)")
    project.export("general")
    assert project.compare("general", "v1", "v3").files == FilesDifference(added=1, changed=1)
    merged = project.merge("general", "v2", "v3", base="v1")
    assert merged.written
    project.import_("general")
    assert there(tmp_path) == {
        "a/x.jpg": b"theirs",
        "b/Größe.txt": b"ours",
        "copy of.jpg": X,
        "new.jpg": b"new",
        "real.txt": b"real",
    }
    assert project.verify().valid
    put(tmp_path, **{"b/Größe.txt": b"theirs too"})
    project.export("general")
    with pytest.raises(MergeConflictError) as failure:
        project.merge("general", "v2", "v5", base="v1")
    assert failure.value.problems == ("storage/app: 1 files",)
