"""What imports replaced, kept to be put back: documents beside the snapshots, by database.

They are one machine's own: git ignores the folder, and only their owner may read them. Numbers
grow by database; imports into one database hold its locks one after the other, so no other lock
is needed.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import BinaryIO

from msgspec import Struct

from demo_snapshots.model.snapshots import Packing
from demo_snapshots.model.sources import Source
from demo_snapshots.store.backends.base import Backend, Form, Upload
from demo_snapshots.store.blobs import Blobs
from demo_snapshots.store.measured import Measured

FOLDER = ".undo"
_IGNORE = f"{FOLDER}/.gitignore"
_NAME = re.compile(
    r"(?P<number>[0-9]{6,9})_(?P<made>[0-9]{8}T[0-9]{6}Z)_(?P<database>[0-9a-f]{12})"
    r"_(?P<by>import|undo)\.sql(?:\.gz|\.zst)?"
)
_BUFFER = 1 << 20
_MADE = "%Y%m%dT%H%M%SZ"


class UndoEntry(Struct, frozen=True):
    """What one import, or one undoing, replaced."""

    number: int
    made: datetime
    by: str
    """``import`` or ``undo``."""
    name: str
    size: int


class UndoDraft(Struct, frozen=True):
    """Bytes go into ``file``; ``place`` makes an entry of them, whole and on the disk."""

    file: BinaryIO
    number: int
    upload: Upload
    backend: Backend

    def place(self) -> None:
        self.file.flush()
        self.upload.finish()
        _hide_from_git(self.backend)
        self.upload.place()
        self.upload.settle()


def _hide_from_git(backend: Backend) -> None:
    if backend.look(_IGNORE) is None:
        with backend.upload(_IGNORE) as upload:
            upload.write(b"*\n")
            upload.finish()
            upload.place(over=True)


class UndoLog:
    """The entries of one database, which ``database`` names, in ``backend``. Every method raises
    StoreError where the place cannot be read or written."""

    def __init__(self, backend: Backend, database: str) -> None:
        self._backend = backend
        self._database = hashlib.sha256(database.encode()).hexdigest()[:12]

    def hide(self) -> None:
        """Keep git from all that is in the log; ``UndoDraft.place`` does so too."""
        _hide_from_git(self._backend)

    @property
    def blobs(self) -> Blobs:
        """Contents of uploaded files that were replaced, and lists of them."""
        return Blobs(self._backend, FOLDER, f"{self._database}_", private=True)

    def entries(self) -> tuple[UndoEntry, ...]:
        """Newest first."""
        found = []
        for item in self._backend.list(FOLDER):
            match = _NAME.fullmatch(item.name)
            if match and item.form is Form.OBJECT and match["database"] == self._database:
                with suppress(ValueError):  # named for a day that there is not: none of ours
                    made = datetime.fromisoformat(match["made"])
                    found.append(
                        UndoEntry(int(match["number"]), made, match["by"], item.name, item.size)
                    )
        return tuple(sorted(found, key=lambda entry: entry.number, reverse=True))

    def source(self, entry: UndoEntry) -> Source:
        """Its document."""
        return self._backend.source(f"{FOLDER}/{entry.name}")

    @contextmanager
    def draft(self, made: datetime, by: str, packing: Packing) -> Iterator[UndoDraft]:
        """The next entry; discarded unless it is placed before the context ends."""
        number = max((entry.number for entry in self.entries()), default=0) + 1
        stamp = made.astimezone(UTC).strftime(_MADE)
        name = f"{number:06}_{stamp}_{self._database}_{by}{packing.suffix}"
        with self._backend.upload(f"{FOLDER}/{name}", private=True) as upload:
            file = io.BufferedWriter(Measured(upload), _BUFFER)
            try:
                yield UndoDraft(file, number, upload, self._backend)
            finally:
                file.detach()

    def remove(self, entry: UndoEntry) -> None:
        self._backend.delete(f"{FOLDER}/{entry.name}")

    def prune(self, keep: int) -> None:
        """Remove all but the newest ``keep``."""
        for entry in self.entries()[keep:]:
            self.remove(entry)
