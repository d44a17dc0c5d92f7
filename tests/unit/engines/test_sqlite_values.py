"""Raw rows bound as values are what SQLite makes of them as literals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_snapshots.engines.sqlite.catalog import SQLiteCatalog
from demo_snapshots.engines.sqlite.session import SQLiteSession
from demo_snapshots.engines.sqlite.values import LARGE
from demo_snapshots.errors import UnfitValueError
from demo_snapshots.model.tables import Column

DECLARED = (
    "INTEGER",
    "TEXT",
    "VARCHAR(9)",
    "JSON",
    "DATETIME",
    "BOOLEAN",
    "REAL",
    "DECIMAL",
    "BLOB",
    "",
)
INSERT = "INSERT INTO cells VALUES "

texts = st.text(st.sampled_from("a',()\n\\;\"ü€😀 \t0"), max_size=8).map(
    lambda text: "'" + text.replace("'", "''") + "'"
)
literals = st.one_of(
    st.sampled_from(["NULL", "TRUE", "FALSE", "''", "''''", "'),\n('", "X''", "X'00FF'", "-0"]),
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=16).map(repr),
    st.just("CAST(X'610062' AS CHAR)"),
    texts,
)


@contextmanager
def made() -> Iterator[tuple[sqlite3.Connection, tuple[Column, ...]]]:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    names = ", ".join(f"c{number} {declared}" for number, declared in enumerate(DECLARED))
    raw.execute(f"CREATE TABLE cells ({names})")
    with closing(raw):
        yield raw, columns_of(raw)


@pytest.fixture
def table() -> Iterator[tuple[sqlite3.Connection, tuple[Column, ...]]]:
    with made() as found:
        yield found


def session(raw: sqlite3.Connection) -> SQLiteSession:
    found = SQLiteSession(raw)
    found.prepare()
    return found


def columns_of(raw: sqlite3.Connection) -> tuple[Column, ...]:
    return SQLiteCatalog(session(raw)).columns([(None, "cells")])[None, "cells"]


def held(raw: sqlite3.Connection) -> list[tuple[object, ...]]:
    cells = ", ".join(f"c{number}, typeof(c{number})" for number in range(len(DECLARED)))
    return raw.execute(f"SELECT {cells} FROM cells ORDER BY rowid").fetchall()


@given(st.lists(st.tuples(*[literals] * len(DECLARED)), min_size=1, max_size=5))
def test_a_bound_value_is_kept_as_its_literal_is(rows):
    chunk = ",\n".join(f"({','.join(row)})" for row in rows)
    with made() as (bound, columns), made() as (parsed, _):
        loaded = session(bound).load("cells", columns, [chunk.encode()])
        parsed.execute(INSERT + chunk)
        assert (loaded, held(bound)) == (len(rows), held(parsed))


def test_rows_are_bound_in_their_order(table):
    raw, columns = table
    nulls = ",NULL" * (len(DECLARED) - 1)
    # Of the usual forms, with a quote, with another form than the column's, and again.
    firsts = ["1", "2", "'it''s'", "3", "X'00'", "4"]
    chunk = ",\n".join(f"({first}{nulls})" for first in firsts)
    session(raw).load("cells", columns, [chunk.encode()])
    assert [row[0] for row in held(raw)] == [1, 2, "it's", 3, b"\0", 4]


def test_quotes_are_single_again_in_every_row_that_has_some(table):
    raw, columns = table
    rest = "NULL,'[]',NULL,TRUE,1.5,2.25,NULL,NULL"
    texts = ["'plain'", "'it''s'", "''", "''''", "'again plain'", "'''tis'"]
    chunk = ",\n".join(f"({number},{text},{rest})" for number, text in enumerate(texts))
    session(raw).load("cells", columns, [chunk.encode()])
    assert [row[2] for row in held(raw)] == ["plain", "it's", "", "'", "again plain", "'tis"]


def test_large_rows_are_kept_alike(table):
    long = "ü'€\n" * (LARGE // 8)
    spelled = "'" + long.replace("'", "''") + "'"
    row = f"(7,{spelled},NULL,'[]',NULL,TRUE,1.5,2.25,X'00FF',{spelled})"
    raw, columns = table
    assert session(raw).load("cells", columns, [f"{row},\n{row}".encode()]) == 2
    values = [cell for cell, _ in zip(held(raw)[1][::2], DECLARED, strict=True)]
    assert values == [7, long, None, "[]", None, 1, 1.5, 2.25, b"\0\xff", long]
    assert held(raw)[1][1::2] == (
        *("integer", "text", "null", "text", "null", "integer", "real", "real", "blob", "text"),
    )


@pytest.mark.parametrize("place", [6, 7])
def test_a_number_that_would_lose_digits_is_refused_by_its_column(place, table):
    raw, columns = table
    cells = ["NULL"] * len(DECLARED)
    cells[place] = "0.12345678901234567890123"
    with pytest.raises(UnfitValueError, match=f"^c{place}: a number with more digits"):
        session(raw).load("cells", columns, [f"({','.join(cells)})".encode()])
