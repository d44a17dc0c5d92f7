"""Versions, written once for every kind of place: a backend below moves the bytes."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from msgspec import Struct

from demo_snapshots.errors import StoreError
from demo_snapshots.model.results import Listing
from demo_snapshots.model.snapshots import (
    Description,
    DocumentForm,
    Entry,
    Header,
    Packing,
    Part,
    Stored,
    Version,
    check_scenario_name,
    part_name,
)
from demo_snapshots.model.sources import Source
from demo_snapshots.store.backends.base import Backend, Form, Upload
from demo_snapshots.store.blobs import Blobs
from demo_snapshots.store.books import Books
from demo_snapshots.store.contents import Contents, claim_of, entry_of, kept_as, relative_path
from demo_snapshots.store.inventory import Describe, Inventory
from demo_snapshots.store.manifest import recordable
from demo_snapshots.store.measured import Measured

Whole = Callable[[Sequence[Source]], Source]
"""Makes of a whole document and the deltas on top of it, in that order, the one that they are."""

_logger = logging.getLogger(__name__)
_BUFFER = 1 << 20


class Draft(Struct, frozen=True):
    """A snapshot being written; nobody sees it before it is published.

    ``file`` takes bytes, from beginning to end; writing raises StoreError naming the place and
    the reason.
    """

    scenario: str
    version: Version
    packing: Packing
    form: DocumentForm
    file: BinaryIO
    upload: Upload
    measured: Measured

    @property
    def source(self) -> Source:
        """What was written and flushed so far."""
        return self.upload.source


class PartDraft(Struct, frozen=True):
    """A part being written: ``file`` takes its bytes, as that of a Draft does."""

    scenario: str
    packing: Packing
    file: BinaryIO
    upload: Upload
    measured: Measured

    def place(self) -> Part:
        """Make it a part, which no version names yet. Raises StoreError."""
        self.file.close()
        self.upload.finish()
        sha256 = self.measured.hash.hexdigest()
        part = Part(part_name(self.scenario, sha256, self.packing), self.measured.size, sha256)
        self.upload.place_as(part.name)
        return part


class Store:
    """Immutable snapshots by scenario and version, in ``backend``, which need not exist.

    The documents are the truth; the manifest beside them is checked against them at every
    reading, and what is missing from it is read from them, by ``describe``; ``whole`` makes one
    document of several files. Reading takes no lock and writes nothing. Every method raises
    StoreError, naming place and reason, where the store cannot be read or written, and UsageError
    for a name that cannot be a scenario's. An absent store is an empty one. Instances hold no
    state but the lock: each call looks anew.
    """

    def __init__(self, backend: Backend, describe: Describe, whole: Whole | None = None) -> None:
        self._backend = backend
        self._whole = whole or _not_whole
        self._inventory = Inventory(backend, describe)
        self._books = Books(backend, self._inventory, describe)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._backend.place

    @property
    def blobs(self) -> Blobs:
        """Contents of uploaded files, and lists of them. Whoever writes there holds the lock."""
        return Blobs(self._backend)

    # --- Reading -----------------------------------------------------------------------------

    def listing(self, scenario: str | None = None) -> Listing:
        """What there is (of one scenario, if given), scenarios by name, versions newest first,
        with notes on everything found amiss. An unknown scenario is an empty listing."""
        return self._contents(scenario).listing()

    def scenarios(self) -> tuple[str, ...]:
        """The names of those that have a snapshot, sorted."""
        return self._contents().scenarios()

    def entries(self, scenario: str | None = None) -> tuple[Entry, ...]:
        """The snapshots, by scenario, newest first."""
        return self._contents(scenario).entries

    def latest(self, scenario: str) -> Entry | None:
        """The one with the highest version number; file times and links play no part.

        StoreError if there is a later one that is damaged: an older one in its place would
        pass unnoticed.
        """
        return self._contents(scenario).latest(scenario)

    def find(self, scenario: str, version: str) -> Entry:
        """The snapshot called ``v1`` or ``v1_2025-01-15``.

        Raises ExportNotFoundError, naming those there are, for an unknown scenario or version
        and for a ``v1`` that two snapshots share (two branches that both exported), and
        StoreError for a damaged one.
        """
        contents = self._contents(scenario)
        # Only the error for an unknown scenario needs to know the others.
        return (contents if contents.entries else self._contents()).find(scenario, version)

    def next_number(self, scenario: str) -> int:
        """One more than the highest number ever used; it is yours only under the lock."""
        return self._contents(scenario).next_number(scenario)

    def highest(self) -> Mapping[str, int]:
        """The highest number ever used by each scenario, also of one with no snapshot left."""
        return self._contents().highest

    def source(self, entry: Entry) -> Source:
        """The version's rows, as one whole document; of a delta, as its files make it. StoreError
        if one of them has gone."""
        files = self.files(entry)
        return files[0] if len(files) == 1 else self._whole(files)

    def files(self, entry: Entry) -> tuple[Source, ...]:
        """The files that it takes to read the version: one that holds all rows, then the deltas on
        top of it, its own last. StoreError if one of them has gone."""
        return tuple(self.file(link) for link in self.chain(entry))

    def chain(self, entry: Entry) -> tuple[Entry, ...]:
        """The versions whose files ``files`` gives: the version itself, unless it is a delta."""
        return (entry,) if entry.delta is None else self._contents(entry.scenario).chain(entry)

    def file(self, entry: Entry) -> Source:
        """The bytes of its own file, for who moves files. StoreError if it has gone."""
        key = _key(entry)
        source = self._backend.source(key, entry.sha256)
        item = self._backend.look(key)
        if item is None or item.form is not Form.OBJECT:
            raise StoreError(f"{source.name}: not there any more, or not a regular file")
        return source

    def inventory(self, scenario: str | None = None) -> tuple[Stored, ...]:
        """Everything named like a snapshot, damaged or not, and what only the manifest knows;
        by scenario, newest first. Nothing is read but the manifest."""
        return self._inventory.stored(None if scenario is None else check_scenario_name(scenario))

    def inconsistencies(self, scenario: str | None = None) -> tuple[str, ...]:
        """What is wrong with the store's own books: what ``lock`` will put right."""
        return self._books.inconsistencies(
            None if scenario is None else check_scenario_name(scenario)
        )

    def stale(self) -> tuple[str, ...]:
        """Names of temporary files, and of parts that no version names, which ``lock`` removes:
        nobody who holds it has any."""
        return tuple(self._backend.source(key).name for key in self._inventory.stale())

    def unused_blobs(self, without: Sequence[Entry] = ()) -> Mapping[str, int]:
        """The blobs that no version names but those ``without``, and their sizes; nothing where a
        version is damaged, or a list of files."""
        return self._inventory.unused_blobs({entry.path for entry in without})

    def _contents(self, scenario: str | None = None) -> Contents:
        if scenario is not None:
            check_scenario_name(scenario)
        return self._inventory.contents(scenario)

    # --- Writing -----------------------------------------------------------------------------

    @contextmanager
    def lock(self, timeout: float = 60.0) -> Iterator[None]:
        """Keep every other writer out, in this and all other processes.

        Waits ``timeout`` seconds at most, then raises StoreBusyError. May be taken again by
        its holder. Taking it puts right whatever an earlier process left undone: temporary
        files, manifest, latest. An export holds it from before its database snapshot until it
        has published, so that the order of versions is the order of the snapshots.
        """
        with self._backend.lock(timeout) as is_new:
            for note in self._books.reconcile() if is_new else ():
                _logger.info("%s", note)
            yield

    @contextmanager
    def draft(
        self,
        scenario: str,
        version: Version,
        packing: Packing = Packing.PLAIN,
        form: DocumentForm = DocumentForm.SQL,
    ) -> Iterator[Draft]:
        """A place to write the snapshot, packed already and of that form; takes the lock. Whatever
        has not been published when the context ends is discarded."""
        key = relative_path(check_scenario_name(scenario), version, packing, form)
        with self.lock(), self._backend.upload(key) as upload, ExitStack() as undo:
            measured = Measured(upload)
            file = io.BufferedWriter(measured, _BUFFER)
            undo.callback(_close, file)
            yield Draft(scenario, version, packing, form, file, upload, measured)

    @contextmanager
    def part(self, scenario: str, packing: Packing = Packing.PLAIN) -> Iterator[PartDraft]:
        """A place to write a part of a version, packed already. What was not placed when the
        context ends is discarded. It takes no lock: whoever makes the version holds it, elsewhere
        perhaps. Parts that no version names are removed when the lock is taken next."""
        key = f"{check_scenario_name(scenario)}/{scenario}_part{packing.suffix}"
        with self._backend.upload(key) as upload, ExitStack() as undo:
            measured = Measured(upload)
            file = io.BufferedWriter(measured, _BUFFER)
            undo.callback(_close, file)
            yield PartDraft(scenario, packing, file, upload, measured)

    def drop_unused_parts(self, scenario: str) -> None:
        """Remove the scenario's parts that no version names; takes the lock."""
        with self.lock():
            for key in self._inventory.unused_parts(check_scenario_name(scenario)):
                self._backend.delete(key)

    def publish(
        self,
        draft: Draft,
        header: Header,
        digest: str,
        *,
        parts: tuple[Part, ...] = (),
        over_damaged: bool = False,
    ) -> Entry:
        """Make the draft a snapshot, whole at once, never replacing another one; with
        ``over_damaged`` it takes the place of a file of its name that is no whole snapshot.
        ``parts`` are those that a head names, which must be there.

        ``header`` and ``digest`` (64 hexadecimal digits) must be those written into it, else
        ValueError; size and SHA-256 the draft knows itself. After a StoreError there is no new
        snapshot, unless its message says that it was saved and what else failed; a process
        that dies leaves the whole snapshot or none.
        """
        entry = _entry_of(draft, header, digest, parts)
        self._require_beside(entry)
        draft.file.close()
        draft.upload.finish()
        contents = self._contents()
        over_damaged = over_damaged and any(unfit.path == entry.path for unfit in contents.unfit)
        with self._backend.changes() as changes:
            drafts = {entry.path: (draft.source, header)}
            self._books.stage(changes, contents.having(entry), drafts)
            for key, (content, *once) in self._backend.companions.items():
                if self._is_wanting(key, once):
                    changes.write(key, content)
            if not over_damaged:
                self._claim(entry)
            draft.upload.place(over=over_damaged)
            try:
                draft.upload.settle()
                changes.commit()
            except StoreError as error:
                raise StoreError(
                    f"{entry.scenario} {entry.version} was saved, but {error.message}",
                    hint="The next export or clean-up puts the store right.",
                ) from error
        return entry

    def missing_parts(self, scenario: str, parts: Iterable[Part]) -> tuple[Part, ...]:
        """Those of ``parts`` that are not there, each once; by name and size alone."""
        items = self._backend.list(check_scenario_name(scenario))
        there = {(item.name, item.size) for item in items if item.form is Form.OBJECT}
        return tuple(p for p in dict.fromkeys(parts) if (p.name, p.size) not in there)

    def _require_beside(self, entry: Entry) -> None:
        for part in self.missing_parts(entry.scenario, entry.parts) if entry.parts else ():
            raise StoreError(
                f"{self._backend.source(entry.path).name}: its part {part.name} is not there;"
                " nothing was saved",
                hint="Another process removed it. Try again.",
            )
        files = entry.files
        if files is not None and not self.blobs.has(files.sha256, files.list_size):
            name = self._backend.source(entry.path).name
            raise StoreError(f"{name}: its list of uploaded files is not there; nothing was saved")

    def _claim(self, entry: Entry) -> None:
        """Take its number, which another process may have got where locks can be lost."""
        claim = claim_of(entry.scenario, entry.version.number)
        if not self._backend.claim(claim, entry.sha256):
            raise StoreError(
                f"{self._backend.source(entry.path).name}: another version has got the number"
                f" {entry.version.number}; nothing was saved",
                hint="Try again: the next number is free.",
            )

    def _is_wanting(self, key: str, once: Sequence[bytes]) -> bool:
        """Whether a companion is not there, or is what it once was."""
        item = self._backend.look(key)
        if item is None:
            return True
        mine = item.form is Form.OBJECT and item.size in map(len, once)
        return mine and self._backend.get(key) in once

    def use_numbers(self, highest: Mapping[str, int]) -> None:
        """Count these numbers, and all below them, as used by the scenarios; takes the lock."""
        with self.lock(), self._backend.changes() as changes:
            self._books.stage(changes, self._contents().using(highest))
            changes.commit()

    def remove(self, entries: Sequence[Entry]) -> None:
        """Delete snapshots; takes the lock. Those already gone are passed over.

        Raises StoreError before anything is deleted if one is its scenario's latest. If one
        cannot be deleted, those before it are gone and the manifest says so.
        """
        with self.lock():
            contents = self._contents()
            for entry in entries:
                latest = contents.newest(entry.scenario)
                if latest is not None and latest.path == entry.path:
                    raise StoreError(f"{entry.path}: the latest snapshot is never removed")
            gone: list[Entry] = []
            try:
                for entry in entries:
                    self._backend.delete(_key(entry))
                    gone.append(entry)
            finally:
                with self._backend.changes() as changes:
                    self._books.stage(changes, contents.without(gone))
                    changes.commit()
            for scenario in {entry.scenario for entry in gone if entry.parts}:
                self.drop_unused_parts(scenario)


def _not_whole(files: Sequence[Source]) -> Source:
    raise StoreError(f"{files[-1].name}: a delta, which this store was not opened to read")


def _key(entry: Entry) -> str:
    scenario = check_scenario_name(entry.scenario)
    return relative_path(scenario, entry.version, *kept_as(entry.path))


def _entry_of(draft: Draft, header: Header, digest: str, parts: tuple[Part, ...]) -> Entry:
    """The entry that publishing makes. Raises ValueError where the draft is not as it says."""
    if draft.file.closed:
        raise ValueError("not a draft that is still open")
    draft.file.flush()
    measured = draft.measured
    entry = entry_of(
        Description(
            header,
            digest,
            measured.size,
            measured.hash.hexdigest(),
            draft.packing,
            draft.form,
            parts,
        )
    )
    if (entry.scenario, entry.version) != (draft.scenario, draft.version):
        raise ValueError(f"the draft of {draft.scenario} {draft.version} names another")
    if not recordable(entry):
        raise ValueError(f"the draft of {draft.scenario} {draft.version} has unfit values")
    return entry


def _close(file: BinaryIO) -> None:
    # What could not be written is being discarded.
    with suppress(OSError, StoreError):
        file.close()
