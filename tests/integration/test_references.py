"""External references: rows that are not demo data, told by the four ways of [references]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live, edited

from demo_snapshots.errors import (
    DemoError,
    DocumentError,
    ExternalReferenceError,
    ExternalRowError,
    KeyClashError,
    UnfitValueError,
)
from demo_snapshots.operations.validate import validate_scenario

ALL = ("sqlite", "postgresql", "mariadb")
TABLES = (
    "CREATE TABLE regions (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(20) UNIQUE, boss_id INTEGER"
    " REFERENCES users (id), region_id INTEGER REFERENCES regions (id))",
    "CREATE TABLE countries (id INTEGER PRIMARY KEY, iso {exact}, area INTEGER,"
    " UNIQUE (iso, area))",
    "CREATE TABLE streets (a INTEGER NOT NULL, b INTEGER NOT NULL, name {exact} UNIQUE,"
    " PRIMARY KEY (a, b))",
    "CREATE TABLE audit (id INTEGER PRIMARY KEY, note VARCHAR(20))",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, title VARCHAR(20), is_demo BOOLEAN,"
    " owner_id INTEGER REFERENCES users (id),"
    " country_id INTEGER NOT NULL REFERENCES countries (id),"
    " street_a INTEGER, street_b INTEGER, audit_id INTEGER REFERENCES audit (id),"
    " FOREIGN KEY (street_a, street_b) REFERENCES streets (a, b))",
)
ODD = "l'o \\ \"ü\"\r\n;--('x')\t🐘"
EXACT = {"sqlite": "TEXT", "postgresql": "TEXT", "mariadb": "VARCHAR(50) COLLATE utf8mb4_bin"}
REFERENCES = """
[references]
users = "include"
regions = "include"
countries = { by-key = ["iso", "area"] }
streets = { by-key = ["name"] }
audit = "null"
"""


def tables(url: str) -> Live:
    live = Live(url)
    live.run(*(table.format(exact=EXACT[live.engine]) for table in TABLES))
    return live


@pytest.fixture
def source(database_url: str) -> Live:
    live = tables(database_url)
    live.insert("regions", (1, "North"), (2, "unused"))
    live.insert(
        "users",
        *((1, "top@x", None, 1), (2, "boss@x", 1, None), (3, "own@x", 2, None)),
        *((4, "self@x", 4, None), (5, "private@x", 2, 2)),
    )
    live.insert("countries", (1, "DE", 1), (2, ODD, 2), (3, "DE", 3))
    live.insert("streets", (1, 1, ODD), (1, 2, "Main"))
    live.insert("audit", (1, "a"))
    live.insert(
        "posts",
        (1, "one", True, 3, 1, 1, 1, 1),
        (2, "two", True, 4, 2, 1, 2, None),
        (3, "three", True, None, 1, None, None, 1),
        (4, "real", False, 5, 3, 1, 1, 1),
    )
    return live


@pytest.fixture
def target(source: Live, new_database) -> Live:
    """Other keys of the same things, and rows of its own."""
    live = tables(new_database(source.engine))
    live.insert("users", (1, "other@y", None, None), (77, "own@y", 1, None))
    live.insert("countries", (71, "DE", 1), (72, ODD, 2), (73, "de", 1), (74, "DE", 2))
    live.insert("streets", (8, 1, ODD), (8, 2, "Main"))
    live.insert("posts", (50, "real", False, 77, 73, None, None, None))
    return live


def demo_of(tmp_path: Path, references: str = REFERENCES) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(f'[tables.posts]\nmarker = "is_demo"\n{references}', encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)


POSTS = "SELECT id, owner_id, country_id, street_a, street_b, audit_id FROM posts ORDER BY id"
LED = [
    (1, 3, 71, 8, 1, None),
    (2, 4, 72, 8, 2, None),
    (3, None, 71, None, None, None),
    (50, 77, 73, None, None, None),
]
USERS = [
    *((1, "other@y", None, None), (2, "boss@x", 1, None), (3, "own@x", 2, None)),
    *((4, "self@x", 4, None), (77, "own@y", 1, None)),
]


@engines(*ALL)
def test_each_way_straight_merged_and_by_client(source, target, tmp_path):
    demo = demo_of(tmp_path)
    path = demo.export(source).path
    text = path.read_text("utf-8")
    assert "private@x" not in text
    assert "unused" not in text

    assert demo.load(target, path).route == "direct"
    assert target.rows(POSTS) == LED
    # A row that is there is neither changed nor deleted, though the file says otherwise.
    assert target.rows("SELECT * FROM users ORDER BY id") == USERS
    assert target.rows("SELECT * FROM regions") == [(1, "North")]
    assert validate_scenario(demo.config(target), demo.store, "general").problems == ()

    assert demo.load(target, path).changed == 0
    target.run(
        "UPDATE posts SET owner_id = 1, country_id = 74 WHERE id = 1",
        "DELETE FROM posts WHERE id IN (2, 3)",
        "INSERT INTO posts (id, is_demo, country_id) VALUES (9, TRUE, 71)",
        "UPDATE users SET email = 'mine@y' WHERE id = 2",
        "UPDATE users SET boss_id = NULL WHERE id = 4",
        "DELETE FROM users WHERE id = 4",
    )
    mine = [(2, "mine@y", *row[2:]) if row[0] == 2 else row for row in USERS]
    assert demo.load(target, path).route == "merge"
    assert target.rows(POSTS) == LED
    assert target.rows("SELECT * FROM users ORDER BY id") == mine

    target.run(
        "UPDATE posts SET country_id = 74, owner_id = NULL WHERE is_demo",
        "UPDATE users SET boss_id = NULL WHERE id = 4",
        "DELETE FROM users WHERE id = 4",
    )
    for _ in range(2):
        target.by_client(path)
        assert target.rows(POSTS) == LED
        assert target.rows("SELECT * FROM users ORDER BY id") == mine


OUT = (
    "posts.owner_id -> users.id: 2 rows",
    "posts.country_id -> countries.id: 3 rows",
    "posts.street_a, street_b -> streets.a, b: 2 rows",
    "posts.audit_id -> audit.id: 2 rows",
)
STOPPING = {
    "": OUT,
    '[references]\nusers = "include"': ("users.region_id -> regions.id: 1 row ", *OUT[1:]),
    REFERENCES.replace('["iso", "area"]', '["iso"]'): ("posts.country_id -> countries.id: 1 row ",),
    REFERENCES.replace('{ by-key = ["name"] }', '"null"').replace(
        '{ by-key = ["iso", "area"] }', '"null"'
    ): (OUT[1],),
}


@engines(*ALL)
def test_what_stops_an_export(source, tmp_path):
    for references, told in STOPPING.items():
        demo = demo_of(tmp_path, references)
        with pytest.raises(ExternalReferenceError) as caught:
            demo.export(source)
        message = caught.value.message
        assert all(path in message for path in told), message
        assert message.count(" -> ") == len(told)
        assert "[references]" in (caught.value.hint or "")
    assert not list(tmp_path.rglob("*.sql"))


def replacing(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda rows: rows.replace(old, new)


@engines(*ALL)
def test_what_stops_an_import(source, target, tmp_path):
    demo = demo_of(tmp_path)
    path = demo.export(source).path

    def refused(file: Path, *errors: type[DemoError]) -> DemoError:
        before = target.dump()
        with pytest.raises(errors) as caught:
            demo.load(target, file)
        assert target.dump() == before
        return caught.value

    # A look-up that leads elsewhere than the configuration says.
    needle = b"(SELECT id FROM countries WHERE iso='DE' AND area=1)"
    for other in (
        b"(SELECT id FROM users WHERE email='other@y')",
        b"(SELECT area FROM countries WHERE iso='DE' AND area=1)",
        b"(SELECT id FROM countries WHERE area=1 AND iso='DE')",
        b"(SELECT id FROM countries WHERE iso='DE')",
        b"(SELECT id FROM countries WHERE iso='DE' OR area=1)",
        b"(SELECT max(id) FROM countries WHERE iso='DE' AND area=1)",
    ):
        refused(edited(path, replacing(needle, other)), DocumentError, UnfitValueError)

    # A natural key that the target does not have.
    target.run("UPDATE countries SET area = 9 WHERE id = 71")
    missing = refused(path, ExternalRowError)
    assert missing.exit_code == 27
    assert "countries" in missing.message
    target.run("UPDATE countries SET area = 1 WHERE id = 71")

    # A row that travels along, whose unique value another row has.
    target.run("UPDATE users SET email = 'boss@x' WHERE id = 77")
    clash = refused(path, KeyClashError)
    assert "users" in clash.message
    assert "by-key" in (clash.hint or "")
    target.run("UPDATE users SET email = 'own@y' WHERE id = 77")
    demo.load(target, path)
    assert target.rows(POSTS) == LED


@engines(*ALL)
def test_a_reference_of_which_a_part_is_null_keeps_the_other_part(
    database_url: str, tmp_path: Path
) -> None:
    """It references nothing, so nothing has to wait for the end of the document."""
    live = Live(database_url)
    to_y = "FOREIGN KEY (a, b) REFERENCES y (a, b)"
    live.run(
        "CREATE TABLE y (a INTEGER, b INTEGER, x_id INTEGER, up_a INTEGER, up_b INTEGER,"
        " demo BOOLEAN, PRIMARY KEY (a, b), FOREIGN KEY (up_a, up_b) REFERENCES y (a, b)"
        + (", FOREIGN KEY (x_id) REFERENCES x (id))" if live.engine == "sqlite" else ")"),
        f"CREATE TABLE x (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, demo BOOLEAN, {to_y})",
    )
    if live.engine != "sqlite":
        live.run("ALTER TABLE y ADD FOREIGN KEY (x_id) REFERENCES x (id)")
    live.run(
        "INSERT INTO y VALUES (1, 1, NULL, 9, NULL, TRUE)",
        "INSERT INTO x VALUES (1, 7, NULL, TRUE), (2, 1, 1, TRUE)",
        "UPDATE y SET x_id = 2",
    )
    configuration = tmp_path / "demo.toml"
    configuration.write_text('[tables.x]\nmarker = "demo"\n[tables.y]\nmarker = "demo"\n')
    demo = Demo(tmp_path / "snapshots", configuration)
    path = demo.export(live, allow_empty=True).path
    before = live.dump()
    live.run("UPDATE x SET a = NULL", "UPDATE y SET up_a = NULL")
    demo.load(live, path)
    assert live.dump() == before
