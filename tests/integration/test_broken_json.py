"""Text that is no JSON, from SQLite's columns into those of engines that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import DatabaseError, UnfitValueError

SECRET = "TROUBADOUR"
BROKEN = (f'{{"{SECRET}"', "", f"[1,] {SECRET}", f'"{SECRET}\t"', f'{{"{SECRET}": "\\ud800"}}')
SERVERS = ("postgresql", "postgresql15", "mariadb")


def _table(live: Live, kind: str) -> None:
    live.run(f'CREATE TABLE "no-tes" (id INTEGER PRIMARY KEY, demo BOOLEAN, "do.c" {kind})')


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text('[tables.no-tes]\nmarker = "demo"\n', encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


@engines(*SERVERS)
def test_broken_json_is_an_unfit_value(database_url: str, sqlite_url: str, demo: Demo) -> None:
    source, live = Live(sqlite_url), Live(database_url)
    _table(source, "JSON")
    _table(live, "JSONB" if live.engine == "postgresql" else "JSON")
    for broken in BROKEN:
        source.run('DELETE FROM "no-tes"')
        source.insert('"no-tes"', (1, 1, "{}"), (2, 1, broken))
        path = demo.export(source).path
        for row in (None, "(1, TRUE, '[]')", "(3, FALSE, '[]')"):
            live.run('DELETE FROM "no-tes"')
            if row:
                live.run(f'INSERT INTO "no-tes" VALUES {row}')
            before = live.dump()
            with pytest.raises(UnfitValueError, match=r"no-tes.*do\.c") as refused:
                demo.load(live, path)
            assert SECRET not in f"{refused.value} {refused.value.hint}"
            assert refused.value.exit_code == 22
            assert live.dump() == before


@engines(*SERVERS)
def test_broken_json_in_an_included_row(database_url: str, sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.toml"
    file.write_text(
        '[tables.orders]\nmarker = "demo"\n[references]\nplans = "include"\n', encoding="utf-8"
    )
    demo = Demo(tmp_path / "snapshots", file)
    source, live = Live(sqlite_url), Live(database_url)
    for there in (source, live):
        there.run(
            "CREATE TABLE plans (id INTEGER PRIMARY KEY, doc JSON)",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, demo BOOLEAN, plan_id INTEGER,"
            " FOREIGN KEY (plan_id) REFERENCES plans (id))",
        )
    source.insert("plans", (7, BROKEN[0]))
    source.insert("orders", (1, 1, 7))
    path = demo.export(source).path
    with pytest.raises(UnfitValueError, match=r"plans.*doc") as refused:
        demo.load(live, path)
    assert SECRET not in str(refused.value)


@engines("mariadb")
def test_another_check_than_that_of_json_is_none_of_this(
    database_url: str, sqlite_url: str, demo: Demo
) -> None:
    source, live = Live(sqlite_url), Live(database_url)
    _table(source, "INTEGER")
    _table(live, 'INTEGER CHECK ("do.c" < 5)')
    source.insert('"no-tes"', (1, 1, 9))
    with pytest.raises(DatabaseError) as refused:
        demo.load(live, demo.export(source).path)
    assert refused.value.exit_code == 4
