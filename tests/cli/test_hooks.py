"""Commands of the project's own: when they are run, with what, and what their failure means."""

from __future__ import annotations

import json
import sqlite3
import sys

import pytest

PYTHON = f'"{sys.executable}"'
FILE = """
[demo]
database = 'sqlite:///app.sqlite'
[tables.notes]
marker = 'm'
[hooks]
before-export = {before}
after-import = {after}
"""
NOTE = """
import json, os, sys
print('said')
told = {name: value for name, value in os.environ.items() if name.startswith('DEMO_')}
json.dump(told, open(sys.argv[1], 'w'))
"""


@pytest.fixture
def app(workplace):
    with sqlite3.connect("app.sqlite") as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, m BOOLEAN)")
        connection.executemany("INSERT INTO notes VALUES (?, ?, ?)", [(1, "a", 1), (2, "b", 0)])
    connection.close()
    (workplace / "note.py").write_text(NOTE, "utf-8")

    def configure(before: object = (), after: object = ()) -> None:
        text = FILE.format(before=json.dumps(before), after=json.dumps(after))
        (workplace / "demo.toml").write_text(text, "utf-8")

    return configure


def notes() -> list[tuple[int, str]]:
    connection = sqlite3.connect("app.sqlite")
    found = connection.execute("SELECT id, body FROM notes ORDER BY id").fetchall()
    connection.close()
    return found


def test_they_are_told_what_happened(app, workplace, run_demo, monkeypatch):
    app(before=f"{PYTHON} note.py before.json", after=[f"{PYTHON} note.py after.json"])
    done = run_demo("export", "tour", "--json")
    assert done.status == 0
    assert done.json["scenario"] == "tour", "what they print is kept off stdout"
    assert done.stderr == "said\n"
    assert json.loads((workplace / "before.json").read_text()) == {"DEMO_SCENARIO": "tour"}
    with sqlite3.connect("app.sqlite") as connection:
        connection.execute("UPDATE notes SET body = 'c'")
    connection.close()
    assert run_demo("import", "tour", "--yes").status == 0
    version = done.json["version"]
    seen = json.loads((workplace / "after.json").read_text())
    assert seen == {
        "DEMO_SCENARIO": "tour",
        "DEMO_VERSION": version,
        "DEMO_TOTAL": "1",
        "DEMO_TABLES": '{"notes": 1}',
        "DEMO_CHANGED": "1",
    }
    (workplace / "after.json").unlink()
    assert run_demo("import", "tour", "--yes", "--no-hooks").status == 0
    assert not (workplace / "after.json").exists()
    assert run_demo("undo", "--yes").status == 0
    assert (workplace / "after.json").exists()


def test_they_run_in_the_directory_of_the_project(app, workplace, run_demo, monkeypatch):
    app(before=f"{PYTHON} note.py before.json")
    (workplace / ".git").mkdir()
    (workplace / "below").mkdir()
    monkeypatch.chdir(workplace / "below")
    assert run_demo("export", "tour").status == 0
    assert (workplace / "before.json").exists()


def test_a_failure_before_an_export(app, run_demo, workplace):
    app(before=["exit 3", f"{PYTHON} note.py never.json"])
    refused = run_demo("export", "tour")
    assert refused.status == 53
    assert refused.errors == ["error: before-export: command 1 of 2 ended with status 3"]
    assert "Nothing was exported" in refused.stderr
    assert not (workplace / "never.json").exists()
    assert run_demo("list-exports", "--json").json["scenarios"] == []
    assert run_demo("export", "tour", "--no-hooks").status == 0


def test_a_failure_after_an_import_leaves_the_rows_in(app, run_demo):
    app(after="exit 4 # password")
    assert run_demo("export", "tour").status == 0
    with sqlite3.connect("app.sqlite") as connection:
        connection.execute("UPDATE notes SET body = 'c'")
    connection.close()
    failed = run_demo("import", "tour", "--yes", "-v")
    assert failed.status == 53
    assert "The demo rows are in" in failed.stderr
    assert "password" not in failed.stderr
    assert notes() == [(1, "a"), (2, "c")]
    assert run_demo("import", "tour", "--yes").status == 53, "also where nothing was left to change"
    assert run_demo("import", "tour", "--yes", "--no-hooks").status == 0


def test_a_command_that_is_not_there_is_told_before_anything_is_done(app, run_demo, workplace):
    app(after=["true", "'no such program' # password"])
    assert run_demo("export", "tour").status == 0
    with sqlite3.connect("app.sqlite") as connection:
        connection.execute("UPDATE notes SET body = 'c'")
    connection.close()
    refused = run_demo("import", "tour", "--yes")
    assert refused.status == 53
    assert refused.errors == ["error: after-import: command 2 of 2: what it runs is not there"]
    assert "Nothing was imported" in refused.stderr
    assert "password" not in refused.stderr
    assert notes() == [(1, "c"), (2, "c")]
    assert run_demo("undo", "--yes").status == 53
    app(before=[f"{PYTHON} note.py before.json", "./not-there.sh"])
    assert run_demo("export", "tour").status == 53
    assert not (workplace / "before.json").exists()


def test_a_snapshot_brings_none_along(app, run_demo, workplace):
    app()
    assert run_demo("export", "tour", "--format=yaml").status == 0
    path = next(workplace.rglob("tour_v1*.yaml"))
    path.write_text(path.read_text("utf-8") + "hooks: {after-import: touch bad}\n", "utf-8")
    assert run_demo("import", "tour", "--yes", f"--file={path}").status == 21
    assert not (workplace / "bad").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("after-import = 3", "hooks.after-import: expected text or a list"),
        ("after = 'x'", "hooks.after: unknown key"),
    ],
)
def test_what_is_no_command(app, run_demo, workplace, line, says):
    app()
    text = (workplace / "demo.toml").read_text("utf-8").partition("[hooks]")[0]
    (workplace / "demo.toml").write_text(f"{text}[hooks]\n{line}\n", "utf-8")
    refused = run_demo("export", "tour")
    assert refused.status == 3
    assert says in refused.stderr
