"""What every store of snapshots promises, wherever it keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from demo_snapshots.model.results import Listing
from demo_snapshots.model.snapshots import Entry, Header, Packing, Stored, Version


class Draft(Protocol):
    """A snapshot being written; nobody sees it before it is published.

    ``file`` takes bytes, from beginning to end; writing raises StoreError naming the place and
    the reason.
    """

    @property
    def scenario(self) -> str: ...

    @property
    def version(self) -> Version: ...

    @property
    def file(self) -> BinaryIO: ...

    @property
    def path(self) -> Path:
        """Where to read what was written and flushed so far."""


class Store(Protocol):
    """Immutable snapshots by scenario and version.

    The documents are the truth; the manifest beside them is checked against them at every
    reading, and what is missing from it is read from them. Reading takes no lock and writes
    nothing. Every method raises StoreError, naming place and reason, where the store cannot be
    read or written, and UsageError for a name that cannot be a scenario's. An absent store is
    an empty one.
    """

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def listing(self, scenario: str | None = None) -> Listing:
        """What there is (of one scenario, if given), scenarios by name, versions newest first,
        with notes on everything found amiss. An unknown scenario is an empty listing."""

    def scenarios(self) -> tuple[str, ...]:
        """The names of those that have a snapshot, sorted."""

    def entries(self, scenario: str | None = None) -> tuple[Entry, ...]:
        """The snapshots, by scenario, newest first."""

    def latest(self, scenario: str) -> Entry | None:
        """The one with the highest version number; file times and links play no part.

        StoreError if there is a later one that is damaged: an older one in its place would
        pass unnoticed.
        """

    def find(self, scenario: str, version: str) -> Entry:
        """The snapshot called ``v1`` or ``v1_2025-01-15``.

        Raises ExportNotFoundError, naming those there are, for an unknown scenario or version
        and for a ``v1`` that two snapshots share (two branches that both exported), and
        StoreError for a damaged one.
        """

    def open(self, entry: Entry) -> BinaryIO:
        """Its bytes, from the beginning; the caller closes."""

    def path(self, entry: Entry) -> Path:
        """The file that holds its bytes."""

    def inventory(self, scenario: str | None = None) -> tuple[Stored, ...]:
        """Every file named like a snapshot, damaged or not, and those that only the manifest
        knows; by scenario, newest first. No document is read."""

    def inconsistencies(self, scenario: str | None = None) -> tuple[str, ...]:
        """What is wrong with the store's own books: what ``lock`` will put right."""

    def stale(self) -> tuple[Path, ...]:
        """Temporary files, which ``lock`` removes: nobody who holds it has any."""

    def lock(self, timeout: float = 60.0) -> AbstractContextManager[None]:
        """Keep every other writer out, in this and all other processes.

        Waits ``timeout`` seconds at most, then raises StoreBusyError. May be taken again by
        its holder. Taking it puts right whatever an earlier process left undone: temporary
        files, manifest, latest. An export holds it from before its database snapshot until it
        has published, so that the order of versions is the order of the snapshots.
        """

    def next_number(self, scenario: str) -> int:
        """One more than the highest number ever used; it is yours only under the lock."""

    def draft(
        self, scenario: str, version: Version, packing: Packing = Packing.PLAIN
    ) -> AbstractContextManager[Draft]:
        """A place to write the snapshot, packed already; takes the lock. Whatever has not been
        published when the context ends is discarded."""

    def publish(
        self, draft: Draft, header: Header, digest: str, *, over_damaged: bool = False
    ) -> Entry:
        """Make the draft a snapshot, whole at once, never replacing another one; with
        ``over_damaged`` it takes the place of a file of its name that is no whole snapshot.

        ``header`` and ``digest`` (64 hexadecimal digits) must be those written into it, else
        ValueError; size and SHA-256 the draft knows itself. After a StoreError there is no new
        snapshot, unless its message says that it was saved and what else failed; a process
        that dies leaves the whole snapshot or none.
        """

    def remove(self, entries: Sequence[Entry]) -> None:
        """Delete snapshots; takes the lock. Those already gone are passed over.

        Raises StoreError before anything is deleted if one is its scenario's latest. If one
        cannot be deleted, those before it are gone and the manifest says so.
        """
