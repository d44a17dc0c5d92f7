"""The place that is a bucket: S3 and what speaks like it, Google Cloud Storage, Azure.

general/general_v1_2025-01-15.sql
general/latest.sql                    the name of the latest version, as text
metadata/export_manifest.json
metadata/.lease                       who writes
.claims/general_v1                    that the number was given away, and to what SHA-256
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from demo_snapshots.errors import StoreError, StoreUnreachableError
from demo_snapshots.model.sources import Source
from demo_snapshots.store.backends.base import Form, Item
from demo_snapshots.store.backends.cache import Cache, Fetched, sha256_of
from demo_snapshots.store.backends.files import NewFile, finish, is_temporary
from demo_snapshots.store.backends.lease import Lease
from demo_snapshots.store.backends.objects import PART, Objects, TakenError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from obstore.store import ObjectStore

_CLAIMS = ".claims"
_BUFFER = 1 << 20


class BucketBackend:
    """``base.Backend`` in ``bucket``, at its prefix.

    A server has no lock that a process's end would free, so ``lock`` is a lease, which a process
    that stands still may lose without noticing. Nothing is lost by that: a number is claimed once
    for all, and everything else in the books is made again from the documents.
    """

    companions: Mapping[str, Sequence[bytes]] = {}
    has_links = False

    def __init__(self, bucket: ObjectStore, place: str, cache: Cache) -> None:
        self._objects = Objects(bucket, place)
        self._cache = cache
        self._lease = Lease(self._objects, "metadata/.lease")

    @property
    def place(self) -> str:
        return self._objects.place

    # --- Reading -----------------------------------------------------------------------------

    def source(self, key: str, sha256: str | None = None) -> Source:
        folder = key.rpartition("/")[0]
        return Source(
            self._objects.name(key),
            Fetched(self._objects, key, self._cache, sha256).open,
            beside=lambda name, sha256: self.source(f"{folder}/{name}", sha256),
        )

    def get(self, key: str) -> bytes:
        held = self._objects.get(key)
        if held is None:
            raise StoreError(f"{self._objects.name(key)}: cannot read: not there")
        return held.content

    def look(self, key: str) -> Item | None:
        folder, _, name = key.rpartition("/")
        if not folder and any(self._objects.list(name)):
            return Item(name, Form.FOLDER)
        size = self._objects.size(key)
        return None if size is None else Item(name, Form.OBJECT, size)

    def list(self, folder: str = "") -> Sequence[Item]:
        folders, objects = self._objects.list(folder)
        items = [Item(name, Form.FOLDER) for name in folders]
        items += [Item(name, Form.OBJECT, size) for name, size in objects]
        return sorted(items, key=lambda item: item.name)

    def stale(self, folder: str = "") -> Sequence[str]:
        """What was copied here from a directory; an upload of this class leaves no object."""
        names = [item.name for item in self.list(folder) if is_temporary(item.name)]
        return [f"{folder}/{name}" if folder else name for name in names]

    def stands_for(self, key: str, name: str, content: Source) -> bool:
        held = self._objects.get(key)
        return held is not None and held.content == name.encode()

    # --- Writing -----------------------------------------------------------------------------

    def delete(self, key: str) -> None:
        self._lease.require()
        self._objects.delete(key)

    @contextmanager
    def upload(self, key: str, *, private: bool = False) -> Iterator[BucketUpload]:
        """What is written waits in a temporary file: it is read again before it is placed, and
        what is unchanged is never sent."""
        with tempfile.TemporaryDirectory(prefix="demo-upload-") as directory:
            path = Path(directory) / key.rpartition("/")[2]
            with NewFile(path, 0o600) as file:
                yield BucketUpload(self, self._objects, self._lease, key, path, file)

    @contextmanager
    def changes(self) -> Iterator[BucketChanges]:
        yield BucketChanges(self, self._objects, self._lease)

    # --- Several writers ---------------------------------------------------------------------

    @contextmanager
    def lock(self, timeout: float) -> Iterator[bool]:
        if self._lease.is_held:
            yield False
            return
        self._lease.acquire(timeout)
        try:
            yield True
        finally:
            self._lease.release()

    def claim(self, name: str, by: str) -> bool:
        key = f"{_CLAIMS}/{name}"
        try:
            self._objects.create(key, by.encode())
        except TakenError:
            return self.get(key) == by.encode()
        return True

    def claimed(self) -> Sequence[str]:
        return [name for name, _ in self._objects.list(_CLAIMS)[1]]


class BucketUpload:
    """``base.Upload``."""

    def __init__(
        self,
        backend: BucketBackend,
        objects: Objects,
        lease: Lease,
        key: str,
        path: Path,
        file: NewFile,
    ) -> None:
        self._backend = backend
        self._objects = objects
        self._lease = lease
        self._key = key
        self._path = path
        self._file = file

    def write(self, data: ReadableBuffer, /) -> int:
        return self._file.write(data)

    def finish(self) -> None:
        finish(self._file)

    def place(self, *, over: bool = False) -> None:
        self._lease.require()
        try:
            if self._path.stat().st_size <= PART:
                self._place_whole(self._path.read_bytes(), over=over)
            else:
                self._place_parts(over=over)
        except TakenError:
            name = self._objects.name(self._key)
            raise StoreError(f"{name}: cannot write: it exists already") from None

    def _place_whole(self, content: bytes, *, over: bool) -> None:
        if over:
            self._objects.put(self._key, content)
        else:
            self._objects.create(self._key, content)

    def _place_parts(self, *, over: bool) -> None:
        # Parts cannot be put together on a condition; that the number was claimed keeps others
        # from this key.
        if not over and self._objects.size(self._key) is not None:
            raise TakenError
        try:
            with self._path.open("rb") as file:
                self._objects.put_parts(self._key, file)
        except StoreUnreachableError:
            # What was not answered may have happened.
            if not self._is_there():
                raise

    def _is_there(self) -> bool:
        if self._objects.size(self._key) != self._path.stat().st_size:
            return False
        fetched = Fetched(self._objects, self._key, Cache(), None)
        with self._path.open("rb") as file, fetched.open() as stored:
            return sha256_of(stored) == sha256_of(file)

    def place_as(self, name: str) -> None:
        """Needs no lease: whoever writes under that name writes the same."""
        self._key = f"{self._key.rpartition('/')[0]}/{name}"
        self.place(over=True)

    def settle(self) -> None:
        """What a server has confirmed, it keeps."""

    @property
    def source(self) -> Source:
        return replace(self._backend.source(self._key), open=lambda: self._path.open("rb"))


class BucketChanges:
    """``base.Changes``. Only its owner's lease keeps them together: the books are made again from
    the documents whenever it is taken."""

    def __init__(self, backend: BucketBackend, objects: Objects, lease: Lease) -> None:
        self._backend = backend
        self._objects = objects
        self._lease = lease
        self._written: list[tuple[str, bytes]] = []
        self._removed: list[str] = []

    def write(self, key: str, content: bytes) -> None:
        self._written.append((key, content))

    def keep(self, key: str, aside: str) -> None:
        self.write(aside, self._backend.get(key))

    def link(self, key: str, name: str, content: Source) -> None:
        """The name, as git writes a link where it cannot make one: a copy would have to be sent
        again with every version."""
        self.write(key, name.encode())

    def remove(self, key: str) -> None:
        self._removed.append(key)

    def commit(self) -> None:
        self._lease.require()
        for key, content in self._written:
            self._objects.put(key, content)
        for key in self._removed:
            self._objects.delete(key)
