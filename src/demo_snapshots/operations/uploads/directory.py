"""A directory of uploaded files, which the application and others write to: nothing in it is
trusted. Names lead nowhere else, links out of it are not followed."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from demo_snapshots.store.backends.files import (
    NewFile,
    discard,
    finish,
    open_for_reading,
    place,
    sync_directory,
    temporary_name,
)

_BLOCK = 1 << 20


class UploadDirectory:
    """The directory at ``root``, which need not be there and may be a link itself. Names are such
    as ``name_fault`` has no objection to. Raises OSError; ELOOP where a link leads out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def path(self, name: str) -> Path:
        """Where the file is, or would be: under the directory, whatever links there are."""
        path = (self._root / name).resolve()
        if self._root not in path.parents:
            raise OSError(errno.ELOOP, "a link leads out of the directory")
        return path

    def open(self, name: str) -> BinaryIO | None:
        """The bytes of a regular file, None where there is nothing."""
        try:
            return open_for_reading(self.path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def blocks(self, name: str) -> Iterator[bytes]:
        """Its bytes; none where there is nothing."""
        file = self.open(name)
        if file is not None:
            with file:
                while block := file.read(_BLOCK):
                    yield block

    def measured(self, name: str) -> tuple[int, str] | None:
        """Size and SHA-256 of a regular file, None where there is nothing."""
        file = self.open(name)
        if file is None:
            return None
        with file:
            return _measured(file)

    def holds(self, name: str, size: int, sha256: str) -> bool | None:
        """Whether it has that content; None where there is nothing."""
        file = self.open(name)
        if file is None:
            return None
        with file:
            if os.fstat(file.fileno()).st_size != size:
                return False
            return _measured(file) == (size, sha256)

    def write_beside(self, name: str, blocks: Iterator[bytes]) -> Path:
        """A temporary file with these bytes, on the disk, where ``name`` is to be; the directories
        that it takes are made."""
        final = self.path(name)
        made = [each for each in (final.parent, *final.parent.parents) if not each.exists()]
        final.parent.mkdir(parents=True, exist_ok=True)
        for each in made:
            sync_directory(each.parent)
        temporary = temporary_name(final)
        try:
            with NewFile(temporary) as file:
                for block in blocks:
                    file.write(block)
                finish(file)
        except BaseException:
            discard(temporary)
            raise
        return temporary

    def add(self, name: str, temporary: Path) -> None:
        """Give what ``write_beside`` wrote its name. Raises FileExistsError where it is taken."""
        final = self.path(name)
        place(temporary, final)
        sync_directory(final.parent)

    def replace(self, name: str, temporary: Path) -> None:
        """The same, in the place of the file that has the name."""
        final = self.path(name)
        temporary.replace(final)
        sync_directory(final.parent)

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)


def _measured(file: BinaryIO) -> tuple[int, str]:
    size, hashed = 0, hashlib.sha256()
    while block := file.read(_BLOCK):
        size += len(block)
        hashed.update(block)
    return size, hashed.hexdigest()
