"""What ``demo init`` takes for a foreign key, and for the demo, where nothing says so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from integration.live import Live

from demo_snapshots.engines.connection import connect
from demo_snapshots.selection.discovery import Candidate, Findings, look, share


def found(url: str, *statements: str, choice: int | None = 0) -> tuple[Findings, list[Candidate]]:
    """What is found in a database of these statements, and what was asked about."""
    Live(url).run(*statements)
    asked: list[Candidate] = []

    def choose(candidates: Sequence[Candidate]) -> int | None:
        asked.extend(candidates)
        return choice

    with connect(url) as database:
        return look(database, choose), asked


def rules(findings: Findings) -> dict[str, str]:
    """The first reason of each table, by name."""
    return {f.name: f.reasons[0] for f in findings.tables if not f.doubtful}


USERS = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, is_demo BOOLEAN)",
    "INSERT INTO users VALUES (1, FALSE), (2, TRUE)",
)


@pytest.mark.parametrize(
    ("table", "rows", "follows"),
    [
        ("user_id INTEGER", "(1), (2), (NULL)", True),
        ("user_id INTEGER", "(1), (2), (7)", False),
        ("user_id INTEGER", "(1),(1),(1),(1),(1),(1),(1),(1),(2),(7)", True),
        ("user_id TEXT", "('1'), ('2')", False),
        ("user_id INTEGER", "(NULL)", False),
        ("customer_id INTEGER", "(1), (2)", True),
        ("created_by INTEGER", "(2)", True),
        ("updated_by INTEGER", "(2)", False),
        ("account_id INTEGER", "(1), (2)", False),
    ],
)
def test_a_key_is_assumed_where_names_suggest_it_and_rows_bear_it_out(
    sqlite_url, table, rows, follows
):
    findings, _ = found(
        sqlite_url, *USERS, f"CREATE TABLE notes ({table})", f"INSERT INTO notes VALUES {rows}"
    )
    assert ("notes" in rules(findings)) == follows
    if "(7)" in rows and follows:
        [finding] = [f for f in findings.tables if f.name == "notes"]
        assert finding.key is not None
        assert share(finding.key) == "9 of 10 values looked at lead to a row (90 %)"


def test_whoever_touched_a_row_last_is_left_to_people(sqlite_url):
    findings, _ = found(
        sqlite_url,
        *USERS,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, updated_by INTEGER)",
        "INSERT INTO notes VALUES (1, 2)",
    )
    assert [(f.name, f.doubtful) for f in findings.tables] == [("users", False), ("notes", True)]
    assert [key.columns for key in findings.assumed] == [("updated_by",)], (
        "it protects all the same"
    )


def test_a_type_without_a_table_is_named(sqlite_url):
    findings, _ = found(
        sqlite_url,
        *USERS,
        "CREATE TABLE likes (id INTEGER PRIMARY KEY, on_type TEXT, on_id INTEGER)",
        "INSERT INTO likes VALUES (1, 'User', 2), (2, 'Nothing', 5), (3, NULL, NULL)",
    )
    [likes] = [f for f in findings.tables if f.name == "likes"]
    assert likes.key is not None
    assert (likes.key.unknown, likes.rows) == (("Nothing",), 1)


TENANTS = "CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT, slug TEXT)"


def test_several_may_be_the_demo(sqlite_url):
    statements = (
        TENANTS,
        "INSERT INTO teams VALUES (1, 'Democracy', 'democracy'), (2, 'A', 'demo'),"
        " (3, 'B', 'demo-eu')",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT)",
        "INSERT INTO people VALUES (1, 'a@acme.org'), (2, 'b@x.test')",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, team_id INTEGER)",
        "INSERT INTO posts VALUES (1, 1), (2, 3), (3, 3)",
    )
    findings, asked = found(sqlite_url, *statements, choice=1)
    assert [(c.table, c.condition, c.rows, c.followers, c.following) for c in asked] == [
        ("teams", "slug = 'demo'", 1, ("posts",), 0),
        ("teams", "slug = 'demo-eu'", 1, ("posts",), 2),
        ("people", "email LIKE '%@%.test'", 1, (), 0),
    ]
    # The people are added: they do not hang on the team.
    assert set(rules(findings)) == {"teams", "people", "posts"}
    assert [other.condition for other in findings.others] == ["slug = 'demo'"]


def test_none_of_them_may_be_it(sqlite_url):
    findings, asked = found(
        sqlite_url, TENANTS, "INSERT INTO teams VALUES (1, 'The demo', NULL)", choice=None
    )
    assert [c.condition for c in asked] == ["name = 'The demo'"]
    assert (findings.tables, findings.example[0].name) == ((), "teams")


def test_a_marker_is_asked_about_nothing(sqlite_url):
    findings, asked = found(
        sqlite_url, *USERS, TENANTS, "INSERT INTO teams VALUES (1, 'Demo', 'demo')"
    )
    assert (asked, set(rules(findings))) == ([], {"users"})


def test_rows_that_are_all_of_them_are_said_to_be(sqlite_url):
    findings, _ = found(sqlite_url, TENANTS, "INSERT INTO teams VALUES (1, 'x', 'demo')")
    assert "every row of the table is one" in findings.tables[0].reasons[1]
