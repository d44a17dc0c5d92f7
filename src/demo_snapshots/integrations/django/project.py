"""A project whose database is one of DATABASES."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from msgspec.structs import replace

from demo_snapshots.config.settings import ApplicationSettings, Config, load_config
from demo_snapshots.errors import ConfigError, UsageError
from demo_snapshots.integrations.django.databases import (
    connection_of,
    database_url,
    driver_connection,
    only_there,
)
from demo_snapshots.project import Project
from demo_snapshots.upkeep import Clock, utc_now

if TYPE_CHECKING:
    from demo_snapshots.model.changes import Comparison
    from demo_snapshots.model.results import ExportResult, ImportResult, ValidationResult

SETTING = "DEMO_SNAPSHOTS"


class DjangoProject(Project, frozen=True, dict=True):
    """A project on one of Django's databases. While Django is in a transaction there, or where
    nobody else can see the database, its verbs work on Django's own connection."""

    own_connection: Callable[[], object] = lambda: None
    """Django's connection to work on, None where one of its own will do."""

    def export(self, scenario: str, **options: Any) -> ExportResult:
        return super().export(scenario, **self._connected(options))

    def import_(self, scenario: str, **options: Any) -> ImportResult:
        return super().import_(scenario, **self._connected(options))

    def after_import(self, result: ImportResult) -> None:
        """As that of Project; where the rows may yet be rolled back, no command is run."""
        if self.own_connection() is None:
            super().after_import(result)

    def undo(self, number: int | None = None, **options: Any) -> ImportResult:
        return super().undo(number, **self._connected(options))

    def validate(self, scenario: str | None = None, **options: Any) -> ValidationResult:
        return super().validate(scenario, **self._connected(options))

    def compare_with_database(
        self, scenario: str, version: str | None = None, **options: Any
    ) -> Comparison:
        return super().compare_with_database(scenario, version, **self._connected(options))

    def _connected(self, options: dict[str, Any]) -> dict[str, Any]:
        if options.get("connection") is None:
            options["connection"] = self.own_connection()
        return options


def open_project(
    alias: str = DEFAULT_DB_ALIAS,
    *,
    snapshots: str | Path | None = None,
    config_file: str | Path | None = None,
    cache: bool | None = None,
    clock: Clock = utc_now,
) -> DjangoProject:
    """The project whose demo rows are in the database ``alias`` of DATABASES.

    What ``demo.toml`` would hold is the setting DEMO_SNAPSHOTS, where there is one; else the file
    is looked for from BASE_DIR up. Nothing is connected to or written. Raises UsageError for an
    unknown alias, and ConfigError.
    """
    connection = connection_of(alias)
    config = load_config(
        database=database_url(connection),
        snapshots=snapshots,
        file=config_file,
        cache=cache,
        environment=os.environ,
        directory=project_directory(),
        settings=_application_settings(),
    )

    def own_connection() -> object:
        return driver_connection(connection) if only_there(connection) else None

    return DjangoProject(_with_origin(config, alias), clock, own_connection=own_connection)


def project_directory() -> Path:
    """BASE_DIR, as ``startproject`` calls it; else the working directory."""
    return Path(getattr(settings, "BASE_DIR", None) or "")


def require_file() -> None:
    """Raise UsageError where DEMO_SNAPSHOTS stands in for a ``demo.toml``."""
    if getattr(settings, SETTING, None) is not None:
        raise UsageError(
            f"the setting {SETTING} is there, and would hide a demo.toml; nothing was written",
            hint="Print what it would say, and take from it what you like.",
        )


def _application_settings() -> ApplicationSettings | None:
    content = getattr(settings, SETTING, None)
    if content is None:
        return None
    section = content.get("demo") if isinstance(content, Mapping) else None
    if isinstance(section, Mapping) and "database" in section:
        raise ConfigError(f"{SETTING}: demo.database: the databases are those of DATABASES")
    return ApplicationSettings(_with_texts(content), SETTING)


def _with_texts(value: Any) -> Any:
    """With text in the place of paths, which settings make of BASE_DIR."""
    if isinstance(value, Mapping):
        return {name: _with_texts(item) for name, item in value.items()}
    return str(value) if isinstance(value, Path) else value


def _with_origin(config: Config, alias: str) -> Config:
    told = tuple(
        replace(setting, origin=f"DATABASES[{alias!r}]") if setting.name == "database" else setting
        for setting in config.settings
    )
    return replace(config, settings=told)
