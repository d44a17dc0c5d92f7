"""What is recognised in a database as demo rows, and what is not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from demo_snapshots.engines.connection import connect
from demo_snapshots.model.rules import Field, Follows, Marked
from demo_snapshots.model.tables import Column, ForeignKey, Kind, Table
from demo_snapshots.selection.discovery import Finding, Findings, look
from demo_snapshots.selection.following import follow

Look = Callable[..., Findings]


@pytest.fixture
def look_at(tmp_path: Path) -> Look:
    """Look at a SQLite database made by these statements."""

    def run(*statements: str) -> Findings:
        path = tmp_path / "app.sqlite"
        with closing(sqlite3.connect(path)) as raw, raw:
            for statement in statements:
                raw.execute(statement)
        with connect(f"sqlite:///{path}") as database:
            return look(database)

    return run


def by_name(findings: Findings) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings.tables}


def insert(*values: object) -> str:
    texts = (v if isinstance(v, str) else json.dumps(v) for v in values)
    return "INSERT INTO t (meta) VALUES " + ", ".join(
        "('" + text.replace("'", "''") + "')" for text in texts
    )


# --- Markers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", ["JSON", "TEXT", "longtext", "varchar(255)"])
@pytest.mark.parametrize("value", [True, 1, "true", "1"])
def test_json_that_says_demo_seed(look_at, declared, value):
    findings = look_at(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, meta {declared})",
        insert({"demo_seed": value, "scenario": "general"}, {"demo_seed": False}, "no {json", ""),
        "INSERT INTO t (meta) VALUES (NULL)",
    )
    found = by_name(findings)["t"]
    assert found.selection.rule == Marked(Field("meta", ("demo_seed",)))
    assert found.selection.scenario == Field("meta", ("scenario",))
    assert (found.rows, found.exact, findings.scenarios) == (1, True, ("general",))


def test_json_that_says_demo_seed_further_in(look_at):
    inner = {"demo_seed": True, "scenario": "a"}
    findings = look_at(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, meta TEXT)",
        insert({"scenario": "b", "x": {"y-z": inner}, "list": [{"demo_seed": True}]}),
    )
    selection = by_name(findings)["t"].selection
    assert selection.rule == Marked(Field("meta", ("x", "y-z", "demo_seed")))
    assert selection.scenario == Field("meta", ("x", "y-z", "scenario"))
    assert findings.scenarios == ("a",)


@pytest.mark.parametrize(
    "value",
    [
        {"demo_seed": False},
        {"demo_seed": "no"},
        {"demo_seed": None},
        {"demo_seed": 2},
        [{"demo_seed": True}],
        {"note": "demo_seed"},
        {"a.b": {"demo_seed": True}},
        "demo_seed",
    ],
)
def test_json_that_marks_nothing(look_at, value):
    findings = look_at("CREATE TABLE t (id INTEGER PRIMARY KEY, meta TEXT)", insert(value))
    assert findings.tables == ()


@pytest.mark.parametrize("name", ["is_demo", "demo", "isDemo", "IS_DEMO", "demo_seed"])
@pytest.mark.parametrize("declared", ["BOOLEAN", "tinyint(1)", "INTEGER", "TEXT"])
def test_a_boolean_column(look_at, name, declared):
    findings = look_at(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, {name} {declared}, scenario TEXT)",
        f"INSERT INTO t ({name}, scenario) VALUES (1, 'general'), (0, NULL), (NULL, 'x')",
    )
    found = by_name(findings)["t"]
    assert found.selection.rule == Marked(Field(name))
    assert found.selection.scenario == Field("scenario")
    assert found.rows == 1


@pytest.mark.parametrize(
    ("column", "value"), [("demo TEXT", "'demo.mp3'"), ("demo INTEGER", "7"), ("demos BOOL", "1")]
)
def test_a_column_that_only_sounds_like_one(look_at, column, value):
    findings = look_at(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column})",
        f"INSERT INTO t VALUES (1, {value}), (2, 1)",
    )
    assert findings.tables == ()


def test_a_scenario_and_no_other_marker(look_at):
    findings = look_at(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, scenario TEXT)",
        "CREATE TABLE u (id INTEGER PRIMARY KEY, scenario TEXT NOT NULL)",
        "CREATE TABLE v (u_id INTEGER NOT NULL REFERENCES u (id))",
        "INSERT INTO t (scenario) VALUES ('b'), (NULL), ('a')",
        "INSERT INTO u (scenario) VALUES ('c')",
    )
    found = by_name(findings)
    assert (found["t"].rows, found["t"].subject) == (2, "scenario")
    assert found["u"].doubtful, "every row would be a demo row"
    assert "v" not in found
    assert findings.scenarios == ("a", "b", "c")


def test_kinds_that_are_worth_counting(look_at):
    findings = look_at(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, Kind TEXT)",
        "CREATE TABLE u (id INTEGER PRIMARY KEY, is_demo BOOLEAN, type INTEGER)",
        "CREATE TABLE v (id INTEGER PRIMARY KEY, is_demo BOOLEAN, type TEXT)",
        "INSERT INTO t (Kind) VALUES ('a'), ('b')",
        "INSERT INTO u (type) VALUES (1), (2)",
        "INSERT INTO v (type) SELECT 'only one'",
    )
    found = by_name(findings)
    assert [found[name].selection.breakdown for name in "tuv"] == ["Kind", None, None]


def test_bookkeeping_is_never_offered(look_at):
    findings = look_at(
        "CREATE TABLE migrations (id INTEGER PRIMARY KEY, migration TEXT, batch INT, demo BOOL)",
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, queue TEXT, payload TEXT, attempts INT)",
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, title TEXT, is_demo BOOL)",
        """INSERT INTO jobs (payload) VALUES ('{"demo_seed": true}')""",
    )
    assert list(by_name(findings)) == ["sessions"], "an application's own, of the same name"
    assert findings.looked_at == 1


# --- Large tables ----------------------------------------------------------------------------

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200001)"


@pytest.mark.parametrize("marked", ["i <= 5", "i > 199996"])
def test_a_large_table_is_looked_at_from_both_ends(look_at, marked):
    findings = look_at(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, meta TEXT)",
        "CREATE TABLE u (t_id INTEGER NOT NULL REFERENCES t (id))",
        f"""{NUMBERS} INSERT INTO t SELECT i, CASE WHEN {marked} THEN '{{"demo_seed": 1}}' END
            FROM n""",
    )
    found = by_name(findings)
    assert (found["t"].rows, found["t"].exact) == (5, False)
    assert (found["u"].rows, found["u"].exact) == (None, False)
    assert findings.sampled == ("t",)


# --- Tables that follow ----------------------------------------------------------------------


def test_tables_that_follow_over_several_hops(look_at):
    findings = look_at(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, is_demo BOOL, parent_id INT REFERENCES a (id))",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INT REFERENCES a (id))",
        "CREATE TABLE c (x INT, y INT, b_id INT REFERENCES b (id), PRIMARY KEY (x, y))",
        "CREATE TABLE d (x INT, y INT, FOREIGN KEY (x, y) REFERENCES c (x, y))",
        "CREATE TABLE alone (id INTEGER PRIMARY KEY)",
        "INSERT INTO a VALUES (1, 1, NULL), (2, 0, 1)",
        "INSERT INTO b VALUES (1, 1), (2, 2), (3, 1)",
        "INSERT INTO c VALUES (1, 1, 1), (1, 2, 2)",
        "INSERT INTO d VALUES (1, 1), (1, 2), (1, NULL)",
    )
    assert [(f.name, f.rows) for f in findings.tables] == [("a", 1), ("b", 2), ("c", 1), ("d", 1)]
    assert by_name(findings)["d"].selection.rule == Follows(("x", "y"), "c", ("x", "y"))


def test_a_table_that_outlives_what_it_references_is_for_people_to_decide(look_at):
    findings = look_at(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, is_demo BOOL)",
        "CREATE TABLE people (id INTEGER PRIMARY KEY,"
        " favourite INT, FOREIGN KEY (favourite) REFERENCES a (id) ON DELETE SET NULL)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, person INT NOT NULL REFERENCES people (id))",
    )
    found = by_name(findings)
    assert (found["people"].doubtful, found["a"].doubtful) == (True, False)
    assert "notes" not in found


def test_what_demo_rows_lean_on(look_at):
    findings = look_at(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, no INT UNIQUE)",
        "CREATE TABLE units (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOL,"
        " user_id INT REFERENCES users (id), unit_id INT REFERENCES units (id))",
        "INSERT INTO users VALUES (1, 'a@example.org', 1)",
        "INSERT INTO units VALUES (1)",
        "INSERT INTO t VALUES (1, 1, 1, NULL), (2, 1, 1, NULL), (3, 0, 1, 1)",
    )
    (reference,) = findings.external
    assert (reference.key.referenced_table, reference.rows) == ("users", 2)
    assert reference.natural_key == ("email",)


def test_an_example_where_nothing_is_found(look_at):
    findings = look_at(
        "CREATE TABLE genres (id INTEGER PRIMARY KEY)",
        "CREATE TABLE artists (id INTEGER PRIMARY KEY)",
        "CREATE TABLE albums (id INTEGER PRIMARY KEY, artist_id INT REFERENCES artists (id))",
        "CREATE TABLE tracks (id INTEGER PRIMARY KEY, album_id INT REFERENCES albums (id),"
        " genre_id INT REFERENCES genres (id))",
    )
    assert findings.tables == ()
    assert [finding.name for finding in findings.example] == ["artists", "albums", "tracks"]
    assert look_at("DROP TABLE tracks", "DROP TABLE albums", "DROP TABLE artists").tables == ()


def test_an_empty_database(look_at):
    assert look_at().looked_at == 0


# --- Which key to follow by ------------------------------------------------------------------


def table(name: str, *keys: tuple[str, str, str], key: tuple[str, ...] = ("id",)) -> Table:
    """Each of ``keys``: a column (nullable with a ?), the table it references, ON DELETE."""
    columns = [Column("id", Kind.INTEGER, nullable=False)]
    foreign = []
    for column, referenced, on_delete in keys:
        bare = column.removesuffix("?")
        columns.append(Column(bare, Kind.INTEGER, nullable=column.endswith("?")))
        foreign.append(ForeignKey("", (bare,), referenced, ("id",), on_delete))
    return Table(name, tuple(columns), key=key, foreign_keys=tuple(foreign))


NOTHING = "NO ACTION"


@pytest.mark.parametrize(
    ("keys", "key", "chosen", "because"),
    [
        ([("a?", "m", "CASCADE"), ("b", "n", NOTHING)], "id", "b", "never NULL"),
        ([("a", "m", "CASCADE"), ("b", "n", NOTHING)], "b", "b", "part of the primary key"),
        ([("a", "m", NOTHING), ("b", "n", "CASCADE")], "id", "b", "deletes cascade"),
        ([("a", "far", NOTHING), ("b", "n", NOTHING)], "id", "b", "fewer steps"),
        ([("a", "m", NOTHING), ("b", "n", NOTHING)], "id", "a", "come first"),
        ([("a?", "m", "SET NULL"), ("b?", "n", NOTHING)], "id", "b", ""),
    ],
)
def test_of_several_keys_the_better_one(keys, key, chosen, because):
    far = table("far", ("m_id", "m", NOTHING))
    tables = [table("m"), table("n"), far, table("t", *keys, key=(key,))]
    found = {f.table: f for f in follow({t.name: t for t in tables}, {"m", "n"})}["t"]
    assert found.key.columns == (chosen,)
    assert because in found.because
    assert bool(found.others) == bool(because)


def test_tables_that_reference_each_other_do_not_follow_in_a_circle():
    tables = [
        table("m"),
        table("a", ("b_id", "b", "CASCADE"), ("m_id?", "m", NOTHING)),
        table("b", ("a_id", "a", "CASCADE"), ("self?", "b", "CASCADE")),
        table("c", ("d_id", "d", NOTHING)),
        table("d", ("c_id", "c", NOTHING)),
    ]
    found = {f.table: f.key.referenced_table for f in follow({t.name: t for t in tables}, {"m"})}
    assert found == {"a": "m", "b": "a"}


def test_a_key_that_may_be_null_is_worth_a_look():
    tables = {
        t.name: t
        for t in (
            table("m"),
            table("a", ("m_id?", "m", NOTHING)),
            table("b", ("m_id?", "m", "CASCADE")),
            table("c", ("m_id", "m", NOTHING)),
        )
    }
    assert [f.table for f in follow(tables, {"m"}) if f.loose] == ["a"]
