"""Operations on a connection that is open already: inside its transaction, behind a savepoint."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from database_engines import engines
from psycopg.rows import dict_row
from pymysql.cursors import DictCursor
from sqlalchemy.orm import Session

import demo_snapshots
from demo_snapshots.errors import DatabaseBusyError, KeyClashError, RealRowsError, UsageError
from demo_snapshots.sample.engine import make_engine

NOW = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
EVERY = ("sqlite", "postgresql", "mariadb")


@pytest.fixture
def project(database_url: str, tmp_path: Path) -> demo_snapshots.Project:
    """The sample application with one saved version of ``general``, edited since."""
    project = demo_snapshots.open_project(
        tmp_path, database=database_url, environment={}, clock=lambda: NOW,
        snapshots=tmp_path / "snapshots",
    )  # fmt: skip
    project.migrate_fresh()
    project.seed("general")
    project.export("general")
    with make_engine(database_url).begin() as connection:
        connection.execute(sa.text("DELETE FROM todos"))
        connection.execute(sa.text("UPDATE projects SET name = 'asdf'"))
    return project


def as_their_owner_likes(project: demo_snapshots.Project) -> Any:
    """A driver's own connection in its default mode, with settings unlike ours."""
    url = sa.make_url(project.config.database)
    match url.get_backend_name():
        case "sqlite":
            raw = sqlite3.connect(str(url.database))
            raw.row_factory = lambda cursor, row: dict(enumerate(row))
            raw.execute("PRAGMA foreign_keys = ON")
            return raw
        case "postgresql":
            address = url.set(drivername="postgresql").render_as_string(hide_password=False)
            given = psycopg.connect(address, row_factory=dict_row)
            given.execute("SET TimeZone = 'Asia/Tokyo'")
            given.commit()
            return given
        case _:
            return pymysql.connect(
                host=url.host, port=url.port or 3306, user=url.username,
                password=url.password or "", unix_socket=url.query.get("unix_socket"),
                database=url.database, cursorclass=DictCursor, charset="latin1",
                init_command="SET time_zone = '+09:00', sql_mode = ''",
            )  # fmt: skip


def settings_of(raw: Any) -> object:
    with closing(raw.cursor()) as cursor:
        match raw:
            case sqlite3.Connection():
                names = ("foreign_keys", "busy_timeout")
                return [cursor.execute(f"PRAGMA {name}").fetchone() for name in names]
            case psycopg.Connection():
                cursor.execute("SELECT current_setting('TimeZone'), current_setting('jit')")
            case _:
                cursor.execute(
                    "SELECT @@time_zone, @@sql_mode, @@foreign_key_checks, @@max_sort_length,"
                    " @@character_set_client, @@collation_connection, @@sort_buffer_size"
                )
        return cursor.fetchone()


@contextmanager
def theirs(project: demo_snapshots.Project) -> Iterator[Any]:
    with closing(as_their_owner_likes(project)) as raw:
        yield raw


def names_of(raw: Any) -> set[str]:
    with closing(raw.cursor()) as cursor:
        cursor.execute("SELECT name FROM projects")
        return {next(iter(row.values())) for row in cursor.fetchall()}


@engines(*EVERY)
def test_what_was_imported_goes_with_the_owners_rollback(
    project: demo_snapshots.Project,
) -> None:
    with theirs(project) as raw:
        before = settings_of(raw)
        with closing(raw.cursor()) as cursor:
            cursor.execute("INSERT INTO contacts (name) VALUES ('their own, not committed yet')")
        result = project.import_("general", connection=raw)
        assert result.changed == 108
        assert settings_of(raw) == before
        assert "asdf" not in names_of(raw)
        raw.rollback()
        assert names_of(raw) == {"asdf"}
    assert not project.validate("general").valid


@engines(*EVERY)
def test_what_was_imported_stays_with_the_owners_commit(project: demo_snapshots.Project) -> None:
    with theirs(project) as raw:
        project.import_("general", connection=raw)
        again = project.import_("general", connection=raw)
        assert again.changed == 0, "a second import in the same transaction finds all there"
        raw.commit()
    assert project.validate("general").valid


@engines(*EVERY)
def test_a_refused_import_leaves_the_owners_transaction_as_it_was(
    project: demo_snapshots.Project,
) -> None:
    with theirs(project) as raw:
        with closing(raw.cursor()) as cursor:
            cursor.execute("UPDATE fragments SET metadata = NULL WHERE id = 1")
        before = settings_of(raw)
        with pytest.raises((KeyClashError, RealRowsError)):
            project.import_("general", connection=raw)
        assert settings_of(raw) == before
        assert names_of(raw) == {"asdf"}
        raw.commit()
        with closing(raw.cursor()) as cursor:
            cursor.execute("SELECT count(*) FROM fragments WHERE metadata IS NULL")
            assert list(cursor.fetchone().values()) == [1], "what the owner wrote is there"


@engines(*EVERY)
def test_an_import_and_an_export_see_what_is_not_committed(
    project: demo_snapshots.Project,
) -> None:
    with theirs(project) as raw:
        project.import_("general", connection=raw)
        assert project.validate("general", connection=raw).valid
        assert not project.export("general", connection=raw).written, "unchanged since v1"
        raw.rollback()
    assert project.export("general").written


@engines(*EVERY)
def test_questions_are_answered_on_the_same_connection(project: demo_snapshots.Project) -> None:
    edited: list[object] = []

    def yes(plan: demo_snapshots.ImportPlan) -> bool:
        edited.append(plan.edited)
        return True

    with theirs(project) as raw:
        project.import_(
            "general",
            connection=raw,
            confirm=yes,
        )
        assert names_of(raw) != {"asdf"}
        raw.rollback()
    assert str(edited) == "[Edits(changed=8, added=0, deleted=100)]"


@engines(*EVERY)
def test_a_connection_that_commits_each_statement_gets_a_transaction_each_time(
    project: demo_snapshots.Project,
) -> None:
    with theirs(project) as raw:
        match raw:
            case sqlite3.Connection():
                raw.isolation_level = None
            case psycopg.Connection():
                raw.autocommit = True
            case _:
                raw.autocommit(True)
        for _ in range(2):
            project.import_("general", connection=raw)
            assert project.validate("general", connection=raw).valid
    assert project.validate("general").valid


@engines(*EVERY)
@pytest.mark.parametrize("kind", ["connection", "session"])
def test_sqlalchemys_connection_and_session_are_known(
    project: demo_snapshots.Project, kind: str
) -> None:
    engine = make_engine(project.config.database)
    opened: Any = engine.connect() if kind == "connection" else Session(engine)
    with opened as given:
        given.execute(sa.text("SELECT 1"))
        project.import_("general", connection=given)
        given.rollback()
    assert not project.validate("general").valid
    opened = engine.connect() if kind == "connection" else Session(engine)
    with opened as given:
        project.import_("general", connection=given)
        given.commit()
    assert project.validate("general").valid


@engines("postgresql")
def test_a_failed_transaction_is_named(project: demo_snapshots.Project) -> None:
    with theirs(project) as raw:
        with pytest.raises(psycopg.Error):
            raw.execute("SELECT 1 / 0")
        with pytest.raises(UsageError, match="roll it back first"):
            project.import_("general", connection=raw)


@engines("sqlite")
def test_what_is_no_connection_is_named(project: demo_snapshots.Project) -> None:
    with pytest.raises(UsageError, match=r"builtins\.str"):
        project.import_("general", connection="sqlite:///x")
    with pytest.raises(UsageError, match="prove"), theirs(project) as raw:
        project.export("general", connection=raw, prove=True)


@engines("sqlite")
def test_a_lock_that_another_holds_is_told(
    project: demo_snapshots.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_snapshots.engines.sqlite.session.LOCK_WAIT_SECONDS", 1)
    with theirs(project) as raw, theirs(project) as other:
        other.execute("INSERT INTO contacts (name) VALUES ('x')")
        with pytest.raises(DatabaseBusyError):
            project.import_("general", connection=raw)
        other.rollback()
        assert project.import_("general", connection=raw).changed == 108
