"""Rows that are missing come back; everything else stays, edited or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.live import Demo, Live

from demo_snapshots.errors import KeyClashError, SchemaError, UsageError

TABLES = (
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, name VARCHAR(40) UNIQUE,"
    " is_demo BOOLEAN NOT NULL)",
    "CREATE TABLE people (team_id INTEGER NOT NULL REFERENCES teams (id), code VARCHAR(9) NOT NULL,"
    " boss VARCHAR(9), name VARCHAR(40), PRIMARY KEY (team_id, code),"
    " FOREIGN KEY (team_id, boss) REFERENCES people (team_id, code))",
)
ROWS = (
    "INSERT INTO teams VALUES (1, 'red', TRUE), (2, 'blue', TRUE), (9, 'real', FALSE)",
    "INSERT INTO people VALUES (1, 'b', NULL, 'Bob')",
    "INSERT INTO people VALUES (1, 'a', 'b', 'Ann'), (2, 'c', NULL, 'Cy'), (9, 'z', NULL, 'Real')",
)


@pytest.fixture
def live(database_url) -> Live:
    live = Live(database_url)
    live.run(*TABLES, *ROWS)
    return live


@pytest.fixture
def demo(tmp_path) -> Demo:
    (tmp_path / "demo.toml").write_text(
        "[tables.teams]\nmarker = 'is_demo'\n[tables.people]\nfollows = 'team_id'\n", "utf-8"
    )
    return Demo(tmp_path / "snapshots", tmp_path / "demo.toml")


def test_what_is_missing_comes_back_and_nothing_else_changes(live, demo):
    path = Path(demo.export(live).file)
    live.run(
        "DELETE FROM people WHERE code IN ('a', 'c')",
        "DELETE FROM teams WHERE id = 2",
        "UPDATE people SET name = 'Robert' WHERE code = 'b'",
        "INSERT INTO teams VALUES (3, 'green', TRUE)",
    )
    result = demo.load(live, path, missing_only=True)
    assert (result.total, result.changed, result.replaced.total) == (3, 3, 0)
    assert live.rows("SELECT id, name FROM teams ORDER BY id") == [
        (1, "red"),
        (2, "blue"),
        (3, "green"),
        (9, "real"),
    ]
    assert live.rows("SELECT code, boss, name FROM people ORDER BY code") == [
        ("a", "b", "Ann"),
        ("b", None, "Robert"),
        ("c", None, "Cy"),
        ("z", None, "Real"),
    ]
    again = demo.load(live, path, missing_only=True)
    assert (again.total, again.changed) == (0, 0)


def test_into_a_database_without_demo_rows(live, demo):
    before = live.dump()
    path = Path(demo.export(live).file)
    live.run("DELETE FROM people WHERE code = 'a'", "DELETE FROM people WHERE team_id < 9")
    live.run("DELETE FROM teams WHERE is_demo")
    demo.load(live, path, missing_only=True)
    assert live.dump() == before


@pytest.mark.parametrize(
    "rows",
    [
        "UPDATE teams SET is_demo = FALSE WHERE id = 2",
        "UPDATE teams SET id = 7 WHERE id = 2",
    ],
)
def test_a_key_or_unique_value_that_is_taken(live, demo, rows):
    path = Path(demo.export(live).file)
    live.run("DELETE FROM people WHERE code = 'c'", rows)
    before = live.dump()
    with pytest.raises(KeyClashError):
        demo.load(live, path, missing_only=True)
    assert live.dump() == before


def test_what_cannot_be_told(live, demo, tmp_path):
    live.run(
        "CREATE TABLE badges (team_id INTEGER REFERENCES teams (id), label VARCHAR(9))",
        "INSERT INTO badges VALUES (1, 'gold')",
    )
    with (tmp_path / "demo.toml").open("a", encoding="utf-8") as file:
        file.write("[tables.badges]\nfollows = 'team_id'\n")
    path = Path(demo.export(live).file)
    before = live.dump()
    with pytest.raises(SchemaError, match="badges: has no key"):
        demo.load(live, path, missing_only=True)
    for other in ("add", "new_ids"):
        with pytest.raises(UsageError):
            demo.load(live, path, missing_only=True, **{other: True})
    assert live.dump() == before
