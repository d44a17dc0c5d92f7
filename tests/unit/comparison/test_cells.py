"""Which cells of two rows differ: values at the edges of what can be told apart."""

from __future__ import annotations

import pytest

from demo_snapshots.comparison.cells import Compared, differing, normal
from demo_snapshots.model.changes import Cell, Json
from demo_snapshots.model.tables import Kind
from demo_snapshots.rows.keys import sort_number
from demo_snapshots.rows.literals import value_of


def cells(old: bytes, new: bytes, kind: Kind, *, exact: bool) -> tuple[Cell, ...]:
    return differing([Compared("value", 0, 0, kind)], [old], [new], exact=exact)


@pytest.mark.parametrize("kind", [Kind.DECIMAL, Kind.FLOAT])
def test_numbers_that_differ_after_many_digits_differ(kind):
    one, other = b"1." + b"0" * 40 + b"1", b"1." + b"0" * 40 + b"2"
    assert cells(one, other, kind, exact=False)
    assert not cells(one, one + b"0", kind, exact=False)


def test_numbers_in_json_that_differ_after_many_digits_differ():
    texts = [b'\'{"a": 1.' + b"0" * 40 + digit + b"}'" for digit in (b"1", b"2", b"10")]
    [cell] = cells(texts[0], texts[1], Kind.JSON, exact=False)
    assert cell.path == ("a",)
    assert isinstance(cell.old, Json)
    assert not cells(texts[0], texts[2], Kind.JSON, exact=False)


@pytest.mark.parametrize("exact", [True, False])
def test_json_that_is_nested_too_deep_is_compared_as_a_text(exact):
    def nested(inner: bytes) -> bytes:
        return b"'" + b"[" * 5_000 + inner + b"]" * 5_000 + b"'"

    [cell] = cells(nested(b"1"), nested(b"2"), Kind.JSON, exact=exact)
    assert cell.path == ()
    assert not cells(nested(b"1"), nested(b"1"), Kind.JSON, exact=exact)


def test_whole_numbers_of_any_length_are_read():
    long = b"-" + b"7" * 50_000
    assert str(value_of(long)).encode() == long
    assert sort_number(long) < sort_number(b"1")
    assert normal(long, Kind.DECIMAL) != normal(long + b"1", Kind.DECIMAL)
