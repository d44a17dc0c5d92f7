from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect
from unit.sample.world import AS_OF, contents, execute, fresh

from demo_snapshots.errors import DatabaseError, ProtectedDatabaseError
from demo_snapshots.sample.engine import make_engine
from demo_snapshots.sample.models import TABLES, Base
from demo_snapshots.sample.scenario import Scenario
from demo_snapshots.sample.schema import migrate_fresh
from demo_snapshots.sample.seeding import seed

REAL_VAULT = "INSERT INTO vaults (name, slug) VALUES ('Mine', 'mine')"


def test_the_migrations_make_what_the_models_say(database_url: str) -> None:
    engine = fresh(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_it_drops_demo_rows_and_says_what_it_did(database_url: str, small: Scenario) -> None:
    engine = make_engine(database_url)
    first = migrate_fresh(engine)
    assert (first.tables, first.revision, first.dropped) == (TABLES, "0001", ())
    seed(engine, small, seed=1, as_of=AS_OF)
    again = migrate_fresh(engine)
    assert again.dropped == TABLES
    assert contents(engine) == {table: [] for table in TABLES}


def test_the_directory_of_a_file_is_made(tmp_path: Path) -> None:
    fresh(f"sqlite:///{tmp_path}/a/b/demo.sqlite")
    assert (tmp_path / "a" / "b" / "demo.sqlite").exists()


@pytest.mark.skipif(os.name == "nt", reason="a file in the way is reported differently")
def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="could not be made"):
        migrate_fresh(make_engine(f"sqlite:///{tmp_path}/file/demo.sqlite"))


def test_other_tables_are_protected_and_outlive_force(database_url: str) -> None:
    engine = make_engine(database_url)
    execute(engine, "CREATE TABLE invoices (id INTEGER)", "INSERT INTO invoices VALUES (1)")
    with pytest.raises(ProtectedDatabaseError, match=r": invoices$"):
        migrate_fresh(engine)
    assert inspect(engine).get_table_names() == ["invoices"]
    migrate_fresh(engine, force=True)
    migrate_fresh(engine, force=True)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id FROM invoices").all() == [(1,)]


def test_somebody_elses_table_of_the_same_name_is_protected(engine: Engine) -> None:
    execute(engine, "DROP TABLE contacts", "CREATE TABLE contacts (id INTEGER, name TEXT)")
    with pytest.raises(ProtectedDatabaseError, match=r": contacts$"):
        migrate_fresh(engine)


NOT_DEMO = (
    "NULL",
    "'{}'",
    "'null'",
    "'[true]'",
    "'1'",
    "'{\"demo_seed\": false}'",
    '\'{"demo_seed": "yes"}\'',
    "'{\"demo_seed\": 2}'",
)


def test_real_rows_are_protected(database_url: str, small: Scenario) -> None:
    engine = fresh(database_url)
    seed(engine, small, seed=1, as_of=AS_OF)
    for metadata in NOT_DEMO:
        execute(engine, f"INSERT INTO fragments (type, metadata) VALUES ('note', {metadata})")
    execute(
        engine,
        REAL_VAULT,
        "INSERT INTO todos (fragment_id, title) SELECT max(id), 'Mine' FROM fragments",
    )
    before = contents(engine)
    with pytest.raises(
        ProtectedDatabaseError, match=r"not demo data: 1 in vaults, 8 in fragments, 1 in todos$"
    ):
        migrate_fresh(engine)
    assert contents(engine) == before
    migrate_fresh(engine, force=True)
    assert contents(engine)["vaults"] == []


@pytest.mark.parametrize("metadata", ["", "not json", '{"demo_seed": true'])
def test_text_that_is_no_json_is_not_demo_data(engine: Engine, metadata: str) -> None:
    execute(engine, f"INSERT INTO contacts (name, metadata) VALUES ('Me', '{metadata}')")
    with pytest.raises(ProtectedDatabaseError, match=r"1 in contacts$"):
        migrate_fresh(engine)


def test_all_spellings_of_the_marker_are_demo_data(database_url: str) -> None:
    engine = fresh(database_url)
    for marker in ("true", "1", '"true"', '"1"'):
        metadata = '{"demo_seed": ' + marker + "}"
        execute(engine, f"INSERT INTO contacts (name, metadata) VALUES ('D', '{metadata}')")
    migrate_fresh(engine)


def test_many_rows_are_counted_page_by_page(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, small: Scenario
) -> None:
    monkeypatch.setattr("demo_snapshots.sample.markers.PAGE", 4)
    seed(engine, small, seed=1, as_of=AS_OF)
    execute(engine, "UPDATE fragments SET metadata = NULL WHERE id % 2 = 0")
    fragments = contents(engine)["fragments"]
    real = {row[0] for row in fragments if row[0] % 2 == 0}
    todos = sum(row[1] in real for row in contents(engine)["todos"])
    with pytest.raises(ProtectedDatabaseError, match=f"{len(real)} in fragments, {todos} in todos"):
        migrate_fresh(engine)


def test_a_table_that_references_ours_is_named_even_with_force(database_url: str) -> None:
    engine = fresh(database_url)
    execute(
        engine,
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY, project_id INTEGER, "
        "FOREIGN KEY (project_id) REFERENCES projects (id))",
    )
    with pytest.raises(ProtectedDatabaseError, match="invoices references projects"):
        migrate_fresh(engine, force=True)


def test_another_applications_migrations_are_left_alone(engine: Engine) -> None:
    execute(engine, "UPDATE alembic_version SET version_num = 'ab12'")
    with pytest.raises(ProtectedDatabaseError, match=r"another application's migrations .ab12"):
        migrate_fresh(engine, force=True)


def test_a_failure_half_way_leaves_everything(postgresql_url: str, small: Scenario) -> None:
    engine = fresh(postgresql_url)
    seed(engine, small, seed=1, as_of=AS_OF)
    execute(engine, "CREATE VIEW names AS SELECT name FROM vaults")
    before = contents(engine)
    with pytest.raises(DatabaseError, match="vaults"):
        migrate_fresh(engine, force=True)
    assert contents(engine) == before


def test_on_sqlite_it_is_one_transaction_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, small: Scenario
) -> None:
    seed(engine, small, seed=1, as_of=AS_OF)
    before = contents(engine)

    def fail(*_: object) -> None:
        raise DatabaseError("no")

    monkeypatch.setattr("demo_snapshots.sample.schema.command.upgrade", fail)
    with pytest.raises(DatabaseError, match="no"):
        migrate_fresh(engine)
    assert contents(engine) == before


def test_sqlite_keeps_times_to_the_second_and_letters_as_letters(
    engine: Engine, small: Scenario
) -> None:
    seed(engine, small, seed=1, as_of=AS_OF)
    with closing(sqlite3.connect(str(engine.url.database))) as raw:
        created, said = raw.execute("SELECT created_at, messages FROM chat_sessions").fetchone()
    assert len(created) == len("2025-01-15 09:30:00")
    assert "☔" in said
    assert "\\u" not in said
