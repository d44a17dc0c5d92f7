"""Somebody else's database: Chinook, with two of its artists as the demo.

Mixed-case names, no markers, and tracks that reference genres and media types of everybody's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from database_engines import engines
from integration.live import NOW, Demo, Dump, Live

from demo_snapshots.config.settings import load_config
from demo_snapshots.errors import ConfigError, ExternalReferenceError
from demo_snapshots.operations.export import export_scenario
from demo_snapshots.operations.init import initialise
from demo_snapshots.sample.engine import make_engine

CHINOOK = Path(__file__).parents[3] / "shared" / "data" / "chinook.sqlite"
TARGETS = ("postgresql", "postgresql15", "mariadb", "sqlite")

pytestmark = pytest.mark.skipif(not CHINOOK.exists(), reason="no chinook.sqlite here")

# What of Chinook is the demo, and what references it, in the order in which it can be deleted.
DEMO_TRACKS = (
    'SELECT "TrackId" FROM "Track" WHERE "AlbumId" IN'
    ' (SELECT "AlbumId" FROM "Album" WHERE "ArtistId" IN (1, 2))'
)
REMOVALS = (
    f'DELETE FROM "PlaylistTrack" WHERE "TrackId" IN ({DEMO_TRACKS})',
    f'DELETE FROM "InvoiceLine" WHERE "TrackId" IN ({DEMO_TRACKS})',
    'DELETE FROM "Track" WHERE "AlbumId" IN'
    ' (SELECT "AlbumId" FROM "Album" WHERE "ArtistId" IN (1, 2))',
    'DELETE FROM "Album" WHERE "ArtistId" IN (1, 2)',
    'DELETE FROM "Artist" WHERE "ArtistId" IN (1, 2)',
)
REFERENCES = 'MediaType = "include"\nGenre = "include"\n'


@pytest.fixture
def chinook(tmp_path: Path) -> Live:
    """A copy of the database: the file itself is everybody's."""
    path = tmp_path / "chinook.sqlite"
    shutil.copyfile(CHINOOK, path)
    return Live(f"sqlite:///{path}")


def copy(source: Live, target: Live) -> None:
    """All tables and rows of ``source``, in the target's own types."""
    metadata = sa.MetaData()
    reading, writing = make_engine(source.url), make_engine(target.url)
    metadata.reflect(reading)
    for table in metadata.tables.values():
        for column in table.columns:
            column.type = column.type.as_generic()
            column.autoincrement = False
    metadata.create_all(writing)
    with reading.connect() as rows, writing.begin() as connection:
        for table in metadata.sorted_tables:
            found = [dict(row) for row in rows.execute(sa.select(table)).mappings()]
            for start in range(0, len(found), 1000):
                connection.execute(table.insert(), found[start : start + 1000])


@pytest.fixture
def others(chinook: Live, tmp_path: Path) -> Live:
    """Chinook without the two artists, as SQLite."""
    path = tmp_path / "others.sqlite"
    shutil.copyfile(CHINOOK, path)
    live = Live(f"sqlite:///{path}")
    live.run(*REMOVALS)
    return live


def configure(chinook: Live, place: Path, references: str = REFERENCES) -> Path:
    """``demo init``, and the signs of its example taken off for three tables."""
    config = load_config(database=chinook.url, directory=place)
    path = initialise(config, directory=place).path
    text = path.read_text("utf-8")
    for sign, line in (
        ("# ", "[tables.Artist]"),
        ("# ", "where = '\"ArtistId\" IN (1, 2)'"),
        ("# ", "[tables.Album]"),
        ("# ", 'follows = "ArtistId"'),
        ("# ", "[tables.Track]"),
        ("# ", 'follows = "AlbumId"'),
    ):
        assert sign + line in text
        text = text.replace(sign + line, line, 1)
    path.write_text(f"{text}\n[references]\n{references}", "utf-8")
    return path


def demo_rows(dump: Dump, before: Dump) -> dict[str, int]:
    """How many rows ``dump`` has more than ``before``, which it holds unchanged, by table."""
    assert dump.keys() == before.keys()
    grown = {}
    for table, rows in before.items():
        assert set(rows) <= set(dump[table]), table
        if len(dump[table]) != len(rows):
            grown[table] = len(dump[table]) - len(rows)
    return grown


@engines(*TARGETS)
def test_two_artists_and_nothing_else(database_url, chinook, others, tmp_path):
    target = Live(database_url)
    copy(others, target)
    before = target.dump()
    demo = Demo(tmp_path / "snapshots", configure(chinook, tmp_path))
    exported = demo.export(chinook)
    assert {c.table: c.rows for c in exported.statistics.tables if c.rows} == {
        "Artist": 2,
        "Album": 4,
        "Track": 22,
    }
    imported = demo.load(target, exported.path)
    assert imported.route == "direct"
    assert demo_rows(target.dump(), before) == {"Artist": 2, "Album": 4, "Track": 22}
    after = target.dump()
    back = demo.export(target, now=NOW, auto_version=True)
    assert back.statistics == exported.statistics
    # The second load, after visitors were there.
    target.run(
        'UPDATE "Track" SET "Name" = \'edited\' WHERE "TrackId" = 1',
        'DELETE FROM "Track" WHERE "TrackId" IN (6, 7)',
        'INSERT INTO "Album" ("AlbumId", "Title", "ArtistId") VALUES (9999, \'added\', 1)',
    )
    again = demo.load(target, exported.path)
    assert (again.route, again.changed) == ("merge", 4)
    assert target.dump() == after


def test_the_rows_come_from_the_source_unchanged(chinook, tmp_path):
    before = chinook.dump()
    demo = Demo(tmp_path / "snapshots", configure(chinook, tmp_path))
    exported = demo.export(chinook)
    chinook.run('UPDATE "Artist" SET "Name" = \'edited\' WHERE "ArtistId" = 1')
    assert demo.load(chinook, exported.path).changed == 1
    assert chinook.dump() == before


def test_without_references_the_export_stops_at_them(chinook, tmp_path):
    demo = Demo(tmp_path / "snapshots", configure(chinook, tmp_path, references=""))
    with pytest.raises(ExternalReferenceError, match=r"Track\.\w+ -> (MediaType|Genre)"):
        demo.export(chinook)


@engines("postgresql", "postgresql15")
def test_a_condition_without_the_quotes_that_mixed_case_wants(database_url, chinook, tmp_path):
    target = Live(database_url)
    copy(chinook, target)
    path = configure(chinook, tmp_path)
    path.write_text(path.read_text("utf-8").replace('"ArtistId" IN', "ArtistId IN"), "utf-8")
    config = load_config(database=database_url, file=path)
    with pytest.raises(ConfigError) as caught:
        export_scenario("general", config, Demo(tmp_path / "snapshots").store, now=NOW)
    assert "artistid" in str(caught.value)
