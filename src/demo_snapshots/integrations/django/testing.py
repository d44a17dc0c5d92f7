"""Demo rows in Django's test cases."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.test import TestCase

from demo_snapshots.errors import UsageError
from demo_snapshots.integrations.django.databases import connection_of, driver_connection
from demo_snapshots.integrations.django.project import DjangoProject, open_project

_SHOWN = 20
"""Changes of each table."""


class DemoSnapshotsMixin:
    """Beside ``TestCase`` or ``TransactionTestCase``, and before it among the bases: the demo rows
    of ``demo_snapshots`` are there, as ``fixtures`` are.

    Of each scenario it is the latest version, or the one named: ``"general"``, ``"general v3"``.
    They are put in on Django's own connection, so that they are rolled back or flushed as all else
    is. A ``TestCase`` has them from ``setUpTestData`` on, a ``TransactionTestCase`` from ``setUp``;
    what overrides these calls ``super()`` first. Raises DemoError.
    """

    demo_snapshots: Sequence[str] = ()
    demo_database = DEFAULT_DB_ALIAS
    """The alias in DATABASES."""
    demo_fresh = False
    """Whether evergreen dates lead up to today, rather than being those that were saved."""

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()  # type: ignore[misc]
        cls._import_demo()

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        if not isinstance(self, TestCase):
            self._import_demo()

    @classmethod
    def _import_demo(cls) -> None:
        project, connection = cls._demo_project()
        for number, wanted in enumerate(cls.demo_snapshots):
            scenario, _, version = wanted.partition(" ")
            project.import_(
                scenario,
                version=version or None,
                keep_other_scenarios=number > 0,
                fresh=cls.demo_fresh,
                # Nobody would roll back uploaded files.
                blobs=None,
                connection=connection,
            )

    @classmethod
    def _demo_project(cls) -> tuple[DjangoProject, Any]:
        connection = connection_of(cls.demo_database)
        return open_project(cls.demo_database), driver_connection(connection)

    def assertDemoUnchanged(self, scenario: str | None = None) -> None:  # noqa: N802
        """Fail, showing the cells that differ, unless the demo rows are exactly those of the
        snapshot: of ``scenario``, named as above, or of the first of ``demo_snapshots``."""
        from demo_snapshots.render.comparison.kept import KeptChanges
        from demo_snapshots.render.comparison.text import TextForm

        wanted = scenario or next(iter(self.demo_snapshots), None)
        if wanted is None:
            raise UsageError("no scenario to compare with: name one, or set demo_snapshots")
        name, _, version = wanted.partition(" ")
        project, connection = self._demo_project()
        with closing(KeptChanges(_SHOWN, sys.maxsize)) as kept:
            found = project.compare_with_database(
                name, version or None, connection=connection, tell=kept
            )
            lines = ["".join(text for text, _ in line) for line in TextForm(100).lines(found, kept)]
        if found.differs:
            raise AssertionError("\n".join([f"{name} is not what was saved", *lines]))
