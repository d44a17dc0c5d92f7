"""An import over rows that are mostly the snapshot's stages only those that differ, and comes out
as if it had staged them all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live, edited
from safety.fault_injection import injecting
from safety.mixed_database import DEMO, REAL, MixedDatabase, Snapshots, snapshots

from demo_snapshots.documents.opening import reading
from demo_snapshots.documents.sql.reader import SqlDocument
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import DemoError, DocumentError, KeyClashError
from demo_snapshots.model.progress import no_progress
from demo_snapshots.model.sources import source_of
from demo_snapshots.selection.demo_set import see
from demo_snapshots.transfer.joining import joinable
from demo_snapshots.transfer.load import load_document
from demo_snapshots.transfer.stage import Staging

EVERY = ("sqlite", "postgresql", "mariadb")
STAGED_ALL = "staging all of them"
EDITS = {
    "a unique name": ["UPDATE vaults SET name = 'another' WHERE id = 3"],
    "a price": ["UPDATE vaults SET price = 77.77 WHERE id = 3"],
    "rows come": [
        f"INSERT INTO vaults (id, name, visited, metadata) VALUES (900, 'Added', 0, '{DEMO}')",
        f"INSERT INTO notes (id, vault_id, body, metadata) VALUES (900, 900, 'late', '{DEMO}')",
    ],
    "rows go": ["DELETE FROM todos WHERE id = 5", "DELETE FROM vaults WHERE id = 4"],
}


@pytest.fixture
def mixed(database_url: str) -> MixedDatabase:
    return MixedDatabase.built(database_url)


@pytest.fixture
def saved(mixed: MixedDatabase, tmp_path: Path) -> Snapshots:
    return snapshots(mixed, tmp_path)


@contextmanager
def staged(mixed: MixedDatabase, demo: Demo, path: Path) -> Iterator[Staging]:
    """The document beside the rows there are, as an import stages it."""
    config = demo.config(mixed.live)
    with connect(config.database) as database, reading(source_of(path)) as stream:
        document = SqlDocument(stream)
        there = see(database, config)
        joined = joinable(there, document.header)
        with closing(stream), database.writing((), keep=False):
            staging = Staging(there, document.header.tables, joined=joined)
            staging.create()
            load_document(document, staging, path.stat().st_size, no_progress)
            yield staging


def counts(staging: Staging, source: str) -> dict[str, int]:
    return {name: staging.count(getattr(stage, source)) for name, stage in staging.stages.items()}


@engines(*EVERY)
def test_only_what_differs_is_staged(mixed: MixedDatabase, saved: Snapshots) -> None:
    saved.demo.load(mixed.live, saved.new)
    with staged(mixed, saved.demo, saved.new) as staging:
        alike = dict(staging.alike)
        # Notes reference notes further on, which a document says apart from their rows.
        assert alike.keys() == {"vaults", "todos"}
        assert min(alike.values()) > 0
        assert {counts(staging, part)[name] for part in ("rows", "unlike") for name in alike} == {0}
    mixed.live.run(
        "UPDATE todos SET title = 'edited' WHERE id = 5",
        "DELETE FROM todos WHERE id = 6",
    )
    with staged(mixed, saved.demo, saved.new) as staging:
        assert counts(staging, "rows")["todos"] == 2
        assert counts(staging, "unlike")["todos"] == 1
        assert staging.alike == {**alike, "todos": alike["todos"] - 2}


@engines(*EVERY)
@pytest.mark.parametrize("edit", EDITS)
def test_it_comes_out_as_if_all_had_been_staged(
    mixed: MixedDatabase, saved: Snapshots, edit: str
) -> None:
    """A unique value that changes takes its row and those that reference it along: rows that are
    alike go and come back too."""
    saved.demo.load(mixed.live, saved.new)
    after = mixed.image()
    demo_rows = mixed.demo_image()
    mixed.live.run(*EDITS[edit])
    assert mixed.demo_image() != demo_rows
    saved.demo.load(mixed.live, saved.new)
    assert mixed.image() == after


@engines(*EVERY)
def test_a_key_that_stands_twice_is_told(mixed: MixedDatabase, saved: Snapshots) -> None:
    saved.demo.load(mixed.live, saved.new)
    before = mixed.image()

    def doubled(rows: bytes) -> bytes:
        start = rows.index(b"INSERT INTO todos")
        first = rows.index(b"\n(", start)
        end = rows.index(b"),\n(", first) + 3
        second = rows.index(b")", end) + 1
        row = rows[first + 1 : end - 2]
        return rows[:end] + row.replace(b"'", b"'again ", 1) + rows[second:]

    with pytest.raises(DocumentError, match="todos: the snapshot holds a key twice"):
        saved.demo.load(mixed.live, edited(saved.new, doubled))
    assert mixed.image() == before


@engines(*EVERY)
def test_rows_in_another_order_are_all_staged(
    mixed: MixedDatabase, saved: Snapshots, caplog: pytest.LogCaptureFixture
) -> None:
    saved.demo.load(mixed.live, saved.new)
    after = mixed.image()

    def swapped(rows: bytes) -> bytes:
        start = rows.index(b"VALUES\n(", rows.index(b"INSERT INTO todos")) + 7
        end = rows.index(b";\n", start)
        return rows[:start] + b",\n".join(reversed(rows[start:end].split(b",\n"))) + rows[end:]

    mixed.live.run("UPDATE todos SET title = 'edited' WHERE id = 5")
    with caplog.at_level(logging.INFO):
        saved.demo.load(mixed.live, edited(saved.new, swapped))
    assert STAGED_ALL in caplog.text
    assert mixed.image() == after


@engines(*EVERY)
def test_a_value_of_a_real_row_is_still_found(mixed: MixedDatabase, saved: Snapshots) -> None:
    """The row that differs takes a unique name which a real row has by now."""
    saved.demo.load(mixed.live, saved.new)
    mixed.live.run(
        "UPDATE vaults SET name = 'moved on' WHERE id = 3",
        f"INSERT INTO vaults (id, name, visited, metadata) VALUES (7000, 'Demo 3', 0, '{REAL}')",
    )
    before = mixed.image()
    with pytest.raises(KeyClashError, match=r"vaults\.name"):
        saved.demo.load(mixed.live, saved.new)
    assert mixed.image() == before


LIBRARY = """\
[tables.shelves]
where = "id < 100"

[tables.books]
where = "id < 100"
"""


def library(foreign_key: str) -> list[str]:
    return [
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        f"CREATE TABLE books (id INTEGER PRIMARY KEY, shelf_id INTEGER{foreign_key})",
        "CREATE TABLE loans (id INTEGER PRIMARY KEY, book_id INTEGER,"
        " FOREIGN KEY (book_id) REFERENCES books (id))",
    ]


@engines(*EVERY)
def test_what_is_alike_is_not_changed_by_a_row_that_goes(database_url: str, tmp_path: Path) -> None:
    """The snapshot lacks a shelf that a book of it stands on. That shelf is held, for a real loan
    needs another book that stands there now; when it goes, the database would empty the
    reference of a row that was found alike."""
    configuration = tmp_path / "demo.toml"
    configuration.write_text(LIBRARY, encoding="utf-8")
    demo = Demo(tmp_path / "snapshots", configuration)
    live = Live(database_url)
    live.run(
        *library(""),
        "INSERT INTO shelves VALUES (2, 'two')",
        "INSERT INTO books VALUES (1, 2), (2, 1)",
    )
    path = demo.export(live).path
    live.run(
        *(f"DROP TABLE {table}" for table in ("loans", "books", "shelves")),
        *library(", FOREIGN KEY (shelf_id) REFERENCES shelves (id) ON DELETE SET NULL"),
        "INSERT INTO shelves VALUES (1, 'one'), (2, 'two')",
        "INSERT INTO books VALUES (1, 1), (2, 1)",
        "INSERT INTO loans VALUES (100, 1)",
    )
    before = live.dump()
    with pytest.raises(DemoError):
        demo.load(live, path)
    assert live.dump() == before


@engines(*EVERY)
def test_rows_that_are_all_alike_end_the_import(database_url: str, tmp_path: Path) -> None:
    """Nothing is put back, and nothing kept for an undo, once they are found to be the same: no
    statement after that reads what a row that differs would have it read."""
    configuration = tmp_path / "demo.toml"
    configuration.write_text(LIBRARY, encoding="utf-8")
    demo = Demo(tmp_path / "snapshots", configuration)
    live = Live(database_url)
    live.run(
        *library(""),
        "INSERT INTO shelves VALUES (1, 'one'), (2, 'two')",
        "INSERT INTO books VALUES (1, 2), (2, 1)",
    )
    path = demo.export(live).path
    with injecting() as same:
        assert demo.load(live, path).changed == 0
    live.run("UPDATE books SET shelf_id = 1 WHERE id = 1")
    with injecting() as one_edited:
        assert demo.load(live, path).changed == 1
    sent, more = ([each.seen[n - 1] for n in each.writing] for each in (same, one_edited))
    assert not [text for text in sent if text.startswith(("DELETE", "UPDATE"))]
    assert len(sent) < len(more) - 5


@engines(*EVERY)
def test_a_column_that_is_left_out_makes_no_row_differ(
    mixed: MixedDatabase, saved: Snapshots
) -> None:
    saved.demo.load(mixed.live, saved.new)
    mixed.live.run("ALTER TABLE todos DROP COLUMN rank_")
    after = mixed.image()
    mixed.live.run("UPDATE todos SET title = 'edited' WHERE id = 5")
    result = saved.demo.load(mixed.live, saved.new, drop_columns=["todos.rank_"])
    assert result.changed == 1
    assert mixed.image() == after
