"""The rows of some tables are imported; every other row, demo data or not, stays as it is."""

from __future__ import annotations

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import RealRowsError, UsageError, VerificationError
from demo_snapshots.store import open_undo

pytestmark = engines("sqlite", "postgresql", "mariadb")

TABLES = (
    "CREATE TABLE plans (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20) UNIQUE, is_demo BOOLEAN NOT NULL,"
    " plan_id INTEGER REFERENCES plans (id), top_id INTEGER)",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, title VARCHAR(20),"
    " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, post_id INTEGER REFERENCES posts (id),"
    " parent_id INTEGER REFERENCES notes (id), label VARCHAR(20) NOT NULL)",
)
ROWS = (
    "INSERT INTO plans VALUES (1, 'free')",
    "INSERT INTO users VALUES (1, 'Ann', TRUE, 1, NULL), (2, 'Bob', TRUE, NULL, NULL),"
    " (9, 'Real', FALSE, 1, NULL)",
    "INSERT INTO posts VALUES (1, 1, 'one'), (2, 2, 'two'), (9, 9, 'real')",
    "INSERT INTO notes VALUES (1, 1, NULL, 'demo'), (2, NULL, NULL, 'demo'), (9, 9, NULL, 'real')",
    "UPDATE notes SET parent_id = 2 WHERE id = 1",
    "UPDATE users SET top_id = 1 WHERE id = 1",
)
CYCLE = "ALTER TABLE users ADD FOREIGN KEY (top_id) REFERENCES posts (id)"
CONFIGURATION = """
[tables.users]
marker = "is_demo"
[tables.posts]
follows = "user_id"
[tables.notes]
where = "label = 'demo'"
[references]
plans = "include"
"""


@pytest.fixture
def live(database_url) -> Live:
    live = Live(database_url)
    live.run(*TABLES, *ROWS)
    if live.engine != "sqlite":
        live.run(CYCLE)
    return live


@pytest.fixture
def demo(tmp_path) -> Demo:
    (tmp_path / "demo.toml").write_text(CONFIGURATION, "utf-8")
    return Demo(tmp_path / "snapshots", tmp_path / "demo.toml")


EDITS = (
    "UPDATE users SET name = 'Anna', plan_id = NULL WHERE id = 1",
    "UPDATE posts SET title = 'edited' WHERE id = 1",
    "UPDATE notes SET label = 'demo', parent_id = NULL WHERE id = 1",
    "INSERT INTO posts VALUES (3, 1, 'three')",
)


def test_one_table_comes_back_and_nothing_else_changes(live, demo, tmp_path):
    demo.export(live)
    live.run("UPDATE notes SET parent_id = NULL WHERE id = 1")
    live.run("INSERT INTO notes VALUES (3, 2, 2, 'demo')")
    delta = demo.export(live, delta=True)
    assert delta.delta is not None
    whole = live.dump()
    paths = [delta.path]
    if live.engine == "sqlite":
        for form in ("json", "yaml"):
            other = Demo(tmp_path / form, demo.configuration)
            paths.append(other.export(live, format=form).path)
            assert paths[-1].suffix == f".{form}"
    for path in paths:
        live.run(*EDITS)
        before = live.dump()
        users = demo.load(live, path, only=["users"])
        assert (users.total, users.replaced.total, users.changed > 0) == (2, 2, True)
        assert live.dump() == {**before, "users": whole["users"]}
        notes = demo.load(live, path, only=["notes", "posts"], confirm=None)
        assert [count.table for count in notes.statistics.tables] == ["posts", "notes"]
        assert live.dump() == whole


def test_what_is_missing_travels_along_and_cycles_close(live, demo):
    path = demo.export(live).path
    whole = live.dump()
    live.run("UPDATE users SET top_id = NULL, plan_id = NULL")
    live.run("DELETE FROM plans WHERE id = 1", "DELETE FROM notes WHERE id < 3")
    demo.load(live, path, only=["posts", "notes"])
    assert live.value("SELECT count(*) FROM plans") == 0
    demo.load(live, path, only=["users"])
    live.run("UPDATE users SET plan_id = 1 WHERE id = 9")
    assert live.dump() == whole


def test_what_would_dangle_is_refused(live, demo):
    path = demo.export(live).path
    live.run("UPDATE users SET top_id = NULL WHERE id < 9")
    live.run("DELETE FROM notes WHERE id = 1", "DELETE FROM posts WHERE id < 9")
    live.run("DELETE FROM users WHERE id < 9")
    before = live.dump()
    for options in ({}, {"dry_run": True}, {"missing_only": True}):
        with pytest.raises(VerificationError, match=r"posts\.user_id: 2 rows.* users") as refused:
            demo.load(live, path, only=["posts"], **options)
        assert "only=('posts', 'users')" in (refused.value.hint or "")
    with pytest.raises(VerificationError, match=r"notes\.post_id: 1 row references demo rows of"):
        demo.load(live, path, only=["notes"])
    assert live.dump() == before
    # A real row under that key is not what the snapshot meant.
    live.run("INSERT INTO users VALUES (2, 'Stranger', FALSE, NULL, NULL)")
    live.run("INSERT INTO users VALUES (1, 'Ann', TRUE, NULL, NULL)")
    with pytest.raises(VerificationError, match=r"posts\.user_id: 1 row references"):
        demo.load(live, path, only=["posts"])
    live.run("DELETE FROM notes WHERE id < 9", "INSERT INTO posts VALUES (1, 9, 'theirs')")
    with pytest.raises(VerificationError, match=r"notes\.post_id: 1 row references demo rows"):
        demo.load(live, path, only=["notes"])


def test_rows_that_others_reference_stay(live, demo):
    path = demo.export(live).path
    live.run("INSERT INTO users VALUES (3, 'Cy', TRUE, NULL, NULL)")
    live.run("INSERT INTO posts VALUES (3, 3, 'three')")
    before = live.dump()
    with pytest.raises(
        RealRowsError, match=r"posts\.user_id -> users.* 1 row that is not imp"
    ) as no:
        demo.load(live, path, only=["users"], dry_run=True)
    assert "only=('users', 'posts')" in (no.value.hint or "")
    with pytest.raises(RealRowsError):
        demo.load(live, path, only=["users"])
    assert live.dump() == before


def test_rows_that_are_demo_rows_by_others_stay_so(live, demo, tmp_path):
    (tmp_path / "demo.toml").write_text(
        CONFIGURATION.replace("label = 'demo'", "id IN (SELECT id + 2 FROM users WHERE is_demo)"),
        "utf-8",
    )
    live.run("DELETE FROM notes WHERE id = 1", "DELETE FROM notes WHERE id = 2")
    path = demo.export(live).path
    live.run("INSERT INTO users VALUES (3, 'Cy', TRUE, NULL, NULL)")
    live.run("INSERT INTO notes VALUES (5, NULL, NULL, 'by Cy')")
    before = live.dump()
    with pytest.raises(VerificationError, match="notes: 1 of its demo rows would be none"):
        demo.load(live, path, only=["users"])
    assert live.dump() == before


def test_beside_the_other_ways_to_import(live, demo):
    path = demo.export(live).path
    for wrong in (["nothing"], []):
        with pytest.raises(UsageError) as unknown:
            demo.load(live, path, only=wrong)
        assert unknown.value.hint == "It has users, posts, notes." or live.engine != "sqlite"
    with pytest.raises(UsageError, match="keys would be others"):
        demo.load(live, path, only=["posts"], new_ids=True)
    before = live.dump("users", "notes")
    assert demo.load(live, path, only=["posts"], add=True).total == 2
    assert live.rows("SELECT user_id, title FROM posts ORDER BY id") == [
        (1, "one"),
        (2, "two"),
        (9, "real"),
        (1, "one"),
        (2, "two"),
    ]
    assert live.dump("users", "notes") == before


def test_it_is_undone(live, demo, tmp_path):
    from integration.live import NOW

    from demo_snapshots.operations.replaced import UndoKeeping
    from demo_snapshots.operations.undo import undo_import

    path = demo.export(live).path
    live.run(*EDITS)
    before = live.dump()
    log = open_undo(tmp_path / "undo", "here")
    demo.load(live, path, only=["users", "notes"], undo=UndoKeeping(log, NOW))
    assert live.dump() != before
    undo_import(demo.config(live), log, now=NOW)
    assert live.dump() == before
