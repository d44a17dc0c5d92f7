"""Document -> document: another version number, and what a merge made one file of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from demo_snapshots.model.snapshots import Version

_VERSION = b"-- Version: "
_BLOCK = 1 << 20


def renumbered(stream: BinaryIO, version: Version) -> Iterator[bytes]:
    """The bytes of the document ``stream``, with ``version`` in its header; all else, and so
    the content digest, stays. Read from the beginning, which has been found to be a header."""
    while (line := stream.readline()) not in (b"\n", b""):
        yield _VERSION + f"{version}\n".encode() if line.startswith(_VERSION) else line
    yield line
    while block := stream.read(_BLOCK):
        yield block


def split_conflict(stream: BinaryIO, ours: BinaryIO, theirs: BinaryIO) -> bool:
    """Write the two sides of a file in which git left conflict markers; False if there are none.

    A row may hold a line that looks like a marker: whether a side is the file that it was
    before the merge, only its digest tells.
    """
    both: tuple[BinaryIO, ...] = (ours, theirs)
    readers = both
    found = False
    for line in stream:
        if line.startswith(b"<<<<<<< "):
            readers, found = (ours,), True
        elif readers is not both and line.startswith(b"||||||| "):
            readers = ()
        elif readers is not both and line == b"=======\n":
            readers = (theirs,)
        elif readers is not both and line.startswith(b">>>>>>> "):
            readers = both
        else:
            for reader in readers:
                reader.write(line)
    return found
