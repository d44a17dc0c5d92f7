"""Some hundred tampered files in JSON and YAML, rows written by hand, and backups; ``make fuzz``
tries many more of the same."""

from __future__ import annotations

import pytest
from safety.fuzz_forms import attempt, subject

CASES = {"json": 60, "yaml": 60, "hand": 80, "golden": 80, "backup": 80}


@pytest.mark.parametrize("kind", CASES)
def test_a_tampered_file_breaks_no_promise(kind: str) -> None:
    with subject(kind, "sqlite") as tried:
        for number in range(CASES[kind]):
            document, fault = attempt(tried, 1, number)
            if fault is not None:
                raise AssertionError(f"case {number}: {document!r}") from fault
        assert tried.outcomes["accepted"] > 5
        assert tried.outcomes["DocumentError"] > 10
