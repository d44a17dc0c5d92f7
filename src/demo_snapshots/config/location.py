"""Where a project is: its files are looked for upwards, and the paths in them begin where they lie.

As git and ruff do it, from the working directory up to the root of the repository. Outside of one
the working directory is all: what lies above it may be anybody's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_SQLITE_FILE = re.compile(r"(sqlite(?:\+[a-z0-9_]+)?:///)(?!/|:memory:|[A-Za-z]:|\?|$)")


def upwards(directory: Path) -> Iterator[Path]:
    """The directory, and those above it that are of the same repository."""
    lies = directory.resolve()
    above = (lies, *lies.parents)
    height = next((n for n, each in enumerate(above) if (each / ".git").exists()), 0)
    for each in above[: height + 1]:
        yield _as_seen(each)


def _as_seen(directory: Path) -> Path:
    """Its name from the working directory, whole where neither lies in the other."""
    here = Path.cwd()
    if here.is_relative_to(directory) or directory.is_relative_to(here):
        return Path(os.path.relpath(directory, here))
    return directory


def from_here(path: str, directory: Path) -> str:
    """A path that a file in ``directory`` names, or a URL, which stays what it is."""
    if "://" in path or directory == Path():
        return path
    return str(directory / path)


def url_from_here(url: str, directory: Path) -> str:
    """A database's URL that a file in ``directory`` holds; only a file of SQLite is a path."""
    if directory == Path():
        return url
    return _SQLITE_FILE.sub(lambda match: f"{match[1]}{quote(str(directory.as_posix()))}/", url)
