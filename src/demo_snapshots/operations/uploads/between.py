"""The uploaded files of several versions side by side: what differs, and what a merge makes of
them. Nothing is held of a list but a file."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby

from demo_snapshots.errors import MergeConflictError
from demo_snapshots.model.changes import FilesDifference
from demo_snapshots.model.files import FileList, NamedFile
from demo_snapshots.model.snapshots import Entry
from demo_snapshots.operations.uploads.lists import ListWriter
from demo_snapshots.store import Store
from demo_snapshots.store.blobs import files_in

_SHOWN = 20


def _side_by_side(
    store: Store, lists: Sequence[FileList | None]
) -> Iterator[tuple[NamedFile | None, ...]]:
    """What each of the lists has of a name; by directory and name."""
    streams = [_of_side(store, files, side) for side, files in enumerate(lists) if files]
    merged = heapq.merge(*streams, key=lambda found: found[0].place)
    for _, group in groupby(merged, key=lambda found: found[0].place):
        by_side = {side: file for file, side in group}
        yield tuple(by_side.get(side) for side in range(len(lists)))


def _of_side(store: Store, files: FileList, side: int) -> Iterator[tuple[NamedFile, int]]:
    for file in files_in(store.blobs, files):
        yield file, side


def files_difference(store: Store, old: FileList | None, new: FileList | None) -> FilesDifference:
    """What became of the uploaded files of one version in another. Raises StoreError,
    DocumentError."""
    added = removed = changed = 0
    for before, after in _side_by_side(store, (old, new)) if old != new else ():
        if before is None:
            added += 1
        elif after is None:
            removed += 1
        else:
            changed += before != after
    return FilesDifference(added, removed, changed)


def merged_files(
    store: Store, entries: tuple[Entry, Entry, Entry], *, dry_run: bool
) -> FileList | None:
    """The uploaded files that a merge has of base, ours and theirs: of each what one side alone
    made of it. Under the
    store's lock, in which the new list is then. Raises MergeConflictError for those that both
    sides changed, each to something else, naming their directories."""
    base, ours, theirs = (entry.files for entry in entries)
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    directories: dict[str, int] = {}
    with ListWriter() as writer:
        for was, our, their in _side_by_side(store, (base, ours, theirs)):
            taken = their if our == was else our
            if our not in (was, their) and their != was:
                told = our or their
                assert told is not None
                directories[told.directory] = directories.get(told.directory, 0) + 1
            elif taken is not None:
                writer.add(taken)
        if directories:
            raise _both_changed(directories)
        files = writer.files
        if files is not None and not dry_run:
            writer.save(store.blobs)
    return files


def _both_changed(directories: dict[str, int]) -> MergeConflictError:
    count = sum(directories.values())
    shown = [f"{name}: {number} files" for name, number in directories.items()][:_SHOWN]
    return MergeConflictError(
        f"both changed {count} uploaded files, each to something else; nothing was written",
        conflicts=count,
        problems=tuple(shown),
        hint="Import one of the two versions, put the files right, export, and merge that.",
    )
