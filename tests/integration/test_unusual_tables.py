"""Shapes of tables that few schemas have: each comes back, or is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.live import Demo, Live
from sqlalchemy.engine import make_url

from demo_snapshots.errors import (
    ConfigError,
    DatabaseError,
    ExternalReferenceError,
    RealRowsError,
    UnportableValueError,
)
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


@pytest.mark.parametrize(("columns", "prove"), [(520, True), (1100, False)])
def test_many_columns(sqlite_url, tmp_path, columns, prove):
    live = Live(sqlite_url)
    names = [f"c{n}" for n in range(columns)]
    live.run(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, m BOOLEAN, {' TEXT, '.join(names)} TEXT)",
        "INSERT INTO t (id, m, c0, c9) VALUES (1, 1, 'a', 'b''c'), (2, 1, NULL, x'00')",
    )
    demo = demo_of(tmp_path, "[tables.t]\nmarker = 'm'\n")
    round_trip(live, demo, "UPDATE t SET c9 = 'changed'", prove=prove)


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


PARTITIONED = (
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, is_demo BOOLEAN NOT NULL DEFAULT FALSE)",
    "CREATE TABLE visits (id INTEGER, team_id INTEGER, day DATE NOT NULL, PRIMARY KEY (id, day))"
    " PARTITION BY RANGE (day)",
    "CREATE TABLE visits_1 PARTITION OF visits (FOREIGN KEY (team_id) REFERENCES teams (id))"
    " FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "CREATE TABLE visits_2 PARTITION OF visits (FOREIGN KEY (team_id) REFERENCES teams (id))"
    " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "INSERT INTO teams VALUES (1, TRUE), (2, FALSE)",
    "INSERT INTO visits VALUES (1, 1, '2025-05-05'), (2, 1, '2026-05-05'), (3, 2, '2026-05-05')",
)


def test_foreign_keys_that_every_partition_has(postgresql_url, tmp_path):
    live = Live(postgresql_url)
    live.run(*PARTITIONED)
    demo = demo_of(
        tmp_path, "[tables.teams]\nmarker = 'is_demo'\n[tables.visits]\nfollows = 'team_id'\n"
    )
    round_trip(live, demo, "DELETE FROM visits WHERE id = 2")


def test_foreign_keys_that_some_partitions_have(postgresql_url, tmp_path):
    """They count as the table's: nothing goes out, or is taken away, that may be needed."""
    live = Live(postgresql_url)
    live.run(*PARTITIONED, "ALTER TABLE visits_2 DROP CONSTRAINT visits_2_team_id_fkey")
    teams = "[tables.teams]\nmarker = 'is_demo'\n"
    demo = demo_of(tmp_path, f"{teams}[tables.visits]\nfollows = 'team_id'\n")
    round_trip(live, demo, "DELETE FROM visits WHERE id < 3")

    leading_out = demo_of(tmp_path, f"{teams}[tables.visits]\nwhere = 'id > 1'\n")
    with pytest.raises(ExternalReferenceError, match=r"visits\.team_id -> teams\.id: 1 row"):
        leading_out.export(live)

    demo = demo_of(tmp_path, teams)
    path = Path(demo.export(live).file)
    live.run("INSERT INTO teams VALUES (3, TRUE)")
    for day in "2025-05-05", "2026-05-05":
        live.run(f"INSERT INTO visits VALUES (9, 3, '{day}')")
        before = live.dump()
        with pytest.raises(RealRowsError, match="visits"):
            demo.load(live, path)
        assert live.dump() == before
        live.run("DELETE FROM visits WHERE id = 9")


def test_partitions_that_reference_a_table_each(postgresql_url, tmp_path):
    live = Live(postgresql_url)
    live.run(
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, is_demo BOOLEAN)",
        "CREATE TABLE films (id INTEGER PRIMARY KEY)",
        "CREATE TABLE notes (id INTEGER, kind TEXT, about INTEGER, PRIMARY KEY (id, kind))"
        " PARTITION BY LIST (kind)",
        "CREATE TABLE notes_1 PARTITION OF notes (FOREIGN KEY (about) REFERENCES posts (id))"
        " FOR VALUES IN ('post')",
        "CREATE TABLE notes_2 PARTITION OF notes (FOREIGN KEY (about) REFERENCES films (id))"
        " FOR VALUES IN ('film')",
        "INSERT INTO posts VALUES (1, TRUE), (2, FALSE)",
        "INSERT INTO films VALUES (7)",
        "INSERT INTO notes VALUES (1, 'post', 1), (2, 'film', 7), (3, 'post', 2)",
    )
    marked = "[tables.posts]\nmarker = 'is_demo'\n"
    with pytest.raises(ConfigError, match=r"notes\.about: in some partitions") as caught:
        demo_of(tmp_path, marked).export(live)
    assert '[foreign-keys] "notes.about" = { type' in str(caught.value.hint)
    told = '{ type = "kind", references = { post = "posts.id", film = "films.id" } }'
    rules = f'[tables.notes]\nfollows = "about"\n[foreign-keys]\n"notes.about" = {told}\n'
    round_trip(live, demo_of(tmp_path, marked + rules), "DELETE FROM notes WHERE id = 1")


def test_a_rule_that_swallows_rows(postgresql_url, tmp_path):
    """A stock client would delete the rows and put none back."""
    live = Live(postgresql_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, m BOOLEAN)",
        "INSERT INTO t VALUES (1, TRUE)",
        "CREATE RULE nothing AS ON INSERT TO t DO INSTEAD NOTHING",
    )
    demo = demo_of(tmp_path, "[tables.t]\nmarker = 'm'\n")
    with pytest.raises(UnportableValueError, match="the rule nothing") as caught:
        demo.export(live)
    assert "disable the rule" in str(caught.value.hint)
    live.run(
        "DROP RULE nothing ON t",
        "CREATE RULE few AS ON INSERT TO t WHERE new.id > 9 DO INSTEAD NOTHING",
    )
    round_trip(live, demo, "UPDATE t SET id = 2", prove=False)


def test_row_level_security(postgresql_url, tmp_path):
    live = Live(postgresql_url)
    role = f"limited_{live.value('SELECT current_database()')}"
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, m BOOLEAN, owner TEXT)",
        "INSERT INTO t VALUES (1, TRUE, 'a'), (2, TRUE, 'b')",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON t USING (owner = 'a')",
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'",
        f"GRANT ALL ON t TO {role}",
    )
    demo = demo_of(tmp_path, "[tables.t]\nmarker = 'm'\n")
    path = Path(demo.export(live).file)
    url = make_url(live.url).set(username=role, password="x")
    limited = Live(url.render_as_string(hide_password=False))
    before = live.dump()
    for action in (demo.export, lambda live: demo.load(live, path)):
        with pytest.raises(DatabaseError, match="row-level security") as caught:
            action(limited)
        assert "BYPASSRLS" in str(caught.value.hint)
    assert live.dump() == before
    live.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
