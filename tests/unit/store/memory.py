"""A place in memory that fails, or loses its process, when it is told to."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.model.sources import Source
from demo_snapshots.store.backends.base import Form, Item

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Died(BaseException):
    """The process that used the place is no more."""


@dataclass
class Place:
    """What outlives every process: the objects, and who holds the lock.

    The ``at``-th step that changes something fails, with ``lasting`` every later one too; where
    ``deadly``, the backend that takes it does nothing ever again.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    at: int = 0
    lasting: bool = False
    deadly: bool = False
    steps: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)
    holder: MemoryBackend | None = None
    change: threading.Condition = field(default_factory=threading.Condition)
    numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def failing(self, at: int, *, lasting: bool = False, deadly: bool = False) -> Iterator[None]:
        self.steps, self.at, self.lasting, self.deadly = [], at, lasting, deadly
        try:
            yield
        finally:
            self.at = 0


class MemoryBackend:
    """``base.Backend`` in a ``Place``: one process's view of it."""

    companions: Mapping[str, Sequence[bytes]] = {
        "README": (b"Made by demo-snapshots.\n", b"Made long ago.\n")
    }
    place = "memory"
    has_links = False

    def __init__(self, place: Place) -> None:
        self.kept = place
        self.dead = False

    def step(self, action: str, key: str) -> None:
        if self.dead:
            raise Died
        kept = self.kept
        kept.steps.append(f"{action} {key}")
        seen = len(kept.steps)
        if not kept.at or seen < kept.at or (seen > kept.at and not kept.lasting):
            return
        if kept.deadly:
            self.dead = True
            raise Died
        raise StoreError(f"memory:{key}: cannot {action}: told to fail")

    # --- Reading -----------------------------------------------------------------------------

    def source(self, key: str, sha256: str | None = None) -> Source:
        folder = key.rpartition("/")[0]
        return Source(
            f"memory:{key}",
            lambda: io.BytesIO(self.get(key)),
            beside=lambda name, sha256: self.source(f"{folder}/{name}", sha256),
        )

    def get(self, key: str) -> bytes:
        try:
            return self.kept.objects[key]
        except KeyError:
            raise StoreError(f"memory:{key}: cannot read: not there") from None

    def look(self, key: str) -> Item | None:
        folder, _, name = key.rpartition("/")
        return next((item for item in self.list(folder) if item.name == name), None)

    def list(self, folder: str = "") -> Sequence[Item]:
        start = f"{folder}/" if folder else ""
        items: dict[str, Item] = {}
        for key, content in self.kept.objects.items():
            if key.startswith(start):
                name, inner, _ = key[len(start) :].partition("/")
                items[name] = Item(
                    name, *((Form.FOLDER,) if inner else (Form.OBJECT, len(content)))
                )
        return [items[name] for name in sorted(items)]

    def stale(self, folder: str = "") -> Sequence[str]:
        names = [item.name for item in self.list(folder) if ".tmp-" in item.name]
        return [f"{folder}/{name}" if folder else name for name in names]

    def stands_for(self, key: str, name: str, content: Source) -> bool:
        with content.open() as stream:
            return self.kept.objects.get(key) == stream.read()

    # --- Writing -----------------------------------------------------------------------------

    def delete(self, key: str) -> None:
        self.step("remove", key)
        self.kept.objects.pop(key, None)

    @contextmanager
    def upload(self, key: str, *, private: bool = False) -> Iterator[MemoryUpload]:
        folder, _, name = key.rpartition("/")
        upload = MemoryUpload(self, key, f"{folder}/.{name}.tmp-{next(self.kept.numbers)}")
        self.step("begin", key)
        self.kept.objects[upload.temporary] = b""
        try:
            yield upload
        finally:
            if not self.dead:
                # What cannot be discarded is left to the next who takes the lock.
                with suppress(StoreError):
                    self.delete(upload.temporary)

    @contextmanager
    def changes(self) -> Iterator[MemoryChanges]:
        yield MemoryChanges(self)

    @contextmanager
    def lock(self, timeout: float) -> Iterator[bool]:
        kept = self.kept
        if kept.holder is self:
            yield False
            return
        deadline = time.monotonic() + timeout
        with kept.change:
            while kept.holder is not None and not kept.holder.dead:
                if not kept.change.wait(deadline - time.monotonic()):
                    raise StoreBusyError(f"memory: busy for {timeout:g} seconds")
            kept.holder = self
        try:
            yield True
        finally:
            with kept.change:
                kept.holder = None
                kept.change.notify_all()

    def claim(self, name: str, by: str) -> bool:
        return True

    def claimed(self) -> Sequence[str]:
        return ()


@dataclass(frozen=True)
class MemoryUpload:
    backend: MemoryBackend
    key: str
    temporary: str

    def write(self, data: ReadableBuffer, /) -> int:
        self.backend.step("write", self.key)
        self.backend.kept.objects[self.temporary] += bytes(data)
        return memoryview(data).nbytes

    def finish(self) -> None:
        self.backend.step("finish", self.key)
        self.backend.kept.finished.add(self.temporary)

    def place(self, *, over: bool = False) -> None:
        self.backend.step("place", self.key)
        assert self.temporary in self.backend.kept.finished, "a power cut would leave half of it"
        objects = self.backend.kept.objects
        if self.key in objects and not over:
            raise StoreError(f"memory:{self.key}: cannot write: exists")
        objects[self.key] = objects[self.temporary]
        self.backend.kept.unsettled.add(self.key)

    def place_as(self, name: str) -> None:
        key = f"{self.key.rpartition('/')[0]}/{name}"
        self.backend.step("place", key)
        objects = self.backend.kept.objects
        assert self.temporary in self.backend.kept.finished, "a power cut would leave half of it"
        objects[key] = objects[self.temporary]

    def settle(self) -> None:
        self.backend.step("settle", self.key)
        self.backend.kept.unsettled.remove(self.key)

    @property
    def source(self) -> Source:
        return self.backend.source(self.temporary)


class MemoryChanges:
    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend
        self._written: dict[str, bytes] = {}
        self._removed: list[str] = []

    def write(self, key: str, content: bytes) -> None:
        self._backend.step("prepare", key)
        self._written[key] = content

    def keep(self, key: str, aside: str) -> None:
        self.write(aside, self._backend.get(key))

    def link(self, key: str, name: str, content: Source) -> None:
        with content.open() as stream:
            self.write(key, stream.read())

    def remove(self, key: str) -> None:
        self._removed.append(key)

    def commit(self) -> None:
        kept = self._backend.kept
        assert not kept.unsettled, "a power cut would leave books of what is not there"
        for key, content in self._written.items():
            self._backend.step("replace", key)
            kept.objects[key] = content
        for key in self._removed:
            self._backend.delete(key)
