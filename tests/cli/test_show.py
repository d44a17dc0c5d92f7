"""``demo show``, as typed."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from demo_snapshots import open_project


def test_the_first_rows_of_every_table(demo, seeded):
    outcome = demo("show", "general")
    assert outcome.status == 0
    assert re.match(r"general v1_[\d-]+\n\nvaults: 6 rows\n\n  id   name ", outcome.stdout)
    assert "\n  … and 155 more rows\n" in outcome.stdout
    assert max(map(len, outcome.stdout.splitlines())) < 160
    one = demo("show", "general", "v1", "--table=todos", "--limit=2").stdout
    assert "\ntodos: 100 rows\n" in one
    assert "\n  … and 98 more rows\n" in one
    assert "vaults" not in one


def test_json_lines_are_all_rows(demo, seeded):
    *rows, last = map(json.loads, demo("show", "general", "--json").stdout.splitlines())
    assert len(rows) == 324
    assert rows[0]["table"] == "vaults"
    assert rows[0]["row"]["id"] == 1
    tables = last["summary"]["tables"]
    assert [table["rows"] for table in tables] == [6, 8, 175, 100, 25, 10]
    assert tables[0]["key"] == ["id"]
    assert tables[0]["columns"][0] == {"column": "id", "kind": "integer"}


def test_csv_holds_what_the_database_holds(demo, seeded):
    outcome = demo("show", "general", "--csv=tables")
    assert outcome.status == 0
    assert "contacts.phone: 25 texts that begin with" in outcome.stderr
    names = sorted(path.name for path in Path("tables").iterdir())
    assert names == [f"{name}.csv" for name in sorted(TABLES)]
    for name in TABLES:
        with (Path("tables") / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file, strict=True)
        columns = ", ".join(head)
        expected = seeded.sql(f"SELECT {columns} FROM {name} ORDER BY id")
        assert rows == [["" if v is None else str(v) for v in row] for row in expected]


TABLES = ("vaults", "projects", "fragments", "todos", "contacts", "chat_sessions")


def test_the_page_has_every_row(demo, seeded):
    outcome = demo("show", "general", "--html=general.html")
    assert outcome.status == 0
    assert "  Page  general.html\n" in outcome.stdout
    text = Path("general.html").read_text("utf-8")
    assert text.count('<tr class="c"') == 324
    demo("show", "general", "--html=general.html", "--limit=5", "--quiet")
    text = Path("general.html").read_text("utf-8")
    assert "170 more rows not on this page" in text


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["general", "--html=x", "--csv=y"], 2, "--html and --csv contradict each other"),
        (["general", "--json", "--csv=y"], 2, "--json and --csv contradict each other"),
        (["general", "--csv=y", "--limit=3"], 2, "--csv and --limit contradict each other"),
        (["general", "--table=nowhere"], 2, "no table nowhere in the snapshot"),
        (["general", "--csv=database/demo.sqlite"], 2, "cannot be made"),
        (["general", "--html=no/such/x.html"], 2, "cannot be written"),
        (["general", "v7"], 14, "has no version 'v7'"),
        (["writer"], 14, "no snapshot of scenario 'writer'"),
    ],
)
def test_what_cannot_be_shown(demo, seeded, arguments, status, told):
    outcome = demo("show", *arguments)
    assert outcome.status == status
    assert told in outcome.errors[0]


def test_a_damaged_file_leaves_no_file(demo, seeded):
    [path] = seeded.documents
    path.write_bytes(path.read_bytes().replace(b"'done'", b"'dune'", 1))
    assert demo("show", "general").stdout == ""
    assert demo("show", "general", "--csv=tables").status == 21
    assert demo("show", "general", "--html=page.html").status == 21
    assert not Path("page.html").exists()
    assert not Path("tables").exists()


def test_from_python(seeded):
    with open_project().show("general", tables=["todos"]) as showing:
        todos = next(showing.tables())
        assert (todos.table.name, todos.count) == ("todos", 100)
        assert next(todos.rows)[:2] == (1, 26)
