"""What is asked, and what is not: a name that may be mistyped, rows that are the same already."""

from __future__ import annotations

import sqlite3

import pytest

URL = "--database=sqlite:///app.sqlite"


@pytest.fixture
def app(workplace):
    """A database whose rules name no column that says which scenario a row is of."""
    with sqlite3.connect("app.sqlite") as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
        connection.executemany("INSERT INTO notes VALUES (?, ?)", [(1, "demo a"), (2, "b")])
    connection.close()
    (workplace / "demo.toml").write_text("[tables.notes]\nwhere = \"body LIKE 'demo%'\"\n", "utf-8")
    return workplace


def test_a_mistyped_scenario_is_not_begun(app, demo):
    assert demo("export", "tour", URL).status == 0, "the first one needs no question"
    again = demo("export", "tour", URL, "--auto-version")
    assert again.status == 0, "nor does one that is there"
    mistyped = demo("export", "tuor", URL)
    assert mistyped.status == 26
    assert "There is no scenario tuor yet, but tour. Begin tuor?" in mistyped.stderr
    assert "Answer with --new." in mistyped.stderr
    assert [entry["scenario"] for entry in demo("list-exports", "--json").json["scenarios"]] == [
        "tour"
    ]
    assert demo("export", "tuor", URL, "--new").status == 0


def test_rows_that_are_the_snapshot_s_already_are_not_asked_about(app, demo):
    assert demo("export", "tour", URL).status == 0
    done = demo("import", "tour", URL)
    assert done.status == 0
    assert "none: the database held exactly this snapshot already" in done.stdout
    with sqlite3.connect("app.sqlite") as connection:
        connection.execute("UPDATE notes SET body = 'demo c' WHERE id = 1")
    connection.close()
    asked = demo("import", "tour", URL)
    assert asked.status == 26
    assert "Replace 1 demo row (1 changed" in asked.stderr


def test_below_the_project_s_directory(app, demo, monkeypatch):
    (app / ".git").mkdir()
    below = app / "src" / "models"
    below.mkdir(parents=True)
    with (app / "demo.toml").open("a", encoding="utf-8") as file:
        file.write("[demo]\ndatabase = 'sqlite:///app.sqlite'\n")
    assert demo("export", "tour").status == 0
    monkeypatch.chdir(below)
    assert "tour" in demo("list-exports").stdout
    shown = demo("config", "--json").json
    assert {each["name"]: each["from"] for each in shown["settings"]}["database"].endswith(
        "demo.toml"
    )
    assert demo("import", "tour").status == 0
    assert list(below.iterdir()) == [], "nothing is written where the command was called"
    refused = demo("init")
    assert refused.status == 2
    assert "would hide" in refused.stderr
