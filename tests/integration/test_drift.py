"""Snapshots of before a migration: what became of the tables is said, and they go in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from integration.live import NOW, Live

from demo_snapshots.config.settings import load_config
from demo_snapshots.errors import SchemaError, UnfitValueError, UsageError
from demo_snapshots.project import Project

BEFORE = """
[tables.people]
where = "name <> 'Real'"
json-references = { "friends[*]" = "people.id" }

[tables.posts]
follows = "author_id"

[references]
countries = "include"
"""
AFTER = """
[tables.users]
where = "full_name <> 'Real'"
json-references = { "friends[*]" = "users.uid" }

[tables.posts]
follows = "user_id"

[references]
lands = "include"
"""
RULES = """
[[drift]]
rename-tables = { people = "users", countries = "lands" }
defaults = { "users.locale" = "en", "users.active" = true, "posts.stars" = 5, "lands.size" = 1.5 }
drop-columns = ["users.fax", "lands.tax"]

[drift.rename-columns]
"users.id" = "uid"
"users.name" = "full_name"
"posts.author_id" = "user_id"
"lands.iso" = "code"
"""
SAID: dict[str, Any] = {
    "rename_tables": {"people": "users", "countries": "lands"},
    "rename_columns": {
        "lands.iso": "code",
        "users.id": "uid",
        "users.name": "full_name",
        "posts.author_id": "user_id",
    },
    "defaults": {
        "users.locale": "en",
        "users.active": True,
        "posts.stars": "5",
        "lands.size": "1.5",
    },
    "drop_columns": ["users.fax", "lands.tax"],
}
OLD = (
    "CREATE TABLE countries (id INTEGER PRIMARY KEY, iso VARCHAR(2) NOT NULL, tax INTEGER)",
    "INSERT INTO countries VALUES (1, 'de', 1), (2, 'fr', 2)",
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, fax VARCHAR(9),"
    " visits INTEGER, best_id INTEGER REFERENCES people (id), friends {json},"
    " country_id INTEGER REFERENCES countries (id))",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL,"
    " title VARCHAR(40), FOREIGN KEY (author_id) REFERENCES people (id))",
    "INSERT INTO people VALUES (1, 'Real', NULL, 1, NULL, NULL, 1),"
    " (2, 'Ada', '1', 2, NULL, '[3]', 2), (3, 'It''s', NULL, NULL, NULL, '[2]', NULL)",
    "UPDATE people SET best_id = 3 WHERE id = 2",
    "INSERT INTO posts VALUES (1, 1, 'real'), (2, 2, 'a),\n(b'), (3, 3, NULL)",
)
NEW = (
    "CREATE TABLE lands (id INTEGER PRIMARY KEY, code VARCHAR(2) NOT NULL,"
    " size DECIMAL(4, 1) NOT NULL)",
    "CREATE TABLE users (uid INTEGER PRIMARY KEY, active BOOLEAN NOT NULL,"
    " full_name VARCHAR(80) NOT NULL, locale VARCHAR(5) NOT NULL, visits BIGINT,"
    " best_id INTEGER REFERENCES users (uid), friends {json}, note VARCHAR(9) DEFAULT 'x',"
    " country_id INTEGER REFERENCES lands (id))",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, stars SMALLINT NOT NULL, user_id INTEGER NOT NULL,"
    " title VARCHAR(40), FOREIGN KEY (user_id) REFERENCES users (uid))",
    "INSERT INTO users (uid, active, full_name, locale, friends)"
    " VALUES (1, {false}, 'Real', 'de', NULL)",
    "INSERT INTO posts VALUES (1, 1, 1, 'real')",
)
USERS = "SELECT uid, full_name, locale, visits, best_id, note FROM users ORDER BY uid"
THERE = [
    (1, "Real", "de", None, None, "x"),
    (2, "Ada", "en", 2, 3, "x"),
    (3, "It's", "en", None, None, "x"),
]


def made(live: Live, statements: tuple[str, ...]) -> None:
    json = {"sqlite": "JSON", "postgresql": "jsonb", "mariadb": "JSON"}[live.engine]
    live.run(*(each.format(json=json, false="FALSE") for each in statements))


def project(place: Path, url: str, text: str) -> Project:
    file = place / "demo.toml"
    file.write_text(text, encoding="utf-8")
    config = load_config(database=url, snapshots=place / "snapshots", file=file)
    return Project(config, lambda: NOW)


@pytest.fixture
def migrated(database_url: str, tmp_path: Path) -> Live:
    """A database after the migration; ``general`` v1 was saved before it."""
    live = Live(database_url)
    made(live, OLD)
    project(tmp_path, database_url, BEFORE).export("general")
    live.run("DROP TABLE posts", "DROP TABLE people", "DROP TABLE countries")
    made(live, NEW)
    return live


def test_what_became_of_the_tables_is_said_with_the_import(migrated, tmp_path):
    now = project(tmp_path, migrated.url, AFTER)
    back = now.import_("general", **SAID)
    assert (back.changed, back.route) == (4, "direct")
    assert migrated.rows(USERS) == THERE
    assert migrated.rows("SELECT id, stars, user_id, title FROM posts ORDER BY id") == [
        (1, 1, 1, "real"),
        (2, 5, 2, "a),\n(b"),
        (3, 5, 3, None),
    ]
    assert migrated.rows("SELECT id, code, size = 1.5 FROM lands") == [(2, "fr", True)]
    again = now.import_("general", **SAID)
    assert (again.changed, again.route) == (0, "merge")
    migrated.run("UPDATE users SET locale = 'fr' WHERE uid = 2", "DELETE FROM posts WHERE id = 3")
    assert now.import_("general", **SAID, confirm=lambda plan: True).changed == 2
    assert migrated.rows(USERS) == THERE


def test_what_became_of_the_tables_is_written_once(migrated, tmp_path):
    now = project(tmp_path, migrated.url, AFTER + RULES)
    assert now.import_("general").changed == 4
    assert migrated.rows(USERS) == THERE
    assert now.validate("general").problems == ()
    users, posts = now.compare_with_database("general").tables
    assert (users.same, users.only_old, users.only_new) == (2, (), ("note",))
    assert not posts.differs
    schema = now.validate(schema_only=True)
    assert schema.upgrade_due
    assert not schema.valid
    migrated.run("UPDATE users SET full_name = 'Eve' WHERE uid = 2")
    assert now.compare_with_database("general").tables[0].changed == 1

    done = now.upgrade("general", dry_run=True)
    assert (done.written, done.way, now.list_exports().scenarios[0].entries[1:]) == (
        *(False, "rules"),
        (),
    )
    before = migrated.dump()
    done = now.upgrade("general")
    assert (done.written, done.version.number) == (True, 2)
    assert [(table.table, table.same) for table in done.comparison.tables] == [
        *(("lands", 1), ("users", 2), ("posts", 2)),
    ]
    assert not done.comparison.tables[2].differs
    assert migrated.dump() == before
    plain = project(tmp_path, migrated.url, AFTER)
    assert plain.validate(schema_only=True).valid
    assert plain.import_("general").changed == 1
    assert migrated.rows(USERS) == THERE
    assert now.upgrade("general").written is False
    number = plain.list_undo()[0].number
    plain.undo(number)
    assert migrated.dump() == before


def test_the_refusal_ends_with_what_would_let_it_in(migrated, tmp_path):
    before = migrated.dump()
    now = project(tmp_path, migrated.url, AFTER)
    with pytest.raises(SchemaError) as refused:
        now.import_("general")
    assert refused.value.hint is not None
    assert refused.value.hint.endswith(
        "rename_tables={'people': 'users', 'countries': 'lands'} rename_columns={'users.id': 'uid',"
        " 'users.name': 'full_name', 'posts.author_id': 'user_id', 'lands.iso': 'code'}"
        " defaults={'users.active': '…', 'users.locale': '…', 'posts.stars': '…',"
        " 'lands.size': '…'} drop_columns=['users.fax', 'lands.tax']"
    )
    for wrong, error in (
        ({"rename_columns": {"users.gone": "x"}}, UsageError),
        ({"rename_columns": {"users.name": "visits"}}, UsageError),
        ({"rename_columns": {"gone.name": "x"}}, UsageError),
        ({"rename_tables": {"gone": "users"}}, UsageError),
        ({"rename_tables": {"people": "posts"}}, UsageError),
        ({"defaults": {"users.visits": "1"}}, UsageError),
        ({"defaults": {"users.gone": "1"}}, UsageError),
        ({"defaults": {"users.locale": "much too long"}}, UnfitValueError),
        ({"defaults": {"users.active": "maybe"}}, UnfitValueError),
    ):
        options: dict[str, Any] = wrong
        if error is UnfitValueError and migrated.engine == "sqlite":
            continue  # its columns take text of any length, wherever
        names = {"people": "users", "countries": "lands"} if "rename_tables" not in options else {}
        with pytest.raises(error) as clear:
            now.import_("general", **{"rename_tables": names, **options})
        assert "much too long" not in str(clear.value)
    assert migrated.dump() == before
