"""The arithmetic of sequences: up and down, in steps, at their ends."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from demo_snapshots.engines.base.counters import Counter

ENDLESS = (-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("increment", "stands", "key", "expected"),
    [
        (1, 5, 9, 9),
        (10, 5, 16, 15),
        (10, 5, 15, 15),
        (-3, -1, -5, -4),
        (-3, -1, -7, -7),
        (10, 1005, 16, 15),
    ],
)
def test_a_key_in_step(increment: int, stands: int, key: int, expected: int) -> None:
    assert Counter(increment, *ENDLESS, cycles=False).in_step(stands, key) == expected


@given(st.integers(-50, 50), st.integers(*ENDLESS), st.integers(*ENDLESS))
def test_what_comes_after_it_is_past_the_key_and_in_step(
    increment: int, stands: int, key: int
) -> None:
    assume(increment)
    counter = Counter(increment, *ENDLESS, cycles=False)
    coming = counter.in_step(stands, key) + increment
    assert counter.is_beyond(coming, key)
    assert not counter.is_beyond(coming - increment, key)
    assert (coming - stands) % increment == 0


def test_at_its_end() -> None:
    assert Counter(5, 1, 100, cycles=False).after(95) == 100
    assert Counter(5, 1, 100, cycles=False).after(96) is None
    assert Counter(5, 1, 100, cycles=True).after(96) == 1
    assert Counter(-5, 1, 100, cycles=True).after(5) == 100
