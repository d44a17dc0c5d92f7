"""A system check: does the latest version of each scenario still fit the tables?

Django imports this whenever it starts, so what a check needs is imported when there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Warning
from django.db.migrations.recorder import MigrationRecorder

from demo_snapshots.errors import DemoError
from demo_snapshots.model.words import Call, Words

if TYPE_CHECKING:
    from demo_snapshots.integrations.django.project import DjangoProject

logger = logging.getLogger(__name__)


def check_snapshots(
    app_configs: object, databases: Iterable[str] | None = None, **_: object
) -> list[CheckMessage]:
    """Warn of every saved scenario whose latest version no longer fits the tables of one of the
    ``databases``. Looks at descriptions of tables, at no rows, and never raises. Where a version
    is of a later migration than the database, ``migrate`` is due and nothing is said; nor of
    versions in a bucket."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            found += _warnings(alias)
        except DemoError as error:
            message = f"{alias}: {_worded(error.message)}"
            found.append(Warning(message, hint=_worded(error.hint or ""), id=f"{_ID}2"))
        except Exception as error:
            # Whatever it is, it is not this check that should keep `migrate` from running.
            logger.debug("checking what is saved of %s", alias, exc_info=True)
            message = f"{alias}: what is saved could not be checked: {type(error).__name__}"
            found.append(Warning(message, id=f"{_ID}2"))
    return found


_ID = "demo_snapshots.W00"


def _warnings(alias: str) -> Iterator[CheckMessage]:
    from demo_snapshots.integrations.django.databases import connection_of
    from demo_snapshots.integrations.django.project import open_project
    from demo_snapshots.model.sources import is_bucket

    project = open_project(alias)
    if is_bucket(project.config.snapshots):
        return  # `migrate` is not to wait for a server elsewhere.
    applied = MigrationRecorder(connection_of(alias)).applied_migrations()
    for scenario in project.store.scenarios() if applied else ():
        if not _is_later(project, scenario, applied):
            yield from _misfit(project, scenario)


def _is_later(project: DjangoProject, scenario: str, applied: dict[tuple[str, str], Any]) -> bool:
    latest = project.store.latest(scenario)
    framework, _, heads = ((latest and latest.migration) or "").partition(" ")
    wanted = {tuple(head.split(".", 1)) for head in heads.split(", ") if head}
    return framework == "django" and not wanted <= applied.keys()


def _misfit(project: DjangoProject, scenario: str) -> Iterator[CheckMessage]:
    result = project.validate(scenario, schema_only=True)
    if result.problems:
        yield Warning(
            "\n".join(map(_worded, result.problems)),
            hint=_worded(Words(Call("upgrade", scenario), " makes a version in today's tables."))
            if result.upgrade_due
            else f"Say under [[drift]] what became of the tables, or export {scenario} again.",
            obj=f"{scenario} {result.version}",
            id=f"{_ID}1",
        )


def _worded(text: str) -> str:
    from demo_snapshots.integrations.django.management.wording import WORDING

    return WORDING.line(text)
