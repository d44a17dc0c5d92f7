"""Demo rows for tests of pytest, on each test's own connection (docs/pytest.md).

Every run of pytest loads this where the package is installed, so it imports nothing before a test
asks for demo rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from demo_snapshots.integrations.loaded import DemoLoad, DemoSnapshot
    from demo_snapshots.project import Project

Wanted = tuple[str, str | None, bool | None]
"""A scenario, a version of it, None for the latest, and whether its dates move with today."""

_USES = pytest.mark.usefixtures("demo_snapshot")
_MARKER = 'demo("SCENARIO", version="v3", fresh=True)'


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("demo-snapshots").addoption(
        "--demo-update",
        action="store_true",
        help="Save what assert_demo_matches finds in the database as the scenario's next version.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "demo(scenario, version=None, fresh=None): put the saved version, the latest if None, into"
        " the database of the fixture demo_connection before the test; fresh: with its dates moved",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """The marker asks for the fixture: as ``usefixtures`` does, and where the marker stands, so
    that fixtures with parameters are known before the tests are made of them."""
    if _asks(collector.own_markers):
        collector.add_marker(_USES)
    if isinstance(obj, FunctionType) and _asks(getattr(obj, "pytestmark", ())):
        _USES(obj)


def _asks(marks: Iterable[pytest.Mark]) -> bool:
    """Whether these have our marker, and do not ask for the fixture yet."""
    marks = list(marks)
    return any(mark.name == "demo" for mark in marks) and _USES.mark not in marks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The same for a marker of a single set of parameters, which stands nowhere else."""
    for item in items:
        if any(mark.name == "demo" for mark in item.own_markers):
            names = getattr(item, "fixturenames", None)
            if names is not None and "demo_snapshot" not in names:
                names.append("demo_snapshot")


@pytest.fixture(scope="session")
def demo_project(pytestconfig: pytest.Config) -> Project:
    """The project whose versions are loaded: the one that pytest's root directory belongs to.
    To be overridden for another."""
    from demo_snapshots.integrations.loaded import plainly
    from demo_snapshots.opening import open_project

    with plainly():
        return open_project(pytestconfig.rootpath)


@pytest.fixture
def demo_connection(request: pytest.FixtureRequest) -> object:
    """The connection whose database gets the demo rows, in the transaction it is in: of
    SQLAlchemy (or its session), Django, psycopg, PyMySQL or sqlite3. To be overridden; where
    pytest-django is in use it is that of the default database."""
    if _has_django(request.config):
        # With its marker's transaction=True, or transactional_db, this is no transaction either.
        request.getfixturevalue("db")
        from django.db import connection

        return connection
    pytest.fail(
        "No connection for the demo rows.\nOverride the fixture demo_connection: let it return the"
        " connection, or the session of SQLAlchemy, that the test works with.",
        pytrace=False,
    )


def _has_django(config: pytest.Config) -> bool:
    if not config.pluginmanager.has_plugin("django"):
        return False
    from pytest_django.lazy_django import django_settings_is_configured

    return bool(django_settings_is_configured())


@pytest.fixture(scope="session")
def demo_load(demo_project: Project, pytestconfig: pytest.Config) -> DemoLoad:
    """``demo_load(connection, "general", version=None, fresh=None)`` puts a version in and gives
    what ``demo_snapshot`` is: for fixtures of whatever scope, and several databases."""
    from demo_snapshots.integrations.loaded import DemoLoad

    return DemoLoad(demo_project, update=pytestconfig.getoption("--demo-update"))


@pytest.fixture
def demo_snapshot(
    request: pytest.FixtureRequest, demo_load: DemoLoad, demo_connection: object
) -> DemoSnapshot:
    """The version that the test's marker names, put into the database of ``demo_connection``."""
    marker = request.node.get_closest_marker("demo")
    if marker is None:
        pytest.fail(
            f"No scenario for demo_snapshot.\nMark the test: @pytest.mark.{_MARKER}.",
            pytrace=False,
        )
    scenario, version, fresh = _wanted(*marker.args, **marker.kwargs)
    return demo_load(demo_connection, scenario, version, fresh=fresh)


def _wanted(
    scenario: object = "",
    version: object = None,
    *more: object,
    fresh: object = None,
    **other: object,
) -> Wanted:
    """What a marker with these arguments asks for."""
    if (
        not (isinstance(scenario, str) and scenario)
        or not isinstance(version, str | None)
        or not isinstance(fresh, bool | None)
        or more
        or other
    ):
        pytest.fail(
            "The marker demo takes a scenario, and if need be a version and whether its dates move:"
            f" @pytest.mark.{_MARKER}.",
            pytrace=False,
        )
    return scenario, version, fresh
