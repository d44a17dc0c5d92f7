"""Rows outside the demo that travel along, in shapes that few schemas have."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import ConfigError, ExternalReferenceError
from demo_snapshots.model.snapshots import DocumentForm
from demo_snapshots.operations.validate import validate_scenario

ALL = ("sqlite", "postgresql", "mariadb")
ITEMS = '[tables.items]\nmarker = "is_demo"\n'

CIRCLE = (
    "CREATE TABLE makers (id INTEGER PRIMARY KEY, name VARCHAR(9), chief VARCHAR(9){chief})",
    "CREATE TABLE sites (a INTEGER NOT NULL, b VARCHAR(9) NOT NULL, maker_id INTEGER NOT NULL"
    " REFERENCES makers (id), PRIMARY KEY (a, b))",
    "CREATE TABLE staff (code VARCHAR(9) PRIMARY KEY, site_a INTEGER, site_b VARCHAR(9),"
    " boss VARCHAR(9), FOREIGN KEY (boss) REFERENCES staff (code),"
    " FOREIGN KEY (site_a, site_b) REFERENCES sites (a, b))",
    "CREATE TABLE items (id INTEGER PRIMARY KEY, is_demo BOOLEAN, maker_id INTEGER NOT NULL"
    " REFERENCES makers (id))",
)
LATER = "ALTER TABLE makers ADD CONSTRAINT chief_is FOREIGN KEY (chief) REFERENCES staff (code)"
NEEDED: dict[str, list[tuple[object, ...]]] = {
    "makers": [(1, "one", "x"), (2, "two", "y")],
    "sites": [(1, "a", 2)],
    "staff": [("x", 1, "a", "z"), ("y", None, None, None), ("z", None, None, "z")],
}


def circle(url: str) -> Live:
    live = Live(url)
    chief = ", FOREIGN KEY (chief) REFERENCES staff (code)" if live.engine == "sqlite" else ""
    live.run(*(table.format(chief=chief) for table in CIRCLE))
    if live.engine != "sqlite":
        live.run(LATER)
    return live


def travelled(live: Live) -> dict[str, list[tuple[object, ...]]]:
    queries = (f"SELECT * FROM {name} ORDER BY 1" for name in NEEDED)
    return dict(zip(NEEDED, live.rows_of(queries), strict=True))


@engines(*ALL)
def test_a_circle_of_tables(database_url, new_database, tmp_path):
    """Each row that is needed travels, once, and in no order do all references hold."""
    live = circle(database_url)
    live.run(
        "INSERT INTO makers VALUES (1, 'one', NULL), (2, 'two', NULL), (3, 'three', NULL)",
        "INSERT INTO sites VALUES (1, 'a', 2), (1, 'b', 3)",
        "INSERT INTO staff VALUES ('z', NULL, NULL, 'z'), ('y', NULL, NULL, NULL)",
        "INSERT INTO staff VALUES ('x', 1, 'a', 'z'), ('v', 1, 'b', 'x')",
        "UPDATE makers SET chief = CASE id WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'v' END",
        "INSERT INTO items VALUES (1, TRUE, 1), (2, FALSE, 3)",
    )
    (tmp_path / "demo.toml").write_text(
        f'{ITEMS}[references]\nmakers = "include"\nsites = "include"\nstaff = "include"\n'
    )
    demo = Demo(tmp_path / "snapshots", tmp_path / "demo.toml")
    path = Path(demo.export(live, prove=True).file)
    assert demo.load(live, path).changed == 0
    assert demo.load(live, path, dry_run=True).included.total == 6

    target = circle(new_database(live.engine))
    as_json = Path(demo.export(live, auto_version=True, format=DocumentForm.JSON).file)
    loaded = demo.load(target, as_json)
    assert (loaded.route, loaded.added) == ("direct", 6)
    assert travelled(target) == NEEDED
    assert validate_scenario(demo.config(target), demo.store, "general").valid
    constraints = "SELECT condeferrable FROM pg_constraint WHERE conname = 'chief_is'"
    assert live.engine != "postgresql" or target.rows(constraints) == [(False,)]

    missing = (
        *("UPDATE makers SET chief = NULL", "UPDATE staff SET boss = NULL"),
        *("DELETE FROM items", "DELETE FROM staff"),
        *("DELETE FROM sites", "DELETE FROM makers WHERE id = 1"),
    )
    target.run(*missing)
    kept = {**NEEDED, "makers": [(1, "one", "x"), (2, "two", None)]}
    target.run("INSERT INTO items VALUES (5, TRUE, 2)")
    assert demo.load(target, path).route == "merge"
    assert travelled(target) == kept
    target.run(*missing)
    target.by_client(path)
    assert travelled(target) == kept


CATALOGUE = (
    "CREATE TABLE currencies (id INTEGER PRIMARY KEY, code VARCHAR(9))",
    "CREATE TABLE notes (body VARCHAR(9) UNIQUE)",
    "CREATE TABLE unused (id INTEGER PRIMARY KEY)",
    "CREATE TABLE countries (id INTEGER PRIMARY KEY, currency_id INTEGER NOT NULL"
    " REFERENCES currencies (id), note VARCHAR(9), FOREIGN KEY (note) REFERENCES notes (body))",
    'CREATE TABLE "all cities" (id INTEGER PRIMARY KEY, country_id INTEGER NOT NULL'
    " REFERENCES countries (id), unused_id INTEGER, FOREIGN KEY (unused_id)"
    " REFERENCES unused (id))",
    "CREATE TABLE items (id INTEGER PRIMARY KEY, is_demo BOOLEAN, city_id INTEGER NOT NULL,"
    ' parent_id INTEGER, FOREIGN KEY (city_id) REFERENCES "all cities" (id),'
    " FOREIGN KEY (parent_id) REFERENCES items (id))",
)


def catalogue(url: str) -> Live:
    live = Live(url)
    live.run(*CATALOGUE)
    return live


def configured(place: Path, references: str) -> Demo:
    (place / "demo.toml").write_text(f"{ITEMS}{references}", "utf-8")
    return Demo(place / "snapshots", place / "demo.toml")


@engines(*ALL)
def test_all_that_is_needed_is_told_at_once(database_url, new_database, tmp_path):
    live = catalogue(database_url)
    live.run(
        "INSERT INTO currencies VALUES (1, 'EUR'), (2, 'USD')",
        "INSERT INTO notes VALUES ('a')",
        "INSERT INTO countries VALUES (1, 1, 'a'), (2, 2, NULL)",
        'INSERT INTO "all cities" VALUES (1, 1, NULL)',
        "INSERT INTO items VALUES (1, TRUE, 1, NULL), (2, FALSE, 1, NULL)",
    )
    with pytest.raises(ExternalReferenceError, match="all cities") as caught:
        configured(tmp_path, "").export(live)
    needed = ('"all cities" = "include"', 'countries = "include"', 'currencies = "include"')
    lines = caught.value.lines
    assert (lines[0], {*lines[1:]}) == ("[references]", {*needed, 'notes = "null"'})
    by_hand = Path(configured(tmp_path, "\n".join(lines)).export(live).file)

    with pytest.raises(ExternalReferenceError, match=r"countries\.currency_id") as caught:
        configured(
            tmp_path,
            '[references]\n"all cities" = "include"\ncountries = "include"\nnotes = "null"\n',
        ).export(live)
    assert caught.value.lines == ('currencies = "include"',)

    demo = configured(tmp_path, '[references]\n"all cities" = "include-all"\nnotes = "null"\n')
    exported = demo.export(live, prove=True)
    path = Path(exported.file)
    assert "Included unused: 0" in path.read_text("utf-8")
    assert (exported.statistics.total, exported.included.total) == (1, 3)
    entry = demo.store.entries("general")[0]
    assert (entry.included, entry.statistics.total) == (exported.included, 1)
    target = catalogue(new_database(live.engine))
    demo.load(target, by_hand)
    imported = demo.load(target, path)
    assert (imported.changed, imported.total, imported.included.total, imported.added) == (
        *(0, 1, 3, 0),
    )
    assert target.rows("SELECT * FROM currencies") == [(1, "EUR")]
    assert target.rows("SELECT * FROM countries") == [(1, 1, None)]


@engines(*ALL)
def test_rows_of_a_demo_table_do_not_travel_along(database_url, tmp_path):
    """They would be there before the rows they reference, and be replaced by none."""
    live = catalogue(database_url)
    live.run(
        "INSERT INTO currencies VALUES (1, 'EUR')",
        "INSERT INTO countries VALUES (1, 1, NULL)",
        'INSERT INTO "all cities" VALUES (1, 1, NULL)',
        "INSERT INTO items VALUES (2, FALSE, 1, NULL), (1, TRUE, 1, 2)",
    )
    cities = '"all cities" = "include-all"\n'
    with pytest.raises(ConfigError, match=r"references\.notes: a table without a key") as keyless:
        configured(tmp_path, f"[references]\n{cities}").export(live)
    assert '[references] notes = "null"' in str(keyless.value.hint)
    cities += 'notes = "null"\n'
    with pytest.raises(
        ExternalReferenceError, match=r"items\.parent_id -> items\.id: 1 row"
    ) as caught:
        configured(tmp_path, f'[references]\n{cities}items = "include"\n').export(live)
    assert '"include" is for tables that are not in [tables]; items is.' in str(caught.value.hint)
    assert caught.value.lines == ()
