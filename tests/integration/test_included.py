"""Rows outside the demo that travel along, in shapes that few schemas have."""

from __future__ import annotations

from pathlib import Path

from database_engines import engines
from integration.live import Demo, Live

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
NEEDED = {
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

    target = circle(new_database(live.engine))
    assert demo.load(target, path).route == "direct"
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
    kept = {**NEEDED, "makers": [NEEDED["makers"][0], (2, "two", None)]}
    target.run("INSERT INTO items VALUES (5, TRUE, 2)")
    assert demo.load(target, path).route == "merge"
    assert travelled(target) == kept
    target.run(*missing)
    target.by_client(path)
    assert travelled(target) == kept
