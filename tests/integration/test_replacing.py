"""Both routes into a database, one outcome: the demo rows are the snapshot's, the real rows what
they were, or nothing has changed at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live, edited

from demo_snapshots.errors import (
    DatabaseError,
    DemoError,
    ImportFailedError,
    KeyClashError,
    NotConfirmedError,
    RealRowsError,
)

ALL = ("sqlite", "postgresql", "mariadb")

TABLES = (
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, code VARCHAR(40) UNIQUE, note VARCHAR(200),"
    " scenario VARCHAR(40), is_demo BOOLEAN NOT NULL DEFAULT FALSE)",
    "CREATE TABLE people (id INTEGER PRIMARY KEY,"
    " team_id INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE, seat INTEGER UNIQUE,"
    " boss_id INTEGER REFERENCES people (id), name VARCHAR(100))",
    "CREATE TABLE badges (person_id INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,"
    " label VARCHAR(40))",
)
VISITS = (
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, team_id INTEGER REFERENCES teams (id) {action},"
    " person_id INTEGER REFERENCES people (id) {action}, remark VARCHAR(40))"
)
CONFIGURATION = """\
[tables.teams]
marker = "is_demo"
scenario = "scenario"

[tables.people]
follows = "team_id"

[tables.badges]
follows = "person_id"
"""
ROWS = (
    "INSERT INTO teams (id, code, note, scenario, is_demo) VALUES (1, 'red', 'first', 'general',"
    " TRUE), (2, 'blue', NULL, NULL, TRUE), (3, 'Green', '', 'general', TRUE)",
    "INSERT INTO people (id, team_id, seat, boss_id, name) VALUES (3, 1, 30, NULL, 'Cy')",
    "INSERT INTO people (id, team_id, seat, boss_id, name) VALUES"
    " (1, 1, 10, 3, 'Ann'), (2, 2, 20, 3, 'Bob'), (4, 3, NULL, NULL, NULL)",
    "UPDATE people SET boss_id = 2 WHERE id = 3",
    "INSERT INTO badges VALUES (1, 'gold'), (1, 'gold'), (2, NULL), (2, ''), (3, 'x')",
)
REAL = (
    "INSERT INTO teams (id, code, note) VALUES (900, 'real', 'mine')",
    "INSERT INTO people (id, team_id, seat, boss_id, name) VALUES (900, 900, 900, NULL, 'Real')",
    "INSERT INTO badges VALUES (900, 'gold'), (900, 'gold')",
    "INSERT INTO visits VALUES (1, 900, 900, 'real'), (2, NULL, NULL, 'real')",
)
EMPTY = ("UPDATE people SET boss_id = NULL WHERE id < 900", "DELETE FROM teams WHERE id < 900")


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)


def created(url: str, action: str = "") -> Live:
    live = Live(url)
    live.run(*TABLES, VISITS.format(action=action))
    return live


@pytest.fixture
def live(database_url: str) -> Live:
    live = created(database_url)
    live.run(*ROWS, *REAL)
    return live


def real_rows(live: Live) -> list[list[tuple[object, ...]]]:
    """The real rows, and in PostgreSQL where they lie and which transaction wrote them."""
    system = ", ctid::text, xmin::text" if live.engine == "postgresql" else ""
    return [
        live.rows(f"SELECT t.*{system} FROM {table} AS t WHERE {condition} ORDER BY 1")
        for table, condition in (
            ("teams", "id >= 900"),
            ("people", "id >= 900"),
            ("badges", "person_id >= 900"),
            ("visits", "id > 0"),
        )
    ]


def refused(live: Live, demo: Demo, path: Path, error: type[DemoError], **options) -> str:
    """Import ``path``, which fails and changes nothing; the message."""
    before = live.dump()
    with pytest.raises(error) as caught:
        demo.load(live, path, **options)
    assert live.dump() == before
    assert caught.value.__class__ is error
    return caught.value.message


CHANGES = {
    "nothing there": EMPTY,
    "edited": (
        "UPDATE teams SET note = 'second' WHERE id = 1",
        "UPDATE people SET name = 'ANN' WHERE id = 1",
    ),
    "letters": ("UPDATE teams SET note = 'First' WHERE id = 1",),
    "null and empty": (
        "UPDATE teams SET note = '' WHERE id = 2",
        "UPDATE teams SET note = NULL WHERE id = 3",
        "UPDATE badges SET label = '' WHERE label IS NULL",
    ),
    "trailing space": ("UPDATE teams SET note = 'first ' WHERE id = 1",),
    "a referencing row deleted": ("DELETE FROM people WHERE id = 1",),
    "a referenced row deleted": ("DELETE FROM teams WHERE id = 3",),
    "added": (
        "INSERT INTO teams (id, code, is_demo) VALUES (7, 'grey', TRUE)",
        "INSERT INTO people (id, team_id, seat, boss_id) VALUES (7, 7, 70, 1), (8, 1, 80, 7)",
        "INSERT INTO badges VALUES (8, 'new')",
    ),
    "unique values swapped": (
        "UPDATE people SET seat = 99 WHERE id = 1",
        "UPDATE people SET seat = 10 WHERE id = 2",
        "UPDATE people SET seat = 20 WHERE id = 1",
    ),
    "unique values in a ring": (
        "UPDATE teams SET code = 'x' WHERE id = 1",
        "UPDATE teams SET code = 'red' WHERE id = 2",
        "UPDATE teams SET code = 'blue' WHERE id = 3",
        "UPDATE teams SET code = 'Green' WHERE id = 1",
    ),
    "a unique value handed on": (
        "UPDATE people SET seat = NULL WHERE id = 1",
        "UPDATE people SET seat = 10 WHERE id = 4",
    ),
    "a unique value taken by an added row": (
        "UPDATE people SET seat = NULL WHERE id = 1",
        "INSERT INTO people (id, team_id, seat) VALUES (8, 2, 10)",
    ),
    "moved to an added row": (
        "INSERT INTO teams (id, code, is_demo) VALUES (7, 'grey', TRUE)",
        "UPDATE people SET team_id = 7 WHERE id IN (1, 4)",
    ),
    "moved off a deleted row": (
        "UPDATE people SET team_id = 2 WHERE team_id = 3",
        "DELETE FROM teams WHERE id = 3",
    ),
    "moved to another": ("UPDATE people SET team_id = 3 WHERE id IN (1, 2)",),
    "every id changed": (
        "UPDATE people SET boss_id = NULL WHERE id < 900",
        "INSERT INTO teams SELECT id + 10, NULL, note, scenario, is_demo FROM teams WHERE id < 9",
        "INSERT INTO people SELECT id + 10, team_id + 10, NULL, boss_id, name"
        " FROM people WHERE id < 900",
        "DELETE FROM teams WHERE id < 9",
    ),
    "ids swapped": (
        "UPDATE people SET boss_id = NULL WHERE id < 900",
        "DELETE FROM badges WHERE person_id < 900",
        "UPDATE people SET id = 50 WHERE id = 1",
        "UPDATE people SET id = 1 WHERE id = 2",
        "UPDATE people SET id = 2 WHERE id = 50",
        "INSERT INTO badges VALUES (1, 'gold'), (2, 'gold')",
    ),
    "bosses turned round": (
        "UPDATE people SET boss_id = NULL WHERE id = 1",
        "UPDATE people SET boss_id = 1 WHERE id IN (3, 4)",
    ),
    "copies without a key": ("INSERT INTO badges VALUES (1, 'gold'), (3, 'x')",),
    "copies without a key gone": ("DELETE FROM badges WHERE person_id IN (1, 2)",),
}


@pytest.mark.parametrize("change", CHANGES)
@engines(*ALL)
def test_the_demo_rows_are_again_the_snapshot_s(live, demo, change):
    path = demo.export(live).path
    wanted, real = live.dump(), real_rows(live)
    live.run(*CHANGES[change])
    if change != "nothing there":
        assert live.dump() != wanted

    result = demo.load(live, path)

    assert result.route == ("direct" if change == "nothing there" else "merge")
    assert result.changed > 0
    assert live.dump() == wanted
    assert real_rows(live) == real


@engines(*ALL)
def test_only_what_differs_is_written(live, demo):
    path = demo.export(live).path
    live.run("UPDATE teams SET note = 'second' WHERE id = 1")
    result = demo.load(live, path)
    assert result.changed == 1
    assert [count.rows for count in result.replaced.tables] == [3, 4, 5]


@engines(*ALL)
def test_no_for_an_answer_changes_nothing(live, demo):
    path = demo.export(live).path
    live.run("UPDATE teams SET note = 'second' WHERE id = 1")
    plans = []

    def no(plan):
        plans.append(plan)
        return False

    refused(live, demo, path, NotConfirmedError, confirm=no)
    assert [plan.replaces.total for plan in plans] == [12]


@engines(*ALL)
def test_nobody_is_asked_where_nothing_is_replaced(live, demo):
    path = demo.export(live).path
    live.run(*EMPTY)
    demo.load(live, path, confirm=lambda plan: pytest.fail("asked"))


# --- Other scenarios -------------------------------------------------------------------------

WRITER = (
    "INSERT INTO teams (id, code, scenario, is_demo) VALUES (20, 'ink', 'writer', TRUE)",
    "INSERT INTO people (id, team_id, seat) VALUES (20, 20, 200)",
    "INSERT INTO badges VALUES (20, 'w')",
)


@engines(*ALL)
def test_the_other_scenario_s_rows_go_unless_they_are_to_be_kept(live, demo):
    path = demo.export(live).path
    alone = live.dump()
    live.run(*WRITER)
    both = live.dump()

    live.run("UPDATE teams SET note = 'second' WHERE id = 1", "DELETE FROM people WHERE id = 4")
    kept = demo.load(live, path, keep_other_scenarios=True)
    assert live.dump() == both
    assert (kept.route, kept.replaced.total) == ("merge", 11)

    demo.load(live, path)
    assert live.dump() == alone


@engines(*ALL)
def test_a_scenario_goes_straight_in_beside_another(live, demo):
    live.run(*WRITER, "UPDATE teams SET scenario = 'general' WHERE id = 2")
    before = live.dump()
    path = demo.export(live).path
    live.run(EMPTY[0], "DELETE FROM teams WHERE id < 9")
    assert demo.load(live, path, keep_other_scenarios=True).route == "direct"
    assert live.dump() == before


@engines(*ALL)
def test_a_kept_scenario_s_keys_are_not_taken(live, demo):
    path = demo.export(live).path
    live.run(*EMPTY, *WRITER, "UPDATE people SET seat = 10 WHERE id = 20")
    message = refused(live, demo, path, KeyClashError, keep_other_scenarios=True)
    assert message.startswith("people.seat: ")
    demo.load(live, path)


# --- Keys that real rows use -----------------------------------------------------------------

CLASHES = {
    "key": ("INSERT INTO teams (id, code) VALUES (2, 'mine')", "teams.id: ", "2"),
    "text key value": ("INSERT INTO teams (id, code) VALUES (901, 'Green')", "teams.code: ", ""),
    "number": (
        "INSERT INTO people (id, team_id, seat) VALUES (901, 900, 10)",
        "people.seat: ",
        "10",
    ),
    "referencing key": ("INSERT INTO people (id, team_id) VALUES (4, 900)", "people.id: ", "4"),
}


@pytest.mark.parametrize("route", ["direct", "merge"])
@pytest.mark.parametrize("clash", CLASHES)
@engines(*ALL)
def test_a_key_that_a_real_row_uses_is_named_and_nothing_changed(live, demo, clash, route):
    path = demo.export(live).path
    statement, place, key = CLASHES[clash]
    live.run(*EMPTY, statement)
    if route == "merge":
        live.run("INSERT INTO teams (id, code, is_demo) VALUES (50, 'left over', TRUE)")
    message = refused(live, demo, path, KeyClashError)
    assert message.startswith(place)
    assert key in message


# --- Real rows that reference demo rows ------------------------------------------------------

ACTIONS = ("", "ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE RESTRICT")


@pytest.mark.parametrize("action", ACTIONS)
@engines(*ALL)
def test_a_demo_row_that_a_real_row_needs_does_not_go(database_url, demo, action):
    live = created(database_url, action)
    live.run(*ROWS, *REAL)
    path = demo.export(live).path
    live.run(
        "INSERT INTO teams (id, code, is_demo) VALUES (50, 'added', TRUE)",
        "INSERT INTO visits VALUES (10, 50, NULL, 'needs it')",
    )
    message = refused(live, demo, path, RealRowsError)
    assert message.startswith("visits.team_id -> teams")
    assert "10" in message
    assert "needs it" not in message


@pytest.mark.parametrize("action", ACTIONS)
@engines(*ALL)
def test_a_demo_row_that_a_real_row_needs_may_come_back(database_url, demo, action):
    live = created(database_url, action)
    live.run(*ROWS, *REAL)
    path = demo.export(live).path
    live.run(
        "INSERT INTO visits VALUES (10, 1, 3, 'needs them')",
        "INSERT INTO people (id, team_id, seat, boss_id) VALUES (901, 900, 901, 3)",
    )
    wanted, real = live.dump(), real_rows(live)
    live.run(
        "UPDATE teams SET note = 'edited', code = 'RED' WHERE id = 1",
        "UPDATE people SET seat = 31, team_id = 2, boss_id = 1, name = 'edited' WHERE id = 3",
        "DELETE FROM people WHERE id = 4",
    )
    assert demo.load(live, path).route == "merge"
    assert live.dump() == wanted
    assert real_rows(live) == real


HELD_THROUGH = {
    "the row it references": "UPDATE teams SET code = 'RED' WHERE id = 1",
    "the row it references of its own table": "UPDATE people SET seat = 77 WHERE id = 2",
    "a row of its own table that it references by an edit": (
        "UPDATE people SET boss_id = 1, seat = CASE WHEN id = 1 THEN 77 ELSE seat END"
        " WHERE id IN (1, 3)"
    ),
}


@pytest.mark.parametrize("change", HELD_THROUGH)
@pytest.mark.parametrize("action", ACTIONS)
@engines(*ALL)
def test_a_row_that_a_real_row_needs_stays_where_another_is_replaced(
    database_url, demo, action, change
):
    """Replacing a row takes the rows that reference it along, but none that a real row needs."""
    live = created(database_url, action)
    live.run(*ROWS, *REAL)
    path = demo.export(live).path
    live.run("INSERT INTO visits VALUES (10, NULL, 3, 'needs them')")
    wanted, real = live.dump(), real_rows(live)
    live.run(HELD_THROUGH[change])
    assert live.dump() != wanted
    demo.load(live, path)
    assert real_rows(live) == real
    assert live.dump() == wanted


@engines(*ALL)
def test_real_rows_of_a_demo_table_count_as_well(live, demo):
    path = demo.export(live).path
    live.run(
        "INSERT INTO people (id, team_id) VALUES (50, 1)",
        "INSERT INTO people (id, team_id, boss_id) VALUES (901, 900, 50)",
    )
    message = refused(live, demo, path, RealRowsError)
    assert message.startswith("people.boss_id -> people")
    assert "901" in message


@engines(*ALL)
def test_held_rows_that_cannot_change_in_place_are_refused(live, demo):
    """Two rows that real rows need swapped a unique value: neither can go, neither can stay."""
    path = demo.export(live).path
    live.run(
        "INSERT INTO visits VALUES (10, NULL, 1, 'a'), (11, NULL, 2, 'b')",
        "UPDATE people SET seat = 99 WHERE id = 1",
        "UPDATE people SET seat = 10 WHERE id = 2",
        "UPDATE people SET seat = 20 WHERE id = 1",
    )
    wanted, real = live.dump(), real_rows(live)
    if live.engine != "postgresql":
        # No foreign key acts there while an import works, so rows may go and come back.
        demo.load(live, path)
        assert live.rows("SELECT seat FROM people WHERE id < 3 ORDER BY id") == [(10,), (20,)]
    else:
        with pytest.raises((ImportFailedError, DatabaseError), match="people"):
            demo.load(live, path)
        assert live.dump() == wanted
    assert real_rows(live) == real


# --- References that lead nowhere ------------------------------------------------------------


@pytest.mark.parametrize("route", ["direct", "merge"])
@engines(*ALL)
def test_a_file_whose_rows_lean_on_rows_that_are_not_there(live, demo, route):
    path = edited(
        demo.export(live).path,
        lambda rows: rows.replace(b"boss_id=3 WHERE id=1", b"boss_id=777 WHERE id=1"),
    )
    if route == "direct":
        live.run(*EMPTY)
    before = live.dump()
    with pytest.raises((ImportFailedError, DatabaseError)) as caught:
        demo.load(live, path)
    assert "people" in caught.value.message
    assert "Ann" not in str(caught.value)
    assert live.dump() == before
