"""The project's own migrations, run on a scratch database by Alembic or Django.

Of these tools it is known which of their commands only look. So it is found out first, by one of
those, that the project goes where ``DATABASE_URL`` leads: one that went elsewhere would migrate
the real database, and Django would take it back to the snapshot's migration.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.urls import parse_url
from demo_snapshots.errors import UpgradeError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.selection.schema import migration_head

logger = logging.getLogger(__name__)

_LOOK = {"alembic": ("current",), "django": ("showmigrations",)}
_HEAD = {"alembic": ("upgrade", "heads"), "django": ("migrate",)}
_NAME = re.compile(r"\w[\w-]*(?:\.\w[\w-]*)?")


def migrates(config: Config, header: Header) -> bool:
    """Whether the configuration says how to run the migrations that the snapshot was made with."""
    return bool(_command(config, _framework(header)))


def _framework(header: Header) -> str:
    return (header.migration or "").partition(" ")[0]


def _command(config: Config, framework: str) -> Sequence[str]:
    commands = {"alembic": config.upgrade.alembic, "django": config.upgrade.django}
    return commands.get(framework, ())


class Migrations:
    """The migrations that the snapshot of ``header`` was made with, run on the database ``url``,
    which is a scratch database."""

    def __init__(self, config: Config, header: Header, url: str) -> None:
        self.framework = _framework(header)
        self._wanted = (header.migration or "").partition(" ")[2].split(", ")
        self._words = _command(config, self.framework)
        self._directory = config.directory
        self._given = config.database
        self._url = url

    def to_snapshot(self) -> None:
        """Migrate the empty database to where the snapshot was made. Raises UpgradeError if the
        project's command does not go there, or fails."""
        self._require_obedient()
        for head in self._wanted:
            if not _NAME.fullmatch(head):
                raise UpgradeError(f"the snapshot was made at {head!r}, which is no migration")
            if self.framework == "django":
                self._run("migrate", *head.split("."))
            else:
                self._run("upgrade", head)
        with connect(self._url) as database:
            reached = (migration_head(database) or "").partition(" ")[2].split(", ")
        missing = [head for head in self._wanted if head not in reached]
        if missing:
            raise UpgradeError(
                f"{self._shown()} left the scratch database at {', '.join(reached) or 'nothing'},"
                f" and the snapshot was made at {', '.join(missing)}"
            )

    def to_head(self) -> None:
        """Migrate the database as far as it goes. Raises UpgradeError if that fails."""
        self._run(*_HEAD[self.framework])

    def _require_obedient(self) -> None:
        """Raise UpgradeError for a command that does not go to the database in DATABASE_URL."""
        look = _LOOK[self.framework]
        url = parse_url(self._url)
        nowhere = replace(url, database=f"{url.database}_none/none").render()
        if self._status(nowhere, look) == 0:
            raise UpgradeError(
                f"{self._shown(*look)} does not go to the database that DATABASE_URL names:"
                " nothing was run on any",
                hint="Have the project's settings read DATABASE_URL from the environment first.",
            )
        # One that fails anywhere has shown nothing.
        self._run(*look)

    def _run(self, *arguments: str) -> None:
        if status := self._status(self._url, arguments):
            raise UpgradeError(
                f"{self._shown(*arguments)} ended with status {status} in a scratch database",
                hint="Nothing was written, and the real database is as it was. What the command"
                " said is in the log, at level DEBUG.",
            )

    def _status(self, url: str, arguments: Sequence[str]) -> int:
        # The project may read another driver's name off the scheme.
        scheme, rest = self._given.partition(":")[0], url.partition(":")[2]
        try:
            done = subprocess.run(
                [*self._words, *arguments],
                cwd=self._directory,
                env={**os.environ, "DATABASE_URL": f"{scheme}:{rest}"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise UpgradeError(
                f"{self._shown()} cannot be run: {error.strerror}",
                hint="[upgrade] in the configuration says how the project's migrations are run.",
            ) from error
        said = done.stdout.decode("utf-8", "replace")
        password = parse_url(url).password
        logger.debug("%s: %s", self._shown(*arguments), _without(said, password))
        return done.returncode

    def _shown(self, *arguments: str) -> str:
        return " ".join([*self._words, *arguments])


def _without(said: str, password: str | None) -> str:
    return said.replace(password, "***") if password else said
