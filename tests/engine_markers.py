"""Which engines a test opens databases on: told by its fixtures and parameters, marked for `-m`.

``postgresql15`` is marked ``postgresql``. A test that opens databases, but on which engines
neither its fixtures (``mariadb_url``) nor its parameters (``"mariadb"``) say, counts as one of
every engine, so that a run without servers never starts one.
"""

from __future__ import annotations

import pytest
from database_engines import ENGINES

MARKERS = ("sqlite", "postgresql", "mariadb")
_BUCKETS = {"seaweedfs", "moto", "bucket_url", "moto_url"}


def marker(engine: str) -> str:
    return engine.removesuffix("15")


def mark_engines(item: pytest.Item) -> None:
    names: list[str] = getattr(item, "fixturenames", [])
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    values = {value for value in parameters if isinstance(value, str)}
    if _BUCKETS & {*names, *values}:
        item.add_marker("buckets")
    if "servers" not in names:  # beneath every fixture that opens a database
        return
    told = {name.removesuffix("_url") for name in names} | values
    for name in {marker(engine) for engine in told.intersection(ENGINES)} or MARKERS:
        item.add_marker(name)


def check_marked(item: pytest.Item, engine: str) -> None:
    """Fail a test that opens a database of an engine it is not marked for."""
    if item.get_closest_marker(marker(engine)) is None:
        pytest.fail(
            f"{item.name} opens a database on {engine}: give it the fixture {engine}_url, or a"
            " parameter that says so, for `-m` to tell",
            pytrace=False,
        )
