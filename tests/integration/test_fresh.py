"""Dates that move with today: imported fresh, and taken back at the next export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live

from demo_snapshots.documents.opening import describe, open_document, reading
from demo_snapshots.documents.protocol import Rows, any_literals
from demo_snapshots.errors import (
    ConfigError,
    DatabaseError,
    DemoError,
    KeyClashError,
    UnfitValueError,
)
from demo_snapshots.model.results import Edits
from demo_snapshots.operations.compare import compare_with_database
from demo_snapshots.operations.validate import validate_scenario
from demo_snapshots.render.transfer import export_report, import_report

JSON = {"sqlite": "TEXT", "postgresql": "jsonb", "mariadb": "JSON"}
INSTANT = {"sqlite": "TIMESTAMP", "postgresql": "timestamptz", "mariadb": "TIMESTAMP(3) NULL"}
PLAIN = {"sqlite": "DATETIME", "postgresql": "timestamp", "mariadb": "DATETIME(6)"}
CONFIG = """
[demo]
zone = "Europe/Berlin"

[tables.users]
marker = "is_demo"
evergreen = "since"

[tables.todos]
follows = "user_id"
evergreen = ["due_on", "made_at", "seen_at", "text_at", "epoch", "data.inbox.at", "data.log[*].at"]
"""
DATA = (
    '{"n": 1.10, "inbox": {"at": "2025-01-18T09:30:00Z"},'
    ' "log": [{"at": 1737072000}, {"at": "2025-01-19"}, {"at": null}], "at": "2025-01-18"}'
)


def tables(engine: str) -> tuple[str, ...]:
    return (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, born DATE, since DATE, is_demo BOOLEAN)",
        "CREATE TABLE todos (id VARCHAR(9) PRIMARY KEY, user_id INTEGER REFERENCES users (id),"
        f" title VARCHAR(60), due_on DATE, made_at {PLAIN[engine]}, seen_at {INSTANT[engine]},"
        f" text_at VARCHAR(40), epoch BIGINT, data {JSON[engine]}, CHECK (due_on < '2033-01-01'))",
    )


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(*tables(live.engine))
    live.insert(
        "users", (1, "1980-02-29", "2024-02-29", True), (2, "1990-05-05", "2025-01-01", False)
    )
    live.insert(
        "todos",
        ("a", 1, "it's", "2025-01-25", "2025-01-19 10:00:00.123456", "2025-01-20 11:59:59", *_END),
        ("b", 1, None, None, "2024-12-31 23:59:59", None, "soon", 0, None),
        ("c", 2, "real", "2025-01-25", None, None, None, None, None),
    )
    return live


_END = ("2025-01-20T12:00:00.5+01:00", 1737374400000, DATA)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    (tmp_path / "demo.toml").write_text(CONFIG, "utf-8")
    return Demo(tmp_path / "snapshots", tmp_path / "demo.toml")


LATER = NOW + timedelta(days=300)
WEEKS = timedelta(weeks=42)


@engines("sqlite", "postgresql", "mariadb")
def test_dates_lead_up_to_today_and_come_back(live, demo):
    """For an import and a year later; validation and comparison see a demo that was not changed."""
    first = demo.export(live)
    saved = first.path.read_bytes()
    before = live.dump()
    result = demo.load(live, first.path, as_of=LATER)
    assert result.dates_later == WEEKS
    assert result.edited is None or not result.edited
    [(due, made, text, epoch)] = live.rows(
        "SELECT due_on, made_at, text_at, epoch FROM todos WHERE id = 'a'"
    )
    assert str(due) == "2025-11-15"
    assert str(made) == "2025-11-09 10:00:00.123456"
    assert text == "2025-11-10T12:00:00.5+01:00"
    assert epoch == 1737374400000 + WEEKS // timedelta(milliseconds=1)
    born = [str(row[0]) for row in live.rows("SELECT born FROM users ORDER BY id")]
    assert born == ["1980-02-29", "1990-05-05"], "what is not evergreen stays"
    for moment in (LATER, LATER + timedelta(days=365)):
        demo.load(live, first.path, as_of=moment)
        again = demo.export(live, now=moment)
        assert not again.written
        assert again.dates_of == first.version
        checked = validate_scenario(demo.config(live), demo.store)
        assert checked.valid, checked.problems
        assert "weeks later than in v1" in checked.notes[0]
        assert not compare_with_database(demo.config(live), demo.store, "general").differs
    tried = demo.load(live, first.path, as_of=LATER + timedelta(weeks=1), dry_run=True)
    assert (tried.edited, tried.dates_later) == (Edits(0, 0, 0), WEEKS + timedelta(weeks=1))
    assert tried.changed, "every row whose dates move on would be written"
    forced = demo.export(live, now=LATER, auto_version=True)
    assert forced.digest == first.digest
    body = b"\n-- Cleanup"
    assert forced.path.read_bytes().partition(body)[2] == saved.partition(body)[2]
    result = demo.load(live, first.path)
    assert result.edited is not None
    assert not result.edited, "none of them was edited"
    assert live.dump() == before


@engines("sqlite")
def test_a_change_to_a_fresh_demo_is_saved_as_if_made_then(live, demo):
    """Its other dates are not in the way, and the anchor goes back by the offset."""
    first = demo.export(live)
    demo.load(live, first.path, as_of=LATER)
    live.run("UPDATE todos SET title = 'new', made_at = '2025-11-16 11:00:00' WHERE id = 'a'")
    live.insert("todos", ("d", 1, "d", "2025-11-15", *[None] * 5))
    result = demo.load(live, first.path, as_of=LATER)
    assert result.edited is not None
    assert (result.edited.changed, result.edited.added) == (1, 1)
    live.run("UPDATE todos SET title = 'new', made_at = '2025-11-16 11:00:00' WHERE id = 'a'")
    second = demo.export(live, now=LATER, delta=True)
    assert second.dates_later == WEEKS
    whole = demo.store.source(demo.store.find("general", "v2"))
    with reading(whole) as stream:
        document = open_document(stream)
        texts = [event.text for event in document.rows(any_literals) if isinstance(event, Rows)]
    assert document.header.anchor == LATER - WEEKS
    for form in ("json", "yaml"):
        again = demo.export(live, now=LATER, auto_version=True, format=form)
        assert describe(again.path).header.anchor == LATER - WEEKS, "as before: nothing changed"
    assert b"'new','2025-01-25','2025-01-26 11:00:00'" in b"".join(texts)
    kept = demo.export(live, now=LATER, keep_dates=True, auto_version=True, format="json")
    assert not kept.dates_later
    assert '"anchor"' not in kept.path.read_text("utf-8")


@engines("sqlite", "postgresql", "mariadb")
def test_old_rows_lead_up_to_the_newest_of_their_dates(live, demo, tmp_path):
    """As columns, text, counts and in JSON, whenever they are saved; but not where a date lies
    ahead, or the newest is some days old: these lead up to the moment of the export."""

    def anchor(name: str, sql: str = "") -> datetime | None:
        live.run(*filter(None, [sql]))
        other = Demo(tmp_path / name, demo.configuration)
        return describe(other.export(live, now=LATER).path).header.anchor

    assert anchor("date") == datetime(2025, 1, 24, 23, tzinfo=UTC), "midnight of the 25th in Berlin"
    assert anchor("column", "UPDATE todos SET due_on = '2024-02-29'") == NOW, "a count of it"
    instant = live.engine != "sqlite"
    back = timedelta(seconds=1) if instant else timedelta(hours=1)
    assert anchor("text", "UPDATE todos SET epoch = 1") == NOW - back, "SQLite's is of text_at"
    data = "UPDATE todos SET seen_at = NULL, text_at = 'soon'"
    assert anchor("made", data) == datetime(2025, 1, 19, 9, 0, tzinfo=UTC)
    hidden = {"sqlite": "'soon'", "postgresql": "'-infinity'", "mariadb": "NULL"}[live.engine]
    hide = f"UPDATE todos SET made_at = {hidden} WHERE id = 'a'"
    assert anchor("json", hide) == datetime(2025, 1, 18, 23, tzinfo=UTC)
    first = demo.export(live, now=LATER)
    assert demo.load(live, first.path, as_of=LATER).dates_later == timedelta(weeks=43)
    year = LATER + timedelta(days=365)
    assert not demo.export(live, now=year).written
    forced = demo.export(live, now=year, auto_version=True)
    assert describe(forced.path).header.anchor == describe(first.path).header.anchor
    demo.load(live, first.path)
    day, ahead = LATER - timedelta(days=6), LATER + timedelta(days=30)
    assert anchor("recent", f"UPDATE todos SET due_on = '{day.date()}' WHERE id = 'a'") is None
    assert anchor("ahead", f"UPDATE todos SET due_on = '{ahead.date()}' WHERE id = 'a'") is None
    assert anchor("none", "UPDATE todos SET due_on = NULL, data = NULL") == datetime(
        2024, 12, 31, 22, 59, 59, tzinfo=UTC
    )


@engines("sqlite", "postgresql", "mariadb")
def test_the_newest_of_many_dates_may_be_anywhere(live, demo, tmp_path):
    """It is the same one, whether the first rows settle it, the engine, or all of them."""

    def anchor(name: str, sql: str) -> datetime | None:
        live.run(sql)
        other = Demo(tmp_path / name, demo.configuration)
        return describe(other.export(live, now=LATER).path).header.anchor

    rows = ((f"m{n:05}", 1, None, "2024-06-01", *[None] * 5) for n in range(10_001))
    live.insert("todos", *rows)
    midnight = datetime(2025, 1, 24, 23, tzinfo=UTC)
    assert anchor("old", "UPDATE todos SET seen_at = NULL, text_at = 'soon'") == midnight
    recent = "UPDATE todos SET due_on = '2025-11-14' WHERE id = "
    assert anchor("last", f"{recent} 'm10000'") is None
    assert anchor("first", f"{recent} 'a'") is None
    assert anchor("other", "UPDATE todos SET due_on = '2024-06-02', epoch = 1") == datetime(
        2025, 1, 19, 9, tzinfo=UTC
    )


@engines("sqlite")
def test_a_corrected_title_does_not_make_old_rows_young(live, demo):
    demo.export(live)
    live.run("UPDATE todos SET title = 'new' WHERE id = 'a'")
    live.insert("todos", ("d", 1, "d", "2025-01-23", *[None] * 5))
    second = demo.export(live, now=LATER)
    assert describe(second.path).header.anchor == datetime(2025, 1, 24, 23, tzinfo=UTC)


@engines("sqlite", "postgresql")
def test_parts_and_clocks_put_forward(live, demo):
    """In a zone with summer time, from winter into summer and back, in parts as in one file."""
    first = demo.export(live, parts=3)
    summer = NOW + timedelta(days=160)
    demo.load(live, first.path, as_of=summer)
    [(text,)] = live.rows("SELECT text_at FROM todos WHERE id = 'a'")
    assert text == "2025-06-23T11:00:00.5+01:00", "the clocks in Berlin show the same"
    again = demo.export(live, now=summer, parts=2)
    assert not again.written
    assert again.dates_later == timedelta(weeks=22)


@engines("sqlite")
def test_what_is_added_to_a_fresh_demo_is_as_fresh(live, demo):
    first = demo.export(live)
    demo.load(live, first.path, as_of=LATER)
    live.run("DELETE FROM todos WHERE id = 'b'")
    result = demo.load(live, first.path, missing_only=True)
    assert result.dates_later == WEEKS
    assert live.value("SELECT made_at FROM todos WHERE id = 'b'") == "2025-10-21 23:59:59"
    live.run("DELETE FROM todos WHERE id = 'b'")
    result = demo.load(live, first.path, only=["todos"], as_of=LATER + timedelta(days=70))
    assert result.dates_later == WEEKS
    assert not demo.export(live).written
    demo.configuration.write_text(CONFIG.partition("[tables.todos]")[0], "utf-8")
    users = demo.export(live, now=LATER, auto_version=True)
    live.run("DELETE FROM todos")
    demo.load(live, users.path, new_ids=True, as_of=LATER + timedelta(days=7))
    assert live.value("SELECT min(since) FROM users WHERE is_demo") == "2025-11-20"


@engines("sqlite", "postgresql", "mariadb")
def test_what_the_dates_break_is_told_and_nothing_changed(live, demo):
    first = demo.export(live)
    before = live.dump()
    with pytest.raises(DatabaseError, match=r"(?i)check|constraint") as caught:
        demo.load(live, first.path, as_of=NOW + timedelta(weeks=500))
    assert "500 weeks later" in str(caught.value.hint)
    assert live.dump() == before
    with pytest.raises(UnfitValueError, match="would leave"):
        demo.load(live, first.path, as_of=datetime(9998, 12, 31, tzinfo=UTC) + timedelta(days=360))
    assert live.dump() == before


@engines("sqlite", "postgresql", "mariadb")
def test_constraints_that_moved_dates_break_are_named(database_url, tmp_path):
    """A CHECK in staging, so that a dry run finds it, and what is unique beside real rows as well;
    what the engine alone can tell when rows are written, in the one transaction."""
    live = Live(database_url)
    plain = PLAIN[live.engine]
    overlap = "CONSTRAINT no_overlap EXCLUDE USING gist (tsrange(starts, ends) WITH &&)"
    end = {"sqlite": "AND due_on > ')'"}.get(live.engine, "")
    live.run(
        "CREATE TABLE bookings (id INTEGER PRIMARY KEY, day DATE UNIQUE, due_on DATE"
        f" CHECK (due_on > '2000-01-01' -- (\n), starts {plain}, ends {plain}, is_demo BOOLEAN,"
        f" CONSTRAINT due_this_year CHECK (due_on < '2026-01-01' {end})"
        f"{f', {overlap}' if live.engine == 'postgresql' else ''})"
    )
    hours = "{} 10:00:00", "{} 12:00:00"
    demo_row = (1, "2025-01-19", "2025-01-19", *(h.format("2025-01-19") for h in hours), True)
    overlaps = (3, None, None, *(h.format("2025-06-08") for h in hours), False)
    live.insert(
        "bookings",
        demo_row,
        (2, "2025-03-30", None, "2001-01-01 00:00:00", "2001-01-02 00:00:00", False),
        overlaps,
    )
    (tmp_path / "demo.toml").write_text(
        '[tables.bookings]\nmarker = "is_demo"\nevergreen = true\n', "utf-8"
    )
    demo = Demo(tmp_path / "snapshots", tmp_path / "demo.toml")
    first = demo.export(live)
    before = live.dump()

    def refused(weeks: int, error: type[DemoError], words: str, **options: bool) -> None:
        with pytest.raises(error, match=words) as caught:
            demo.load(live, first.path, as_of=NOW + timedelta(weeks=weeks), **options)
        assert f"dates would be {weeks} weeks later" in str(caught.value.hint)
        assert "fresh keys" not in str(caught.value.hint)
        assert live.dump() == before

    for dry_run in (True, False):
        check = r"bookings: 1 row breaks the CHECK constraint due_this_year"
        refused(60, DatabaseError, check, dry_run=dry_run)
        refused(10, KeyClashError, r"bookings\.day: 1 row", dry_run=dry_run)
    if live.engine == "postgresql":
        refused(20, DatabaseError, r"bookings: .*exclusion constraint .no_overlap")
        live.run("ALTER TABLE bookings DROP CONSTRAINT no_overlap")
    if live.engine != "mariadb":
        live.run("CREATE UNIQUE INDEX one_start ON bookings (starts) WHERE ends IS NOT NULL")
        refused(20, DatabaseError, r"bookings: .*(one_start|bookings\.starts)")


@engines("sqlite")
def test_a_person_moves_a_row_and_not_all_of_them(live, demo):
    """Some dates by whole weeks are a change, however far."""
    demo.export(live)
    live.run("UPDATE todos SET due_on = '2025-02-01' WHERE id = 'a'")
    second = demo.export(live)
    assert second.written
    assert not second.dates_later


@engines("sqlite")
@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ('evergreen = "nothing"', "has no column nothing"),
        ('evergreen = "id"', "part of the primary key"),
        ('evergreen = "user_id"', "part of a foreign key"),
        (
            '[tables.users]\nmarker = "is_demo"\nevergreen = ["born", "is_demo"]',
            "is boolean, and holds",
        ),
        ('evergreen = "due_on.at"', "is no JSON"),
        ("evergreen = true\n[demo]\nzone = 'Mars/Olympus'", "no time zone of that name"),
        ("", "no dates are evergreen"),
    ],
)
def test_what_cannot_move(live, demo, wanted, message):
    first = demo.export(live)
    tables = '[tables.users]\nmarker = "is_demo"\n[tables.todos]\nfollows = "user_id"\n'
    if wanted.startswith("[tables.users]"):
        tables = '[tables.todos]\nfollows = "user_id"\n'
    demo.configuration.write_text(f"{tables}{wanted}\n", "utf-8")
    with pytest.raises(ConfigError, match=message):
        demo.load(live, first.path, as_of=LATER)


@engines("sqlite")
def test_a_path_that_finds_nothing_is_told(live, demo):
    demo.configuration.write_text(CONFIG.replace("data.inbox.at", "data.box.at"), "utf-8")
    live.run("UPDATE todos SET seen_at = NULL")
    first = demo.export(live)
    assert first.without_dates == ("todos.data.box.at",)
    result = demo.load(live, first.path, as_of=LATER, dry_run=True)
    assert result.without_dates == ("todos.data.box.at",)
    shown = str(import_report(result)), str(export_report(demo.export(live)))
    assert all("no dates to move in todos.data.box.at" in each for each in shown)
    assert "42 weeks later than in the snapshot" in shown[0]


@engines("sqlite")
def test_dates_that_most_but_not_nearly_all_have_moved_are_a_change(database_url, tmp_path):
    live = Live(database_url)
    live.run("CREATE TABLE todos (id INTEGER PRIMARY KEY, due_on DATE, is_demo BOOLEAN)")
    live.insert("todos", *((n, "2025-01-25", True) for n in range(10)))
    (tmp_path / "demo.toml").write_text(
        '[tables.todos]\nmarker = "is_demo"\nevergreen = ["due_on"]\n', "utf-8"
    )
    demo = Demo(tmp_path / "snapshots", tmp_path / "demo.toml")
    assert demo.export(live).written
    live.run("UPDATE todos SET due_on = '2025-02-01' WHERE id < 8")
    put_off = demo.export(live, now=LATER)
    assert put_off.dates_later == timedelta(0)
    assert put_off.path.read_text("utf-8").count("'2025-02-01'") == 8
    live.run("UPDATE todos SET due_on = date(due_on, '+7 days')")
    assert not demo.export(live, now=LATER).written
