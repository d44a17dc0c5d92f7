"""The list of a version's uploaded files, made without holding it."""

from __future__ import annotations

import hashlib
import tempfile
from types import TracebackType

from demo_snapshots.model.files import FileList, NamedFile
from demo_snapshots.store.blobs import Blobs
from demo_snapshots.store.file_list import TITLE, list_line

_HELD_BYTES = 1_000_000
_BLOCK = 1 << 20


class ListWriter:
    """Takes files in the order of their places; a context manager."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_HELD_BYTES)  # noqa: SIM115 - see __exit__
        self._hash = hashlib.sha256()
        self._count = self._size = 0
        self._write(TITLE)

    def __enter__(self) -> ListWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def _write(self, line: bytes) -> None:
        self._hash.update(line)
        self._file.write(line)

    def add(self, file: NamedFile) -> None:
        self._write(list_line(file))
        self._count, self._size = self._count + 1, self._size + file.size

    @property
    def files(self) -> FileList | None:
        """The list of those that were taken, None if there are none."""
        if not self._count:
            return None
        return FileList(self._count, self._size, self._hash.hexdigest(), self._file.tell())

    def save(self, blobs: Blobs) -> None:
        """Put the list among ``blobs``, unless it is there."""
        files = self.files
        if files is None or blobs.has(files.sha256, files.list_size):
            return
        self._file.seek(0)
        blocks = iter(lambda: self._file.read(_BLOCK), b"")
        blobs.add(blocks, files.sha256, "a list of uploaded files")
