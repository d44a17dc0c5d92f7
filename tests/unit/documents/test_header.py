"""The comment lines at the top: what each must say, and what happens when it does not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace
from unit.documents.documents import header, table, text

from demo_snapshots.documents.sql.header import (
    MAX_LINES,
    _read_moment,
    describe_table,
    fingerprint,
    read_header,
    titles,
    write_header,
)
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header, Parent, Statistics, TableCount, Version
from demo_snapshots.model.tables import Column, Kind, Table

VAULTS = table("vaults", text())
TODOS = table("todos", text("title"), Column("vault_id", Kind.INTEGER))
COUNTS = (TableCount("vaults", 2), TableCount("todos", 3, (("done", 1), ("größer", 2))))
HEADER = header(
    (VAULTS, 2),
    (TODOS, 3),
    statistics=Statistics(COUNTS),
    tool="demo-snapshots 0.1.0",
    migration="0001",
    extra=(("Note", "kept"),),
)
LINES = write_header(HEADER).splitlines()


def test_the_lines_are_as_documented() -> None:
    assert write_header(HEADER).splitlines() == [
        "-- Demo Data Export",
        "-- Format: 2",
        "-- Scenario: general",
        "-- Version: v1_2025-01-15",
        "-- Generated: 2025-01-15T10:30:00Z",
        "-- Source: sqlite 3.40.1",
        "-- Tool: demo-snapshots 0.1.0",
        f"-- Schema: {HEADER.schema}",
        "-- Migration: 0001",
        "-- Table vaults: id integer key, name text null",
        "-- Table todos: id integer key, title text null, vault_id integer null",
        "-- Note: kept",
        "-- Total Vaults: 2",
        "-- Total Todos: 3",
        '-- Breakdown todos: {"done": 1, "gr\\u00f6\\u00dfer": 2}',
        "-- Total Records: 5",
        "-- Load with demo import, which protects other rows; sqlite3 -bail,"
        " psql -v ON_ERROR_STOP=1 and mariadb load it too.",
    ]
    assert read_header(LINES) == HEADER


BASE = Parent(Version(3, date(2025, 1, 10)), "0a" * 32)
MERGED = Parent(Version(4, date(2025, 1, 12)), "f9" * 32)


def test_the_versions_it_was_made_from_stand_in_lines_of_their_own() -> None:
    made = replace(HEADER, base=BASE, merged=MERGED)
    lines = write_header(made).splitlines()
    assert lines[9] == f"-- Base: v3_2025-01-10 sha256:{'0a' * 32}"
    assert lines[10] == f"-- Merged: v4_2025-01-12 sha256:{'f9' * 32}"
    assert [*lines[:9], *lines[11:]] == LINES
    assert read_header(lines) == made
    assert made.parents == (BASE, MERGED)
    assert HEADER.parents == ()


def test_the_moment_that_the_dates_lead_up_to_stands_where_it_is_another() -> None:
    moment = datetime(2024, 3, 1, 9, tzinfo=UTC)
    made = replace(HEADER, anchor=moment)
    lines = write_header(made).splitlines()
    assert lines[5] == "-- Anchor: 2024-03-01T09:00:00Z"
    assert [*lines[:5], *lines[6:]] == LINES
    assert read_header(lines) == made
    assert (made.moment, HEADER.moment) == (moment, HEADER.generated)
    with pytest.raises(DocumentError):
        read_header([*LINES[:5], "-- Anchor: soon", *LINES[5:]])


@pytest.mark.parametrize(
    "value", ["", "v3", "v3_2025-01-10", f"v3 sha256:{'0a' * 32}", "v3_2025-01-10 sha256:0A"]
)
def test_a_base_that_is_no_version_with_its_digest_is_refused(value: str) -> None:
    with pytest.raises(DocumentError, match="not"):
        read_header([*LINES[:9], f"-- Base: {value}", *LINES[9:]])


@pytest.mark.parametrize("gone", range(len(LINES)))
def test_without_a_line_it_is_refused_or_says_less(gone: int) -> None:
    lines = LINES[:gone] + LINES[gone + 1 :]
    optional = ("-- Tool", "-- Migration", "-- Note", "-- Breakdown", "-- Load")
    if LINES[gone].startswith(optional):
        assert read_header(lines) != HEADER or LINES[gone].startswith("-- Load")
    else:
        with pytest.raises(DocumentError):
            read_header(lines)


@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("-- Note")])
def test_a_line_that_stands_twice_is_refused(line: str) -> None:
    place = LINES.index(line)
    if line.startswith("-- Load"):
        assert read_header([*LINES, line]) == HEADER
        return
    with pytest.raises(DocumentError):
        read_header([*LINES[:place], line, *LINES[place:]])


CHANGES = [
    ("-- Demo Data Export", "-- Demo data export", 1, "not a demo snapshot"),
    ("-- Demo Data Export", "\ufeff-- Demo Data Export", 1, "not a demo snapshot"),
    ("-- Format: 2", "-- Format: 4", None, "format 4"),
    ("-- Format: 2", "-- Format: 02", None, "format 02"),
    ("-- Scenario: general", "-- Scenario: ../etc", None, "scenario"),
    ("-- Scenario: general", "-- Scenario: metadata", None, "metadata"),
    ("-- Scenario: general", "-- Scenario: General", None, "General"),
    ("v1_2025-01-15", "v1_2025-02-30", None, "not one of ours"),
    ("v1_2025-01-15", "v0_2025-01-15", None, "not a version"),
    ("10:30:00Z", "10:30:00", None, "not one of ours"),
    ("10:30:00Z", "10:30:00+00:00", None, "not one of ours"),
    ("sqlite 3.40.1", "sqlite \x1b[31m", 6, "not a header line"),
    ("sqlite 3.40.1", "sqlite \u202e1", 6, "not a header line"),
    ("sqlite 3.40.1", "sqlite \x9b31m", 6, "not a header line"),
    ("-- Source:", "Source:", 6, "not a header line"),
    ("-- Source:", "--Source:", 6, "not a header line"),
    (HEADER.schema, "0" * 12, None, "fingerprint"),
    ("name text null", "name text", None, "fingerprint"),
    ("name text null", "name string null", 10, "string"),
    ("name text null", "name text null,", 10, "not a table"),
    ("name text null", "name text null, ", 10, "not a table"),
    ("name text null", "name text NULL", 10, "not a table"),
    ("name text null", "id text null", 10, "column twice"),
    ("-- Table vaults", "-- Table todos", None, "table twice"),
    ("-- Total Vaults: 2", "-- Total Vaults: 3", None, "add up"),
    ("-- Total Vaults: 2", "-- Total Vault: 2", None, "totals"),
    ("-- Total Vaults: 2", "-- Total Vaults: -2", None, "totals"),
    ("-- Total Vaults: 2", "-- Total Vaults: " + "9" * 5000, None, "totals"),
    ("-- Breakdown todos", "-- Breakdown tasks", None, "totals"),
    ('{"done": 1,', '{"done": 1.5,', 15, "breakdown"),
    ('{"done": 1,', '{"done": true,', 15, "breakdown"),
    ('{"done": 1,', '{"do\\u001bne": 1,', 15, "breakdown"),
    ('{"done": 1,', '{"do\\ud800ne": 1,', 15, "breakdown"),
    ('{"done": 1,', '{"done": ' + "9" * 5000 + ",", 15, ""),
    ('{"done": 1,', "[" * 100_000, 15, "breakdown"),
    ('{"done": 1,', "{{", 15, ""),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), CHANGES)
def test_a_changed_line_is_refused(old: str, new: str, line: int | None, says: str) -> None:
    whole = "\n".join(LINES)
    assert whole.count(old) == 1
    with pytest.raises(DocumentError) as caught:
        read_header(whole.replace(old, new).split("\n"))
    assert caught.value.line == line
    assert says in caught.value.message
    assert caught.value.message.isprintable()


def test_another_format_is_named_before_anything_in_it_is_judged() -> None:
    with pytest.raises(
        DocumentError, match="format 5, and this version reads formats 1, 2, 3 and 4"
    ) as caught:
        read_header(["-- Demo Data Export", "-- Format: 5", "-- Table vaults: id wonderful"])
    assert caught.value.hint == "Upgrade demo-snapshots."


def test_a_header_without_end_is_refused() -> None:
    endless = (f"-- Note: {number}" for number in range(10**9))
    with pytest.raises(DocumentError) as caught:
        read_header(line for part in (LINES[:1], endless) for line in part)
    assert caught.value.line == MAX_LINES + 1


def test_the_time_is_written_in_utc_without_fractions() -> None:
    noon = datetime(2025, 1, 15, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    lines = write_header(header((VAULTS, 0), generated=noon)).splitlines()
    assert lines[4] == "-- Generated: 2025-01-15T10:00:00Z"
    assert read_header(lines).generated == datetime(2025, 1, 15, 10, tzinfo=UTC)


def described(name: str, *names: str, key: tuple[str, ...]) -> str:
    return describe_table(Table(name, tuple(Column(n, Kind.TEXT, False) for n in names), key))


def test_keys_are_numbered_in_key_order() -> None:
    assert described("t", "a", "b", key=()) == "t: a text, b text"
    assert described("t", "a", "b", key=("b",)) == "t: a text, b text key"
    assert described("t", "a", "b", key=("b", "a")) == "t: a text key2, b text key1"


def test_generated_columns_are_not_described() -> None:
    lower = Column("lower_name", Kind.TEXT, generated=True)
    assert describe_table(table("t", text(), lower)) == "t: id integer key, name text null"


def test_the_fingerprint_is_the_format_s() -> None:
    """Frozen with formats 1 and 2: another value here makes every stored document unreadable."""
    assert fingerprint([VAULTS, TODOS]) == fingerprint([TODOS, VAULTS]) == "e27cfd938a54"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["chat_sessions"], ["Chat Sessions"]),
        (["x1_y2z"], ["X1 Y2Z"]),
        (["order"], ["Order"]),
        (["Users"], ['"Users"']),
        (["größe"], ['"größe"']),
        (["a_b", "a__b"], ["A B", "A  B"]),
        (["a_b", "a_b_"], ["a_b", "a_b_"]),
        (["records", "vaults"], ["records", "Vaults"]),
        (["_a"], ["_a"]),
    ],
)
def test_titles_tell_tables_apart(names: list[str], expected: list[str]) -> None:
    assert list(titles(names).values()) == expected


@pytest.mark.parametrize("name", ["records", "total", "a_b_", "Records", "Table"])
def test_no_table_s_name_gets_in_the_way_of_the_header(name: str) -> None:
    made: Header = header((table(name), 1), (table("a_b"), 2), (table("other"), 4))
    assert read_header(write_header(made).splitlines()) == made


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "2026-01-02T03:04:05"]
)
def test_a_moment_that_is_not_in_utc_is_refused(moment):
    with pytest.raises(ValueError, match=re.escape(moment)):
        _read_moment(moment)
