"""What a review in git shows: a diff of latest.sql is the rows that changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from integration.live import NOW, Live

from demo_snapshots.opening import open_project
from demo_snapshots.project import Project

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
CONFIGURATION = '[tables.notes]\nmarker = "is_demo"\n'


def git(directory: Path, *arguments: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "A"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@demo.example"),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def live(sqlite_url: str) -> Live:
    live = Live(sqlite_url)
    live.run("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, is_demo BOOLEAN)")
    rows = ", ".join(f"({number * 10}, 'note {number}', 1)" for number in range(1, 2001))
    live.run(f"INSERT INTO notes VALUES {rows}")
    return live


def project_of(live: Live, directory: Path, more: str = "", store: str = "saved") -> Project:
    (directory / "demo.toml").write_text(more + CONFIGURATION, encoding="utf-8")
    moments = iter(NOW + timedelta(minutes=n) for n in range(100))
    return open_project(
        directory,
        database=live.url,
        snapshots=directory / store,
        environment={},
        clock=lambda: next(moments),
    )


def committed(directory: Path) -> None:
    git(directory, "add", "saved")
    git(directory, "commit", "-qm", "demo")


def changed_rows(directory: Path) -> list[str]:
    """The lines of rows that a diff of latest.sql shows, without their last comma."""
    diff = git(directory, "diff", "--unified=0", "HEAD~", "HEAD", "--", "saved/tour/latest.sql")
    lines = [line for line in diff.splitlines() if line[:1] in "+-" and line[1:2] == "("]
    return sorted(line.rstrip(",;") for line in lines)


def test_one_edited_cell_is_one_changed_line(live: Live, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    project = project_of(live, tmp_path)
    project.export("tour")
    committed(tmp_path)
    live.run("UPDATE notes SET body = 'edited' WHERE id = 5000")
    saved = project.export("tour")
    committed(tmp_path)
    assert changed_rows(tmp_path) == ["+(5000,'edited',TRUE)", "-(5000,'note 500',TRUE)"]

    # Git keeps the bytes once, and forges fold the numbered file.
    index = git(tmp_path, "ls-files", "-s", "saved/tour").splitlines()
    blobs = {line.split("\t")[1]: line.split()[1] for line in index}
    numbered = f"saved/tour/{saved.path.name}"
    assert blobs["saved/tour/latest.sql"] == blobs[numbered]
    folded = git(tmp_path, "check-attr", "linguist-generated", "--", *blobs)
    assert f"{numbered}: linguist-generated: set" in folded
    assert "latest.sql: linguist-generated: unspecified" in folded


def changed_lines(directory: Path) -> tuple[int, int]:
    """How many lines a diff of latest.sql adds and removes."""
    numstat = git(directory, "diff", "--numstat", "HEAD~", "HEAD", "--", "saved/tour/latest.sql")
    added, removed, _ = numstat.split("\t")
    return int(added), int(removed)


def test_a_row_that_comes_or_goes_near_the_top_moves_no_statement(
    live: Live, tmp_path: Path
) -> None:
    git(tmp_path, "init", "-q")
    project = project_of(live, tmp_path)
    assert project.export("tour").path.read_bytes().count(b"\nINSERT INTO notes ") > 3
    committed(tmp_path)
    # Of every version: its number, time and base, two totals, the section's heading, the count
    # expected and the digest. The first has no base.
    live.run("INSERT INTO notes VALUES (55, 'new', 1)")
    project.export("tour")
    committed(tmp_path)
    assert changed_rows(tmp_path) == ["+(55,'new',TRUE)"]
    assert changed_lines(tmp_path) == (8 + 1, 7)

    live.run("DELETE FROM notes WHERE id = 20")
    project.export("tour")
    committed(tmp_path)
    assert changed_rows(tmp_path) == ["-(20,'note 2',TRUE)"]
    assert changed_lines(tmp_path) == (8, 8 + 1)


def test_links_become_copies_and_copies_links_with_the_next_version(
    live: Live, tmp_path: Path
) -> None:
    latest = tmp_path / "saved" / "tour" / "latest.sql"
    project_of(live, tmp_path).export("tour")
    assert latest.is_symlink()
    for kind in ("copy", "link"):
        project = project_of(live, tmp_path, f'[demo]\nlatest = "{kind}"\n')
        before = latest.is_symlink()
        assert project.verify().valid
        assert latest.is_symlink() == before  # the one there is stays as it is
        saved = project.export("tour", auto_version=True)
        assert latest.is_symlink() == (kind == "link")
        assert latest.read_bytes() == saved.path.read_bytes()
        assert project.verify().valid
    # A directory that becomes a work tree of git gets copies without being told.
    git(tmp_path, "init", "-q")
    project_of(live, tmp_path).export("tour", auto_version=True)
    assert not latest.is_symlink()
