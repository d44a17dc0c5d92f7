"""Thousands of tampered documents; ``make fuzz`` tries many more of the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from database_engines import missing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safety.arena import Arena, arena
from safety.mutating import Tampering, resealed, tamperings
from servers import Run

CASES = {"sqlite": 1500, "postgresql": 150, "mariadb": 150}


@pytest.fixture(scope="module", params=CASES)
def town(request: pytest.FixtureRequest, servers: Run) -> Iterator[Arena]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(arena(servers, request.param))
        except LookupError as error:
            missing(str(error))
        yield found


def test_the_document_they_were_made_from_is_accepted(town: Arena) -> None:
    for document in town.documents:
        for bare in (False, True):
            before = town.outcomes["accepted"]
            town.check(document, bare=bare)
            assert town.outcomes["accepted"] == before + 1


def test_a_tampered_document_changes_nothing_or_all_it_says(town: Arena) -> None:
    @settings(
        max_examples=CASES[town.town.live.engine],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tamperings(), st.booleans(), st.booleans())
    def each(tampering: Tampering, bare: bool, asks: bool) -> None:
        town.check(tampering.apply(town.documents), bare=bare, asks=asks)

    each()
    town.check_objects()
    # Were all refused for the same reason, nothing but that would have been tried.
    assert town.outcomes["accepted"] > 10
    assert town.outcomes["DocumentError"] > 10


def test_a_value_that_the_server_refuses_is_not_told(town: Arena) -> None:
    good, bad = b'"demo_seed": true', b'"demo_seed": s3nsitive'
    before = town.outcomes["accepted"]
    for document in town.documents:
        town.check(resealed(document.replace(good, bad, 1)))
    assert town.outcomes["accepted"] == before
