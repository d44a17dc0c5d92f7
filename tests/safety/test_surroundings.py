"""Disks that are full, files that may not be written, checkouts that convert: a clear error, and
nothing half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from integration.live import Demo, Live
from safety.mixed_database import MixedDatabase, snapshots

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import DatabaseError, DocumentError, StoreError
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.store import open_store

is_root = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    place = tmp_path / "small"
    place.mkdir()
    if not is_root or sys.platform != "linux":
        pytest.skip("only root mounts a file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path, room: int) -> Path:
    """Leave ``room`` bytes free."""
    space = shutil.disk_usage(place).free
    filler = place / "filler"
    filler.write_bytes(b"x" * max(0, space - room))
    return filler


def test_an_export_to_a_full_disk_leaves_no_version(
    small_disk: Path, sqlite_url: str, tmp_path: Path
) -> None:
    mixed = MixedDatabase.built(sqlite_url)
    saved = snapshots(mixed, tmp_path / "saved")
    root = small_disk / "snapshots"
    shutil.copytree(saved.demo.directory, root, symlinks=True)
    demo = type(saved.demo)(root, saved.demo.configuration)
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".lock"}
    filler = fill(small_disk, 0)
    with pytest.raises(StoreError, match="No space left") as caught:
        demo.export(mixed.live, auto_version=True)
    assert "make room" in (caught.value.hint or "")
    filler.unlink()
    after = {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".lock"}
    assert after == before
    assert demo.export(mixed.live, auto_version=True).version.number == 3


def test_an_import_into_a_database_on_a_full_disk_changes_nothing(
    small_disk: Path, sqlite_url: str, tmp_path: Path
) -> None:
    mixed = MixedDatabase.built(sqlite_url)
    saved = snapshots(mixed, tmp_path / "saved")
    mixed.clear()
    mixed.furnish(rows=300)
    big = saved.demo.export(mixed.live).path
    mixed.clear()
    mixed.furnish()
    moved = small_disk / "app.sqlite"
    shutil.copy(sqlite_url.removeprefix("sqlite:///"), moved)
    there = MixedDatabase(type(mixed.live)(f"sqlite:///{moved}"))
    there.live.run("VACUUM")
    before = there.image()
    filler = fill(small_disk, 40_000)
    with pytest.raises(DatabaseError, match="full"):
        saved.demo.load(there.live, big)
    filler.unlink()
    assert there.image() == before
    saved.demo.load(there.live, saved.new)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user may enter, as pytest's own are not."""
    place = Path(tempfile.mkdtemp(prefix="demo-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def as_nobody(job: Callable[[], object]) -> str:
    """Run ``job`` without root's right to write anywhere; what its error says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if is_root:
                os.setgid(65534)
                os.setuid(65534)
            try:
                job()
                said = "done"
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            os.write(writing, said.encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        return stream.read().decode()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to lay down root's rights")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_without_permission_nothing_is_half_done(open_place: Path) -> None:
    url = f"sqlite:///{open_place / 'app.sqlite'}"
    mixed = MixedDatabase.built(url)
    saved = snapshots(mixed, open_place / "saved")
    # What Python imports late, nobody may not be allowed to read.
    saved.demo.load(mixed.live, saved.old)
    before = mixed.image()
    files = {str(path) for path in open_place.rglob("*")}
    for path in (open_place, *open_place.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        imported = as_nobody(lambda: saved.demo.load(mixed.live, saved.new))
        exported = as_nobody(lambda: saved.demo.export(mixed.live, auto_version=True))
    finally:
        for path in (open_place, *open_place.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
    assert imported.startswith("DatabaseError: ")
    assert "readonly" in imported
    assert exported.startswith("StoreError: ")
    assert "Permission denied" in exported
    assert str(saved.demo.directory) in exported
    assert mixed.image() == before
    assert {str(path) for path in open_place.rglob("*")} == files


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to lay down root's rights")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_file_that_may_not_be_read_is_told(open_place: Path) -> None:
    demo = Demo(open_place / "snapshots")
    live = Live(f"sqlite:///{open_place / 'app.sqlite'}")
    path = open_place / "demo.yaml"
    path.write_text("demo_rows: 1\n", "utf-8")
    jobs = (lambda: demo.load(live, path), lambda: restore_store(demo.store, path))
    for job in jobs:
        with pytest.raises(DocumentError):
            job()  # what Python imports late, nobody may not be allowed to read
    path.chmod(0)
    for job in jobs:
        assert as_nobody(job) == f"ExportNotFoundError: {path}: cannot be read: Permission denied"
    assert [*open_place.iterdir()] == [path]


# --- Checkouts -------------------------------------------------------------------------------


def git(place: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=m"]
    subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
@pytest.mark.parametrize("attributes", [True, False], ids=["as kept", "without .gitattributes"])
def test_a_checkout_that_converts(tmp_path: Path, sqlite_url: str, attributes: bool) -> None:
    mixed = MixedDatabase.built(sqlite_url)
    saved = snapshots(mixed, tmp_path)
    mixed.live.run("UPDATE notes SET body = 'a\nb' WHERE id = 1")
    latest = saved.demo.export(mixed.live)
    if not attributes:
        (saved.demo.directory / ".gitattributes").unlink()
    git(tmp_path, "init", "--quiet", ".")
    git(tmp_path, "add", "snapshots")
    git(tmp_path, "commit", "--quiet", "-m", "snapshots")
    options = ["-c", "core.autocrlf=true", "-c", "core.symlinks=false"]
    git(tmp_path, *options, "clone", "--quiet", *options, str(tmp_path), str(tmp_path / "clone"))
    root = tmp_path / "clone" / "snapshots"
    store = open_store(root, describe)
    link = root / "general" / "latest.sql"
    assert not link.is_symlink()
    path = root / latest.path.relative_to(saved.demo.directory)
    assert (path.read_bytes() == latest.path.read_bytes()) == attributes
    if attributes:
        entry = store.latest("general")
        assert entry is not None
        assert entry.version == latest.version
        saved.demo.load(mixed.live, store.source(entry).on_disk())
    else:
        with pytest.raises(DocumentError, match="line ends"):
            saved.demo.load(mixed.live, path)
        assert any("line ends" in note for note in map(str, store.listing().notes))
