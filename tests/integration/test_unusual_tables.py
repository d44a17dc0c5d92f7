"""Shapes of tables that few schemas have: each comes back, or is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NewDatabase
from integration.live import NOW, Demo, Live

from demo_snapshots.operations.validate import validate_scenario


def demo_of(place: Path, configuration: str) -> Demo:
    (place / "demo.toml").write_text(configuration, "utf-8")
    return Demo(place / "snapshots", place / "demo.toml")


def round_trip(live: Live, demo: Demo, spoil: str, *, prove: bool = True) -> None:
    """Export, validate, change, import: every row is what it was."""
    before = live.dump()
    path = Path(demo.export(live, prove=prove).file)
    assert validate_scenario(demo.config(live), demo.store, "general").valid
    live.run(spoil)
    assert live.dump() != before
    demo.load(live, path)
    assert live.dump() == before


def test_text_that_looks_like_a_number_in_a_column_of_any_type(sqlite_url, tmp_path):
    """A STRICT table's ANY keeps what it is given; elsewhere ANY is numeric."""
    live = Live(sqlite_url)
    values = "'1'", "'1.0'", "1", "1.0", "x'31'", "NULL", "'a'", "' 1'", "'1e3'", "-0.0", "'-0'"
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY, m ANY) STRICT",
        *(f"INSERT INTO t VALUES ({n}, {value}, 1)" for n, value in enumerate(values)),
    )
    demo = demo_of(tmp_path, "[tables.t]\nmarker = 'm'\n")
    round_trip(live, demo, "UPDATE t SET v = 'changed'")


def test_columns_that_a_star_leaves_out(mariadb_url, tmp_path):
    live = Live(mariadb_url)
    live.run(
        "CREATE TABLE t (id INT PRIMARY KEY, seen VARCHAR(9), hidden VARCHAR(9) INVISIBLE,"
        " m BOOLEAN INVISIBLE DEFAULT FALSE)",
        "INSERT INTO t (id, seen, hidden, m) VALUES (1, 'a', 'b', 1), (2, 'c', NULL, 0)",
    )
    demo = demo_of(tmp_path, "[tables.t]\nmarker = 'm'\n")
    round_trip(live, demo, "UPDATE t SET seen = 'x' WHERE id = 1")
    path = Path(demo.export(live).file)
    live.run("UPDATE t SET hidden = 'x' WHERE id = 1")
    demo.load(live, path)
    assert live.value("SELECT hidden FROM t WHERE id = 1") == "b"


@pytest.mark.parametrize("columns", [520, 1900])
def test_many_columns(sqlite_url, tmp_path, columns):
    live = Live(sqlite_url)
    names = [f"c{n}" for n in range(columns)]
    live.run(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, m BOOLEAN, {' TEXT, '.join(names)} TEXT)",
        "INSERT INTO t (id, m, c0, c9) VALUES (1, 1, 'a', 'b''c'), (2, 1, NULL, x'00')",
    )
    demo = demo_of(tmp_path, "[tables.t]\nmarker = 'm'\n")
    round_trip(live, demo, "UPDATE t SET c9 = 'changed'")


def test_a_full_text_index(sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, m BOOLEAN)",
        "CREATE VIRTUAL TABLE notes_index USING fts5(body, content='notes', content_rowid='id')",
        "CREATE TRIGGER i AFTER INSERT ON notes BEGIN"
        " INSERT INTO notes_index (rowid, body) VALUES (new.id, new.body); END",
        "CREATE TRIGGER d AFTER DELETE ON notes BEGIN INSERT INTO notes_index"
        " (notes_index, rowid, body) VALUES ('delete', old.id, old.body); END",
        "CREATE TRIGGER u AFTER UPDATE ON notes BEGIN INSERT INTO notes_index"
        " (notes_index, rowid, body) VALUES ('delete', old.id, old.body);"
        " INSERT INTO notes_index (rowid, body) VALUES (new.id, new.body); END",
        "INSERT INTO notes VALUES (1, 'red fox', 1), (2, 'blue whale', 1), (3, 'real', 0)",
    )
    demo = demo_of(tmp_path, "[tables.notes]\nmarker = 'm'\n")
    path = Path(demo.export(live, prove=True).file)
    live.run("UPDATE notes SET body = 'gone' WHERE id = 1", "DELETE FROM notes WHERE id = 2")
    demo.load(live, path)
    found = live.rows("SELECT rowid FROM notes_index WHERE notes_index MATCH 'fox OR whale'")
    assert found == [(1,), (2,)]
    assert live.rows("SELECT count(*) FROM notes_index WHERE notes_index MATCH 'gone'") == [(0,)]


def test_a_table_that_is_a_full_text_index(sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, m BOOLEAN)",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
        "INSERT INTO notes VALUES (1, 'red fox', 1)",
        "INSERT INTO words VALUES ('of nobody')",
    )
    demo = demo_of(tmp_path, "[tables.notes]\nmarker = 'm'\n")
    round_trip(live, demo, "UPDATE notes SET body = 'x'")
