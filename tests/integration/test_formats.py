"""A store with versions of format 1, and what comes after them."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from integration.live import NOW, Live
from unit.documents.documents import in_format_1

from demo_snapshots.documents.opening import describe
from demo_snapshots.model.results import ExportResult
from demo_snapshots.opening import open_project
from demo_snapshots.project import Project


@pytest.fixture
def live(sqlite_url: str) -> Live:
    live = Live(sqlite_url)
    live.run("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, is_demo BOOLEAN)")
    rows = ", ".join(f"({number}, 'note {number}', 1)" for number in range(1, 1201))
    live.run(f"INSERT INTO notes VALUES {rows}")
    return live


@pytest.fixture
def project(live: Live, tmp_path: Path) -> Project:
    (tmp_path / "demo.toml").write_text('[tables.notes]\nmarker = "is_demo"\n', "utf-8")
    moments = iter(NOW + timedelta(minutes=number) for number in range(100))
    return open_project(
        tmp_path,
        database=live.url,
        snapshots=tmp_path / "saved",
        environment={},
        clock=lambda: next(moments),
    )


def made_old(path: Path) -> None:
    old = in_format_1(path.read_bytes())
    assert old.count(b"\nINSERT INTO notes ") == 3 != path.read_bytes().count(b"\nINSERT INTO ")
    path.write_bytes(old)


def export_old(project: Project) -> ExportResult:
    """An export as a tool of before format 2 would have left it."""
    saved = project.export("tour")
    made_old(saved.path)
    shutil.rmtree(saved.path.parents[1] / "metadata")
    project.repair()
    assert project.verify().valid
    return saved


def number(path: Path) -> int:
    return describe(path).header.format


def test_unchanged_data_makes_no_version_after_one_of_format_1(
    live: Live, project: Project
) -> None:
    old = export_old(project)
    again = project.export("tour")
    assert (again.written, again.version) == (False, old.version)
    assert again.digest == describe(old.path).digest != old.digest
    assert number(again.path) == 1
    # As many rows, and other ones.
    live.run("UPDATE notes SET body = 'edited' WHERE id = 1200")
    new = project.export("tour")
    assert (new.written, number(new.path)) == (True, 2)
    header = describe(new.path).header
    assert header.base is not None
    assert header.base.digest == again.digest
    assert not project.export("tour").written
    assert project.verify().valid


def test_a_version_of_format_1_that_no_reader_takes_is_equal_to_nothing(project: Project) -> None:
    saved = project.export("tour")
    old = in_format_1(saved.path.read_bytes().replace(b"(7,'note 7',TRUE)", b"(7,'note 7',now())"))
    saved.path.write_bytes(old)
    shutil.rmtree(saved.path.parents[1] / "metadata")
    project.repair()
    assert project.export("tour").written


def test_both_formats_are_compared_shown_and_imported(live: Live, project: Project) -> None:
    export_old(project)
    saved = live.dump()
    live.run("UPDATE notes SET body = 'edited' WHERE id = 600", "DELETE FROM notes WHERE id = 3")
    project.export("tour")
    edited = live.dump()
    (found,) = project.compare("tour").tables
    assert (found.changed, found.removed, found.added, found.same) == (1, 1, 0, 1198)
    with project.show("tour", "v1") as showing:
        assert sum(1 for table in showing.tables() for _ in table.rows) == 1200
    project.import_("tour", version="v1")
    assert live.dump() == saved
    # An entry of the undo log that an older tool wrote.
    (entry,) = (Path(project.config.snapshots) / ".undo").glob("*.sql")
    entry.write_bytes(in_format_1(entry.read_bytes()))
    project.undo()
    assert live.dump() == edited


def test_versions_of_both_formats_are_merged_into_one_of_format_2(
    live: Live, project: Project
) -> None:
    export_old(project)
    live.run("INSERT INTO notes VALUES (2000, 'ours', 1)")
    ours = project.export("tour")
    made_old(ours.path)
    shutil.rmtree(ours.path.parents[1] / "metadata")
    project.repair()
    # The latest version, of format 1, is what the merge with its own base gives.
    same = project.merge("tour", "v2", "v1")
    assert (same.written, same.version) == (False, ours.version)
    assert same.digest == describe(ours.path).digest
    project.import_("tour", version="v1")
    live.run("UPDATE notes SET body = 'theirs' WHERE id = 5")
    project.export("tour")
    merged = project.merge("tour", "v2", "v3", base="v1")
    assert merged.path is not None
    assert number(merged.path) == 2
    project.import_("tour")
    assert live.rows("SELECT id, body FROM notes WHERE id IN (5, 2000)") == [
        *((5, "theirs"), (2000, "ours"))
    ]
    # It is what an export of these rows is.
    assert not project.export("tour").written
