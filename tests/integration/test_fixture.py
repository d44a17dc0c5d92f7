"""A version that many tests load: the short way is taken where it leads to what the import does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.test_own_connection import EVERY, NOW, as_their_owner_likes, project
from msgspec.structs import replace

import demo_snapshots
from demo_snapshots.errors import ExportNotFoundError, KeyClashError, VerificationError
from demo_snapshots.operations.fixture import Fixture

__all__ = ["project"]

_REAL = (
    "INSERT INTO vaults (id, name, slug, metadata, created_at, updated_at)"
    " VALUES ({}, 'Real', 'real', {}, '2025-01-01', '2025-01-01')"
)


class Loading:
    """A fixture in the transactions of one connection."""

    def __init__(self, project: demo_snapshots.Project, raw: Any) -> None:
        self.project = project
        self.raw = raw
        self.fixture: Fixture = project.fixture("general")
        [self.file] = Path(project.config.snapshots).glob("general/general_v*.sql")

    def run(self, sql: str) -> list[Any]:
        cursor = self.raw.cursor()
        cursor.execute(sql)
        rows = list(cursor.fetchall()) if cursor.description else []
        cursor.close()
        return [tuple(row.values()) if isinstance(row, dict) else row for row in rows]

    @contextmanager
    def without_file(self) -> Iterator[None]:
        """Nothing but the short way can do without."""
        aside = self.file.with_suffix(".aside")
        self.file.rename(aside)
        try:
            yield
        finally:
            aside.rename(self.file)

    def is_the_snapshot(self) -> bool:
        """Row by row; columns that the snapshot does not have are the database's own."""
        found = self.project.compare_with_database("general", connection=self.raw)
        return not any(one.added or one.removed or one.changed or one.moved for one in found.tables)

    def takes_the_long_way(self, *before: str) -> None:
        """After these statements it reads the file, and the demo rows are the snapshot's."""
        for sql in before:
            self.run(sql)
        with self.without_file(), pytest.raises(ExportNotFoundError):
            self.fixture.load(self.raw)
        self.fixture.load(self.raw)
        assert self.is_the_snapshot()


@pytest.fixture
def loading(project: demo_snapshots.Project) -> Iterator[Loading]:
    raw = as_their_owner_likes(project)
    found = Loading(project, raw)
    for table in ("todos", "chat_sessions", "contacts", "fragments", "projects", "vaults"):
        found.run(f"DELETE FROM {table}")
    raw.commit()
    found.fixture.load(raw)
    assert found.is_the_snapshot()
    raw.rollback()
    yield found
    raw.close()


@engines(*EVERY)
def test_the_second_time_takes_no_file(loading):
    with loading.without_file():
        assert loading.fixture.load(loading.raw).changed == 324
        assert loading.fixture.load(loading.raw).changed == 0
        assert loading.fixture.is_loaded(loading.raw)
    assert loading.is_the_snapshot()
    loading.run(
        "INSERT INTO contacts (name, created_at, updated_at)"
        " VALUES ('Ada', '2025-01-01', '2025-01-01')"
    )  # its number comes after the snapshot's
    loading.run("UPDATE projects SET name = 'x' WHERE id = 1")
    assert not loading.fixture.is_loaded(loading.raw)
    loading.raw.rollback()
    assert loading.run("SELECT count(*) FROM vaults") == [(0,)]


@engines(*EVERY)
def test_whatever_else_there_is_takes_the_whole_import(loading):
    demo = """'{"demo_seed": true, "scenario": "other"}'"""
    loading.takes_the_long_way(_REAL.format(900, demo))
    assert loading.run("SELECT count(*) FROM vaults WHERE id = 900") == [(0,)]
    loading.takes_the_long_way("UPDATE projects SET name = 'x' WHERE id = 1")
    loading.takes_the_long_way("DELETE FROM todos WHERE id = 1")
    loading.raw.rollback()

    loading.run(_REAL.format(1, "NULL"))
    with pytest.raises(KeyClashError, match=r"vaults\.id"):
        loading.fixture.load(loading.raw)
    assert loading.run("SELECT count(*) FROM vaults") == [(1,)]
    loading.raw.rollback()


_TRIGGERS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TEMP TRIGGER shout AFTER INSERT ON projects BEGIN"
        " UPDATE contacts SET name = upper(name); END",
    ),
    "postgresql": (
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN UPDATE contacts SET name = upper(name); RETURN NULL; END'",
        "CREATE TRIGGER shout AFTER INSERT ON projects FOR EACH ROW EXECUTE FUNCTION shout()",
    ),
    "mariadb": (
        "CREATE TRIGGER shout AFTER INSERT ON projects FOR EACH ROW"
        " UPDATE contacts SET name = upper(name)",
    ),
}


@engines(*EVERY)
def test_changed_tables_take_the_whole_import(loading, database_url):
    loading.takes_the_long_way("ALTER TABLE projects ADD COLUMN budget INTEGER DEFAULT 7")
    engine = database_url.partition(":")[0].partition("+")[0]
    loading.takes_the_long_way(*_TRIGGERS[engine])


@engines("postgresql")
def test_counters_that_were_set_back_are_brought_past_the_rows_again(loading):
    counter = "SELECT last_value FROM contacts_id_seq"
    loading.run("TRUNCATE vaults, projects, fragments, todos, contacts RESTART IDENTITY")
    assert loading.run(counter) == [(1,)]
    with loading.without_file():
        loading.fixture.load(loading.raw)
    assert loading.run(counter) == loading.run("SELECT max(id) FROM contacts")


@engines("postgresql")
def test_no_table_is_read_from_end_to_end(loading):
    """Rows that tests have rolled back stay in a table, where only a vacuum removes them."""
    scans = "SELECT sum(seq_scan) FROM pg_stat_xact_user_tables"
    settings = (
        "SELECT name, setting FROM pg_settings WHERE name LIKE 'enable%' OR name LIKE '%parallel%'"
    )
    before, as_set = loading.run(scans), loading.run(settings)
    for changed in (324, 0):
        assert loading.fixture.load(loading.raw).changed == changed
    assert loading.fixture.is_loaded(loading.raw)
    assert (loading.run(scans), loading.run(settings)) == (before, as_set)


@engines("sqlite")
def test_dates_lead_up_to_the_same_moment_each_time(loading):
    later = replace(loading.project, clock=lambda: NOW + timedelta(days=70))
    loading.fixture = later.fixture("general", fresh=True)
    newest = "SELECT max(updated_at) FROM fragments"
    loading.fixture.load(loading.raw)
    moved = loading.run(newest)
    loading.raw.rollback()
    with loading.without_file():
        again = loading.fixture.load(loading.raw)
    assert (again.changed, again.dates_later) == (324, timedelta(days=70))
    assert loading.run(newest) == moved
    assert loading.is_the_snapshot()


def test_rows_that_are_no_demo_rows_any_more_are_noticed(sqlite_url, tmp_path):
    """What a condition looks at elsewhere is in no catalog."""
    raw = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    raw.executescript(
        "CREATE TABLE tenants (name TEXT PRIMARY KEY, kind TEXT);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant TEXT);"
        "INSERT INTO tenants VALUES ('acme', 'demo'); INSERT INTO notes VALUES (1, 'acme')"
    )
    (tmp_path / "demo.toml").write_text(
        "[tables.notes]\nwhere = \"tenant IN (SELECT name FROM tenants WHERE kind = 'demo')\"\n",
        "utf-8",
    )
    project = demo_snapshots.open_project(tmp_path, database=sqlite_url, environment={})
    project.export("tour")
    raw.execute("DELETE FROM notes")
    fixture = project.fixture("tour")
    for kind, loads in (("demo", True), ("demo", True), ("real", False)):
        raw.execute("BEGIN")
        raw.execute("UPDATE tenants SET kind = ?", [kind])
        if loads:
            assert fixture.load(raw).changed == 1
        else:
            with pytest.raises(VerificationError):
                fixture.load(raw)
            assert raw.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        raw.execute("ROLLBACK")
    raw.close()
