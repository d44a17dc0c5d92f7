"""Rows that reference demo rows from inside their JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live

from demo_snapshots.errors import ConfigError
from demo_snapshots.operations.merge import merge_exports
from demo_snapshots.operations.validate import validate_scenario

ALL = ("sqlite", "postgresql", "mariadb")
JSON = {"sqlite": "TEXT", "postgresql": "JSONB", "mariadb": "JSON"}
REAL, OURS = (f"6f1c9b7e-0d0e-4b61-9a6b-0a4f4b1f2a0{n}" for n in (1, 2))
TABLES = (
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, is_demo BOOLEAN)",
    "CREATE TABLE files (id VARCHAR(36) PRIMARY KEY, is_demo BOOLEAN)",
    "CREATE TABLE events (id INTEGER PRIMARY KEY, payload {json}, words VARCHAR(20))",
    "CREATE TABLE pages (id INTEGER PRIMARY KEY, blocks {json})",
    "INSERT INTO posts VALUES (1, FALSE), (2, TRUE), (12, FALSE)",
    "INSERT INTO files VALUES ('{real}', FALSE), ('{ours}', TRUE)",
    """INSERT INTO events VALUES (1, '{{"post": {{"id": 1}}}}', 'real'),
       (2, '{{"post": {{"id": 2}}}}', 'demo'), (3, '{{"post": {{"id": 12}}}}', 'real'),
       (4, NULL, 'real'), (5, '[2]', 'real'), (6, '{{"post": 2}}', 'real')""",
    """INSERT INTO pages VALUES (1, '[{{"file": "{real}"}}]'),
       (2, '[{{"text": "x"}}, {{"file": "{ours}"}}]'), (3, '[]'), (4, '{{"file": "{ours}"}}')""",
)
RULES = (
    """\
[tables.posts]
marker = "is_demo"
[tables.files]
marker = "is_demo"
[tables.events]
follows = { column = "payload.post.id", references = "posts.id" }
[tables.pages]
follows = { any = [
  { column = "blocks[*].file", references = "files.id" },
  { column = "blocks[*].post", references = "posts.id" },
] }
""".replace("[\n  {", "[ {")
    .replace(",\n  {", ", {")
    .replace(",\n]", " ]")
)


def demo_of(directory: Path, configuration: str = RULES) -> Demo:
    file = directory / "demo.toml"
    file.write_text(configuration, encoding="utf-8")
    return Demo(directory / "store", file)


@engines(*ALL)
def test_they_travel_and_come_back(database_url, new_database, tmp_path):
    live, demo = Live(database_url), demo_of(tmp_path)
    tables = [text.format(json=JSON[live.engine], real=REAL, ours=OURS) for text in TABLES]
    live.run(*tables)
    before = live.dump()
    saved = demo.export(live, "tour", prove=True)
    records = {table.table: table.rows for table in saved.statistics.tables}
    assert records == {"posts": 1, "files": 1, "events": 1, "pages": 1}
    for load in (lambda: demo.load(live, saved.path), lambda: live.by_client(saved.path)):
        live.run(
            "UPDATE events SET words = 'x' WHERE id = 2",
            "DELETE FROM pages WHERE id = 2",
            """INSERT INTO pages VALUES (9, '[{"post": 2}]')""",
        )
        load()
        assert live.dump() == before
    other = Live(new_database(live.engine))
    other.run(*tables[:4], "INSERT INTO posts VALUES (2, FALSE)")
    demo.load(other, saved.path, new_ids=True)
    led = {"sqlite": "payload ->> '$.post.id'", "postgresql": "payload #>> '{post,id}'"}
    path = led.get(live.engine, "JSON_VALUE(payload, '$.post.id')")
    assert other.rows(f"SELECT {path} FROM events") == [
        (other.value("SELECT max(id) FROM posts") if live.engine == "sqlite" else "3",)
    ]
    found = validate_scenario(demo.config(live), demo.store, "tour")
    assert found.valid, found.problems


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ('{ column = "payload.a b", references = "posts.id" }', "is no path into a JSON column"),
        ('{ column = "pay.post", references = "posts.id" }', "the table has no column 'pay'"),
        ('{ column = "payload.post", references = "posts.nr" }', "no selected column posts.nr"),
        ('{ column = "payload.post", references = "nowhere.id" }', "no selected column nowhere.id"),
    ],
)
def test_what_cannot_be_followed(sqlite_url, tmp_path, way, said):
    live = Live(sqlite_url)
    live.run(*(text.format(json="TEXT", real=REAL, ours=OURS) for text in TABLES))
    rules = RULES.replace('{ column = "payload.post.id", references = "posts.id" }', way)
    with pytest.raises(ConfigError, match=f"tables.events.follows: .*{said}"):
        demo_of(tmp_path, rules).export(live, "tour")


@engines("postgresql")
def test_through_an_array(database_url, new_database, tmp_path):
    live = Live(database_url)
    tables = (
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, is_demo BOOLEAN)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, tag_ids INTEGER[])",
    )
    live.run(
        *tables,
        "INSERT INTO tags VALUES (1, FALSE), (2, TRUE), (3, TRUE), (12, FALSE)",
        "INSERT INTO notes VALUES (1, '{1,12}'), (2, '{1,2}'), (3, NULL), (4, '{3,NULL,2}')",
    )
    before = live.dump()
    demo = demo_of(
        tmp_path,
        '[tables.tags]\nmarker = "is_demo"\n[tables.notes]\n'
        'follows = { column = "tag_ids[*]", references = "tags.id" }\n',
    )
    path = demo.export(live, "tour").path
    for load in (lambda: demo.load(live, path), lambda: live.by_client(path)):
        live.run("DELETE FROM notes WHERE id = 2", "INSERT INTO notes VALUES (9, '{3}')")
        load()
        assert live.dump() == before
    other = Live(new_database("postgresql"))
    other.run(*tables, "INSERT INTO tags VALUES (1, FALSE), (3, FALSE)")
    demo.load(other, path, new_ids=True)
    assert other.rows("SELECT tag_ids FROM notes ORDER BY id") == [([1, 4],), ([5, None, 4],)]


@engines("postgresql")
def test_two_branches_of_arrays(database_url, new_database, tmp_path):
    ours, theirs = Live(database_url), Live(new_database("postgresql"))
    demo = demo_of(
        tmp_path,
        '[tables.tags]\nmarker = "is_demo"\n[tables.notes]\n'
        'follows = { column = "tag_ids[*]", references = "tags.id" }\n',
    )
    for live in (ours, theirs):
        live.run(
            "CREATE TABLE tags (id INTEGER PRIMARY KEY, is_demo BOOLEAN, name TEXT)",
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, tag_ids INTEGER[])",
        )
    ours.run("INSERT INTO tags VALUES (2, TRUE, 'both')", "INSERT INTO notes VALUES (1, '{2}')")
    demo.load(theirs, demo.export(ours, "tour").path)
    ours.run("INSERT INTO tags VALUES (3, TRUE, 'ours')", "INSERT INTO notes VALUES (3, '{3,2}')")
    theirs.run("INSERT INTO tags VALUES (3, TRUE, 'x')", "INSERT INTO notes VALUES (4, '{2,3}')")
    for live in (ours, theirs):
        demo.export(live, "tour")
    merged = merge_exports(demo.config(ours), demo.store, "tour", "v2", "v3", base="v1", now=NOW)
    assert merged.path is not None
    demo.load(ours, merged.path)
    assert ours.rows("SELECT * FROM notes ORDER BY id") == [(1, [2]), (3, [3, 2]), (4, [2, 4])]
