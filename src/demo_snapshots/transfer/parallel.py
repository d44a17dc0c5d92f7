"""Rows read ahead over several connections that see one state of the database.

The queries are numbered parts, and come back in that order whatever the number of workers, so
the bytes of a document do not depend on it. Parts wait in buffers of bounded size until their
turn, and only a few do, so memory does not grow with the rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import DatabaseUnreachableError
from demo_snapshots.model.words import Call, Words
from demo_snapshots.rows.prefetch import Prefetch

_BUFFER_BYTES = 8_000_000

Batch = list[bytes]


class _Part(Prefetch[Batch]):
    """One query's rows, between the worker that reads them and the one who wants them."""

    def __init__(self, query: str) -> None:
        super().__init__(_BUFFER_BYTES)
        self.query = query


class ReadAhead:
    """The answers to numbered queries, each to be taken once, in order. Not more than ``window``
    of them are begun and not yet taken to the end."""

    def __init__(self, queries: Sequence[str], window: int) -> None:
        self._parts = [_Part(query) for query in queries]
        self._window = window
        self._claimed = 0
        self._taken = 0
        self._changed = threading.Condition()

    def take(self, numbers: range) -> Iterator[Batch]:
        """The rows of these parts."""
        for number in numbers:
            yield from self._parts[number]
            with self._changed:
                self._taken += 1
                self._changed.notify_all()

    def work(self, url: str, snapshot: str) -> None:
        """Read parts until none is left, on a connection of one's own."""
        part: _Part | None = None
        try:
            with connect(url) as database, database.sharing(snapshot):
                while (part := self._claim()) is not None:
                    for batch in database.stream(part.query):
                        if not part.put(batch, sum(map(len, batch))):
                            return
                    part.end()
        except BaseException as error:
            if isinstance(error, DatabaseUnreachableError):
                error.hint = Words(
                    "It is reached by one connection: ", Call("export", jobs=1), " needs no more."
                )
            # Whoever waits for this part, or for one that nobody will read now, is told.
            for waiting in (part, *self._remaining()):
                if waiting is not None:
                    waiting.end(error)

    def _claim(self) -> _Part | None:
        with self._changed:
            count = len(self._parts)
            self._changed.wait_for(
                lambda: self._claimed == count or self._claimed < self._taken + self._window
            )
            if self._claimed == count:
                return None
            self._claimed += 1
            return self._parts[self._claimed - 1]

    def _remaining(self) -> list[_Part]:
        """Parts that nobody has claimed, and nobody will from now on."""
        with self._changed:
            rest = self._parts[self._claimed :]
            self._claimed = len(self._parts)
            self._changed.notify_all()
            return rest

    def abandon(self) -> None:
        self._remaining()
        for part in self._parts:
            part.abandon()


@contextmanager
def read_ahead(database: Database, queries: Sequence[str], jobs: int) -> Iterator[ReadAhead]:
    """Let ``jobs`` connections answer ``queries`` in the state that ``database``'s open
    transaction sees. Errors arrive where the rows are taken."""
    ahead = ReadAhead(queries, jobs + 1)
    snapshot = database.share()
    workers = [
        threading.Thread(target=ahead.work, args=(database.url, snapshot), daemon=True)
        for _ in range(jobs)
    ]
    for worker in workers:
        worker.start()
    try:
        yield ahead
    finally:
        ahead.abandon()
        for worker in workers:
            worker.join()
