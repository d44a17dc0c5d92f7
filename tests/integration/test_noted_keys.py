"""On SQLite the keys of a large table's demo rows are noted once for an export, and to verify an
import, which changes nothing but how long it takes."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live, edited

from demo_snapshots.errors import VerificationError
from demo_snapshots.operations.export import export_scenario

CONFIG = """
[tables.posts]
marker = "meta.demo"
scenario = "meta.scenario"

[tables.comments]
follows = "post_id"

[tables.likes]
follows = "comment_id"
"""
FAR = 1_000_000
"""What is added to keys for a table to seem large."""


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    (tmp_path / "demo.toml").write_text(CONFIG, "utf-8")
    return Demo(tmp_path / "snapshots", tmp_path / "demo.toml")


def fill(live: Live, first: int, key: str = "INTEGER PRIMARY KEY") -> None:
    live.run(
        f"CREATE TABLE posts (id {key}, meta TEXT)",
        f"CREATE TABLE comments (id {key}, post_id INTEGER REFERENCES posts (id))",
        "CREATE TABLE likes (who TEXT PRIMARY KEY, comment_id INTEGER REFERENCES comments (id))",
    )
    metas = (
        '{"demo": true, "scenario": "general"}',
        '{"demo": false}',
        '{"demo": true, "scenario": "writer"}',
        '{"demo": true}',
    )
    live.insert("posts", *((first + n, meta) for n, meta in enumerate(metas)))
    live.insert("comments", *((first + n, first + n % 4) for n in range(12)))
    live.insert("likes", *((f"w{n}", first + n) for n in range(12)))


def lines(demo: Demo, live: Live) -> list[str]:
    text = re.sub(r"\b1000(1\d\d)\b", r"\1", demo.export(live).path.read_text("utf-8"))
    return [line for line in text.splitlines() if line.startswith(("(", "-- Total"))]


@pytest.mark.parametrize(
    "key", ["INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY DESC", "BIGINT PRIMARY KEY"]
)
def test_the_same_rows_are_found(new_database, tmp_path, demo, key):
    near, far = Live(new_database("sqlite")), Live(new_database("sqlite"))
    fill(near, 100, key)
    fill(far, FAR + 100, key)
    found = lines(Demo(tmp_path / "near", demo.configuration), near)
    assert lines(Demo(tmp_path / "far", demo.configuration), far) == found
    assert len(found) == 2 + 6 + 6 + 4


@engines("sqlite")
def test_nobody_is_kept_from_writing_and_nothing_stays(database_url, demo):
    live = Live(database_url)
    fill(live, FAR)
    live.run("PRAGMA journal_mode = WAL")
    config = demo.config(live)
    with live.connection() as writer, live.connection() as own:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM likes")
        own.execute("BEGIN")
        result = export_scenario("general", config, demo.store, now=NOW, connection=own)
        assert result.statistics.total == 14
        assert own.execute("SELECT count(*) FROM sqlite_temp_schema").fetchone() == (0,)
        own.execute("COMMIT")
        writer.execute("COMMIT")


@engines("sqlite")
def test_a_connection_that_may_only_read_exports_too(database_url, demo):
    live = Live(database_url)
    fill(live, FAR)
    path = database_url.removeprefix("sqlite:///")
    config = demo.config(live)
    with live.connection() as own:
        own.execute("PRAGMA query_only = ON")
        own.execute("BEGIN")
        first = export_scenario("general", config, demo.store, now=NOW, connection=own)
    raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    raw.execute("BEGIN")
    again = export_scenario("general", config, demo.store, now=NOW, connection=raw)
    raw.close()
    assert (first.statistics.total, again.written, again.digest) == (14, False, first.digest)


@engines("sqlite")
def test_what_was_loaded_is_verified_by_them(database_url, demo):
    live = Live(database_url)
    fill(live, FAR)
    saved = demo.export(live).path
    live.run("DELETE FROM likes", "DELETE FROM comments", "DELETE FROM posts")
    altered = edited(saved, lambda rows: rows.replace(b'{"demo": true}', b'{"demo": null}'))
    with pytest.raises(VerificationError, match="posts: after the load 1 rows"):
        demo.load(live, altered)
    assert not any(live.dump().values())
    with live.connection() as own:
        own.execute("BEGIN")
        assert demo.load(live, saved, connection=own).route == "direct"
        assert own.execute("SELECT count(*) FROM sqlite_temp_schema").fetchone() == (0,)
        own.execute("COMMIT")
    assert demo.export(live).written is False


@engines("sqlite")
@pytest.mark.parametrize("ending", ["DESC)", ") WITHOUT ROWID"])
def test_a_key_that_only_looks_like_a_number_is_not_noted(database_url, demo, ending):
    live = Live(database_url)
    live.run(f"CREATE TABLE posts (meta TEXT, id INTEGER PRIMARY KEY {ending}")
    live.run("CREATE TABLE comments (id INTEGER PRIMARY KEY, post_id INTEGER REFERENCES posts)")
    live.run("CREATE TABLE likes (id INTEGER PRIMARY KEY, comment_id INTEGER REFERENCES comments)")
    meta = '{"demo": true, "scenario": "general"}'
    live.insert("posts", (meta, FAR), (meta, 0.5), (meta, "x"))
    before = live.dump()
    result = demo.export(live)
    assert result.statistics.total == 3
    live.run("DELETE FROM posts")
    demo.load(live, result.path)
    assert live.dump() == before
