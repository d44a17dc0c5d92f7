"""A version in the database of a test, and what the test may say of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import pytest
from msgspec import Struct

from demo_snapshots.errors import DemoError, ExportNotFoundError
from demo_snapshots.model.changes import Comparison
from demo_snapshots.model.results import ImportResult
from demo_snapshots.operations.fixture import Fixture
from demo_snapshots.project import Project
from demo_snapshots.render.comparison.kept import KeptChanges
from demo_snapshots.render.comparison.text import TextForm, heading

_WIDTH = 100
_SHOWN = 20
"""Changes of each table, as many as a comparison shows on the terminal."""


class DemoLoad:
    """Puts versions of one project into databases; each is read once."""

    def __init__(self, project: Project, *, update: bool = False) -> None:
        self.project = project
        self.update = update
        self._fixtures: dict[tuple[str, str | None, bool | None], Fixture] = {}

    def __call__(
        self,
        connection: object,
        scenario: str,
        version: str | None = None,
        *,
        fresh: bool | None = None,
    ) -> DemoSnapshot:
        """Make the demo rows in the database of ``connection`` the version's, the latest that
        there was at first if None. ``fresh``, or None as the configuration says: evergreen dates
        lead up to the moment of the first time."""
        __tracebackhide__ = True
        if connection is None:
            # It would be the database of the configuration, which no test is to write to.
            pytest.fail("The connection for the demo rows is None.", pytrace=False)
        wanted = scenario, version, fresh
        with plainly():
            if wanted not in self._fixtures:
                self._fixtures[wanted] = self.project.fixture(scenario, version, fresh=fresh)
            loaded = self._fixtures[wanted].load(connection)
        return DemoSnapshot(self, self._fixtures[wanted], connection, loaded)


class DemoSnapshot(Struct, frozen=True):
    """A version in the database of a test's ``connection``; ``loaded`` says how it got there."""

    load: DemoLoad
    fixture: Fixture
    connection: object
    loaded: ImportResult

    def __repr__(self) -> str:
        return f"<DemoSnapshot {self.scenario} {self.version}>"

    @property
    def scenario(self) -> str:
        return self.loaded.scenario

    @property
    def version(self) -> str:
        return str(self.loaded.version)

    def assert_demo_unchanged(
        self, *, tables: Iterable[str] = (), ignore: Iterable[str] = ()
    ) -> None:
        """Fail, showing what changed, unless the demo rows are the version's. ``tables`` and
        ``ignore`` are what the comparison's options of these names take."""
        __tracebackhide__ = True
        self._flush()
        with plainly(pytrace=True):
            if self.fixture.is_loaded(self.connection):
                return
            told = self._compare(self.scenario, self.version, tables, ignore)
        if told:
            pytest.fail(told)

    def assert_demo_matches(
        self, scenario: str, *, tables: Iterable[str] = (), ignore: Iterable[str] = ()
    ) -> None:
        """Fail, showing the differences, unless the demo rows of ``scenario`` are those of its
        latest version. With ``--demo-update`` they become its next version instead, or its
        first."""
        __tracebackhide__ = True
        self._flush()
        project, update = self.load.project, self.load.update
        with plainly(pytrace=True):
            try:
                told = self._compare(scenario, None, tables, ignore)
            except ExportNotFoundError as error:
                told = error.message
            if told and update:
                project.export(scenario, connection=self.connection)
                return
        if told:
            pytest.fail(f"{told}\nIf the database is as it should be: pytest --demo-update")

    def _flush(self) -> None:
        """What a session of SQLAlchemy has not sent yet is what the test did all the same."""
        flush = getattr(self.connection, "flush", None)
        if callable(flush):
            flush()

    def _compare(
        self, scenario: str, version: str | None, tables: Iterable[str], ignore: Iterable[str]
    ) -> str:
        """The differences for people, empty if there are none."""
        with closing(KeptChanges(_SHOWN, sys.maxsize)) as kept:
            found = self.load.project.compare_with_database(
                scenario,
                version,
                connection=self.connection,
                tables=tables,
                ignore=ignore,
                tell=kept,
            )
            return "\n".join(_lines(found, kept)) if found.differs else ""


def _lines(found: Comparison, kept: KeptChanges) -> Iterator[str]:
    for line in (heading(found), *TextForm(_WIDTH).lines(found, kept)):
        yield "".join(text for text, _ in line).rstrip()


@contextmanager
def plainly(*, pytrace: bool = False) -> Iterator[None]:
    """Have errors of ours fail the test or fixture by their words. With ``pytrace`` the line of
    the test that led to one is shown as well; no line of ours says more."""
    __tracebackhide__ = True
    try:
        yield
    except DemoError as error:
        lines = [error.message, *(f"  - {p}" for p in error.problems if p not in error.message)]
        failure = "\n".join([*lines, *([error.hint] if error.hint else [])])
        raise pytest.fail.Exception(failure, pytrace=pytrace) from None
