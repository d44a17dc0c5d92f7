"""Base and delta make the whole version, whatever was edited: by this program byte for byte, and
by the engine alone row by row, with foreign keys enforced."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from itertools import count
from pathlib import Path

from conftest import NewDatabase
from database_engines import engines
from hypothesis import HealthCheck, Phase, given, settings
from integration.live import Demo, Live
from property.edits import State, configuration, create, fill, states

from demo_snapshots.documents.opening import reading

CASES = int(os.environ.get("DEMO_DELTA_CASES", "40"))
REASONS = ("exchange values", "cannot be NULL", "as much room")


def check(live: Live, clean: Live, directory: Path, before: State, after: State) -> None:
    """``clean`` is a database with nothing but the tables."""
    alone = Demo(directory / "alone", configuration(directory))
    demo = Demo(directory / "chain", configuration(directory))
    fill(live, before)
    base = demo.export(live)
    alone.export(live)
    fill(live, after)
    whole = alone.export(live, auto_version=True)
    found = demo.export(live, delta=True, auto_version=True)
    assert found.digest == whole.digest
    with reading(demo.store.source(demo.store.find("general", "v2"))) as stream:
        assert stream.read() == whole.path.read_bytes()
    if found.whole_because is not None:
        assert any(reason in found.whole_because for reason in REASONS), found.whole_because
        return
    assert found.path.name.endswith(".delta.sql")
    by_engine(clean, base.path)
    by_engine(clean, found.path)
    assert clean.dump() == live.dump()


def by_engine(live: Live, path: Path) -> None:
    if live.engine != "sqlite":
        live.by_client(path)
        return
    with closing(sqlite3.connect(live.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(path.read_text("utf-8"))


@settings(max_examples=CASES, suppress_health_check=[HealthCheck.too_slow])
@given(before=states(), after=states())
def test_base_and_delta_are_the_whole_version(before: State, after: State) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        live, clean = (Live(f"sqlite:///{directory / name}") for name in ("live", "clean"))
        create(live)
        create(clean)
        check(live, clean, directory, before, after)


@engines("postgresql", "mariadb")
def test_stock_clients_make_the_whole_version_of_base_and_delta(
    database_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    live = Live(database_url)
    clean = Live(new_database(live.engine))
    create(live)
    create(clean)
    numbers = count()

    # Making a failing case smaller would take minutes.
    @settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
    @given(before=states(), after=states())
    def edits(before: State, after: State) -> None:
        directory = tmp_path / str(next(numbers))
        directory.mkdir()
        check(live, clean, directory, before, after)

    edits()
