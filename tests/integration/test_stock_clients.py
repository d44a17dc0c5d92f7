"""What the stock clients make of a file: no row of another table, and no value another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NewDatabase
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import ExportError

ALL = ("sqlite", "postgresql", "mariadb")


def demo_of(tmp_path: Path, configuration: str) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(configuration, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def marked(*tables: str) -> str:
    return "".join(f'[tables."{name}"]\nmarker = "is_demo"\n' for name in tables)


# --- Tables of several schemas (PostgreSQL) ---------------------------------------------------


def in_schemas(url: str, *tables: str) -> Live:
    """These tables, each with a real row and a marked one."""
    live = Live(url)
    for name in tables:
        schema = name.partition(".")[0]
        live.run(
            f"CREATE SCHEMA IF NOT EXISTS {schema}",
            f"CREATE TABLE {name} (id SERIAL PRIMARY KEY, note TEXT, is_demo BOOLEAN)",
            f"INSERT INTO {name} (note, is_demo) VALUES ('real {name}', FALSE), ('{name}', TRUE)",
        )
    return live


def in_order(live: Live, *tables: str) -> list[list[tuple[object, ...]]]:
    return [live.rows(f"SELECT id, note, is_demo FROM {name} ORDER BY id") for name in tables]


@engines("postgresql", "postgresql15")
def test_a_table_of_the_same_name_in_another_schema_is_left_alone(
    database_url: str, tmp_path: Path
) -> None:
    tables = ("public.t", "other.k", "other.t")
    live = in_schemas(database_url, *tables)
    path = demo_of(tmp_path, marked("t", "other.k")).export(live).path
    before = in_order(live, *tables)
    live.run(
        "UPDATE t SET note = 'edited' WHERE is_demo",
        "DELETE FROM other.k WHERE is_demo",
        "INSERT INTO t (note, is_demo) VALUES ('by hand', TRUE)",
    )
    live.by_client(path)
    assert in_order(live, *tables) == before


@engines("postgresql", "postgresql15")
def test_a_table_that_hides_another_stops_the_whole_load(
    database_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    live = in_schemas(database_url, "public.t", "other.k")
    demo = demo_of(tmp_path, marked("t", "other.k"))
    path = demo.export(live).path
    tables = ("public.t", "other.k", "other.t")
    target = in_schemas(new_database(database_url.partition(":")[0]), *tables)
    before = in_order(target, *tables)
    with pytest.raises(AssertionError, match=r"other\.t hides public\.t"):
        target.by_client(path)
    assert in_order(target, *tables) == before
    # Nothing but the client goes by the names of the file.
    target.run("UPDATE t SET note = 'edited' WHERE is_demo")
    demo.load(target, path)
    assert in_order(target, *tables) == before


@engines("postgresql")
def test_names_that_no_search_path_tells_apart_are_refused(
    database_url: str, tmp_path: Path
) -> None:
    live = in_schemas(database_url, "public.t", "other.k", "other.t", "public.k")
    demo = demo_of(tmp_path, marked("t", "other.k"))
    with pytest.raises(ExportError) as caught:
        demo.export(live)
    assert "other.t" in caught.value.message
    assert "public.k" in caught.value.message
    assert not list(tmp_path.rglob("*.sql"))


@engines("postgresql", "postgresql15")
def test_rows_that_travel_along_from_another_schema(
    database_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    def tables(url: str) -> Live:
        live = Live(url)
        live.run(
            "CREATE SCHEMA geo",
            "CREATE SCHEMA norm",
            "CREATE TABLE geo.country (id INTEGER PRIMARY KEY, iso TEXT)",
            "CREATE TABLE norm.unit (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN,"
            " country_id INTEGER REFERENCES geo.country (id),"
            " unit_id INTEGER REFERENCES norm.unit (id))",
        )
        return live

    live = tables(database_url)
    live.run(
        "INSERT INTO geo.country VALUES (1, 'DE')",
        "INSERT INTO norm.unit VALUES (1, 'kg')",
        "INSERT INTO t VALUES (1, TRUE, 1, 1)",
    )
    references = '[references]\n"geo.country" = "include"\n"norm.unit" = { by-key = ["name"] }\n'
    path = demo_of(tmp_path, marked("t") + references).export(live).path
    target = tables(new_database(database_url.partition(":")[0]))
    target.run("INSERT INTO norm.unit VALUES (7, 'kg')")
    target.by_client(path)
    assert target.rows("SELECT country_id, unit_id FROM t") == [(1, 7)]


# --- Tables that others inherit from (PostgreSQL) ---------------------------------------------


@engines("postgresql", "postgresql15")
def test_rows_of_heirs_are_left_alone(
    database_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    def tables(url: str) -> Live:
        live = Live(url)
        live.run(
            "CREATE TABLE firm (id INTEGER PRIMARY KEY, name TEXT)",
            "CREATE TABLE branch (w INTEGER) INHERITS (firm)",
            "CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT)",
            "CREATE TABLE spot (w INTEGER) INHERITS (place)",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, next_id INTEGER"
            " REFERENCES t (id), firm_id INTEGER REFERENCES firm (id),"
            " place_id INTEGER REFERENCES place (id), part_id INTEGER)",
            "CREATE TABLE c (w INTEGER) INHERITS (t)",
            "CREATE TABLE part (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id))",
            "ALTER TABLE t ADD FOREIGN KEY (part_id) REFERENCES part (id)",
            "INSERT INTO branch VALUES (1, 'of a branch', 1)",
            "INSERT INTO spot VALUES (9, 'here', 1)",
            "INSERT INTO c VALUES (1, TRUE, 7, 7, 7, 7, 1), (2, TRUE, NULL, NULL, NULL, NULL, 2),"
            " (5, TRUE, NULL, NULL, NULL, NULL, 3)",
            "INSERT INTO part VALUES (50, NULL)",
        )
        return live

    live = tables(database_url)
    live.run(
        "INSERT INTO firm VALUES (1, 'whole')",
        "INSERT INTO place VALUES (1, 'here')",
        "INSERT INTO t VALUES (2, TRUE, NULL, 1, 1, NULL), (1, TRUE, 2, 1, 1, NULL)",
        "INSERT INTO part VALUES (1, 1)",
        "UPDATE t SET part_id = 1 WHERE id = 2",
    )
    configuration = (
        marked("t") + '[tables.part]\nfollows = "t_id"\n'
        '[references]\nfirm = "include"\nplace = { by-key = ["name"] }\n'
    )
    demo = demo_of(tmp_path, configuration)
    path = demo.export(live).path
    target = tables(new_database(database_url.partition(":")[0]))
    target.run(
        "INSERT INTO place VALUES (1, 'here')",
        # To be told from a row of an heir with the same key.
        "INSERT INTO t (id, is_demo) VALUES (3, TRUE)",
        "INSERT INTO part VALUES (3, 3)",
        "UPDATE t SET part_id = 3 WHERE id = 3",
    )
    heirs = [target.rows(f"SELECT * FROM {name} ORDER BY id") for name in ("branch", "spot", "c")]
    for again in (Live.by_client, Live.by_client, demo.load):
        again(target, path)
        for name in ("ONLY firm", "ONLY place", "ONLY t"):
            query = f"SELECT * FROM {name} ORDER BY id"
            assert target.rows(query) == live.rows(query)
        assert target.rows("SELECT * FROM part ORDER BY id") == [(1, 1), (50, None)]
        assert heirs == [
            target.rows(f"SELECT * FROM {name} ORDER BY id") for name in ("branch", "spot", "c")
        ]
    verified = [line.split("|") for line in target.by_client(path) if line.count("|") == 2]
    assert sorted(verified) == [["Part", "1", "1"], ["T", "2", "2"]]


# --- Values ------------------------------------------------------------------------------------

FLOATS = {
    "sqlite": ("REAL", "FLOAT"),
    "postgresql": ("DOUBLE PRECISION", "REAL"),
    "mariadb": ("DOUBLE", "FLOAT"),
}


def floats(url: str) -> Live:
    live = Live(url)
    wide, single = FLOATS[live.engine]
    live.run(f"CREATE TABLE f (id INTEGER PRIMARY KEY, is_demo BOOLEAN, w {wide}, s {single})")
    return live


@engines("postgresql", "postgresql15")
@engines(*ALL, fixture="target_url")
def test_zero_keeps_its_sign(database_url: str, target_url: str, tmp_path: Path) -> None:
    live = floats(database_url)
    live.run(
        "INSERT INTO f VALUES (1, TRUE, '-0', '-0'), (2, TRUE, 0, 0), (3, TRUE, -0.5, 1),"
        " (4, TRUE, NULL, '-0')"
    )
    demo = demo_of(tmp_path, marked("f"))
    path = demo.export(live).path
    for here in (live, floats(target_url)):
        shown = "SELECT id, w::text, s::text FROM f ORDER BY id"
        for again in (demo.load, Live.by_client):
            here.run("DELETE FROM f")
            again(here, path)
            if here.engine == "postgresql":
                assert here.rows(shown) == [
                    *((1, "-0", "-0"), (2, "0", "0"), (3, "-0.5", "1"), (4, None, "-0"))
                ]
            else:
                assert here.rows("SELECT id, w, s FROM f ORDER BY id") == [
                    *((1, 0, 0), (2, 0, 0), (3, -0.5, 1), (4, None, 0))
                ]


# --- Rows that travel along ---------------------------------------------------------------------


@engines(*ALL)
def test_rows_that_travel_along_and_reference_each_other(
    database_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    def tables(url: str) -> Live:
        live = Live(url)
        live.run(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES users (id),"
            " mentor_id INTEGER REFERENCES users (id))",
            "CREATE TABLE places (a INTEGER NOT NULL, b INTEGER NOT NULL, in_a INTEGER,"
            " in_b INTEGER, PRIMARY KEY (a, b), FOREIGN KEY (in_a, in_b) REFERENCES places (a, b))",
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, is_demo BOOLEAN,"
            " owner_id INTEGER NOT NULL REFERENCES users (id), place_a INTEGER, place_b INTEGER,"
            " FOREIGN KEY (place_a, place_b) REFERENCES places (a, b))",
        )
        return live

    live = tables(database_url)
    users = ((1, None, None), (2, None, None), (3, None, None), (4, None, None), (5, None, None))
    places = ((1, 1, None, None), (1, 2, None, None), (2, 1, None, None))
    live.insert("users", *users)
    live.insert("places", *places)
    live.run(
        # 1 and 2 are each other's, 3 is only reached by way of both columns.
        "UPDATE users SET boss_id = 2 WHERE id = 1",
        "UPDATE users SET boss_id = 1, mentor_id = 4 WHERE id = 2",
        "UPDATE users SET boss_id = 3 WHERE id = 4",
        "UPDATE places SET in_a = 2, in_b = 1 WHERE a = 1 AND b = 1",
    )
    live.insert("posts", (1, True, 1, 1, 1))
    demo = demo_of(
        tmp_path, marked("posts") + '[references]\nusers = "include"\nplaces = "include"\n'
    )
    path = demo.export(live).path
    queries = ("SELECT * FROM users ORDER BY id", "SELECT * FROM places ORDER BY a, b")
    for again in (demo.load, Live.by_client):
        target = tables(new_database(live.engine))
        for _ in range(2):
            again(target, path)
            assert target.rows(queries[0]) == live.rows(queries[0])[:4]
            assert target.rows(queries[1]) == [(1, 1, 2, 1), (2, 1, None, None)]
            assert target.rows("SELECT * FROM posts") == [(1, 1, 1, 1, 1)]
        if target.engine == "postgresql":
            assert not target.value("SELECT bool_or(condeferrable) FROM pg_constraint")
