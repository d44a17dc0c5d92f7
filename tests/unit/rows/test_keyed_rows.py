"""Rows one by one, their cells and keys, and two sides joined by them."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property.values import VALUES, literal, row

from demo_snapshots.rows.join import MergeJoin
from demo_snapshots.rows.keys import key_of
from demo_snapshots.rows.literals import cells, count_rows, records, value_of
from demo_snapshots.rows.spill import Sorter

LOOKUP = b"\n(SELECT id FROM \"o'dd\" WHERE iso='),\n(' AND n=CAST(X'00' AS CHAR))\n"


@given(st.lists(st.lists(VALUES, min_size=1, max_size=5), min_size=1, max_size=6))
def test_records_and_cells_are_what_the_rows_were_made_of(rows):
    text = b",\n".join(row(values) for values in rows)
    found = records(text)
    assert found == [row(values)[1:-1] for values in rows]
    assert count_rows(text) == len(rows)
    for record, values in zip(found, rows, strict=True):
        assert cells(record) == [literal(value) for value in values]


@given(VALUES)
def test_a_literal_says_its_value(value):
    said = value_of(literal(value))
    if isinstance(value, float):
        assert isinstance(said, (int, Decimal))
        assert float(said) == value
    else:
        assert said == value


def test_numbers_that_are_not_whole_keep_their_digits():
    assert str(value_of(b"1.00")) == "1.00"
    assert value_of(b"-0") == 0
    assert isinstance(value_of(b"1e+05"), Decimal)


def test_a_reference_by_natural_key_is_one_cell():
    rows = b"(1," + LOOKUP + b",'a'),\n(2,CAST(X'00' AS CHAR)," + LOOKUP + b")"
    assert records(rows) == [b"1," + LOOKUP + b",'a'", b"2,CAST(X'00' AS CHAR)," + LOOKUP]
    assert cells(records(rows)[1]) == [b"2", b"CAST(X'00' AS CHAR)", LOOKUP]
    assert value_of(LOOKUP) == LOOKUP[1:-1].decode()


def test_keys_sort_numbers_by_number_and_text_by_its_bytes():
    by_number, by_text = key_of(2, [0], [True]), key_of(2, [0], [False])
    assert by_number(b"9,NULL") < by_number(b"10,NULL")
    assert by_text(b"10,NULL") < by_text(b"9,NULL")
    assert by_text(b"'a'',b',NULL") == ((2, b"a',b"),)
    assert by_text(b"'Z',1") < by_text(b"'a',1") < by_text("'ä',1".encode())
    # SQLite's own order: NULL, numbers, text, binary values.
    mixed = [b"NULL", b"-2", b"1.5", b"'1'", b"X'00'"]
    assert [by_number(cell + b",1") for cell in mixed] == sorted(
        by_number(cell + b",1") for cell in mixed
    )


def test_a_key_of_several_columns_is_in_its_own_order():
    key = key_of(3, [2, 0], [False, True])
    assert key(b"7,'x','b'") == ((2, b"b"), (1, 7))


Side = st.dictionaries(st.integers(0, 60), st.integers(0, 2), max_size=40)


@given(Side, Side, st.integers(0, 1 << 16))
def test_the_join_finds_what_differs_however_the_rows_are_cut(old, new, seed):
    chance = random.Random(seed)
    join = MergeJoin(cut(old, chance), cut(new, chance), key_of(2, [0], [True]))
    pairs = list(join)
    expected = [
        (record(key, old), record(key, new))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    assert pairs == expected
    assert join.same == sum(1 for key in old if old[key] == new.get(key))


def record(key: int, side: dict[int, int]) -> bytes | None:
    return b"%d,%d" % (key, side[key]) if key in side else None


def cut(side: dict[int, int], chance: random.Random) -> list[list[bytes]]:
    rows = [b"%d,%d" % item for item in sorted(side.items())]
    lists: list[list[bytes]] = [[]]
    for each in rows:
        while chance.random() < 0.3:
            lists.append([])
        lists[-1].append(each)
    return lists


def test_rows_out_of_order_are_not_joined():
    join = MergeJoin([[b"1,1", b"3,1", b"2,1"]], [[b"1,2", b"2,2", b"3,2"]], key_of(2, [0], [True]))
    with pytest.raises(ValueError, match="order"):
        list(join)


@pytest.mark.parametrize("most", [1, 500, 1 << 20])
def test_what_is_sorted_in_runs_comes_back_sorted(most):
    numbers = list(range(300))
    random.Random(5).shuffle(numbers)
    sorter = Sorter(lambda record: int(record[0]), most)
    for number in numbers:
        sorter.add((b"%d" % number, b"x"))
    for _ in range(2):  # as often as it is asked
        assert [int(first) for first, _ in sorter] == sorted(numbers)
    sorter.close()
