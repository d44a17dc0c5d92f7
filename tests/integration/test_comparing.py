"""A snapshot of each engine compared with each database: planted edits, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from database_engines import engines, missing
from integration import matrix
from integration.live import Demo, Live
from servers import Run

from demo_snapshots.errors import SchemaError, UsageError
from demo_snapshots.model.changes import NOTHING, Change, Comparison, What
from demo_snapshots.operations.compare import compare_exports, compare_with_database
from demo_snapshots.operations.validate import validate_scenario

ENGINES = ("sqlite", "postgresql", "mariadb")


@pytest.fixture(scope="module", params=ENGINES)
def demo(
    request: pytest.FixtureRequest, servers: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """The store of one engine's snapshot of every type and shape."""
    directory = tmp_path_factory.mktemp("compared")
    configuration = directory / "demo.toml"
    configuration.write_text(matrix.CONFIGURATION, encoding="utf-8")
    demo = Demo(directory / "snapshots", configuration)
    try:
        with servers.database(request.param, directory) as url:
            demo.export(matrix.build(url), allow_empty=True)
            yield demo
    except LookupError as error:
        missing(str(error))


def compared(demo: Demo, live: Live, **options: object) -> tuple[list[Change], Comparison]:
    told: list[Change] = []
    found = compare_with_database(
        demo.config(live),
        demo.store,
        "general",
        tell=told.append,
        **options,  # type: ignore[arg-type]
    )
    return told, found


@engines(*ENGINES)
def test_each_snapshot_against_each_database(demo: Demo, database_url: str) -> None:
    live = matrix.build(database_url, rows=False)
    (entry,) = demo.store.entries()
    demo.load(live, demo.store.source(entry).on_disk())
    told, found = compared(demo, live)
    assert (told, found.differs) == ([], False)
    counts = {table.table: table.same for table in found.tables}
    assert counts == {count.table: count.rows for count in entry.statistics.tables}
    before = live.dump()

    # Every type: row 1 gets the values of row 2.
    names = list(matrix.KINDS)
    other = ", ".join(
        f"{n} = (SELECT {n} FROM (SELECT * FROM kinds) AS k WHERE id = 2)" for n in names
    )
    live.run(
        f"UPDATE kinds SET {other} WHERE id = 1",
        "UPDATE country SET name = 'edited' WHERE code = 'x-b'",
        "UPDATE kinds SET body = NULL, name = '' WHERE id = 3",
        "DELETE FROM log WHERE message = 'twice' AND demo = 'true'",
        'UPDATE "Line Item" SET price = 77.5 WHERE "Order_Id" = 5',
        "INSERT INTO counter (id, demo) VALUES (78, TRUE)",
    )
    told, found = compared(demo, live)
    rows = {change.table: [c for c in told if c.table == change.table] for change in told}
    assert {c.column for c in rows["kinds"][0].cells} == set(names)
    assert [(c.what, dict(c.key)) for c in rows["kinds"]] == [
        (What.CHANGED, {"id": 1}),
        (What.CHANGED, {"id": 3}),
    ]
    assert {c.column: c.new for c in rows["kinds"][1].cells} == {"body": None, "name": ""}
    assert [(c.column, c.new) for c in rows["country"][0].cells] == [("name", "edited")]
    assert {change.what for change in rows["log"]} == {What.REMOVED}
    assert {(c.what, cell.column) for c in rows["Line Item"] for cell in c.cells} == {
        (What.CHANGED, "price")
    }
    assert [(c.what, c.cells[0].old, c.cells[0].new) for c in rows["counter"]] == [
        (What.ADDED, NOTHING, 78)
    ]
    assert set(rows) == {"kinds", "country", "log", "Line Item", "counter"}

    validated = validate_scenario(demo.config(live), demo.store, "general")
    seen = {t.table: (t.missing, t.extra, t.changed) for t in validated.comparison if not t.same}
    assert seen == {
        table.table: (table.removed, table.added, table.changed)
        for table in found.tables
        if table.differs
    }
    assert live.dump() != before  # looking changed nothing, the edits did


@engines(*ENGINES)
def test_moved_keys_limits_and_ignored_columns(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), seen VARCHAR(20),"
        " is_demo BOOLEAN)",
        "INSERT INTO t VALUES (1, 'a', 'x', TRUE), (2, 'b', 'x', TRUE), (3, 'real', 'x', FALSE)",
    )
    demo = configured(tmp_path, "[compare]\nignore = ['seen']\n")
    demo.export(live, "tour")
    live.run("UPDATE t SET id = 20 WHERE id = 2", "UPDATE t SET seen = 'now', id = id WHERE id = 1")
    live.run("UPDATE t SET name = 'unreal' WHERE id = 3")
    told: list[Change] = []
    config = demo.config(live)
    found = compare_with_database(config, demo.store, "tour", tell=told.append)
    assert [(c.what, c.cells[0].old, c.cells[0].new) for c in told] == [(What.MOVED, 2, 20)]
    assert (found.tables[0].moved, found.tables[0].same) == (1, 1)
    demo.export(live, "tour")
    assert compare_exports(config, demo.store, "tour").tables == found.tables
    assert not compare_exports(config, demo.store, "tour", "v2", "v2").differs


@engines(*ENGINES)
def test_columns_that_the_database_lacks_are_said(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), gone VARCHAR(9),"
        " is_demo BOOLEAN)",
        "INSERT INTO t VALUES (1, 'a', 'x', TRUE)",
    )
    demo = configured(tmp_path)
    demo.export(live, "tour")
    live.run("ALTER TABLE t DROP COLUMN gone", "ALTER TABLE t ADD COLUMN fresh INTEGER")
    told: list[Change] = []
    found = compare_with_database(demo.config(live), demo.store, "tour", tell=told.append)
    (table,) = found.tables
    assert (told, table.only_old, table.only_new) == ([], ("gone",), ("fresh",))
    assert found.differs


def test_what_cannot_be_compared_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN)", "INSERT INTO t VALUES (1, 1)"
    )
    demo = configured(tmp_path)
    demo.export(live, "tour")
    config, store = demo.config(live), demo.store
    for options, words in (
        ({"tables": ["u"]}, "no table u"),
        ({"ignore": ["t.x"]}, r"no column t\.x"),
        ({"ignore": ["id"]}, "a key cannot be ignored"),
    ):
        with pytest.raises(UsageError, match=words):
            compare_with_database(config, store, "tour", **options)  # type: ignore[arg-type]
    other = tmp_path / "other.toml"
    other.write_text("[tables.u]\nmarker = 'is_demo'\n", encoding="utf-8")
    live.run("CREATE TABLE u (id INTEGER PRIMARY KEY, is_demo BOOLEAN)")
    with pytest.raises(SchemaError, match="t: not a demo table"):
        compare_with_database(Demo(demo.directory, other).config(live), store, "tour")


def configured(tmp_path: Path, more: str = "") -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(f"[tables.t]\nmarker = 'is_demo'\n{more}", encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)
