"""What a merge of two branches, a crash or a hand left of a store, made right again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from msgspec import Struct, field

from demo_snapshots.documents.opening import describe, open_document, read_tail, reading
from demo_snapshots.documents.sql.rewriting import split_conflict
from demo_snapshots.errors import DemoError
from demo_snapshots.model.snapshots import Description, Entry, Stored, Version
from demo_snapshots.model.sources import Source, source_of
from demo_snapshots.model.upkeep import Renumbered, RepairResult
from demo_snapshots.operations.ancestry import Ancestry
from demo_snapshots.operations.renumbering import copy_of, publish_as
from demo_snapshots.operations.verify import read_whole
from demo_snapshots.store import Store
from demo_snapshots.store.contents import entry_of


def repair_store(store: Store, *, dry_run: bool = False) -> RepairResult:
    """Put right what two branches that both exported, a crash or a hand left of the store.

    Manifest, list of schemas and latest are brought in line with the files (a damaged manifest
    is kept beside the new one), temporary files of dead processes removed. Of versions with the
    same number the one generated first keeps it; each other one gets the next number nobody
    used: a new file with that Version line, all else byte for byte, and then the old one is
    removed. Two versions that git merged into one file are taken apart again where each side
    is whole by its digest. No other file is touched, and none is lost.

    May be interrupted anywhere and done again. ``dry_run`` only looks, and takes no lock.
    Raises StoreError.
    """
    wrong = (
        *_missing(store),
        *store.inconsistencies(),
        *(f"{p}: a temporary file" for p in store.stale()),
    )
    repair = _Repair(store, dry_run)
    # Taking the lock puts the books right.
    with nullcontext() if dry_run else store.lock():
        for stored in store.inventory():
            if stored.present:
                repair.take_apart(stored)
        repair.separate_twins()
        to_merge = tuple(_to_merge(store, repair.done))
    return RepairResult(wrong, tuple(repair.done), tuple(repair.left), dry_run, to_merge)


def _to_merge(store: Store, done: Sequence[Renumbered]) -> Iterator[tuple[str, Version, Version]]:
    """Of each scenario in which a version got another number the two that hold the work of both
    branches, if there are just two: the last that no other was made from; or where the documents
    do not say it, the last that kept its number, and the last that did not."""
    for scenario in dict.fromkeys(change.scenario for change in done):
        changes = [change for change in done if change.scenario == scenario]
        becomes = {c.version: c.becomes for c in changes if not c.merged}
        try:
            ancestry = Ancestry(store, scenario)
        except DemoError:
            # A file that was altered since it was saved; it is told of by itself.
            continue
        heads = [becomes.get(e.version, e.version) for e in ancestry.heads()]
        if not heads:
            moved = {c.becomes for c in changes}
            kept = [e.version for e in ancestry.entries if e.version not in moved | {*becomes}]
            kept += [c.version for c in changes if c.merged]
            # None is kept where one version was there twice, with two endings.
            heads = [max(kept), max(moved)] if kept else []
        if len(heads) == 2:
            yield scenario, min(heads), max(heads)


def _missing(store: Store) -> tuple[str, ...]:
    return tuple(
        f"{stored.scenario} {stored.version} is in the manifest, and there is no such file"
        for stored in store.inventory()
        if not stored.present
    )


class _Repair(Struct):
    store: Store
    dry_run: bool
    done: list[Renumbered] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    # --- Two versions in one file ------------------------------------------------------------

    def take_apart(self, stored: Stored) -> None:
        """Make two versions of a file that git merged of two; others only have to be whole."""
        if stored.size is None:
            self.left.append(f"{stored.source.name}: not a regular file")
            return
        try:
            _require_ends(stored.source)
        except DemoError as error:
            with tempfile.TemporaryDirectory() as directory:
                sides = _sides(stored, Path(directory))
                if sides is None:
                    self.left.append(error.message)
                    return
                (first, keeps), (second, moves) = sides
                becomes = self._next(stored.scenario, stored.version)
                if not self.dry_run:
                    if copy_of(self.store.entries(), entry_of(moves)) is None:
                        publish_as(self.store, second, moves, becomes)
                    publish_as(self.store, first, keeps, stored.version, over_damaged=True)
            self.done.append(Renumbered(stored.scenario, stored.version, becomes, merged=True))

    # --- Two files with the same number ------------------------------------------------------

    def separate_twins(self) -> None:
        """Give the next numbers to all but the first of those that share one, in the order in
        which they were generated."""
        for entry in _twins(self.store.entries()):
            source = self.store.file(entry)
            description = describe(source)
            if description.sha256 != entry.sha256:
                self.left.append(
                    f"{source.name}: was altered since it was saved, and keeps its number"
                )
                continue
            copy = copy_of(self.store.entries(), entry)
            becomes = copy.version if copy else self._next(entry.scenario, entry.version)
            if not self.dry_run:
                if copy is None:
                    publish_as(self.store, source, description, becomes)
                self.store.remove([entry])
            self.done.append(Renumbered(entry.scenario, entry.version, becomes, merged=False))

    def _next(self, scenario: str, version: Version) -> Version:
        planned = sum(done.scenario == scenario for done in self.done) if self.dry_run else 0
        return Version(self.store.next_number(scenario) + planned, version.day)


def _require_ends(source: Source) -> None:
    """Raise DemoError unless the document's header and last lines are a snapshot's."""
    read_tail(source)
    with reading(source) as stream:
        open_document(stream)


_Side = tuple[Source, Description]


def _sides(stored: Stored, directory: Path) -> tuple[_Side, _Side] | None:
    """The two whole snapshots that were merged into one file, in the order in which they were
    generated; None if it does not hold two."""
    ours, theirs = directory / "ours", directory / "theirs"
    try:
        with stored.source.open() as stream, ours.open("wb") as left, theirs.open("wb") as right:
            if not split_conflict(stream, left, right):
                return None
        sides = [(side, read_whole(side)) for side in map(source_of, (ours, theirs))]
    except (DemoError, OSError):
        return None
    for _, found in sides:
        if (found.header.scenario, found.header.version) != (stored.scenario, stored.version):
            return None
    first, second = sorted(sides, key=lambda side: side[1].header.generated)
    return first, second


def _twins(entries: Iterable[Entry]) -> list[Entry]:
    """Those whose number another one of the scenario had first, by scenario, in the order in
    which they were generated."""
    first: set[tuple[str, int]] = set()
    twins: list[Entry] = []
    for entry in sorted(entries, key=lambda e: (e.scenario, e.generated, e.path)):
        place = (entry.scenario, entry.version.number)
        if place in first:
            twins.append(entry)
        first.add(place)
    return twins
