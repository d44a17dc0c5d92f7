"""File operations that happen whole or not at all, and say where and why they failed."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from demo_snapshots.errors import StoreError
from demo_snapshots.model.words import Call, Words

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_A_FILE = Words(
    "It, or what it lies in, is a file: name a directory with ", Call(snapshots=...), "."
)
_HINTS = {
    errno.ENOSPC: "The disk is full: make room and try again.",
    errno.EDQUOT: "The disk quota is used up: make room and try again.",
    errno.EACCES: "Check the permissions of the snapshot directory.",
    errno.EPERM: "Check the permissions of the snapshot directory.",
    errno.ENOTDIR: _A_FILE,
    errno.EEXIST: _A_FILE,
    errno.EROFS: Words(
        "The file system is read-only: name another directory with ", Call(snapshots=...), "."
    ),
}

_TEMPORARY = re.compile(r"\..+\.tmp-[0-9a-f]{16}")
_NAME = re.compile(
    rb"[a-z0-9_-]+_v[0-9]+_[0-9-]{10}\.((delta\.|parts\.)?sql|json|yaml)(\.gz|\.zst)?"
)
_BUFFER = 1 << 20


@contextmanager
def reporting(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError inside into a StoreError: ``PATH: cannot ACTION: reason``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0)
        raise StoreError(f"{path}: cannot {action}: {reason}", hint=hint) from error


def temporary_name(final: Path) -> Path:
    """A fresh name beside ``final`` (the same file system, so that renaming is atomic)."""
    return final.with_name(f".{final.name}.tmp-{os.urandom(8).hex()}")


def is_temporary(name: str) -> bool:
    """Whether ``temporary_name`` made it."""
    return _TEMPORARY.fullmatch(name) is not None


def is_directory(path: Path) -> bool:
    """Whether it is a directory itself, not a link to one. False where nothing is."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def is_file(path: Path) -> bool:
    """Whether it is a regular file itself, not a link to one. False where nothing is."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def open_for_reading(path: Path) -> BinaryIO:
    """Open a regular file without following a link in its last part."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    # A named pipe would wait for a writer for ever.
    flags |= getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


class NewFile(io.FileIO):
    """A new file, written from beginning to end. Raises StoreError where there is one already.

    A failure to take bytes is a StoreError too: the exporter writes between calls to a
    database, whose driver raises OSErrors of its own. Its permissions are those of ``mode`` that
    the umask leaves; tempfile's would be 0600, and stay so after the rename.
    """

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        with reporting("write", path):
            super().__init__(path, "x", opener=lambda name, flags: os.open(name, flags, mode))
        self._path = path

    def write(self, data: Buffer) -> int:
        with reporting("write", self._path):
            return os.write(self.fileno(), data)

    def seekable(self) -> bool:
        return False


def finish(file: NewFile) -> None:
    """Bring what was written to the disk, and close: a rename that reached the disk before the
    content would leave an empty file after a power cut, and Windows renames no open file."""
    os.fsync(file.fileno())
    file.close()


def copy(stream: BinaryIO, path: Path) -> None:
    """A new file with the rest of ``stream``, on the disk."""
    with NewFile(path) as file, io.BufferedWriter(file, _BUFFER) as writer:
        while block := stream.read(_BUFFER):
            writer.write(block)
        writer.flush()
        finish(file)


def same(path: Path, stream: BinaryIO) -> bool:
    """Whether the file holds exactly the rest of ``stream``."""
    with open_for_reading(path) as file:
        while block := file.read(_BUFFER):
            if stream.read(_BUFFER) != block:
                return False
    return not stream.read(1)


def place(temporary: Path, final: Path) -> None:
    """Give a finished file its final name in one step. Raises FileExistsError, and leaves the
    other file alone, where there is one of that name.

    A hard link is the one step that POSIX makes fail if the name is taken. Where links cannot
    be made (FAT, some network shares) the name is looked at first and the file renamed: the
    store's lock keeps every other writer out in between, and on Windows the rename itself
    refuses. Creating the name first and then replacing it would show an empty file.
    """
    try:
        os.link(temporary, final)
    except FileExistsError:
        raise
    except (OSError, AttributeError):
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final)) from None
        temporary.rename(final)
    else:
        discard(temporary)


def discard(path: Path) -> None:
    """Delete a temporary file if that is possible; otherwise the next run does."""
    with suppress(OSError):
        path.unlink()


def sync_directory(path: Path) -> None:
    """Bring names to the disk. Windows has no such call, some file systems refuse it, and a
    directory that may be written to but not read cannot be opened for it."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def links(path: Path, name: str) -> bool:
    """Make a symlink; whether that can be done here."""
    try:
        path.symlink_to(name)
    except (OSError, NotImplementedError):
        return False
    return True


def is_stand_in(path: Path) -> bool:
    """Whether it is a file that holds the name of a snapshot, as git writes for a symlink."""
    if not is_file(path) or path.lstat().st_size > 255:
        return False
    with open_for_reading(path) as file:
        return _NAME.fullmatch(file.read(256)) is not None
