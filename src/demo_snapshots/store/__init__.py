"""The store: saved snapshots, found again by scenario and version.

``open_store`` gives the store at a location. Policy is written once, in ``Store``; where and how
bytes are kept, only ``backends`` know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from demo_snapshots.errors import UsageError
from demo_snapshots.model.sources import is_bucket
from demo_snapshots.store.backends.base import Backend
from demo_snapshots.store.backends.directory import DirectoryBackend
from demo_snapshots.store.backends.git import is_in_git_work_tree
from demo_snapshots.store.blobs import FOLDER as BLOBS
from demo_snapshots.store.blobs import Blobs
from demo_snapshots.store.contents import unknown_scenario
from demo_snapshots.store.inventory import Describe
from demo_snapshots.store.store import Draft, PartDraft, Store, Whole
from demo_snapshots.store.undo import UndoDraft, UndoEntry, UndoLog

__all__ = [
    "Draft",
    "PartDraft",
    "Store",
    "UndoDraft",
    "UndoEntry",
    "UndoLog",
    "blobs_beside",
    "open_object",
    "open_store",
    "open_undo",
    "unknown_scenario",
]


def open_store(
    location: str | Path,
    describe: Describe,
    whole: Whole | None = None,
    *,
    latest: Literal["link", "copy"] | None = None,
    cache: bool = True,
) -> Store:
    """The store at ``location``, a directory that need not exist yet, or a bucket: its URL as
    ``s3://bucket/prefix``, ``gs://…``, ``az://…``. Nothing is touched.

    ``latest`` is how it is written: as a link, or as a copy, whose diff in git shows the rows that
    changed. None: as a copy in a work tree of git, as a link elsewhere. ``cache`` keeps what comes
    from a bucket in the user's cache directory.

    ``describe`` reads what a document says of itself, raising a DemoError for one that is not
    whole; the store calls it for documents its manifest does not know. ``whole`` makes one
    document of a whole one and the deltas on top of it; without it deltas cannot be read. Raises
    UsageError for another URL.
    """
    if is_bucket(location):
        return Store(_bucket(str(location), cache=cache), describe, whole)
    backend = DirectoryBackend(_directory(location))
    in_git = latest is None and is_in_git_work_tree(_directory(location))
    backend.copies_latest = in_git or latest == "copy"
    return Store(backend, describe, whole)


def open_object(location: str | Path) -> tuple[Backend, str]:
    """Where an object is kept that is no part of a store, a backup: the place, and its key there.
    Nothing is touched. Raises UsageError for a URL of something else than a file or a bucket."""
    if is_bucket(location):
        place, _, key = str(location).rpartition("/")
        return _bucket(place, cache=False), key
    path = _directory(location)
    return DirectoryBackend(path.parent), path.name


def blobs_beside(document: Path) -> Blobs | None:
    """The uploaded files of the store that a document lies in, None where it lies in none."""
    root = document.absolute().parent.parent
    return Blobs(DirectoryBackend(root)) if (root / BLOBS).is_dir() else None


def open_undo(location: str | Path, database: str) -> UndoLog:
    """What imports replaced in the database of that name, kept in the directory ``location``.
    Raises UsageError for a URL: it is one machine's own."""
    if is_bucket(location):
        raise UsageError("what imports replaced is not kept in a bucket", hint="Give a directory.")
    return UndoLog(DirectoryBackend(_directory(location)), database)


def _directory(location: str | Path) -> Path:
    text = str(location)
    return Path(unquote(urlsplit(text).path)) if text.startswith("file://") else Path(location)


def _bucket(url: str, *, cache: bool) -> Backend:
    # Imported late: a command on a directory has no need of it.
    from demo_snapshots.store.backends.bucket import BucketBackend
    from demo_snapshots.store.backends.cache import Cache, cache_directory
    from demo_snapshots.store.backends.locations import open_bucket

    bucket, place = open_bucket(url)
    return BucketBackend(bucket, place, Cache(cache_directory() if cache else None))
