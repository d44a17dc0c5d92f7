"""``demo compare-exports`` and ``demo diff``, as typed, on every engine."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_terminal import OnATerminal
from database_engines import engines
from hostile_values import HOSTILE, SECRET

from demo_snapshots.sample.engine import make_engine

EDITS = (
    "UPDATE todos SET state = 'waiting' WHERE id = 2",
    "UPDATE contacts SET name = 'Maya O.' WHERE id = 1",
    "DELETE FROM todos WHERE id = 5",
    "INSERT INTO todos (id, fragment_id, title, state) VALUES (901, 30, 'Call the roofer', 'open')",
)


@pytest.fixture
def two_versions(demo, seeded):
    """The second one with a few edits."""
    seeded.sql("UPDATE contacts SET metadata = json_set(metadata, '$.city', 'Erfurt') WHERE id = 1")
    for statement in EDITS:
        seeded.sql(statement)
    assert demo("export", "general").status == 0
    return seeded


def test_the_latest_with_the_one_before(demo, two_versions):
    outcome = demo("compare-exports", "general")
    assert outcome.status == 0
    assert outcome.stderr == ""
    text = outcome.stdout
    assert re.match(
        r"general v1_[\d-]+ → v2_[\d-]+\n\ntodos  1 changed, 1 added, 1 removed, ", text
    )
    assert '  ~ id=2  state: "done" → "waiting"\n' in text
    assert '      metadata.city: (absent) → "Erfurt"\n' in text
    assert re.search(
        r'\n  \+ id=901  fragment_id: 30, title: "Call the roofer", state: "open"', text
    )
    assert re.search(r"\n  Total +2 +0 +1 +1 +321\n\Z", text)
    assert demo("diff", "general").stdout == text
    assert demo("diff", "general", "v1").stdout == text
    assert demo("diff", "general", "v1", "v2").stdout == text
    files = [str(path) for path in two_versions.documents]
    assert demo("diff", "--files", *files).stdout.split("\n", 1)[1] == text.split("\n", 1)[1]
    back = demo("diff", "general", "v2", "v1")
    assert '  ~ id=2  state: "waiting" → "done"\n' in back.stdout


def test_no_difference(demo, seeded):
    outcome = demo("diff", "general", "--with-database", "--exit-code")
    assert outcome.status == 0
    assert re.fullmatch(r"general v1_[\d-]+ → the database: no difference\n", outcome.stdout)


@pytest.mark.parametrize(
    "form", [[], ["--stat"], ["--json"], ["--markdown"], ["--html=page.html"], ["--quiet"]]
)
def test_the_exit_code_is_git_s(demo, two_versions, form):
    assert demo("diff", "general", *form).status == 0
    assert demo("diff", "general", *form, "--exit-code").status == 1
    both = ("--ignore=contacts.metadata", "--ignore=name", "--table=contacts")
    assert demo("diff", "general", *form, "--exit-code", *both).status == 0


def test_what_the_configuration_ignores(demo, two_versions):
    Path("demo.toml").write_text(
        '[compare]\nignore = ["todos.state", "contacts.gone_since"]\n', "utf-8"
    )
    text = demo("diff", "general").stdout
    assert "waiting" not in text
    assert "Call the roofer" in text


def test_limit_stat_table(demo, two_versions):
    limited = demo("diff", "general", "--limit=1").stdout
    assert limited.count("… and 2 more\n") == 1
    assert "1 changed, 1 added, 1 removed" in limited
    stat = demo("diff", "general", "--stat").stdout
    assert "id=" not in stat
    assert "  todos " in stat
    one = demo("diff", "general", "--table", "contacts").stdout
    assert "todos" not in one
    counts = demo("diff", "general", "--limit=1", "--json").stdout.splitlines()
    assert len(counts) == 3
    assert json.loads(counts[-1])["summary"]["total"]["added"] == 1


def test_json_lines(demo, two_versions):
    *lines, last = map(json.loads, demo("diff", "general", "--json").stdout.splitlines())
    assert [(line["table"], line["what"], line["key"]) for line in lines] == [
        ("todos", "changed", {"id": 2}),
        ("todos", "removed", {"id": 5}),
        ("todos", "added", {"id": 901}),
        ("contacts", "changed", {"id": 1}),
    ]
    assert last["summary"]["differs"] is True
    quiet = demo("--json", "diff", "general", "--stat", "-q").stdout.splitlines()
    assert [json.loads(line) for line in quiet] == [last]


def test_nothing_is_told_of_a_damaged_file(demo, two_versions):
    first, second = two_versions.documents
    second.write_bytes(second.read_bytes().replace(b"Call the roofer", b"Call the roofers"))
    page = Path("page.html")
    page.write_text("as it was", "utf-8")
    for form in ([], ["--json"], ["--markdown"], ["--html=page.html"]):
        outcome = demo("diff", "general", *form)
        assert outcome.status == 21
        assert "roofer" not in outcome.stdout + outcome.stderr
    assert page.read_text("utf-8") == "as it was"
    assert not list(Path().glob(".page*"))
    assert json.loads(demo("diff", "general", "--json").stdout)["error"]["exit_code"] == 21
    second.write_bytes(b"no snapshot")
    told = demo("diff", "--files", str(first), str(second))
    assert (told.status, told.stderr.count(str(second))) == (21, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to compare"),
        (["--with-database"], "nothing to compare"),
        (["general", "--files", "a.sql", "b.sql"], "--files and SCENARIO contradict each other"),
        (["--files", "a", "b", "--with-database"], "--files and --with-database contradict"),
        (["general", "v1", "v2", "--with-database"], "two versions and --with-database"),
        (["general", "--json", "--markdown"], "--json and --markdown contradict each other"),
        (["general", "--html=x", "--markdown"], "--markdown and --html contradict each other"),
        (["general", "--html=x", "--json"], "--json and --html contradict each other"),
        (["general", "--stat", "--limit=3"], "--stat and --limit contradict each other"),
        (["general", "--limit=0"], "0 is not in the range"),
        (["general", "--table=nowhere"], "no table nowhere in the snapshot"),
        (["general", "--ignore=todos.nothing"], "no column todos.nothing in the snapshot"),
        (["general", "--ignore=todos.id"], "a key cannot be ignored"),
        (["general", "--html=no/such/place.html"], "cannot be written"),
    ],
)
def test_what_contradicts_is_refused(demo, two_versions, arguments, told):
    outcome = demo("diff", *arguments)
    assert outcome.status == 2
    assert told in outcome.errors[0]
    assert outcome.stdout == "" or "--json" in arguments


def test_versions_that_are_not_there(demo, seeded):
    assert demo("diff", "writer").status == 14
    assert demo("diff", "general", "v7").status == 14
    alone = demo("diff", "general")
    assert alone.status == 14
    assert "has no version before it" in alone.errors[0]
    assert "--with-database" in alone.stderr
    assert demo("diff", "--files", "no.sql", "no.sql").status == 14


def test_a_table_that_only_the_old_version_has(demo, workplace):
    text = '[demo]\ndatabase = "sqlite:///a.sqlite"\n'
    tables = ['[tables.a]\nwhere = "TRUE"\n', '[tables.b]\nwhere = "TRUE"\n']
    connection = sqlite3.connect("a.sqlite")
    connection.executescript(
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, n INT);"
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 2)"
    )
    connection.close()
    for named in (tables, tables[:1]):
        Path("demo.toml").write_text(text + "".join(named), "utf-8")
        assert demo("export", "two").status == 0
    outcome = demo("diff", "two", "--table=b", "--ignore=b.n", "--exit-code")
    assert outcome.status == 1
    assert re.search(r"\nb  2 removed\n  the table is only in two v1_[\d-]+\n", outcome.stdout)


@engines("sqlite", "postgresql", "mariadb")
def test_with_the_database(demo, workplace, database_url):
    option = f"--database={database_url}"
    assert demo("migrate-fresh", option).status == 0
    seed = ("seed-enhanced", "--scenario=general", "--as-of=2025-01-20T12:00", "--export")
    assert demo(*seed, option).status == 0
    same = demo("diff", "general", "--with-database", "--exit-code", option)
    assert (same.status, "no difference" in same.stdout) == (0, True)
    _execute(database_url, *EDITS)
    outcome = demo("diff", "general", "--with-database", "--exit-code", option)
    assert outcome.status == 1
    assert '  ~ id=2  state: "done" → "waiting"\n' in outcome.stdout
    assert '  ~ id=1  name: "Maya Okafor" → "Maya O."\n' in outcome.stdout
    assert "  - id=5  fragment_id: " in outcome.stdout
    assert '  + id=901  fragment_id: 30, title: "Call the roofer"' in outcome.stdout
    assert re.search(r"\n  Total +2 +0 +1 +1 +321\n\Z", outcome.stdout)
    page = demo("diff", "general", "v1", "--with-database", "--html=page.html", option)
    assert page.status == 0
    assert "Call the roofer" in Path("page.html").read_text("utf-8")


def _execute(url: str, *statements: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


# --- Values that would do harm -----------------------------------------------------------------


@pytest.fixture
def hostile(demo, workplace):
    """Two versions of a table that holds the values, each in the other's place."""
    Path("demo.toml").write_text(
        '[demo]\ndatabase = "sqlite:///hostile.sqlite"\n\n[tables."a|<b>`"]\nwhere = "TRUE"\n',
        "utf-8",
    )
    connection = sqlite3.connect("hostile.sqlite")
    connection.execute('CREATE TABLE "a|<b>`" (id INTEGER PRIMARY KEY, body TEXT, meta JSON)')
    values = [f"{value}{SECRET}" for value in HOSTILE]
    for shift in (0, 1):
        connection.execute('DELETE FROM "a|<b>`"')
        for number in range(len(values)):
            value = values[(number + shift) % len(values)]
            meta = json.dumps({"deep": [value], "half": "\ud800"}) if number % 2 else value
            row = (number + shift * (number % 5 == 0) * 100, value, meta)
            connection.execute('INSERT INTO "a|<b>`" VALUES (?, ?, ?)', row)
        connection.commit()
        assert demo("export", "bad").status == 0
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"], ["--html=page.html"], ["--stat"]])
def test_hostile_values_in_every_form(run_demo, hostile, form):
    for command in ("compare-exports", "show"):
        if command == "show" and form in (["--markdown"], ["--stat"]):
            continue
        outcome = run_demo(command, "bad", *form)
        assert outcome.status == 0, outcome.stderr
        assert outcome.stderr == ""
        assert all(c.isprintable() or c == "\n" for c in outcome.stdout)
        if form == ["--json"]:
            assert all(json.loads(line) for line in outcome.stdout.splitlines())
    if form[:1] == ["--html=page.html"]:
        text = Path("page.html").read_text("utf-8")
        assert all(c.isprintable() or c in "\n\t" for c in text)
        assert text.count("<script") == 1


@pytest.mark.slow
@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"], ["--html=page.html"], ["--stat"]])
def test_hidden_values_are_in_no_form(run_demo, hostile, form):
    limit = () if form == ["--stat"] else ("--limit=1000",)
    outcome = run_demo("diff", "bad", "--hide-values", *limit, *form)
    assert outcome.status == 0
    shown = outcome.stdout
    if Path("page.html").exists():
        shown += Path("page.html").read_text("utf-8")
    assert SECRET not in shown
    assert "body" in shown or form == ["--stat"]


@pytest.mark.slow
def test_a_terminal_gets_colours_and_its_own_width(two_versions):
    run = OnATerminal("diff", "general", stdout=True)
    status, _ = run.finish()
    assert status == 0
    assert "\x1b[31m" in run.seen or "\x1b[1;31m" in run.seen
    assert "\x1b[1;32m" in run.seen
    plain = OnATerminal("diff", "general", stdout=True, NO_COLOR="1")
    plain.finish()
    assert "\x1b[" not in plain.seen
    assert "~ id=2" in plain.seen


def test_a_terminal_that_speaks_ascii(run_demo, two_versions):
    outcome = run_demo("diff", "general", PYTHONIOENCODING="ascii")
    assert outcome.status == 0
    assert outcome.stdout.isascii()
    assert 'state: "done" -> "waiting"' in outcome.stdout


def test_a_reader_that_stops_is_no_failure_to_speak_of(two_versions):
    command = f"{sys.executable} -m demo_snapshots diff general --json | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8")
    assert json.loads(done.stdout)["table"] == "todos"
    assert "Traceback" not in done.stderr
