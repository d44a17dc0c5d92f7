"""Blobs: contents under their SHA-256, each kept once. Nobody sees one before it is whole."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator

from demo_snapshots.errors import StoreError
from demo_snapshots.model.files import FileList, NamedFile
from demo_snapshots.model.sources import Source
from demo_snapshots.store.backends.base import Backend, Form
from demo_snapshots.store.file_list import read_list
from demo_snapshots.store.measured import Measured

FOLDER = "_files"
_HEX = re.compile(r"[0-9a-f]{64}")
_BUFFER = 1 << 20


class Blobs:
    """Those in ``folder`` of ``backend`` whose names begin with ``prefix``; ``private`` ones only
    their owner may read. Every method raises StoreError where the place cannot be read or
    written. The lock is the caller's business."""

    def __init__(
        self, backend: Backend, folder: str = FOLDER, prefix: str = "", *, private: bool = False
    ) -> None:
        self._backend = backend
        self._folder = folder
        self._prefix = prefix
        self._private = private

    def _key(self, sha256: str) -> str:
        return f"{self._folder}/{self._prefix}{sha256}"

    def sizes(self) -> dict[str, int]:
        """Bytes of each, by SHA-256, as its name says it; in that order."""
        items = self._backend.list(self._folder)
        start = len(self._prefix)
        return {
            item.name[start:]: item.size
            for item in items
            if item.form is Form.OBJECT
            and item.name.startswith(self._prefix)
            and _HEX.fullmatch(item.name[start:])
        }

    def has(self, sha256: str, size: int) -> bool:
        """Whether one of that name and size is there."""
        item = self._backend.look(self._key(sha256))
        return item is not None and item.form is Form.OBJECT and item.size == size

    def source(self, sha256: str) -> Source:
        """Its bytes; that it is there shows when it is opened."""
        return self._backend.source(self._key(sha256), sha256)

    def add(self, blocks: Iterable[bytes], sha256: str, name: str) -> None:
        """Keep the bytes, which must have that SHA-256, else StoreError, which calls them
        ``name``. Where one with it is there already, it is written again."""
        with self._backend.upload(self._key(sha256), private=self._private) as upload:
            measured = Measured(upload)
            writer = io.BufferedWriter(measured, _BUFFER)
            try:
                writer.writelines(blocks)
                writer.flush()
            finally:
                writer.detach()
            if measured.hash.hexdigest() != sha256:
                raise StoreError(f"{name}: was altered while it was read", hint="Try again.")
            upload.finish()
            upload.place_as(f"{self._prefix}{sha256}")

    def remove(self, names: Iterable[str]) -> None:
        """Delete those with these SHA-256."""
        for sha256 in names:
            self._backend.delete(self._key(sha256))


def files_in(blobs: Blobs, files: FileList) -> Iterator[NamedFile]:
    """The files that a list among ``blobs`` names, as ``read_list`` gives them. Raises StoreError
    where it is not there."""
    source = blobs.source(files.sha256)
    try:
        with source.open() as stream:
            yield from read_list(stream, files)
    except FileNotFoundError as error:
        raise StoreError(
            f"{source.name}: a list of uploaded files is not there",
            hint="Restore it from version control, a backup or the bucket.",
        ) from error
    except OSError as error:
        raise StoreError(f"{source.name}: cannot be read: {error.strerror}") from error
