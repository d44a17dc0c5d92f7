"""Dates that move with today: imported fresh, and taken back at the next export."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live

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
    from demo_snapshots.operations.compare import compare_with_database
    from demo_snapshots.operations.validate import validate_scenario

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
    assert live.rows("SELECT born FROM users ORDER BY id") == [
        (row if live.engine == "sqlite" else type(row)(row))
        for row in live.rows("SELECT born FROM users ORDER BY id")
    ]
    assert live.dump() != before
    for moment in (LATER, LATER + timedelta(days=365)):
        demo.load(live, first.path, as_of=moment)
        again = demo.export(live, now=moment)
        assert not again.written
        assert again.dates_of == first.version
        checked = validate_scenario(demo.config(live), demo.store)
        assert checked.valid, checked.problems
        assert "weeks later than in v1" in checked.notes[0]
        assert not compare_with_database(demo.config(live), demo.store, "general").differs
    forced = demo.export(live, now=LATER, auto_version=True)
    assert forced.digest == first.digest
    body = b"\n-- Cleanup"
    assert forced.path.read_bytes().partition(body)[2] == saved.partition(body)[2]
    result = demo.load(live, first.path)
    assert result.edited is not None
    assert not result.edited, "none of them was edited"
    assert live.dump() == before
