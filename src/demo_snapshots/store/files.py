"""File operations that happen whole or not at all, and say where and why they failed."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from demo_snapshots.errors import StoreError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_HINTS = {
    errno.ENOSPC: "The disk is full: make room and try again.",
    errno.EDQUOT: "The disk quota is used up: make room and try again.",
    errno.EACCES: "Check the permissions of the snapshot directory.",
    errno.EPERM: "Check the permissions of the snapshot directory.",
    errno.ENOTDIR: "It, or what it lies in, is a file: name a directory with --snapshots.",
    errno.EEXIST: "It, or what it lies in, is a file: name a directory with --snapshots.",
    errno.EROFS: "The file system is read-only: name another directory with --snapshots.",
}

_TEMPORARY = re.compile(r"\..+\.tmp-[0-9a-f]{16}")
_NAME = re.compile(rb"[a-z0-9_-]+_v[0-9]+_[0-9-]{10}\.sql(\.gz|\.zst)?")
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
    """A new file, written from beginning to end; ``size`` and ``hash`` (SHA-256) are of what
    has passed. Raises StoreError where there is a file already.

    A failure to take bytes is a StoreError too: the exporter writes between calls to a
    database, whose driver raises OSErrors of its own. Its permissions are those the umask
    leaves; tempfile's would be 0600, and stay so after the rename.
    """

    def __init__(self, path: Path) -> None:
        with reporting("write", path):
            super().__init__(path, "x", opener=_open_new)
        self._path = path
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, data: Buffer) -> int:
        with reporting("write", self._path):
            written = os.write(self.fileno(), data)
        self.hash.update(memoryview(data)[:written])
        self.size += written
        return written

    def seekable(self) -> bool:
        return False


def _open_new(path: str, flags: int) -> int:
    return os.open(path, flags, 0o666)


def buffered(file: NewFile) -> io.BufferedWriter:
    return io.BufferedWriter(file, _BUFFER)


def finish(file: io.BufferedWriter) -> None:
    """Bring what was written to the disk, and close: a rename that reached the disk before the
    content would leave an empty file after a power cut, and Windows renames no open file."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


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


class Staging:
    """New contents for several names: prepared first, then put in place one by one.

    Everything that needs room or permission happens while preparing, so that a full disk is
    found before the first name has changed. What was not put in place is discarded at the end.
    """

    def __init__(self) -> None:
        self._staged: list[tuple[Path, Path]] = []
        self._unwanted: list[Path] = []

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for temporary, _ in self._staged:
            discard(temporary)

    def _stage(self, final: Path) -> Path:
        temporary = temporary_name(final)
        self._staged.append((temporary, final))
        return temporary

    def write(self, final: Path, content: bytes) -> None:
        """``content`` for the file ``final``."""
        temporary = self._stage(final)
        with reporting("write", final):
            file = buffered(NewFile(temporary))
            try:
                file.write(content)
                finish(file)
            finally:
                file.close()

    def link(self, final: Path, target: str, content: Path) -> None:
        """A symlink to the name ``target`` beside ``final``, or a copy of the file ``content``
        where symlinks cannot be made.

        A git that checks out without symlinks (``core.symlinks=false``) leaves a small file
        holding the target's name, and commits such a file as a symlink again. One that is
        there is kept up in its own way: a copy would be committed as a broken link.
        """
        if is_stand_in(final):
            self.write(final, target.encode())
            return
        temporary = self._stage(final)
        with reporting("write", final):
            try:
                temporary.symlink_to(target)
            except (OSError, NotImplementedError):
                with open_for_reading(content) as source, buffered(NewFile(temporary)) as file:
                    shutil.copyfileobj(source, file, _BUFFER)
                    finish(file)

    def remove(self, path: Path) -> None:
        """Nothing for ``path``, once all else is in place."""
        self._unwanted.append(path)

    def commit(self) -> None:
        """Put everything in place, in the order it was prepared, each replacing atomically;
        then remove what is to go."""
        while self._staged:
            temporary, final = self._staged[0]
            with reporting("replace", final):
                temporary.replace(final)
                del self._staged[0]
                sync_directory(final.parent)
        for path in self._unwanted:
            with reporting("remove", path):
                path.unlink(missing_ok=True)


def is_stand_in(path: Path) -> bool:
    """Whether it is a file that holds the name of a snapshot, as git writes for a symlink."""
    if not is_file(path) or path.lstat().st_size > 255:
        return False
    with open_for_reading(path) as file:
        return _NAME.fullmatch(file.read(256)) is not None
