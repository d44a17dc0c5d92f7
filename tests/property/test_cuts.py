"""Where statements are cut: by the rule of the format, wherever rows come or go."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.documents.documents import header, read, rows_of, selection, table, text

from demo_snapshots.documents.sql import writer
from demo_snapshots.documents.sql.writer import Content, Section, write_document

# Small, so that few rows meet every part of the rule.
CUT, MOST_ROWS, MOST_BYTES = 7, 12, 300
NOTES = table("notes", text("note"))
STATEMENT = re.compile(rb"INSERT INTO notes \(id, note\) VALUES\n((?:\([^\n]*\)[,;]\n)+)")

ROW = st.builds(
    lambda number, length: b"(%d,'%s')" % (number, b"x" * length),
    st.integers(0, 10**6),
    st.one_of(st.integers(0, 40), st.just(MOST_BYTES + 50)),
)
ROWS = st.lists(ROW, max_size=80)
BATCHES = st.lists(st.integers(0, 30), max_size=8)


@pytest.fixture(autouse=True, scope="module")
def small_bounds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "CUT", CUT)
        patch.setattr(writer, "MOST_ROWS", MOST_ROWS)
        patch.setattr(writer, "MOST_BYTES", MOST_BYTES)
        yield


def parted(rows: Sequence[bytes], sizes: Sequence[int]) -> Iterator[Sequence[bytes]]:
    for size in sizes:
        yield rows[:size]
        rows = rows[size:]
    yield rows


def statements(rows: Sequence[bytes], sizes: Sequence[int] = ()) -> list[list[bytes]]:
    """The rows of each INSERT of a document of ``rows``, which come in batches of these sizes."""
    stream = io.BytesIO()
    content = Content([Section(NOTES, parted(rows, sizes))], selection([NOTES]))
    write_document(stream, header((NOTES, len(rows))), content)
    document = stream.getvalue()
    assert rows_of(read(document)).get("notes", b"") == b",\n".join(rows)
    found = [match[1] for match in STATEMENT.finditer(document)]
    return [[line[:-1] for line in statement.splitlines()] for statement in found]


def ends(row: bytes) -> bool:
    return crc32(row) & CUT == 0


def cuts(found: Sequence[Sequence[bytes]]) -> list[bool]:
    """Of each row whether a statement ends after it."""
    return [place == len(rows) for rows in found for place in range(1, len(rows) + 1)]


@given(ROWS, BATCHES)
@settings(deadline=None)
def test_statements_end_where_the_rule_says(rows: list[bytes], sizes: list[int]) -> None:
    found = statements(rows, sizes)
    assert [row for statement in found for row in statement] == rows
    for statement, following in zip(found, [*found, [b""]][1:], strict=True):
        size = sum(len(row) + 2 for row in statement)
        assert len(statement) <= MOST_ROWS
        assert size <= MOST_BYTES or len(statement) == 1
        assert not any(map(ends, statement[:-1]))
        assert (
            statement is found[-1]
            or ends(statement[-1])
            or len(statement) == MOST_ROWS
            or size + len(following[0]) + 2 > MOST_BYTES
        )


@given(ROWS, st.integers(0, 80), st.integers(0, 5), st.lists(ROW, max_size=5), BATCHES)
@settings(deadline=None)
def test_rows_that_come_or_go_move_no_cut_beyond_the_next_that_a_row_makes(
    rows: list[bytes], place: int, gone: int, come: list[bytes], sizes: list[int]
) -> None:
    edited = [*rows[:place], *come, *rows[place + gone :]]
    before, after = cuts(statements(rows)), cuts(statements(edited, sizes))
    # Of the row just before the edit it may have been the next one that was too large.
    ahead = max(min(place, len(rows)) - 1, 0)
    assert before[:ahead] == after[:ahead]
    behind = rows[place + gone :]
    again = next((number for number, row in enumerate(behind) if ends(row)), len(behind))
    kept = len(behind) - again
    assert kept == 0 or before[-kept:] == after[-kept:]
