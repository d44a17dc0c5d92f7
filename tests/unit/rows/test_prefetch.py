"""From one thread to another: in order, bounded, and with its errors."""

from __future__ import annotations

import threading

import pytest

from demo_snapshots.rows.prefetch import ahead


def test_items_arrive_in_order():
    with ahead(iter(range(1000)), lambda _: 1, 3) as items:
        assert list(items) == list(range(1000))


def test_what_waits_is_bounded():
    made: list[int] = []

    def making():
        for number in range(100):
            made.append(number)
            yield number

    with ahead(making(), lambda _: 10, 30) as items:
        for number in items:
            # Three wait, one is in hand here, one there, and one is being made.
            assert len(made) <= number + 6
    assert len(made) == 100


def test_an_error_arrives_after_what_came_before_it():
    def failing():
        yield 1
        yield 2
        raise ValueError("the third")

    with ahead(failing(), lambda _: 1, 9) as items:
        assert [next(items), next(items)] == [1, 2]
        with pytest.raises(ValueError, match="the third"):
            next(items)


def test_nothing_runs_any_more_after_the_block():
    before = threading.active_count()

    def making():
        while True:
            yield 1

    with ahead(making(), lambda _: 1, 2) as items:
        assert next(items) == 1
    assert threading.active_count() == before
