"""An import fails or dies at any file operation while it puts uploaded files back: whoever sees its
rows finds their files, and the next import ends it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from database_engines import engines
from faults.test_store_faults import die, disk_full, fault
from integration.live import Live
from integration.test_files import project_of, put, there

from demo_snapshots.errors import DemoError
from demo_snapshots.project import Project

STEP = 5
"""Every so many operations one is made to fail."""
OLD = {"kept.txt": b"old", "real.txt": b"real"}
NEW = {"kept.txt": b"new", "a/b.txt": b"b", "c.txt": b"c", "real.txt": b"real"}


@pytest.fixture
def project(database_url: str, tmp_path: Path) -> Project:
    """v1 has other rows and files than there are."""
    live = Live(database_url)
    live.run("CREATE TABLE media (id INTEGER PRIMARY KEY, path TEXT, meta TEXT, is_demo BOOLEAN)")
    names = ("kept.txt", "a/b.txt", "c.txt")
    live.insert("media", *((n, name, None, True) for n, name in enumerate(names)))
    live.insert("media", (9, "real.txt", None, False))
    put(tmp_path, **NEW)
    project = project_of(live, tmp_path)
    project.export("general")
    return project


def steps(project: Project, root: Path, live: Live) -> Iterator[int]:
    """The numbers of an import's file operations; before each all is as it was."""
    at, last = 0, 1
    while at <= last:
        live.run("DELETE FROM media WHERE id IN (1, 2)")
        for name in there(root):
            (root / "storage/app" / name).unlink()
        with suppress(FileNotFoundError):
            (root / "storage/app/a").rmdir()
        put(root, **OLD)
        if at == 0:
            with fault(0, die) as seen:
                project.import_("general")
            assert there(root) == NEW
            last = len(seen)
            assert last > 20
        else:
            yield at
        at += 1 if at == 0 else STEP


def check(live: Live, root: Path, at: int) -> None:
    rows, files = live.value("SELECT count(*) FROM media WHERE is_demo"), there(root)
    assert rows in (1, 3), at
    assert files["real.txt"] == b"real"
    assert files["kept.txt"] in ((b"old",) if rows == 1 else (b"old", b"new")), at
    if rows == 3:
        assert {name: files[name] for name in ("a/b.txt", "c.txt")} == {
            name: NEW[name] for name in ("a/b.txt", "c.txt")
        }, at


@engines("sqlite")
def test_an_import_that_dies(project: Project, database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    for at in steps(project, tmp_path, live):
        child = os.fork()
        if child == 0:
            with fault(at, die):
                project.import_("general")
            os._exit(0)
        os.waitpid(child, 0)
        check(live, tmp_path, at)
        project.import_("general")
        assert {name: there(tmp_path)[name] for name in NEW} == NEW


@engines("sqlite")
def test_an_import_that_finds_the_disk_full(
    project: Project, database_url: str, tmp_path: Path
) -> None:
    live = Live(database_url)
    for at in steps(project, tmp_path, live):
        failed = False
        with fault(at, disk_full):
            try:
                project.import_("general")
            except DemoError:
                failed = True
        check(live, tmp_path, at)
        rows = live.value("SELECT count(*) FROM media WHERE is_demo")
        if failed and rows == 1:
            assert there(tmp_path) == OLD, at
