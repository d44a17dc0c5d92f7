"""The store: saved snapshots, found again by scenario and version.

``open_store`` gives the store at a location; ``protocol.Store`` says what any store promises.
Only this room knows where snapshots are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from demo_snapshots.errors import UsageError
from demo_snapshots.model.snapshots import Description
from demo_snapshots.store.contents import unknown_scenario
from demo_snapshots.store.directory import DirectoryStore
from demo_snapshots.store.protocol import Draft, Store

__all__ = ["Draft", "Store", "open_store", "unknown_scenario"]


def open_store(location: str | Path, describe: Callable[[Path], Description]) -> Store:
    """The store at ``location``, a directory that need not exist yet; nothing is touched.

    ``describe`` reads what a document file says of itself, raising a DemoError for a file that
    is not a whole document; the store calls it for files its manifest does not know. Raises
    UsageError for a location that is a URL.
    """
    if "://" in str(location):
        raise UsageError(
            f"snapshots cannot be kept at {str(location).partition('://')[0]}://…",
            hint="Give a directory.",
        )
    return DirectoryStore(Path(location), describe)
