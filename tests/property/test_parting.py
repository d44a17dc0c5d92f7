"""Ranges of keys, wherever they are parted, give each row to one part, and begin where a statement
of the whole document does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_snapshots.documents.sql.pieces import Kind
from demo_snapshots.documents.sql.writer import ends_statement
from demo_snapshots.model.tables import Column, Table
from demo_snapshots.model.tables import Kind as ColumnKind
from demo_snapshots.transfer import parting
from demo_snapshots.transfer.parting import Range

TABLE = Table("t", (Column("id", ColumnKind.INTEGER, False),), ("id",))
AHEAD = (3, 20, None)


@given(
    st.integers(0, 2000),
    st.lists(st.integers(1, 1999), max_size=9),
    st.integers(0, 300_000),
    st.integers(1, 700),
)
def test_parts_are_the_rows_in_order(count: int, cuts: list[int], start: int, size: int) -> None:
    rows = [b"(%d)" % number for number in range(start, start + count)]
    places = sorted({cut for cut in cuts if cut < count})
    bounds = [0, *places, count]

    def answer(table: Table, names: Sequence[str], query: str) -> Iterator[list[bytes]]:
        begin, end = map(int, query.split())
        for place in range(begin, min(end, count), size):
            yield rows[place : min(place + size, end)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parting, "_LOOK_AHEAD", AHEAD)
        parts: list[list[bytes]] = []
        for begin, end in pairwise(bounds):
            more = tuple(f"{end} {count if n is None else end + n}" for n in AHEAD)
            beyond = more if end < count else ()
            wanted = Range(Kind.ROWS, TABLE, end - begin, f"{begin} {end}", begin > 0, beyond)
            batches = wanted.rows(answer(TABLE, (), wanted.query), answer)
            parts.append([row for batch in batches for row in batch])
    assert [row for part in parts for row in part] == rows
    passed = 0
    for part in parts[:-1]:
        passed += len(part)
        assert passed in (0, count) or ends_statement(rows[passed - 1])
