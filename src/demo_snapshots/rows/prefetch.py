"""From one thread to another, in order and in bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """What one thread puts in, another iterates over. Not more than ``room`` (in the unit of the
    sizes that go with the items) waits in between, and one item more."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._waiting: deque[tuple[T, int]] = deque()
        self._size = 0
        self._ended = False
        self._error: BaseException | None = None
        self._abandoned = False
        self._changed = threading.Condition()

    def put(self, item: T, size: int) -> bool:
        """Add an item, waiting for room; False if nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._size < self._room or self._abandoned)
            self._waiting.append((item, size))
            self._size += size
            self._changed.notify_all()
            return not self._abandoned

    def end(self, error: BaseException | None = None) -> None:
        """There is no more; ``error`` is raised where the items are taken, after the last."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Nobody will take any more."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                item, size = self._waiting.popleft()
                self._size -= size
                self._changed.notify_all()
            yield item


@contextmanager
def ahead(items: Iterator[T], size: Callable[[T], int], room: int) -> Iterator[Iterator[T]]:
    """The same items, made by another thread while the one before is at work. Errors arrive
    where they are taken; after the block nothing of ``items`` runs any more."""
    prefetch: Prefetch[T] = Prefetch(room)

    def work() -> None:
        try:
            for item in items:
                if not prefetch.put(item, size(item)):
                    return
            prefetch.end()
        except BaseException as error:
            prefetch.end(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        yield iter(prefetch)
    finally:
        prefetch.abandon()
        worker.join()
