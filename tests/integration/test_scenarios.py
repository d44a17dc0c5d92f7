"""The sample application's three scenarios on every engine: out, wiped, and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live

from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.sample.engine import make_engine
from demo_snapshots.sample.models import TABLES, Base
from demo_snapshots.sample.scenario import load_scenario
from demo_snapshots.sample.schema import migrate_fresh
from demo_snapshots.sample.seeding import seed

ALL = ("sqlite", "postgresql", "postgresql15", "mariadb")
SCENARIOS = (
    "general",
    pytest.param("writer", marks=pytest.mark.slow),
    pytest.param("developer", marks=pytest.mark.slow),
)

REAL = (
    "INSERT INTO vaults (id, name, slug) VALUES (9001, 'Mine', 'mine')",
    "INSERT INTO projects (id, name, vault_id, metadata)"
    " VALUES (9001, 'Own', 9001, '{\"demo_seed\": false}')",
    "INSERT INTO fragments (id, type, title, project_id, metadata)"
    " VALUES (9001, 'note', 'Grüße', 9001, NULL)",
    "INSERT INTO todos (id, fragment_id, title) VALUES (9001, 9001, 'Mine to do')",
    "INSERT INTO contacts (id, name, metadata) VALUES (9001, 'Ana', '{\"demo_seed\": \"no\"}')",
    "INSERT INTO chat_sessions (id, title) VALUES (9001, 'Real talk')",
)

scenario_named = cache(load_scenario)  # reading one takes longer than seeding it


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path / "snapshots")


def migrated(url: str) -> Live:
    migrate_fresh(make_engine(url), force=True)
    return Live(url)


def seeded(url: str, scenario: str = "general") -> Live:
    live = migrated(url)
    seed(make_engine(url), scenario_named(scenario), seed=1, as_of=NOW)
    return live


def values(live: Live) -> dict[str, list[dict[str, Any]]]:
    """Every row by value: JSON parsed, times as datetimes."""
    with make_engine(live.url).connect() as connection:
        return {
            name: [
                dict(row._mapping)
                for row in connection.execute(
                    Base.metadata.tables[name].select().order_by(Base.metadata.tables[name].c.id)
                )
            ]
            for name in TABLES
        }


@pytest.mark.parametrize("scenario", SCENARIOS)
@engines(*ALL)
def test_seed_export_wipe_import_gives_every_row_back(database_url, demo, scenario):
    live = seeded(database_url, scenario)
    before = live.dump()
    result = demo.export(live, scenario)
    assert result.statistics.total == sum(len(before[table]) for table in TABLES) > 50

    migrated(database_url)
    assert live.dump() != before
    imported = demo.load(live, result.path)
    assert imported.route == "direct"
    assert live.dump() == before

    for table in TABLES:
        highest = live.value(f"SELECT max(id) FROM {table}")
        live.run(_next(table))
        assert live.value(f"SELECT max(id) FROM {table}") > highest


def _next(table: str) -> str:
    columns = {
        "vaults": "(name, slug) VALUES ('New', 'new')",
        "projects": "(name, vault_id) SELECT 'New', min(id) FROM vaults",
        "fragments": "(type) VALUES ('note')",
        "todos": "(fragment_id, title) SELECT min(id), 'New' FROM fragments",
        "contacts": "(name) VALUES ('New')",
        "chat_sessions": "(title) VALUES ('New')",
    }
    return f"INSERT INTO {table} {columns[table]}"


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("route", ["direct", "merge"])
@engines(*ALL)
def test_real_rows_added_before_the_import_are_bit_for_bit_what_they_were(
    database_url, demo, scenario, route
):
    live = seeded(database_url, scenario)
    path = demo.export(live, scenario).path
    demo_rows = live.dump()
    if route == "direct":
        migrated(database_url)
    else:
        live.run("UPDATE fragments SET title = 'edited' WHERE title IS NOT NULL")
    live.run(*REAL)
    real = _real(live)

    assert demo.load(live, path, scenario=scenario).route == route

    assert _real(live) == real
    live.run(*(f"DELETE FROM {table} WHERE id = 9001" for table in reversed(TABLES)))
    assert live.dump() == demo_rows


def _real(live: Live) -> list[list[tuple[Any, ...]]]:
    system = ", ctid::text, xmin::text" if live.engine == "postgresql" else ""
    return [live.rows(f"SELECT t.*{system} FROM {t} AS t WHERE id = 9001") for t in TABLES]


@pytest.mark.parametrize("scenario", SCENARIOS)
@engines(*ALL)
def test_the_stock_client_loads_the_file_twice_in_a_row(
    database_url, demo, new_database, request, scenario
):
    live = seeded(database_url, scenario)
    result = demo.export(live, scenario)
    target = migrated(new_database(request.node.callspec.params["database_url"]))
    for _ in range(2):
        shown = [re.split(r"[|\t]", line) for line in target.by_client(result.path)]
        counts = [line[1:] for line in shown if len(line) == 3]
        assert len(counts) == len(TABLES)
        assert all(count == expected for count, expected in counts)
        assert target.dump() == live.dump()
    target.run(*map(_next, TABLES))


@pytest.mark.parametrize("scenario", SCENARIOS)
@engines(*ALL)
@engines(*ALL, fixture="target_url")
def test_a_file_of_one_engine_loads_into_any_other(database_url, target_url, demo, scenario):
    source, target = seeded(database_url, scenario), migrated(target_url)
    demo.load(target, demo.export(source, scenario).path)
    assert values(target) == values(source)

    again = demo.export(target, scenario, auto_version=True)
    third = migrated(source.url)
    demo.load(third, again.path)
    assert values(third) == values(target)


@pytest.mark.slow
@engines(*ALL)
@engines(*ALL, fixture="target_url")
def test_a_file_of_one_engine_loads_with_the_stock_client_of_another(
    database_url, target_url, demo
):
    source, target = seeded(database_url), migrated(target_url)
    target.by_client(demo.export(source).path)
    assert values(target) == values(source)


@engines(*ALL)
def test_the_same_rows_make_the_same_document(database_url, demo, tmp_path):
    live = seeded(database_url)
    first = demo.export(live)
    assert not demo.export(live, now=NOW + timedelta(days=3)).written
    other = Demo(tmp_path / "other").export(live)
    assert other.path.read_bytes() == first.path.read_bytes()

    demo.load(live, first.path)
    assert not demo.export(live).written


@engines(*ALL)
def test_importing_twice_changes_no_row(database_url, demo):
    live = seeded(database_url)
    path = demo.export(live).path
    before = live.dump()
    again = demo.load(live, path)
    assert (again.route, again.changed) == ("merge", 0)
    assert again.replaced.total == again.total
    assert live.dump() == before


@engines(*ALL)
def test_numbers_go_on_after_a_clean_up_and_without_a_manifest(database_url, demo):
    live = seeded(database_url)
    for day in range(3):
        live.run(f"UPDATE contacts SET role = 'role {day}'")
        demo.export(live, now=datetime(2025, 1, 15 + day, tzinfo=UTC))
    cleanup_exports(demo.store, "general", keep=1)
    demo.directory.joinpath("metadata", "export_manifest.json").unlink()
    live.run("UPDATE contacts SET role = 'role 4'")
    result = demo.export(live, now=datetime(2025, 1, 20, tzinfo=UTC))
    assert str(result.version) == "v4_2025-01-20"
    assert _files(demo.directory / "general") == [
        "general_v3_2025-01-17.sql",
        "general_v4_2025-01-20.sql",
        "latest.sql",
    ]


def _files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.suffix == ".sql")


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        lambda path: path.write_text(f"<<<<<<< ours\n{path.read_text()}=======\n>>>>>>> x\n"),
        lambda path: path.write_text(""),
    ],
    ids=["deleted", "conflict markers", "empty"],
)
def test_losing_the_manifest_loses_nothing(sqlite_url, demo, spoil: Callable[[Path], Any]):
    live = seeded(sqlite_url)
    for round_ in range(2):
        live.run(f"UPDATE contacts SET role = 'role {round_}'")
        demo.export(live)
    entries = demo.store.entries("general")
    spoil(demo.directory / "metadata" / "export_manifest.json")
    assert demo.store.entries("general") == entries
    assert demo.store.latest("general") == entries[0]
    live.run("UPDATE contacts SET role = 'role 9'")
    assert demo.export(live).version.number == 3
    live.run("UPDATE contacts SET role = 'spoiled'")
    demo.load(live, demo.store.source(entries[1]).on_disk())
    assert live.rows("SELECT DISTINCT role FROM contacts") == [("role 0",)]
