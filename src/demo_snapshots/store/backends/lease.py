"""Who may write to a bucket: an object that says so, taken and given back by conditional writes.

The holder renews it. Whoever sees it unchanged for ``LEASE`` seconds, by their own clock, takes it:
so what a dead process holds comes free by itself, and no two clocks have to agree. A process that
was stopped for longer may believe to hold it still; what must not happen twice is therefore kept
from it by conditions of its own (``BucketBackend.claim``).
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time

from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.store.backends.objects import Held, Objects, Tag, TakenError

LEASE = 10.0
_RENEWAL = LEASE / 4
_FREE = b"free"
_logger = logging.getLogger(__name__)


class Lease:
    """The object ``key``, as one process sees it."""

    def __init__(self, objects: Objects, key: str) -> None:
        self._objects = objects
        self._key = key
        self._token = os.urandom(8).hex()
        self._turn = 0
        self._tag: Tag | None = None
        self._renewed = 0.0
        self._over = threading.Event()
        self._renewing: threading.Thread | None = None
        self._trusted = False

    @property
    def is_held(self) -> bool:
        return self._tag is not None

    def require(self) -> None:
        """StoreBusyError where it was held and has been lost since, or may have been."""
        if self.is_held and time.monotonic() - self._renewed > LEASE:
            raise StoreBusyError(
                f"{self._objects.place}: this process stood still for too long, and another one"
                " may be writing",
                hint="Try again.",
            )

    def acquire(self, timeout: float) -> None:
        """Wait for it, ``timeout`` seconds at most. Raises StoreBusyError, and StoreError where
        the server does not keep to conditions."""
        deadline = time.monotonic() + timeout
        pause = 0.02
        seen, since = b"", 0.0
        started = time.monotonic()
        while (tag := self._try(self._objects.get(self._key), seen, since)) is None:
            now = time.monotonic()
            if now >= deadline:
                raise StoreBusyError(
                    f"{self._objects.place}: another process has been writing for"
                    f" {timeout:g} seconds",
                    hint="Wait for it to finish and try again.",
                )
            if self._last != seen:
                seen, since = self._last, now
            time.sleep(min(pause * random.uniform(0.5, 1.5), max(0.0, deadline - now)))
            pause = min(pause * 1.5, 0.5)
            started = time.monotonic()
        self._tag, self._renewed = tag, started
        self._over = threading.Event()
        try:
            self._require_conditions()
        except BaseException:
            self.release()
            raise
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._renewing.start()

    def _try(self, held: Held | None, seen: bytes, since: float) -> Tag | None:
        """Take it if it is free, or is as it was ``seen`` for too long."""
        self._last = held.content if held else b""
        try:
            if held is None:
                return self._objects.create(self._key, self._mine())
            waited = held.content == seen and time.monotonic() - since > LEASE
            if held.content == _FREE or waited:
                return self._objects.swap(self._key, self._mine(), held.tag)
        except TakenError:
            pass
        return None

    def _mine(self) -> bytes:
        # Never twice the same, since a server may tell states apart by their content.
        self._turn += 1
        return f"held {self._token} {self._turn}".encode()

    def _require_conditions(self) -> None:
        """Find out, on the lease itself, whether the server keeps to conditions: one that ignores
        them lets two processes write at once. Once for each process that writes."""
        if self._trusted:
            return
        assert self._tag is not None
        before = self._tag
        self._tag = self._objects.swap(self._key, self._mine(), before)
        for outdated in (None, before):
            try:
                if outdated is None:
                    self._tag = self._objects.create(self._key, self._mine())
                else:
                    self._tag = self._objects.swap(self._key, self._mine(), outdated)
            except TakenError:
                continue
            raise StoreError(
                f"{self._objects.place}: the server ignores the conditions of a write, so two"
                " exports at once could replace one another; nothing was written",
                hint="Only read from it, or keep the snapshots on a server that knows"
                " If-Match and If-None-Match.",
            )
        self._trusted = True

    def _renew(self) -> None:
        over = self._over
        while not over.wait(_RENEWAL):
            tag, started = self._tag, time.monotonic()
            if tag is None:
                return
            try:
                tag = self._objects.swap(self._key, self._mine(), tag)
                if self._renewing is threading.current_thread():
                    self._tag, self._renewed = tag, started
            except TakenError:
                self._renewed = -LEASE
                return
            except StoreError as error:
                _logger.info("the lease was not renewed: %s", error)

    def release(self) -> None:
        """Give it back. Where that fails, it comes free by itself."""
        self._over.set()
        if self._renewing is not None:
            self._renewing.join(LEASE)
        is_renewing = self._renewing is not None and self._renewing.is_alive()
        self._renewing = None
        tag, self._tag = self._tag, None
        try:
            if tag is not None and not is_renewing:
                self._objects.swap(self._key, _FREE, tag)
        except TakenError:
            pass
        except StoreError as error:
            _logger.info("the lease was not given back: %s", error)
