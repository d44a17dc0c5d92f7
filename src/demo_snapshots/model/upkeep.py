"""What verifying, repairing, backing up, copying and cleaning up a store came to: frozen, and free
of the terminal."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from demo_snapshots.model.people import PeopleInFile
from demo_snapshots.model.results import VersionCheck
from demo_snapshots.model.snapshots import Entry, Version
from demo_snapshots.model.sources import path_named


class FileCheck(Struct, frozen=True):
    """What was found of one file, in whatever directory; all but ``path`` and ``problems`` as far
    as it could be read. ``problems`` are clauses without a subject; empty means all is well."""

    path: Path
    scenario: str | None
    version: Version | None
    size: int | None
    records: int | None
    problems: tuple[str, ...]
    people: PeopleInFile | None = None
    """What tells a person in it; None where nobody asked, or it could not be read."""


class Verification(Struct, frozen=True):
    """Every version there is, or should be, by scenario and newest first. ``problems`` are
    those of the store's books: manifest, list of schemas, latest."""

    versions: tuple[VersionCheck, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def damaged(self) -> tuple[VersionCheck, ...]:
        return tuple(version for version in self.versions if version.problems)

    @property
    def valid(self) -> bool:
        return not self.problems and not self.damaged


class Renumbered(Struct, frozen=True):
    """A version that got another number, since another one had the same. ``merged`` if both
    stood in one file, with the conflict markers of a merge; the other has it to itself now."""

    scenario: str
    version: Version
    becomes: Version
    merged: bool


class RepairResult(Struct, frozen=True):
    """``reconciled`` is what was wrong with the books, as sentences, and ``left`` what was found
    amiss and cannot be repaired. Nothing was changed if ``dry_run``."""

    reconciled: tuple[str, ...]
    renumbered: tuple[Renumbered, ...]
    left: tuple[str, ...]
    dry_run: bool
    to_merge: tuple[tuple[str, Version, Version], ...] = ()
    """Scenarios with two versions that no later one was made from, each holding what one branch
    exported: ``Project.merge`` makes one of both."""


class BackupResult(Struct, frozen=True):
    """``size`` and ``sha256`` are of ``file``; ``entries`` are the versions in it, by
    scenario, newest first. ``present`` are those of them that hold the rows the database had, by
    scenario: the latest, or one that is in the backup alone. ``left`` says what the backup lacks,
    as sentences; empty means it is the whole store."""

    file: str
    size: int
    sha256: str
    entries: tuple[Entry, ...]
    present: tuple[Entry, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file. Raises StoreError where it is in a bucket."""
        return path_named(self.file)


class Restored(Struct, frozen=True):
    """A version of a backup, ``becomes`` what it is called in the store: another number where
    another version has its own. ``written`` is false where the store had it already."""

    entry: Entry
    becomes: Version
    written: bool


class RestoreResult(Struct, frozen=True):
    """``versions`` are those in the backup ``file``, by scenario, oldest first. Nothing was changed
    if ``dry_run``."""

    file: str
    versions: tuple[Restored, ...]
    dry_run: bool


class CleanupResult(Struct, frozen=True):
    """``removed`` and ``kept`` by scenario, newest first. Nothing was removed if ``dry_run``.
    ``needed`` are those of ``kept`` that are there only because later deltas are on top of them.
    ``files`` contents of uploaded files, or lists of them, went that no version names any more."""

    removed: tuple[Entry, ...]
    kept: tuple[Entry, ...]
    freed: int
    dry_run: bool
    needed: tuple[Entry, ...] = ()
    files: int = 0


class CopyResult(Struct, frozen=True):
    """What went from the place ``origin`` to ``target``, by scenario, oldest first: ``copied`` with
    their numbers; ``present`` were there already; ``removed`` had been removed there, and stay so.
    ``renumbered`` are those in ``target`` that stood in the way. Nothing was done if ``dry_run``.
    """

    origin: str
    target: str
    copied: tuple[Entry, ...]
    present: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    renumbered: tuple[Renumbered, ...]
    dry_run: bool
