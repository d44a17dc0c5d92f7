"""Find a project: its configuration, and what goes with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from demo_snapshots.config.settings import load_config
from demo_snapshots.project import Project
from demo_snapshots.upkeep import Clock, utc_now


def open_project(
    directory: str | Path | None = None,
    *,
    database: str | None = None,
    snapshots: str | Path | None = None,
    config_file: str | Path | None = None,
    cache: bool | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Clock = utc_now,
) -> Project:
    """Find the configuration of the project in ``directory``, the working directory if None.

    ``database`` (a URL), ``snapshots`` (a directory, or the URL of a bucket) and ``config_file``
    are what the command's options of these names are, and win over all else. ``cache``: whether
    what comes from a bucket is kept here, None as configured. ``environment`` stands for the
    process's, which it is if None; ``clock`` tells the moment that exports carry. Nothing is
    connected to or written. Raises ConfigError.
    """
    config = load_config(
        database=database,
        snapshots=snapshots,
        file=config_file,
        cache=cache,
        environment=os.environ if environment is None else environment,
        directory=None if directory is None else Path(directory),
    )
    return Project(config, clock)
