"""``make fuzz``: many more tampered documents than the test run has time for.

``python -m safety.fuzz --cases 100000 --engine sqlite --seed 1`` from the directory of the tests.
Fails at the first document that breaks the property, made as small as can be.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safety.harness import Harness, harness
from safety.mutating import Tampering, tamperings
from servers import Run

from demo_snapshots.selection import demo_set

BLOCK = 2000
"""Cases of one seed: Hypothesis remembers what it has tried, and slows down with it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--engine", default="sqlite")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    reflect_once()
    servers = Run()
    try:
        with harness(servers, arguments.engine, Harness) as place:
            for first in range(0, arguments.cases, BLOCK):
                _block(place, min(BLOCK, arguments.cases - first), arguments.seed + first)
                place.check_objects()
                told = ", ".join(f"{name} {n}" for name, n in place.outcomes.most_common())
                line = f"{arguments.engine}: {place.outcomes.total()} cases: {told}"
                print(line, flush=True)  # noqa: T201
    finally:
        servers.close()


def _block(place: Harness, cases: int, seed: int) -> None:
    @hypothesis.seed(seed)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tamperings(), st.booleans(), st.booleans())
    def each(tampering: Tampering, bare: bool, asks: bool) -> None:
        place.check(tampering.apply(place.documents), bare=bare, asks=asks)

    each()


def reflect_once() -> None:
    """The schema stays the same, and looking at it anew takes half the time of a case."""
    reflect = vars(demo_set)["reflect"]
    found: dict[str, Any] = {}

    def remembered(database: Any, *rest: Any) -> Any:
        if database.label not in found:
            found[database.label] = reflect(database, *rest)
        return found[database.label]

    vars(demo_set)["reflect"] = remembered


if __name__ == "__main__":
    main()
