"""The place that is a directory tree people can read and commit::

general/general_v1_2025-01-15.sql
general/general_v2_2025-01-20.sql.gz
general/latest.sql.gz -> general_v2_2025-01-20.sql.gz
metadata/export_manifest.json
metadata/schema_versions.json
_files/5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5
.gitattributes
"""

from __future__ import annotations

import io
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.model.sources import Source, source_of
from demo_snapshots.store.backends.base import Form, Item
from demo_snapshots.store.backends.files import (
    NewFile,
    copy,
    discard,
    finish,
    is_directory,
    is_file,
    is_stand_in,
    is_temporary,
    links,
    open_for_reading,
    place,
    reporting,
    same,
    sync_directory,
    temporary_name,
)
from demo_snapshots.store.backends.git import companions

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from filelock import FileLock

_UNFOLLOWED = "a link, which the store does not follow"


class DirectoryBackend:
    """``base.Backend`` in the directory ``root``: an object is a file, a folder a directory.

    ``root`` itself may be a symlink; nothing below it is followed if it is one. Instances hold
    no state but the lock: each call looks at the directory anew.
    """

    has_links = True

    def __init__(self, root: Path, *, copies_latest: bool = False) -> None:
        """With ``copies_latest`` a latest is written as a copy, not as a link."""
        self._root = root
        self.copies_latest = copies_latest

    @property
    def companions(self) -> Mapping[str, Sequence[bytes]]:
        return companions(folded=self.copies_latest)

    @property
    def place(self) -> str:
        return str(self._root)

    def path(self, key: str) -> Path:
        """The file for ``key``. Raises StoreError where its directory is a link."""
        path = self._root / key
        if path.parent != self._root and path.parent.is_symlink():
            raise StoreError(f"{path.parent}: {_UNFOLLOWED}")
        return path

    # --- Reading -----------------------------------------------------------------------------

    def source(self, key: str, sha256: str | None = None) -> Source:
        path = self._root / key
        folder = key.rpartition("/")[0]
        return Source(
            str(path),
            lambda: open_for_reading(self.path(key)),
            path,
            lambda name, sha256: self.source(f"{folder}/{name}", sha256),
        )

    def get(self, key: str) -> bytes:
        path = self.path(key)
        with reporting("read", path), open_for_reading(path) as file:
            return file.read()

    def look(self, key: str) -> Item | None:
        path = self.path(key)
        with reporting("read", path):
            try:
                return _item(path, path.lstat())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def list(self, folder: str = "") -> Sequence[Item]:
        directory = self._root / folder
        items: list[Item] = []
        with reporting("read", directory):
            if folder and not is_directory(directory):
                return items
            try:
                with os.scandir(directory) as found:
                    for one in found:
                        with suppress(FileNotFoundError):  # gone since
                            items.append(_item(Path(one.path), one.stat(follow_symlinks=False)))
            except FileNotFoundError:
                return items
        return sorted(items, key=lambda item: item.name)

    def stale(self, folder: str = "") -> Sequence[str]:
        names = [item.name for item in self.list(folder) if is_temporary(item.name)]
        return [f"{folder}/{name}" if folder else name for name in names]

    def stands_for(self, key: str, name: str, content: Source) -> bool:
        """Whether ``key`` leads to, stands for or is a copy of the file ``name`` beside it."""
        path = self.path(key)
        with reporting("read", path):
            if path.is_symlink():
                return path.readlink() == Path(name)
            if is_stand_in(path):
                with open_for_reading(path) as stand_in:
                    return stand_in.read() == name.encode()
            if not is_file(path):
                return False
            with content.open() as stream:
                return same(path, stream)

    # --- Writing -----------------------------------------------------------------------------

    def delete(self, key: str) -> None:
        path = self.path(key)
        with reporting("remove", path):
            path.unlink(missing_ok=True)

    @contextmanager
    def upload(self, key: str, *, private: bool = False) -> Iterator[FileUpload]:
        final = self.path(key)
        with ExitStack() as undo:
            undo.callback(_remove_empty, self._make_directories(final.parent))
            temporary = temporary_name(final)
            file = NewFile(temporary, 0o600 if private else 0o666)
            undo.callback(discard, temporary)
            undo.callback(file.close)
            yield FileUpload(final, temporary, file)

    @contextmanager
    def changes(self) -> Iterator[FileChanges]:
        changes = FileChanges(self)
        try:
            yield changes
        finally:
            changes.discard()

    def _make_directories(self, directory: Path) -> tuple[Path, ...]:
        """Make it and what it lies in; returns what was missing, innermost first."""
        with reporting("make", directory):
            if directory != self._root and directory.is_symlink():
                raise StoreError(f"{directory}: {_UNFOLLOWED}")
            made = tuple(path for path in (directory, *directory.parents) if not path.exists())
            for path in reversed(made):
                path.mkdir(exist_ok=True)
                sync_directory(path.parent)
            return made

    # --- The lock ----------------------------------------------------------------------------

    @contextmanager
    def lock(self, timeout: float) -> Iterator[bool]:
        if self._filelock.is_locked:
            yield False
            return
        made = self._acquire(timeout)
        try:
            yield True
        finally:
            try:
                self._unmake(made)
            finally:
                self._filelock.release()

    def claim(self, name: str, by: str) -> bool:
        """The operating system's lock ends with the process, and no sooner."""
        return True

    def claimed(self) -> Sequence[str]:
        return ()

    @cached_property
    def _filelock(self) -> FileLock:
        # Imported late: it takes longer to import than a listing takes in all.
        from filelock import FileLock

        # Its substitute for file systems without locks stays locked when a process dies.
        return FileLock(self._root / "metadata" / ".lock", fallback_to_soft=False)

    def _acquire(self, timeout: float) -> tuple[Path, ...]:
        from filelock import Timeout

        metadata = self._root / "metadata"
        deadline = time.monotonic() + timeout
        while True:
            made = self._make_directories(metadata)
            try:
                self._filelock.acquire(timeout=max(0.0, deadline - time.monotonic()))
            except Timeout as error:
                raise StoreBusyError(
                    f"{self._root}: another process has been writing for {timeout:g} seconds",
                    hint="Wait for it to finish and try again.",
                ) from error
            except FileNotFoundError as error:
                # The holder before us wrote nothing and took the directories it had made away.
                if time.monotonic() >= deadline:
                    raise StoreError(f"{metadata}: cannot lock: it keeps vanishing") from error
            except (OSError, NotImplementedError) as error:
                _remove_empty(made)
                reason = getattr(error, "strerror", None) or str(error)
                raise StoreError(
                    f"{metadata}: cannot lock: {reason}",
                    hint="Snapshots are written only where the file system can lock files "
                    "and the directory may be written to.",
                ) from error
            else:
                return made

    def _unmake(self, made: tuple[Path, ...]) -> None:
        """Leave no empty store behind where nothing has been published."""
        with suppress(OSError):
            if self._root in made and [path.name for path in made[0].iterdir()] == [".lock"]:
                # Under the lock, so that a waiting process sees that its file has lost its name.
                (made[0] / ".lock").unlink()
                _remove_empty(made)


class FileUpload(Struct, frozen=True):
    """``base.Upload``: a temporary file beside the name it will get."""

    final: Path
    temporary: Path
    file: NewFile

    def write(self, data: ReadableBuffer, /) -> int:
        return self.file.write(data)

    def finish(self) -> None:
        with reporting("write", self.final):
            finish(self.file)

    def place(self, *, over: bool = False) -> None:
        with reporting("write", self.final):
            if over:
                self.temporary.replace(self.final)
            else:
                place(self.temporary, self.final)

    def settle(self) -> None:
        with reporting("write", self.final):
            sync_directory(self.final.parent)

    def place_as(self, name: str) -> None:
        with reporting("write", self.final.with_name(name)):
            self.temporary.replace(self.final.with_name(name))
        self.settle()

    @property
    def source(self) -> Source:
        return source_of(self.temporary)


class FileChanges:
    """``base.Changes``: each new content in a temporary file, renamed over the old one."""

    def __init__(self, directory: DirectoryBackend) -> None:
        self._directory = directory
        self._staged: list[tuple[Path, Path]] = []
        self._unwanted: list[Path] = []

    def _stage(self, final: Path) -> Path:
        temporary = temporary_name(final)
        self._staged.append((temporary, final))
        return temporary

    def write(self, key: str, content: bytes) -> None:
        self._copy(io.BytesIO(content), self._directory.path(key))

    def _copy(self, stream: BinaryIO, final: Path) -> None:
        temporary = self._stage(final)
        with reporting("write", final):
            copy(stream, temporary)

    def keep(self, key: str, aside: str) -> None:
        path, kept = self._directory.path(key), self._directory.path(aside)
        with reporting("keep aside", path):
            if is_file(path):
                with open_for_reading(path) as stream:
                    self._copy(stream, kept)
            else:
                path.rename(kept)

    def link(self, key: str, name: str, content: Source) -> None:
        """A symlink to the name beside ``key``; a copy of ``content`` where that is wanted, or
        where symlinks cannot be made.

        A git that checks out without symlinks (``core.symlinks=false``) leaves a small file
        holding the target's name, and commits such a file as a symlink again. One that is
        there is kept up in its own way: a copy would be committed as a broken link.
        """
        final = self._directory.path(key)
        with reporting("write", final):
            if is_stand_in(final):
                self._copy(io.BytesIO(name.encode()), final)
                return
            temporary = self._stage(final)
            if self._directory.copies_latest or not links(temporary, name):
                with content.open() as stream:
                    copy(stream, temporary)

    def remove(self, key: str) -> None:
        self._unwanted.append(self._directory.path(key))

    def commit(self) -> None:
        while self._staged:
            temporary, final = self._staged[0]
            with reporting("replace", final):
                temporary.replace(final)
                del self._staged[0]
                sync_directory(final.parent)
        for path in self._unwanted:
            with reporting("remove", path):
                path.unlink(missing_ok=True)

    def discard(self) -> None:
        for temporary, _ in self._staged:
            discard(temporary)


def _item(path: Path, status: os.stat_result) -> Item:
    if stat.S_ISREG(status.st_mode):
        return Item(path.name, Form.OBJECT, status.st_size)
    if stat.S_ISDIR(status.st_mode):
        return Item(path.name, Form.FOLDER)
    if stat.S_ISLNK(status.st_mode):
        # Unlike Path.exists, it takes what may not be looked at for nothing.
        dangling = not os.path.exists(path)  # noqa: PTH110
        return Item(path.name, Form.LINK, dangling=dangling)
    return Item(path.name, Form.OTHER)


def _remove_empty(directories: tuple[Path, ...]) -> None:
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()
