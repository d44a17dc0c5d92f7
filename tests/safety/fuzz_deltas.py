"""``make fuzz``: many more tampered deltas than the test run has time for.

``python -m safety.fuzz_deltas --cases 20000 --seed 1`` from the directory of the tests. Fails
at the first that makes other rows than it says, made as small as can be.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import hypothesis
from hostile.deltas import WHOLE, outcome, rows_of, tampered
from hypothesis import HealthCheck, given, settings

BLOCK = 2000
"""Cases of one seed: Hypothesis remembers what it has tried, and slows down with it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    found: Counter[str] = Counter()
    good = rows_of(WHOLE)
    for first in range(0, arguments.cases, BLOCK):

        @hypothesis.seed(arguments.seed + first)
        @settings(
            max_examples=min(BLOCK, arguments.cases - first),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(tampered())
        def each(delta: bytes) -> None:
            made = outcome(delta)
            assert made in (None, good)
            found["refused" if made is None else "the version that it says"] += 1

        each()
    told = ", ".join(f"{name} {n}" for name, n in found.most_common())
    print(f"deltas: {found.total()} cases: {told}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
