"""Stored documents, opened for reading: unpacked, told by their first and last bytes, and named
in every error about them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from demo_snapshots.documents.compression import ending, opened, packing_of
from demo_snapshots.documents.sql.header import TITLE
from demo_snapshots.documents.sql.reader import RESTORE, TAIL, SqlDocument
from demo_snapshots.documents.sql.window import CONVERTED, CONVERTED_HINT, INCOMPLETE
from demo_snapshots.errors import DocumentError, ExportNotFoundError
from demo_snapshots.model.snapshots import Description


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """The document at ``path``, unpacked, and errors about its content that name it.

    Raises ExportNotFoundError if it cannot be opened.
    """
    try:
        stream = opened(path)
    except OSError as error:
        raise ExportNotFoundError(f"{path}: cannot be read: {error.strerror}") from error
    with stream:
        try:
            yield stream
        except DocumentError as error:
            raise error.within(path) from error


@dataclass(frozen=True, slots=True)
class Tail:
    """The content ``digest`` that a file's last lines state, and its ``size`` unpacked."""

    digest: str
    size: int


def read_tail(path: Path) -> Tail:
    """What the file's last lines state; a compressed one is unpacked once for it.

    Raises DocumentError for a file that is none of ours or was cut short.
    """
    try:
        with reading(path) as stream:
            first = stream.readline(100)
            if first.endswith(b"\r\n"):
                raise DocumentError(CONVERTED, hint=CONVERTED_HINT)
            if not first.startswith(TITLE.encode()):
                raise DocumentError("not a demo snapshot", hint=f"One begins with {TITLE!r}.")
            tail, size = ending(stream, 256)
            match = re.search(TAIL.pattern + rb"\Z", tail)
            if match is None:
                raise DocumentError(_damage(path), hint=RESTORE)
    except OSError as error:
        raise ExportNotFoundError(f"{path}: cannot be read: {error.strerror}") from error
    return Tail(match[1].decode(), size)


def _damage(path: Path) -> str:
    with path.open("rb") as stream:
        marked = any(line.startswith((b"<<<<<<< ", b">>>>>>> ")) for line in stream)
    return "it holds the conflict markers of a merge" if marked else INCOMPLETE


def describe(path: Path) -> Description:
    """Header, digest, size and SHA-256 of a stored file; its rows are not checked."""
    digest = read_tail(path).digest
    with reading(path) as stream:
        header = SqlDocument(stream).header
    with path.open("rb") as stored:
        sha256 = hashlib.file_digest(stored, "sha256").hexdigest()
        size = stored.tell()
    return Description(header, digest, size, sha256, packing_of(path))
