"""A scratch database of SQLite: a temporary file with all tables and what triggers write to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress

from demo_snapshots.engines.base.scratch import Scratch, ScratchContent
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.engines.leftovers import proof_directory
from demo_snapshots.engines.urls import Url
from demo_snapshots.errors import DatabaseError

_DEFINITIONS = r"""
SELECT name, sql, sql LIKE 'CREATE VIRTUAL %' FROM sqlite_schema
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND {triggers}
ORDER BY sql NOT LIKE 'CREATE VIRTUAL %', type = 'view', type = 'index', rowid
"""


@contextmanager
def _file(database: Database, url: str, content: ScratchContent) -> Iterator[str]:
    with proof_directory() as directory:
        path = directory / "scratch.sqlite"
        path.touch()
        target = Url("sqlite", database=str(path)).render()
        with connect(target) as empty:
            _make(empty, database.rows(_DEFINITIONS.format(triggers="type <> 'trigger'")))
        if copies := content.rows('"demo_proof"'):
            with connect(url) as origin:
                origin.execute(f"ATTACH {origin.dialect.text(str(path))} AS demo_proof")
                origin.run(copies)
                origin.execute("DETACH demo_proof")
        with connect(target) as filled:
            _make(filled, database.rows(_DEFINITIONS.format(triggers="type = 'trigger'")))
        yield target


def _make(empty: Database, definitions: Iterable[tuple[str, str, int]]) -> None:
    for name, sql, is_virtual in definitions:
        # A virtual table makes the tables that it keeps its content in by itself; one of a module
        # that is not here cannot be made, and nor can triggers fire that write to it.
        if empty.rows(f"SELECT 1 FROM sqlite_schema WHERE name = {empty.dialect.text(name)}"):
            continue
        with suppress(DatabaseError) if is_virtual else nullcontext():
            empty.execute(sql)


@contextmanager
def _blank(url: str) -> Iterator[str]:
    with proof_directory() as directory:
        path = directory / "scratch.sqlite"
        path.touch()
        yield Url("sqlite", database=str(path)).render()


SCRATCH = Scratch("a temporary SQLite file", _blank, _file)
