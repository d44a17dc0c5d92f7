"""Thousands of tampered documents; ``make fuzz`` tries many more of the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from database_engines import missing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safety.harness import Harness, harness
from safety.mutating import Tampering, resealed, tamperings
from servers import Run

CASES = {"sqlite": 1500, "postgresql": 150, "mariadb": 150}


@pytest.fixture(scope="module", params=CASES)
def mixed(request: pytest.FixtureRequest, servers: Run) -> Iterator[Harness]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(harness(servers, request.param, Harness))
        except LookupError as error:
            missing(str(error))
        yield found


def test_the_document_they_were_made_from_is_accepted(mixed: Harness) -> None:
    for document in mixed.documents:
        for bare in (False, True):
            before = mixed.outcomes["accepted"]
            mixed.check(document, bare=bare)
            assert mixed.outcomes["accepted"] == before + 1


def test_a_tampered_document_changes_nothing_or_all_it_says(mixed: Harness) -> None:
    @settings(
        max_examples=CASES[mixed.mixed.live.engine],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tamperings(), st.booleans(), st.booleans())
    def each(tampering: Tampering, bare: bool, asks: bool) -> None:
        mixed.check(tampering.apply(mixed.documents), bare=bare, asks=asks)

    each()
    mixed.check_objects()
    # Were all refused for the same reason, nothing but that would have been tried.
    assert mixed.outcomes["accepted"] > 10
    assert mixed.outcomes["DocumentError"] > 10


def test_a_value_that_the_server_refuses_is_not_told(mixed: Harness) -> None:
    good, bad = b'"demo_seed": true', b'"demo_seed": s3nsitive'
    before = mixed.outcomes["accepted"]
    for document in mixed.documents:
        mixed.check(resealed(document.replace(good, bad, 1)))
    assert mixed.outcomes["accepted"] == before
