"""An upload as a stream that counts and hashes what passes."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from demo_snapshots.store.backends.base import Upload

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Measured(io.RawIOBase):
    """An upload as a stream; ``size`` and ``hash`` (SHA-256) are of what it took."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.size = 0
        self.hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        written = self._upload.write(data)
        self.hash.update(memoryview(data)[:written])
        self.size += written
        return written
