"""Triggers that set a timestamp on every update, as most applications have: rows that were edited
come back as they were, and what else fires sees no more than it must."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from database_engines import engines
from integration.live import Demo, Live
from sqlalchemy.engine import make_url

import demo_snapshots
from demo_snapshots.errors import DatabaseError, DemoError, VerificationError

ALL = ("sqlite", "postgresql", "mariadb")
CONFIGURATION = """\
[tables.films]
marker = "demo"

[tables.casts]
follows = "film_id"
"""
TABLES = (
    "CREATE TABLE films (id INTEGER PRIMARY KEY, title VARCHAR(40), code VARCHAR(9) UNIQUE,"
    " demo BOOLEAN, last_update TIMESTAMP NULL)",
    "CREATE TABLE casts (id INTEGER PRIMARY KEY, film_id INTEGER NOT NULL, name VARCHAR(40),"
    " last_update TIMESTAMP NULL, FOREIGN KEY (film_id) REFERENCES films (id) ON DELETE CASCADE)",
    "CREATE TABLE rentals (id INTEGER PRIMARY KEY, film_id INTEGER,"
    " FOREIGN KEY (film_id) REFERENCES films (id) {action})",
    "CREATE TABLE audit (entry VARCHAR(80))",
)
ROWS = (
    "INSERT INTO films VALUES (1, 'One', 'a', TRUE, '2020-01-01 00:00:00'),"
    " (2, 'Two', 'b', TRUE, '2020-01-02 00:00:00'), (9, 'Real', 'z', FALSE, NULL)",
    "INSERT INTO casts VALUES (1, 1, 'Ann', '2020-01-01 00:00:00'),"
    " (2, 2, 'Bob', '2020-01-01 00:00:00'), (9, 9, 'Real', NULL)",
    "INSERT INTO rentals VALUES (9, 9)",
)
EDIT = "UPDATE films SET title = 'Edited' WHERE id = 1"


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return configured(tmp_path, CONFIGURATION)


def configured(tmp_path: Path, text: str) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(text, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def created(url: str, action: str = "") -> Live:
    live = Live(url)
    live.run(*(text.format(action=action) for text in TABLES), *ROWS)
    return live


def touching(live: Live, table: str = "films", events: str = "UPDATE") -> None:
    """A trigger, for each event, that sets last_update, before the row is written (in SQLite,
    which has no other way, afterwards)."""
    if live.engine == "postgresql":
        live.run(
            f"CREATE FUNCTION touch_{table}() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.last_update = '2030-01-01'; RETURN NEW; END $$",
            f"CREATE TRIGGER last_updated BEFORE {events} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION touch_{table}()",
        )
        return
    for number, event in enumerate(events.split(" OR ")):
        name = f"last_updated_{table}_{number}"
        if live.engine == "mariadb":
            body = "FOR EACH ROW SET NEW.last_update = '2030-01-01 00:00:00'"
            live.run(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {body}")
        else:
            live.run(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN UPDATE {table}"
                " SET last_update = '2030-01-01 00:00:00' WHERE id = NEW.id; END"
            )


def audited(live: Live, *events: str, table: str = "films") -> None:
    """Triggers that write down what happens."""
    for event in events:
        body = f"INSERT INTO audit VALUES ('{event} {table}')"
        name = f"audit_{event}_{table}".lower()
        following(live, name, f"AFTER {event} ON {table}", body)


def following(live: Live, name: str, when: str, body: str) -> None:
    if live.engine == "postgresql":
        live.run(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {body}; RETURN coalesce(NEW, OLD); END $$",
            f"CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION {name}()",
        )
    elif live.engine == "mariadb":
        live.run(f"CREATE TRIGGER {name} {when} FOR EACH ROW {body}")
    else:
        live.run(f"CREATE TRIGGER {name} {when} BEGIN {body}; END")


def triggers(live: Live) -> list[tuple[object, ...]]:
    if live.engine != "postgresql":
        return []
    return live.rows(
        "SELECT tgname::text, tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger ORDER BY 1, 3"
    )


def refused(live: Live, demo: Demo, path: Path, error: type[DemoError] = VerificationError) -> str:
    before, there = live.dump(), triggers(live)
    with pytest.raises(error) as caught:
        demo.load(live, path)
    assert live.dump() == before
    assert triggers(live) == there
    return f"{caught.value.message} {caught.value.hint}"


def restored(live: Live, demo: Demo, *edits: str) -> None:
    """Export, edit, import: every row is what it was, and every trigger."""
    path = demo.export(live).path
    before, there = live.dump(), triggers(live)
    live.run(*edits)
    assert live.dump() != before
    demo.load(live, path)
    now = live.dump()
    before.pop("audit", None)
    now.pop("audit", None)
    assert now == before
    assert triggers(live) == there


@engines(*ALL)
def test_an_edited_row_comes_back(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    touching(live)
    touching(live, "casts")
    restored(live, demo, EDIT, "UPDATE casts SET name = 'Eve' WHERE id = 2")


@engines(*ALL)
def test_so_does_one_that_was_deleted_or_has_another_unique_value(
    database_url: str, demo: Demo
) -> None:
    live = created(database_url)
    touching(live)
    touching(live, "casts")
    restored(
        live, demo, EDIT, "DELETE FROM casts WHERE film_id = 2", "DELETE FROM films WHERE id = 2",
        "UPDATE films SET code = 'x' WHERE id = 1",
        "INSERT INTO films VALUES (3, 'More', 'c', TRUE, NULL)",
    )  # fmt: skip


@engines(*ALL)
def test_what_else_fires_sees_that_row_alone_and_only_what_was_kept(
    database_url: str, demo: Demo
) -> None:
    live = created(database_url)
    touching(live)
    audited(live, "INSERT", "UPDATE", "DELETE")
    audited(live, "INSERT", "UPDATE", "DELETE", table="casts")
    path = demo.export(live).path
    live.run(EDIT, "DELETE FROM audit")
    demo.load(live, path)
    seen = sorted(row[0] for row in live.rows("SELECT entry FROM audit"))
    # Where foreign keys act, the rows that reference it go with it.
    spread = ["DELETE casts", "INSERT casts"] if live.engine == "postgresql" else []
    assert seen == sorted(["DELETE films", "INSERT films", *spread])


@engines(*ALL)
def test_a_trigger_that_leaves_the_rows_alone_sees_an_update(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    audited(live, "INSERT", "UPDATE", "DELETE")
    path = demo.export(live).path
    live.run(EDIT, "DELETE FROM audit")
    demo.load(live, path)
    assert live.rows("SELECT entry FROM audit") == [("UPDATE films",)]


@engines(*ALL)
def test_one_table_touches_another(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    following(
        live,
        "touch_film",
        "AFTER UPDATE ON casts",
        "UPDATE films SET last_update = '2030-01-01 00:00:00' WHERE id = NEW.film_id",
    )
    restored(live, demo, "UPDATE casts SET name = 'Eve' WHERE id = 2")


@engines(*ALL)
def test_a_trigger_on_inserts_too_is_named(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    touching(live, events="INSERT OR UPDATE")
    path = demo.export(live).path
    live.run(EDIT)
    told = refused(live, demo, path)
    assert "films" in told
    assert "last_updated" in told
    live.run("DELETE FROM casts WHERE id < 9", "DELETE FROM films WHERE id < 9")
    assert "last_updated" in refused(live, demo, path)


@engines(*ALL)
def test_a_row_that_may_not_be_deleted(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    touching(live)
    body = {
        "sqlite": "SELECT RAISE(ABORT, 'films stay')",
        "postgresql": "RAISE EXCEPTION 'films stay'",
        "mariadb": "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'films stay'",
    }
    following(live, "keep_films", "BEFORE DELETE ON films", body[live.engine])
    path = demo.export(live).path
    live.run(EDIT)
    told = refused(live, demo, path, DatabaseError)
    assert "last_updated" in told
    assert "films stay" in told


# --- Rows that real rows need ----------------------------------------------------------------

ACTIONS = ("", "ON DELETE CASCADE", "ON DELETE SET NULL")


@pytest.mark.parametrize("action", ACTIONS)
@engines(*ALL)
def test_a_row_that_a_real_row_references(database_url: str, demo: Demo, action: str) -> None:
    live = created(database_url, action)
    live.run("INSERT INTO rentals VALUES (1, 1)")
    touching(live)
    touching(live, "casts")
    restored(live, demo, EDIT, "UPDATE casts SET name = 'Eve' WHERE id = 1")


@engines("postgresql", "postgresql15")
def test_with_constraints_that_wait_and_triggers_that_always_fire(
    database_url: str, demo: Demo
) -> None:
    """Django's foreign keys are checked at the end of the transaction; a table with such checks
    to come cannot be altered."""
    live = created(database_url, "DEFERRABLE INITIALLY DEFERRED")
    live.run(
        "ALTER TABLE casts ALTER CONSTRAINT casts_film_id_fkey DEFERRABLE INITIALLY DEFERRED",
        "INSERT INTO rentals VALUES (1, 1)",
    )
    touching(live)
    live.run("ALTER TABLE films ENABLE ALWAYS TRIGGER last_updated")
    audited(live, "UPDATE")
    restored(
        live, demo, EDIT, "DELETE FROM casts WHERE film_id = 2", "DELETE FROM films WHERE id = 2"
    )


def _as_somebody_else(live: Live) -> Live:
    """Connected as a user who may write, and owns no table."""
    url = make_url(live.url)
    user = f"writer_{url.database}"
    live.run(
        f'CREATE USER "{user}"',
        f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{user}"',
    )
    return Live(url.set(username=user, password=None).render_as_string(hide_password=False))


@engines("postgresql")
def test_who_does_not_own_the_table(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    touching(live)
    path = demo.export(live).path
    user = _as_somebody_else(live)
    try:
        before = live.dump()
        live.run(EDIT)
        demo.load(user, path)
        assert live.dump() == before
        live.run("INSERT INTO rentals VALUES (1, 1)", EDIT)
        told = refused(live=user, demo=demo, path=path)
        assert "last_updated" in told
        assert "own" in told
    finally:
        name = make_url(user.url).username
        live.run(f'DROP OWNED BY "{name}"', f'DROP USER "{name}"')


@engines("postgresql")
def test_an_update_afterwards_that_cannot_be_passed_by(database_url: str, demo: Demo) -> None:
    """Only what may change the row before it is written is passed by: others may have to see it."""
    live = created(database_url)
    following(
        live,
        "later",
        "AFTER UPDATE OF title ON films",
        "UPDATE films SET last_update = '2030-01-01' WHERE id = NEW.id",
    )
    path = demo.export(live).path
    live.run(EDIT)
    demo.load(live, path)
    live.run("INSERT INTO rentals VALUES (1, 1)", EDIT)
    assert "later" in refused(live, demo, path)


@engines("postgresql")
def test_within_somebody_elses_transaction(database_url: str, demo: Demo) -> None:
    live = created(database_url)
    live.run("INSERT INTO rentals VALUES (1, 1)")
    touching(live)
    path = demo.export(live).path
    before, there = live.dump(), triggers(live)
    with psycopg.connect(database_url) as connection:
        connection.execute(EDIT)
        demo_snapshots.import_from_file(
            path, demo.config(live), scenario=None, connection=connection
        )
    assert live.dump() == before
    assert triggers(live) == there


CYCLE = (
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, head INTEGER, demo BOOLEAN,"
    " last_update TIMESTAMP)",
    "CREATE TABLE staff (id INTEGER PRIMARY KEY, team INTEGER REFERENCES teams, demo BOOLEAN,"
    " last_update TIMESTAMP)",
    "ALTER TABLE teams ADD CONSTRAINT headed FOREIGN KEY (head) REFERENCES staff",
    "INSERT INTO teams VALUES (1, NULL, TRUE, '2020-01-01'), (2, NULL, TRUE, '2020-01-01')",
    "INSERT INTO staff VALUES (1, 1, TRUE, '2020-01-01'), (2, 2, TRUE, NULL)",
    "UPDATE teams SET head = id",
)


@engines("postgresql")
def test_tables_that_reference_one_another(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    live.run(*CYCLE)
    touching(live, "teams")
    touching(live, "staff")
    demo = configured(
        tmp_path, '[tables.teams]\nmarker = "demo"\n\n[tables.staff]\nmarker = "demo"\n'
    )
    restored(live, demo, "UPDATE teams SET head = NULL", "DELETE FROM staff", "DELETE FROM teams")
    restored(live, demo, "UPDATE teams SET last_update = now()", "UPDATE staff SET team = 3 - team")


# --- Where triggers hide ---------------------------------------------------------------------


@engines("postgresql")
def test_a_trigger_on_a_partition_alone(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE films (id INTEGER PRIMARY KEY, title TEXT, demo BOOLEAN,"
        " last_update TIMESTAMP) PARTITION BY RANGE (id)",
        "CREATE TABLE few PARTITION OF films FOR VALUES FROM (1) TO (100)",
        "INSERT INTO films VALUES (1, 'One', TRUE, '2020-01-01')",
    )
    touching(live, "few")
    demo = configured(tmp_path, '[tables.films]\nmarker = "demo"\n')
    restored(live, demo, EDIT)
    live.run("DROP TRIGGER last_updated ON few", "DROP FUNCTION touch_few")
    touching(live, "few", "INSERT OR UPDATE")
    path = demo.export(live).path
    live.run("DELETE FROM films")
    assert "last_updated" in refused(live, demo, path)


def test_who_may_not_make_triggers_sees_them(mariadb_url: str, demo: Demo) -> None:
    """MariaDB names them to whoever sees the table, and keeps only what they do to itself."""
    live = created(mariadb_url)
    touching(live)
    path = demo.export(live).path
    url = make_url(mariadb_url)
    user = f"w_{url.database}"[:30]
    live.run(
        f"CREATE USER '{user}'@'%'",
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES"
        f" ON `{url.database}`.* TO '{user}'@'%'",
    )
    writer = Live(url.set(username=user, password=None).render_as_string(hide_password=False))
    try:
        before = live.dump()
        live.run(EDIT)
        demo.load(writer, path)
        assert live.dump() == before
        live.run("DROP TRIGGER last_updated_films_0")
        touching(live, events="INSERT")
        live.run("DELETE FROM casts WHERE id < 9", "DELETE FROM films WHERE id < 9")
        told = refused(writer, demo, path)
        assert "films.last_updated" in told
    finally:
        live.run(f"DROP USER '{user}'@'%'")


def test_sqlite_within_a_transaction_where_foreign_keys_act(sqlite_url: str, demo: Demo) -> None:
    live = created(sqlite_url)
    touching(live)
    path = demo.export(live).path
    before = live.dump()
    live.run(EDIT)
    with live.connection() as raw:
        raw.execute("BEGIN")
        demo.load(live, path, connection=raw)
        raw.execute("COMMIT")
    assert live.dump() == before
    live.run("INSERT INTO rentals VALUES (1, 1)", EDIT)
    before = live.dump()
    with live.connection() as raw:
        raw.execute("BEGIN")
        with pytest.raises(VerificationError, match="rows that real rows need") as caught:
            demo.load(live, path, connection=raw)
        raw.execute("COMMIT")
    assert "last_updated" in (caught.value.hint or "")
    assert live.dump() == before
