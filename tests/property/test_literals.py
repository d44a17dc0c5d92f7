"""Any value, from raw row to document and back, and as real SQLite reads the document's form."""

from __future__ import annotations

import math
import re
import sqlite3
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from property.values import PIECES, VALUES, literal, row, texts

from demo_snapshots.documents.sql.grammar import LITERAL
from demo_snapshots.rows import literals
from demo_snapshots.rows.literals import decode, encode, has_control, split

ROWS = st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=5)


@given(ROWS)
@example([["\r\n', X'00', CAST(X'41' AS CHAR)"]])
@example([["\n/* /* */ X'00' -- */ '\\x00'\n"]])
@example([[b"", "", None], ["\0", "'" * 5, b"'"]])
def test_rows_come_back_as_they_went(rows: list[list[object]]) -> None:
    raw = b",\n".join(row(values) for values in rows)
    assert decode(encode(raw)) == raw


@given(ROWS)
def test_a_document_holds_no_control_character_but_tab_and_line_feed(
    rows: list[list[object]],
) -> None:
    carried = encode(b",\n".join(row(values) for values in rows))
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", carried)


@given(ROWS)
def test_rows_are_carried_one_by_one_or_together(rows: list[list[object]]) -> None:
    raw = [row(values) for values in rows]
    assert encode(b",\n".join(raw)) == b",\n".join(encode(each) for each in raw)


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_a_row_splits_into_its_literals(values: list[object]) -> None:
    assert split(row(values)) == [literal(value) for value in values]


@given(VALUES)
def test_whatever_is_carried_is_a_literal_of_the_grammar(value: object) -> None:
    assert re.fullmatch(LITERAL, encode(literal(value)))


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_sqlite_reads_the_value_that_was_meant(values: list[object]) -> None:
    connection = sqlite3.connect(":memory:")
    (found,) = connection.execute("SELECT " + encode(row(values)).decode()[1:-1])
    connection.close()
    for value, got in zip(values, found, strict=True):
        if isinstance(value, Decimal):
            assert math.isclose(float(got), float(value), rel_tol=1e-15)
        elif isinstance(value, int) and abs(value) >= 2**63:
            assert got == float(value)
        elif isinstance(value, float):
            # SQLite 3.40 misreads some shortest literals by one unit in the last place.
            assert math.isclose(got, value, rel_tol=4e-16, abs_tol=5e-324)
        else:
            assert (got, type(got)) == (value, int if isinstance(value, bool) else type(value))


@given(texts())
def test_both_forms_of_an_odd_text_say_the_same(value: str) -> None:
    carried = encode(literal(value + "\r")).decode()
    match = re.fullmatch(r"\n/\* /\* \*/ CAST\(X'([0-9A-F]+)' AS CHAR\) -- \*/ E'(.*)'\n", carried)
    assert match is not None
    assert bytes.fromhex(match[1]).decode() == value + "\r"
    assert postgresql_reads(match[2]) == value + "\r"


def postgresql_reads(escaped: str) -> str:
    """What stands in E'…' as section 4.1.2.2 of PostgreSQL's manual says."""
    names = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

    def one(match: re.Match[str]) -> str:
        found = match[0]
        if found == "''":
            return "'"
        if found.startswith("\\x"):
            return chr(int(found[2:], 16))
        return names.get(found[1], found[1])

    return re.sub(r"''|\\x[0-9a-f]{2}|\\.", one, escaped)


@given(st.binary(max_size=20), st.data())
def test_two_forms_that_differ_in_one_digit_are_refused(value: bytes, data: st.DataObject) -> None:
    carried = bytearray(encode(literal(value + b"\0")))
    place = data.draw(st.sampled_from([i for i, b in enumerate(carried) if b in b"0123456789"]))
    carried[place] = ord("0") + (carried[place] - ord("0") + 1) % 10
    with pytest.raises(literals.TwoFormsError):
        decode(b"(" + bytes(carried) + b")")


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_control_characters_are_found_wherever_they_stand(pieces: list[str]) -> None:
    value = "".join(pieces)
    odd = any((ord(c) < 32 and c not in "\t\n") or ord(c) == 127 for c in value)
    assert has_control(value.encode()) == odd
