"""A snapshot in JSON or YAML from one engine goes into another, with all that its rows lean on."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import UnfitValueError
from demo_snapshots.model.snapshots import DocumentForm

CONFIGURATION = """
[tables.people]
where = "id < 100"
[tables.notes]
follows = "person_id"
[references]
countries = "include"
languages = { by-key = ["code"] }
"""


def make(live: Live) -> None:
    live.run(
        "CREATE TABLE countries (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "CREATE TABLE languages (id INTEGER PRIMARY KEY, code VARCHAR(20) UNIQUE)",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, friend_id INTEGER, country_id INTEGER,"
        " language_id INTEGER, name VARCHAR(200), weight DECIMAL(9,2), born DATE, photo"
        f" {'BYTEA' if live.engine == 'postgresql' else 'BLOB'},"
        " FOREIGN KEY (friend_id) REFERENCES people (id),"
        " FOREIGN KEY (country_id) REFERENCES countries (id),"
        " FOREIGN KEY (language_id) REFERENCES languages (id))",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, text VARCHAR(200),"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
        "INSERT INTO languages VALUES (7, 'it''s')",
    )


def fill(live: Live) -> None:
    photo = r"'\x00ff'" if live.engine == "postgresql" else "X'00FF'"
    live.run(
        "INSERT INTO countries VALUES (5, 'Österreich')",
        "INSERT INTO people VALUES (2, NULL, 5, 7, 'Ben: a #1\nfriend ', 70.50, '2000-02-29',"
        f" {photo})",
        "INSERT INTO people VALUES (1, 2, NULL, NULL, 'yes', NULL, NULL, NULL)",
        "INSERT INTO notes VALUES (1, 1, '007')",
        "INSERT INTO people VALUES (100, NULL, NULL, NULL, 'real', NULL, NULL, NULL)",
    )


@engines("sqlite", "postgresql", "mariadb")
@pytest.mark.parametrize("form", [DocumentForm.JSON, DocumentForm.YAML])
def test_it_goes_into_another_engine(
    form: DocumentForm, database_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "demo.toml").write_text(CONFIGURATION, "utf-8")
    demo = Demo(tmp_path / "snapshots", tmp_path / "demo.toml")
    live, other = Live(database_url), Live(sqlite_url)
    make(live)
    make(other)
    fill(live)
    path = demo.export(live, format=form).path
    assert path.suffix == f".{form}"
    other.run("INSERT INTO people VALUES (3, NULL, NULL, NULL, 'gone', NULL, NULL, NULL)")
    demo.load(other, path)
    question = "SELECT id, friend_id, country_id, language_id, name FROM people ORDER BY id"
    assert other.rows(question) == live.rows(question)[:2]
    assert other.rows("SELECT photo FROM people WHERE id = 2") == [(b"\x00\xff",)]
    assert other.rows("SELECT text FROM notes") == [("007",)]
    assert other.rows("SELECT name FROM countries") == [("Österreich",)]
    again = demo.export(live, auto_version=True)
    assert describe(path).digest == again.digest
    other.run(
        "DROP TABLE notes",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text INTEGER,"
        " person_id INTEGER REFERENCES people (id))",
    )
    before = other.rows(question)
    with pytest.raises(UnfitValueError, match=r"line [0-9]+: notes\.text") as caught:
        demo.load(other, path)
    line = path.read_text("utf-8").split("\n")[(caught.value.line or 0) - 1]
    assert '"text": "007"' in line or "- id: 1" in line
    assert other.rows(question) == before
