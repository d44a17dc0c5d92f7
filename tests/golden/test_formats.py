"""Documents of every format are read as they always were and loaded by the stock client, and those
of the newest are written as they always were."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from database_engines import stock_client
from golden.examples import EXAMPLES, FILES, Example, plain
from unit.documents.documents import header, in_format_1, opened, read, rows_of, sealed
from unit.documents.forms import SQL, as_form

from demo_snapshots.documents.protocol import Included, Update
from demo_snapshots.model.snapshots import DocumentForm, Header

every = pytest.mark.parametrize(
    ("number", "example"),
    [
        pytest.param(number, example, id=f"{number}-{example.name}")
        for number, examples in EXAMPLES.items()
        for example in examples
    ],
)


def expected_header(number: int, example: Example) -> Header:
    counts = [(plain(table), len(rows)) for table, rows in example.sections]
    return header(*counts, **example.fields, format=number)


@pytest.mark.parametrize("number", EXAMPLES)
def test_every_file_has_its_example(number: int) -> None:
    assert sorted((FILES / f"format{number}").iterdir()) == sorted(
        example.path(number) for example in EXAMPLES[number]
    )


@every
@pytest.mark.parametrize("step", [1 << 20, 61])
def test_it_is_read_as_it_always_was(number: int, example: Example, step: int) -> None:
    document = example.path(number).read_bytes()
    events = read(document, step=step)
    assert opened(document).header == expected_header(number, example)
    assert rows_of(events) == {
        table.name: b",\n".join(rows) for table, rows in example.sections if rows
    }
    included = sum(isinstance(event, Included) for event in events)
    assert included == sum(rows for _, rows in example.fields.get("includes", ()))
    updates = [event for event in events if isinstance(event, Update)]
    assert len(updates) == sum(part.count for part in example.content.get("deferred", ()))


@pytest.mark.parametrize("example", EXAMPLES[2], ids=lambda example: example.name)
def test_it_is_written_as_it_always_was(example: Example) -> None:
    assert example.write() == example.path(2).read_bytes()


@pytest.mark.parametrize("example", EXAMPLES[1], ids=lambda example: example.name)
def test_format_1_differs_in_its_number_and_its_cuts(example: Example) -> None:
    assert in_format_1(example.write()) == example.path(1).read_bytes()


@every
def test_its_bytes_are_those_the_format_allows(number: int, example: Example) -> None:
    document = example.path(number).read_bytes()
    assert document.decode("utf-8").isprintable() is False
    assert not document.startswith(b"\xef\xbb\xbf")
    assert not set(document) & {*range(9), 11, 12, *range(13, 32), 127}
    assert document.endswith(b"\n-- Export completed successfully\n")
    assert sealed(document) == document


@every
def test_the_stock_client_of_sqlite_loads_it_twice(
    number: int, example: Example, tmp_path: Path
) -> None:
    client, database = stock_client("sqlite3"), tmp_path / "app.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(example.schema)
    for _ in range(2):
        with example.path(number).open("rb") as stream:
            loaded = subprocess.run([client, "-bail", database], stdin=stream, capture_output=True)
        assert (loaded.returncode, loaded.stderr) == (0, b"")
        counts = [line.split("|") for line in loaded.stdout.decode().splitlines()]
        assert [count for _, count, _ in counts] == [expected for _, _, expected in counts]
        assert [int(count) for _, count, _ in counts] == [len(rows) for _, rows in example.sections]
    with closing(sqlite3.connect(database)) as connection:
        for table, _ in example.sections:
            name = '"' + table.name.replace('"', '""') + '"'
            found = connection.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall()
            raw = [row.decode("utf-8") for row in example.rows(table.name)]
            meant = [connection.execute(f"SELECT {row[1:-1]}").fetchone() for row in raw]
            assert sorted(found, key=repr) == sorted(meant, key=repr)


@pytest.mark.parametrize("kept", sorted((FILES / "form1").iterdir()), ids=lambda path: path.name)
def test_other_forms_are_read_and_written_as_they_always_were(kept: Path) -> None:
    """Form 1 of JSON and YAML says what format 2 of SQL does."""
    in_sql = (FILES / f"format2/{kept.stem}.sql").read_bytes()
    assert as_form(kept.read_bytes(), SQL) == in_sql
    assert as_form(in_sql, DocumentForm(kept.suffix[1:])) == kept.read_bytes()
