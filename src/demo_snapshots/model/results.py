"""What the operations give back: frozen, and nothing but what they say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from demo_snapshots.model.snapshots import DocumentForm, Entry, Statistics, Version
from demo_snapshots.model.sources import path_named


@dataclass(frozen=True, slots=True)
class Proof:
    """What ``prove`` did: the document was imported into an empty scratch database (``place``
    in words), and exporting that gave the same ``records`` in the same bytes; so it did once
    more where triggers fire on updates, after rows were edited. ``triggers_left_out`` are those
    of demo tables, ``table.trigger``, that could not be had there: what they do is not proved."""

    place: str
    records: int
    triggers_left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """What was found of one stored version; ``file`` is what people call it, ``records`` and
    ``size`` as far as they could be read. ``problems`` are clauses without a subject; empty means
    all is well."""

    scenario: str
    version: Version
    file: str
    size: int | None
    records: int | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """``file`` is what the stored file is called, a path or a URL; ``written`` is false where the
    data was unchanged, and ``version`` and ``file`` are then those of the version it equals.
    ``proof`` is what was proved, None unless it was asked for. ``damaged`` is the version before,
    where its file is not what was exported: its data counts as changed."""

    scenario: str
    version: Version
    file: str
    statistics: Statistics
    file_size: int
    digest: str
    written: bool
    proof: Proof | None = None
    damaged: VersionCheck | None = None

    @property
    def path(self) -> Path:
        """The stored file. Raises StoreError where it is in a bucket."""
        return path_named(self.file)


@dataclass(frozen=True, slots=True)
class ConvertResult:
    """A snapshot that was written in the form ``form``; ``digest`` is of its rows, the same in
    every form."""

    scenario: str
    version: Version
    form: DocumentForm
    statistics: Statistics
    digest: str


@dataclass(frozen=True, slots=True)
class Edits:
    """How many demo rows were found to differ from the snapshot that was about to replace them:
    in both but not alike, only in the database, only in the snapshot."""

    changed: int
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import is about to replace; given to ``confirm`` before anything is locked.
    ``source`` is what the document is called, a path or a URL.
    ``edited`` is None where nothing can be compared, since the rows get fresh keys."""

    scenario: str
    source: str
    version: Version
    replaces: Statistics
    imports: Statistics
    edited: Edits | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """``replaced`` counts the demo rows there were, ``statistics`` those there are now; ``source``
    is what the document is called, a path or a URL."""

    scenario: str
    version: Version
    source: str
    replaced: Statistics
    statistics: Statistics
    changed: int
    """Rows actually deleted, updated or inserted; 0 where the database already held the demo."""
    route: str
    """``direct`` or ``merge``."""
    edited: Edits | None = None
    """As it was asked about; None where nobody was asked: finding out takes another load."""
    undo: int | None = None
    """The number under which what was replaced is kept; None where nothing is."""

    @property
    def total(self) -> int:
        return self.statistics.total


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What was found of one file, in whatever directory; all but ``path`` and ``problems`` as far
    as it could be read. ``problems`` are clauses without a subject; empty means all is well."""

    path: Path
    scenario: str | None
    version: Version | None
    size: int | None
    records: int | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undoable:
    """What one import, or one undoing (``by``: ``import`` or ``undo``), replaced: so many
    ``records``, by the snapshot ``replaced_by``. ``problem`` says why it cannot be put back."""

    number: int
    made: datetime
    by: str
    size: int
    replaced_by: str = ""
    records: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ScenarioListing:
    """One scenario's versions, newest first; the first is the latest."""

    scenario: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Verification:
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


@dataclass(frozen=True, slots=True)
class Renumbered:
    """A version that got another number, since another one had the same. ``merged`` if both
    stood in one file, with the conflict markers of a merge; the other has it to itself now."""

    scenario: str
    version: Version
    becomes: Version
    merged: bool


@dataclass(frozen=True, slots=True)
class RepairResult:
    """``reconciled`` is what was wrong with the books, as sentences, and ``left`` what was found
    amiss and cannot be repaired. Nothing was changed if ``dry_run``."""

    reconciled: tuple[str, ...]
    renumbered: tuple[Renumbered, ...]
    left: tuple[str, ...]
    dry_run: bool
    to_merge: tuple[tuple[str, Version, Version], ...] = ()
    """Scenarios with two versions that no later one was made from, each holding what one branch
    exported: ``Project.merge`` makes one of both."""


@dataclass(frozen=True, slots=True)
class BackupResult:
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


@dataclass(frozen=True, slots=True)
class Restored:
    """A version of a backup, ``becomes`` what it is called in the store: another number where
    another version has its own. ``written`` is false where the store had it already."""

    entry: Entry
    becomes: Version
    written: bool


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """``versions`` are those in the backup ``file``, by scenario, oldest first. Nothing was changed
    if ``dry_run``."""

    file: str
    versions: tuple[Restored, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in the store, scenarios by name; ``notes`` say what was found wrong or repaired."""

    scenarios: tuple[ScenarioListing, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """``removed`` and ``kept`` by scenario, newest first. Nothing was removed if ``dry_run``."""

    removed: tuple[Entry, ...]
    kept: tuple[Entry, ...]
    freed: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class CopyResult:
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


@dataclass(frozen=True, slots=True)
class TableComparison:
    """Rows of one table against the snapshot: ``missing`` are only in the snapshot,
    ``extra`` only in the database, ``changed`` in both but not alike."""

    table: str
    rows: int
    missing: int
    extra: int
    changed: int

    @property
    def same(self) -> bool:
        return not (self.missing or self.extra or self.changed)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What ``validate`` found. ``problems`` are sentences; empty means all is well."""

    scenario: str | None
    version: Version | None
    statistics: Statistics
    comparison: tuple[TableComparison, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.problems
