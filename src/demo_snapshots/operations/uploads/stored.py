"""The uploaded files of versions, in a store: whether they are there, and copies of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from demo_snapshots.errors import DocumentError, StoreError
from demo_snapshots.model.files import FileList
from demo_snapshots.model.sources import Source
from demo_snapshots.store import Store
from demo_snapshots.store.blobs import files_in

_BLOCK = 1 << 20


class FilesCheck:
    """Reads the uploaded files of a store's versions, each content once."""

    def __init__(self, store: Store) -> None:
        self._blobs = store.blobs
        self._sizes: dict[str, int] | None = None
        self._whole: dict[str, bool] = {}

    def problems(self, files: FileList | None) -> tuple[str, ...]:
        """What is wrong with those of a version, as clauses without a subject."""
        if files is None:
            return ()
        if self._sizes is None:
            self._sizes = self._blobs.sizes()
        missing: set[str] = set()
        altered: set[str] = set()
        try:
            for file in files_in(self._blobs, files):
                if file.sha256 not in self._sizes:
                    missing.add(file.sha256)
                elif not self._is_whole(file.sha256, file.size):
                    altered.add(file.sha256)
        except DocumentError as error:
            return (f"names uploaded files in {_short(files.sha256)}: {error.message}",)
        except StoreError as error:
            return (error.message,)
        found = ((missing, "are not in the store"), (altered, "are not what was saved"))
        return tuple(
            f"names uploaded files, {len(some)} of which {what}: {_named(some)}"
            for some, what in found
            if some
        )

    def _is_whole(self, sha256: str, size: int) -> bool:
        assert self._sizes is not None
        if sha256 not in self._whole:
            hashed = hashlib.sha256()
            try:
                for block in _blocks(self._blobs.source(sha256)):
                    hashed.update(block)
            except OSError:
                self._whole[sha256] = False
            else:
                self._whole[sha256] = hashed.hexdigest() == sha256
        return self._whole[sha256] and self._sizes[sha256] == size


def copy_files(origin: Store, target: Store, files: FileList | None) -> None:
    """Copy those of a version that ``target`` lacks, the list of them last; its lock is held.
    Raises StoreError, DocumentError for a list that is none."""
    if files is None:
        return
    for file in files_in(origin.blobs, files):
        if not target.blobs.has(file.sha256, file.size):
            _copy(origin, target, file.sha256)
    if not target.blobs.has(files.sha256, files.list_size):
        _copy(origin, target, files.sha256)


def _copy(origin: Store, target: Store, sha256: str) -> None:
    source = origin.blobs.source(sha256)
    try:
        target.blobs.add(_blocks(source), sha256, source.name)
    except OSError as error:
        raise StoreError(f"{source.name}: cannot be read: {error.strerror}") from error


def _blocks(source: Source) -> Iterator[bytes]:
    with source.open() as stream:
        while block := stream.read(_BLOCK):
            yield block


def _short(sha256: str) -> str:
    return f"sha256:{sha256[:12]}…"


def _named(digests: set[str], most: int = 5) -> str:
    more = f" and {len(digests) - most} more" if len(digests) > most else ""
    return ", ".join(map(_short, sorted(digests)[:most])) + more
