"""Documents of a bucket on this machine, each under its SHA-256, so that none is fetched twice."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from demo_snapshots.errors import StoreError, StoreUnreachableError
from demo_snapshots.store.backends.files import NewFile, discard, reporting, temporary_name
from demo_snapshots.store.backends.objects import PART, Objects

LIMIT = 1 << 30
"""Bytes that are kept; beyond, what was not used for longest goes."""
_ATTEMPTS = 3


def cache_directory() -> Path | None:
    """The user's own, by the XDG Base Directory Specification; None for a user who has none."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path is to be ignored, says the specification.
        root = Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()  # noqa: PTH117
    except RuntimeError:
        return None
    return root / "demo-snapshots"


def sha256_of(stream: BinaryIO) -> str:
    """Of all that is left in it."""
    hashed = hashlib.sha256()
    while block := stream.read(PART):
        hashed.update(block)
    return hashed.hexdigest()


class Cache:
    """Files in ``directory``, which need not exist; or, if it is None, in one that goes with this
    object. Several processes may use one at once."""

    def __init__(self, directory: Path | None = None, limit: int = LIMIT) -> None:
        self._directory = directory
        self._limit = limit
        self._checked: set[str] = set()

    def open(self, sha256: str) -> BinaryIO | None:
        """What has this SHA-256, None where it is not here. An altered file is removed."""
        if self._directory is None:
            return None
        path = self._directory / sha256
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            if sha256 not in self._checked:
                if sha256_of(file) != sha256:
                    file.close()
                    discard(path)
                    return None
                self._checked.add(sha256)
                file.seek(0)
            with suppress(OSError):
                os.utime(path)
        except BaseException:
            file.close()
            raise
        return file

    def fetch(self, blocks: Iterator[bytes], check: Callable[[str], None]) -> tuple[str, BinaryIO]:
        """Keep what ``blocks`` are, if ``check`` does not raise for its SHA-256. Returns that, and
        the file to read."""
        directory = self._writable()
        temporary = temporary_name(directory / "fetched")
        hashed = hashlib.sha256()
        try:
            with NewFile(temporary, 0o600) as file:
                for block in blocks:
                    hashed.update(block)
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest) :]
            check(sha256 := hashed.hexdigest())
            with reporting("write", directory):
                opened = temporary.open("rb")
                temporary.replace(directory / sha256)
        finally:
            discard(temporary)
        self._checked.add(sha256)
        self._prune(directory, sha256)
        return sha256, opened

    def _writable(self) -> Path:
        """The directory; one that passes, where it is not given or cannot be written: reading a
        version must not fail for want of a cache."""
        if self._directory is not None:
            with suppress(OSError):
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=self._directory):
                    return self._directory
        self._directory = Path(tempfile.mkdtemp(prefix="demo-fetched-"))
        weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        return self._directory

    def _prune(self, directory: Path, newest: str) -> None:
        found = []
        with suppress(OSError):
            for path in directory.iterdir():
                with suppress(OSError):  # another process was quicker
                    status = path.stat()
                    found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                break
            if path.name != newest:
                discard(path)
                total -= size


class Fetched:
    """The object ``key``: fetched when it is first opened. With a ``sha256`` it is taken from the
    cache where that has it, and must have it; without, it is fetched even so."""

    def __init__(self, objects: Objects, key: str, cache: Cache, sha256: str | None) -> None:
        self._objects = objects
        self._key = key
        self._cache = cache
        self._sha256 = sha256
        self._known = sha256

    def open(self) -> BinaryIO:
        if self._known is not None and (file := self._cache.open(self._known)) is not None:
            return file
        self._known, file = self._cache.fetch(self._blocks(), self._check)
        return file

    def _check(self, sha256: str) -> None:
        if self._sha256 not in (None, sha256):
            raise StoreError(
                f"{self._objects.name(self._key)}: it has another SHA-256 than what was saved",
                hint="It was altered in the bucket. Name another version.",
            )

    def _blocks(self) -> Iterator[bytes]:
        """One state of it, block by block: where the connection breaks, from there again."""
        size, tag = self._objects.state(self._key)
        start, failures = 0, 0
        while start < size:
            try:
                block = self._objects.block(self._key, start, min(start + PART, size), tag)
            except StoreUnreachableError:
                failures += 1
                if failures == _ATTEMPTS:
                    raise
                continue
            if not block:
                raise StoreError(f"{self._objects.name(self._key)}: cannot read: it ends too early")
            failures = 0
            start += len(block)
            yield block
