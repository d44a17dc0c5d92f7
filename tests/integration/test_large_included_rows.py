"""Rows outside the demo that travel along, each of several megabytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.operations.verify import verify_exports

TEXT = "it's \\ ü\n" * 200_000
SPECIAL = "a\x01b\r\n" * 100_000
BINARY = bytes(range(256)) * 5_000


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(
        '[tables.orders]\nmarker = "demo"\n[references]\nplans = "include"\n', encoding="utf-8"
    )
    return Demo(tmp_path / "snapshots", file)


def build(url: str) -> Live:
    live = Live(url)
    long, blob = {"mariadb": ("LONGTEXT", "LONGBLOB"), "sqlite": ("TEXT", "BLOB")}.get(
        live.engine, ("TEXT", "BYTEA")
    )
    live.run(
        f"CREATE TABLE plans (id INTEGER PRIMARY KEY, a {long}, b {long}, c {blob})",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, demo BOOLEAN, plan_id INTEGER,"
        " FOREIGN KEY (plan_id) REFERENCES plans (id))",
    )
    return live


@engines("sqlite", "postgresql", "mariadb")
@pytest.mark.slow
def test_they_arrive_on_every_engine(
    database_url: str, sqlite_url: str, demo: Demo, tmp_path: Path
) -> None:
    source, live = build(sqlite_url), build(database_url)
    source.insert("plans", (7, TEXT, SPECIAL, BINARY), (8, TEXT, None, None), (9, "x", "y", b""))
    source.insert("orders", (1, 1, 7), (2, 1, 8), (3, 1, 9))
    saved = demo.export(source)
    assert verify_exports(demo.store).valid
    assert demo.load(live, saved.path).statistics.total == 3
    assert live.rows("SELECT * FROM plans ORDER BY id") == source.rows(
        "SELECT * FROM plans ORDER BY id"
    )
    again = Demo(tmp_path / "again", demo.configuration).export(live)
    assert again.digest == saved.digest
