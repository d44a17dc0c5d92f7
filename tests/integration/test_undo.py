"""What an import replaces is kept, and put back."""

from __future__ import annotations

import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Live

from demo_snapshots.errors import (
    DocumentError,
    ExportNotFoundError,
    KeyClashError,
    RealRowsError,
)
from demo_snapshots.opening import open_project
from demo_snapshots.project import Project

ENGINES = ("sqlite", "postgresql", "mariadb")
CONFIGURATION = """
[tables.posts]
marker = "is_demo"
scenario = "scenario"

[tables.comments]
follows = "post_id"

[references]
users = "null"
"""
TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, title VARCHAR(40), user_id INTEGER,"
    " is_demo BOOLEAN, scenario VARCHAR(20), FOREIGN KEY (user_id) REFERENCES users (id))",
    "CREATE TABLE comments (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL, body VARCHAR(40),"
    " FOREIGN KEY (post_id) REFERENCES posts (id))",
    "INSERT INTO users VALUES (1, 'real')",
    "INSERT INTO posts VALUES (1, 'a', NULL, TRUE, 'tour'), (2, 'b', NULL, TRUE, 'tour'),"
    " (3, 'other', NULL, TRUE, 'writer'), (9, 'real', 1, FALSE, NULL)",
    "INSERT INTO comments VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 9, 'real')",
)
EDITS = (
    "UPDATE posts SET title = 'it''s edited', user_id = 1 WHERE id = 1",
    "DELETE FROM comments WHERE id = 2",
    "INSERT INTO comments VALUES (77, 2, 'new')",
)


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(*TABLES)
    return live


def project_of(live: Live, directory: Path, more: str = "") -> Project:
    """Its clock moves on by a second each time it is asked."""
    (directory / "demo.toml").write_text(more + CONFIGURATION, encoding="utf-8")
    moments = iter(NOW + timedelta(seconds=n) for n in range(1000))
    return open_project(
        directory,
        database=live.url,
        snapshots=directory / "saved",
        environment={},
        clock=lambda: next(moments),
    )


@engines(*ENGINES)
def test_what_an_import_replaced_comes_back(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run(*EDITS)
    edited = live.dump()
    result = project.import_("tour")
    assert (result.changed > 0, result.undo) == (True, 1)
    imported = live.dump()
    # A reference out of the demo, which the snapshot does not carry, comes back as well.
    back = project.undo()
    assert live.dump() == edited
    # So does what the undoing replaced, by its number.
    assert project.undo(back.undo).undo is not None
    assert live.dump() == imported
    with pytest.raises(ExportNotFoundError, match="no import to undo"):
        project.undo()
    assert [(entry.by, entry.replaced_by) for entry in project.list_undo()] == [
        ("undo", f"tour {result.version}")
    ]


@engines(*ENGINES)
def test_undoing_goes_back_import_by_import(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    states = []
    for number in range(3):
        live.run(f"UPDATE posts SET title = 'edit {number}' WHERE id = 2")
        states.append(live.dump())
        project.import_("tour")
    assert [entry.number for entry in project.list_undo()] == [3, 2, 1]
    for state in reversed(states):
        project.undo()
        assert live.dump() == state


@engines(*ENGINES)
def test_an_import_of_one_scenario_undoes_that_one_alone(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run("UPDATE posts SET title = 'mine' WHERE id = 1")
    project.import_("tour", keep_other_scenarios=True)
    live.run("UPDATE posts SET title = 'theirs' WHERE id = 3")
    project.undo()
    titles = live.rows("SELECT id, title FROM posts ORDER BY id")
    assert titles == [(1, "mine"), (2, "b"), (3, "theirs"), (9, "real")]


@engines(*ENGINES)
def test_rows_that_came_where_there_were_none_go_again(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run("DELETE FROM comments WHERE post_id < 9", "DELETE FROM posts WHERE is_demo")
    empty = live.dump()
    result = project.import_("tour")
    assert (result.route, result.undo) == ("direct", 1)
    project.undo()
    assert live.dump() == empty
    added = project.import_("tour", add=True)
    assert added.undo is not None
    project.undo()
    assert live.dump() == empty


@engines(*ENGINES)
def test_real_rows_are_sacred_to_an_undo_too(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run("DELETE FROM comments WHERE post_id = 1", "DELETE FROM posts WHERE id = 1")
    project.import_("tour")
    live.run(
        "UPDATE posts SET is_demo = FALSE WHERE id = 2",
        "INSERT INTO comments VALUES (5, 1, 'real')",
    )
    before = live.dump()
    # The rows that were there before lack post 1; post 2 has become somebody's own.
    with pytest.raises((RealRowsError, KeyClashError)):
        project.undo()
    assert live.dump() == before
    assert [entry.number for entry in project.list_undo()] == [1]


@engines("sqlite")
def test_nothing_is_kept_where_nothing_changes(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    result = project.import_("tour", keep_other_scenarios=True)
    assert (result.changed, result.undo) == (0, None)
    assert project.list_undo() == ()


@engines("sqlite")
def test_the_last_ones_are_kept_for_their_owner_alone(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path, "[demo]\nundo = 2\n")
    project.export("tour")
    for number in range(4):
        live.run(f"UPDATE posts SET title = 'edit {number}' WHERE id = 2")
        project.import_("tour")
    assert [entry.number for entry in project.list_undo()] == [4, 3]
    folder = tmp_path / "saved" / ".undo"
    assert (folder / ".gitignore").read_text() == "*\n"
    if sys.platform != "win32":
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.sql")}
        assert modes == {0o600}
    assert project.verify().valid
    assert project.repair().left == ()


@engines("sqlite")
def test_no_undo_if_the_configuration_says_so(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path, "[demo]\nundo = 0\n")
    project.export("tour")
    live.run(*EDITS)
    assert project.import_("tour").undo is None
    assert not (tmp_path / "saved" / ".undo").exists()


@engines("sqlite")
def test_each_database_has_its_own(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run(*EDITS)
    project.import_("tour")
    other = Live(f"sqlite:///{tmp_path / 'other.sqlite'}")
    other.run(*TABLES)
    elsewhere = project_of(other, tmp_path)
    assert elsewhere.list_undo() == ()
    elsewhere.import_("tour", keep_other_scenarios=True)
    assert len(project.list_undo()) == 1


@engines("sqlite")
def test_what_cannot_be_kept_stops_no_import(
    live: Live, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run(*EDITS)
    (tmp_path / "saved" / ".undo").write_text("in the way")
    result = project.import_("tour")
    assert (result.changed > 0, result.undo) == (True, None)
    assert "cannot be kept for an undo" in caplog.text


@engines("mariadb")
def test_a_value_that_cannot_be_kept_stops_no_import(
    live: Live, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found with rows still on their way, in a transaction that goes on."""
    project = project_of(live, tmp_path)
    live.run(
        "ALTER TABLE comments ADD state ENUM('open', 'done')",
        "INSERT INTO comments SELECT seq, 1, repeat('x', 40), 'open' FROM seq_100_to_9000",
    )
    project.export("tour")
    before = live.dump()
    live.run("UPDATE IGNORE comments SET state = 's3cret' WHERE id = 300")
    assert live.dump() != before
    result = project.import_("tour", keep_other_scenarios=True)
    assert (result.changed > 0, result.undo) == (True, None)
    assert "comments.state: the row with key 300" in caplog.text
    assert live.dump() == before


@engines("sqlite")
def test_a_damaged_entry_is_told_and_not_put_back(live: Live, tmp_path: Path) -> None:
    project = project_of(live, tmp_path)
    project.export("tour")
    live.run(*EDITS)
    project.import_("tour")
    (path,) = (tmp_path / "saved" / ".undo").glob("*.sql")
    path.write_bytes(path.read_bytes()[:-40])
    (entry,) = project.list_undo()
    assert entry.problem is not None
    before = live.dump()
    with pytest.raises(DocumentError, match="cut short"):
        project.undo()
    assert live.dump() == before
