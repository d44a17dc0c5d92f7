"""The store: saved snapshots, found again by scenario and version.

``open_store`` gives the store at a location. Policy is written once, in ``Store``; where and how
bytes are kept, only ``backends`` know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from demo_snapshots.errors import UsageError
from demo_snapshots.store.backends.base import Backend
from demo_snapshots.store.backends.directory import DirectoryBackend, is_in_git_work_tree
from demo_snapshots.store.contents import unknown_scenario
from demo_snapshots.store.inventory import Describe
from demo_snapshots.store.store import Draft, Store
from demo_snapshots.store.undo import UndoDraft, UndoEntry, UndoLog

__all__ = [
    "Draft",
    "Store",
    "UndoDraft",
    "UndoEntry",
    "UndoLog",
    "open_object",
    "open_store",
    "open_undo",
    "unknown_scenario",
]


def open_store(
    location: str | Path, describe: Describe, *, latest: Literal["link", "copy"] | None = None
) -> Store:
    """The store at ``location``, a directory that need not exist yet; nothing is touched.

    ``latest`` is how it is written: as a link, or as a copy, whose diff in git shows the rows that
    changed. None: as a copy in a work tree of git, as a link elsewhere.

    ``describe`` reads what a document says of itself, raising a DemoError for one that is not
    whole; the store calls it for documents its manifest does not know. Raises UsageError for a
    location that is a URL.
    """
    backend = _backend(location)
    in_git = latest is None and is_in_git_work_tree(Path(location))
    backend.copies_latest = in_git or latest == "copy"
    return Store(backend, describe)


def open_object(location: str | Path) -> tuple[Backend, str]:
    """Where an object is kept that is no part of a store, a backup: the place, and its key there.
    Nothing is touched. Raises UsageError for a location that is a URL."""
    if "://" in str(location):
        raise UsageError(
            f"a backup cannot be kept at {str(location).partition('://')[0]}://…",
            hint="Give a file.",
        )
    path = Path(location)
    return DirectoryBackend(path.parent), path.name


def open_undo(location: str | Path, database: str) -> UndoLog:
    """What imports replaced in the database of that name, kept in the store at ``location``."""
    return UndoLog(_backend(location), database)


def _backend(location: str | Path) -> DirectoryBackend:
    if "://" in str(location):
        raise UsageError(
            f"snapshots cannot be kept at {str(location).partition('://')[0]}://…",
            hint="Give a directory.",
        )
    return DirectoryBackend(Path(location))
