"""Random merges against an oracle; DEMO_MERGE_CASES says how many, 500 if it does not."""

from __future__ import annotations

import os

import pytest
from property.merging import check

CASES = int(os.environ.get("DEMO_MERGE_CASES", "500"))
PARTS = 4


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_merge_is_what_the_oracle_says(part: int) -> None:
    found = {}
    for seed in range(part, CASES, PARTS):
        try:
            found[seed] = check(seed)
        except Exception as error:
            raise AssertionError(f"case {seed}: {error}") from error
    conflicts = sum(count > 0 for count, _, _ in found.values())
    renewed = sum(count > 0 for _, count, _ in found.values())
    broken = sum(not whole for _, _, whole in found.values())
    assert conflicts > len(found) // 10
    assert renewed > len(found) // 100
    assert broken > len(found) // 20
