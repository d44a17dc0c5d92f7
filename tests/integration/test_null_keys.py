"""SQLite lets a key be NULL, in any number of rows: they come out, are compared and come back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import NewDatabase
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import KeyClashError, RealRowsError, UnfitValueError
from demo_snapshots.opening import open_project
from demo_snapshots.operations.import_ import import_from_file
from demo_snapshots.operations.validate import validate_scenario

CONFIGURATION = """\
[tables.notes]
marker = "demo"

[tables.tags]
follows = "note"
"""
SCHEMA = (
    "CREATE TABLE notes (id TEXT PRIMARY KEY, demo BOOLEAN, body TEXT, parent TEXT"
    " REFERENCES notes (id))",
    "CREATE TABLE tags (note TEXT REFERENCES notes (id), name TEXT, weight INTEGER,"
    " PRIMARY KEY (note, name))",
)
ROWS = {
    "one": ["('a', 1, 'x', NULL)", "(NULL, 1, 'y', 'a')"],
    "several": ["('b', 1, 'x', 'a')", "('a', 1, 'x', 'b')", *["(NULL, 1, 'y', 'b')"] * 3],
    "all": ["(NULL, 1, 'x', NULL)", "(NULL, 1, 'y', NULL)"],
    "none": ["('a', 1, 'x', NULL)", "('b', 1, 'y', 'a')"],
}
TAGS = ["('a', NULL, 1)", "('a', NULL, 2)", "('a', 'red', 3)"]
DELETED = ["DELETE FROM notes WHERE id IS NULL AND demo = 1"]
REAL = ["(NULL, 0, 'real', NULL)", "('r', 0, 'real', 'a')"]


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def build(url: str, rows: list[str], *, tags: bool = False, real: bool = True) -> Live:
    live = Live(url)
    live.run(*SCHEMA)
    if real and "('a', 1, 'x', NULL)" in rows:
        rows = [*rows, *REAL]
    elif real:
        rows = [*rows, REAL[0]]
    live.run(f"INSERT INTO notes VALUES {', '.join(rows)}")
    if tags:
        live.run(f"INSERT INTO tags VALUES {', '.join(TAGS)}")
    return live


def valid(live: Live, demo: Demo) -> bool:
    return validate_scenario(demo.config(live), demo.store, "general").valid


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("edit", ["none", "body", "deleted", "more nulls", "other key"])
def test_out_compared_and_back(sqlite_url: str, demo: Demo, name: str, edit: str) -> None:
    live = build(sqlite_url, ROWS[name], tags=name == "one")
    before = live.dump()
    saved = demo.export(live, prove=True)
    assert valid(live, demo)
    assert demo.load(live, saved.path).changed == 0
    live.run(
        *{
            "none": [],
            "body": ["UPDATE notes SET body = 'edited' WHERE demo = 1"],
            "deleted": ["DELETE FROM tags WHERE name IS NULL", *DELETED],
            "more nulls": ["INSERT INTO notes VALUES (NULL, 1, 'y', NULL), (NULL, 1, 'z', NULL)"],
            "other key": ["INSERT INTO notes VALUES ('z', 1, 'z', NULL)"],
        }[edit]
    )
    assert valid(live, demo) == (live.dump() == before)
    demo.load(live, saved.path)
    assert live.dump() == before
    assert valid(live, demo)
    assert not demo.export(live).written


@pytest.mark.parametrize("name", ROWS)
def test_into_an_empty_database(
    sqlite_url: str, new_database: NewDatabase, demo: Demo, name: str
) -> None:
    live = build(sqlite_url, ROWS[name], tags=name == "one", real=False)
    saved = demo.export(live)
    fresh = Live(new_database("sqlite"))
    fresh.run(*SCHEMA, "INSERT INTO notes VALUES (NULL, 0, 'real', NULL)")
    result = demo.load(fresh, saved.path)
    assert result.route == "direct"
    real = repr((None, 0, "real", None))
    assert fresh.dump("notes")["notes"] == sorted([*live.dump("notes")["notes"], real])
    assert fresh.dump("tags") == live.dump("tags")
    fresh.by_client(saved.path)
    assert valid(fresh, demo)


def test_the_same_rows_are_the_same_bytes_in_whatever_order(
    sqlite_url: str, new_database: NewDatabase, demo: Demo
) -> None:
    digests = {
        demo.export(build(url, rows, real=False), auto_version=True).digest
        for url, rows in (
            (sqlite_url, ROWS["several"]),
            (new_database("sqlite"), ROWS["several"][::-1]),
        )
    }
    assert len(digests) == 1


@engines("postgresql", "mariadb")
def test_engines_that_allow_none_refuse_them(
    database_url: str, sqlite_url: str, demo: Demo
) -> None:
    saved = demo.export(build(sqlite_url, ROWS["one"], real=False))
    live = Live(database_url)
    live.run(
        "CREATE TABLE notes (id VARCHAR(20) PRIMARY KEY, demo BOOLEAN, body TEXT,"
        " parent VARCHAR(20) REFERENCES notes (id))",
        "CREATE TABLE tags (note VARCHAR(20) REFERENCES notes (id), name VARCHAR(20),"
        " weight INTEGER, PRIMARY KEY (note, name))",
    )
    with pytest.raises(UnfitValueError, match=r"notes\.id would not take .*NULL"):
        demo.load(live, saved.path)


@pytest.mark.parametrize("bare", [False, True])
def test_a_key_that_a_real_row_uses(sqlite_url: str, demo: Demo, bare: bool) -> None:
    live = build(sqlite_url, ROWS["several"], real=False)
    saved = demo.export(live)
    live.run(
        "UPDATE notes SET demo = 0, parent = NULL WHERE id = 'b'",
        *["DELETE FROM notes WHERE demo"] * bare,
    )
    before = live.dump()
    with pytest.raises(KeyClashError, match=r"notes\.id.*'?b"):
        demo.load(live, saved.path)
    assert live.dump() == before


def test_a_demo_row_that_a_real_row_needs(sqlite_url: str, demo: Demo) -> None:
    live = build(sqlite_url, ROWS["one"])
    saved = demo.export(live)
    live.run(
        "INSERT INTO notes VALUES ('c', 1, 'new', NULL), ('s', 0, 'real', 'c')",
    )
    before = live.dump()
    with pytest.raises(RealRowsError, match=r"notes\.parent"):
        demo.load(live, saved.path)
    assert live.dump() == before


def test_an_import_of_such_rows_is_undone(sqlite_url: str, demo: Demo, tmp_path: Path) -> None:
    live = build(sqlite_url, ROWS["several"])
    project = open_project(
        tmp_path, database=live.url, snapshots=tmp_path / "saved", environment={}
    )
    project.export("general")
    live.run("UPDATE notes SET body = 'edited' WHERE id IS NULL AND demo = 1")
    edited = live.dump()
    assert project.import_("general").undo is not None
    assert live.dump() != edited
    project.undo()
    assert live.dump() == edited


@pytest.mark.parametrize(
    ("definition", "nullable", "has_default"),
    [
        ("id INTEGER PRIMARY KEY", False, True),
        ("id INTEGER DEFAULT 5 PRIMARY KEY", False, True),
        ("id INTEGER, PRIMARY KEY (id DESC)", False, True),
        ("id INTEGER PRIMARY KEY DESC", True, False),
        ("id INTEGER NOT NULL PRIMARY KEY DESC", False, False),
        ("id INT PRIMARY KEY", True, False),
        ("id INTEGER, n INTEGER, PRIMARY KEY (id, n)", True, False),
    ],
)
def test_which_keys_may_be_null(
    sqlite_url: str, definition: str, nullable: bool, has_default: bool
) -> None:
    live = Live(sqlite_url)
    live.run(f"CREATE TABLE t ({definition})", "INSERT OR IGNORE INTO t DEFAULT VALUES")
    with connect(sqlite_url) as database:
        [column, *_] = database.catalog.columns([(None, "t")])[None, "t"]
    assert (column.nullable, column.has_default, column.default) == (nullable, has_default, None)
    # As the engine does it.
    assert live.rows("SELECT id FROM t") == [(None,)] * nullable + [(1,)] * has_default


def test_a_key_that_looks_like_the_rowid(sqlite_url: str, demo: Demo) -> None:
    live = Live(sqlite_url)
    live.run(SCHEMA[0].replace("TEXT PRIMARY KEY", "INTEGER PRIMARY KEY DESC"), SCHEMA[1])
    live.run("INSERT INTO notes VALUES (2, 1, 'x', NULL), (NULL, 1, 'y', 2), (NULL, 0, 'r', 2)")
    before = live.dump()
    saved = demo.export(live, prove=True)
    live.run("UPDATE notes SET body = 'edited' WHERE id IS NULL AND demo")
    demo.load(live, saved.path)
    assert live.dump() == before
    assert not demo.export(live).written


CASCADING = (
    "CREATE TABLE notes (id TEXT PRIMARY KEY, demo BOOLEAN, body TEXT)",
    "CREATE TABLE tags (note TEXT, name TEXT, PRIMARY KEY (note, name))",
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, note TEXT REFERENCES notes (id)"
    " ON DELETE CASCADE)",
    "INSERT INTO notes VALUES ('a', 1, 'x'), (NULL, 1, 'y')",
    "INSERT INTO visits VALUES (1, 'a')",
)


def test_no_cascade_takes_a_real_row_on_somebody_s_own_connection(
    sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "demo.toml"
    file.write_text('[tables.notes]\nmarker = "demo"\n', encoding="utf-8")
    demo = Demo(tmp_path / "snapshots", file)
    live = Live(sqlite_url)
    live.run(*CASCADING)
    saved = demo.export(live)
    live.run("UPDATE notes SET body = 'edited'")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as raw:
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("BEGIN")
        with pytest.raises(RealRowsError, match="notes: 1 demo row is needed"):
            import_from_file(saved.path, demo.config(live), scenario=None, connection=raw)
        raw.rollback()
    assert live.rows("SELECT * FROM visits") == [(1, "a")]
    # A connection of the tool's own has no foreign keys that act.
    demo.load(live, saved.path)
    assert live.rows("SELECT * FROM visits") == [(1, "a")]
