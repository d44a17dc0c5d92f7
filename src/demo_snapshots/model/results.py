"""What the operations give back: frozen, and nothing but what they say."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from demo_snapshots.model.changes import Comparison
from demo_snapshots.model.files import RestoredFiles, SavedFiles
from demo_snapshots.model.people import PeopleCheck, PeopleInFile
from demo_snapshots.model.snapshots import DeltaOf, DocumentForm, Entry, Statistics, Version
from demo_snapshots.model.sources import path_named


class Proof(Struct, frozen=True):
    """What ``prove`` did: the document was imported into an empty scratch database (``place``
    in words), and exporting that gave the same ``records`` in the same bytes; so it did once
    more where triggers fire on updates, after rows were edited. ``triggers_left_out`` are those
    of demo tables, ``table.trigger``, that could not be had there: what they do is not proved."""

    place: str
    records: int
    triggers_left_out: tuple[str, ...] = ()


class VersionCheck(Struct, frozen=True):
    """What was found of one stored version; ``file`` is what people call it, ``records`` and
    ``size`` as far as they could be read. ``problems`` are clauses without a subject; empty means
    all is well."""

    scenario: str
    version: Version
    file: str
    size: int | None
    records: int | None
    problems: tuple[str, ...]
    people: PeopleInFile | None = None
    """What tells a person in it; None where nobody asked, or it could not be read."""


class ExportResult(Struct, frozen=True):
    """``file`` is what the stored file is called, a path or a URL; ``written`` is false where the
    data was unchanged, and ``version`` and ``file`` are then those of the version it equals.
    ``proof`` is what was proved, None unless it was asked for. ``damaged`` is the version before,
    where its file is not what was exported: its data counts as changed. ``delta`` is set where
    only what changed was written; ``whole_because`` is a clause that says why not, where that was
    asked for. ``file_size`` is in bytes, of all ``parts`` there are and the file that names them.
    """

    scenario: str
    version: Version
    file: str
    statistics: Statistics
    file_size: int
    digest: str
    written: bool
    proof: Proof | None = None
    damaged: VersionCheck | None = None
    delta: DeltaOf | None = None
    whole_because: str | None = None
    parts: int = 0
    people: PeopleCheck | None = None
    """How real persons were looked for, None where they were not."""
    included: Statistics = Statistics()
    """Rows that travel along, which are no demo rows."""
    files: SavedFiles | None = None
    """The uploaded files that demo rows name, None where there are none."""
    dates_later: timedelta = timedelta()
    """By how much the evergreen dates there are were found to be later than in the version
    ``dates_of``; what was written, or was found to be unchanged, is as there."""
    dates_of: Version | None = None
    without_dates: tuple[str, ...] = ()
    """Evergreen places, but for columns of dates, at which there is none."""

    @property
    def path(self) -> Path:
        """The stored file. Raises StoreError where it is in a bucket."""
        return path_named(self.file)


class UpgradeResult(Struct, frozen=True):
    """The version ``upgraded`` as it is in the tables of today, by ``way``: ``rules``, ``alembic``
    or ``django``. ``written`` is false where nothing was to be done, or with ``dry_run``; then
    ``file`` is None and ``version`` what it would have been."""

    scenario: str
    upgraded: Version
    version: Version
    way: str
    file: str | None
    statistics: Statistics
    digest: str
    comparison: Comparison
    written: bool
    dry_run: bool = False


class ConvertResult(Struct, frozen=True):
    """A snapshot that was written in the form ``form``; ``digest`` is of its rows, the same in
    every form."""

    scenario: str
    version: Version
    form: DocumentForm
    statistics: Statistics
    digest: str


class Edits(Struct, frozen=True):
    """How many demo rows were found to differ from the snapshot that was about to replace them:
    in both but not alike, only in the database, only in the snapshot."""

    changed: int
    added: int
    deleted: int

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.changed or self.added or self.deleted)


class ImportPlan(Struct, frozen=True):
    """What an import is about to replace; given to ``confirm`` before anything is locked.
    ``source`` is what the document is called, a path or a URL.
    ``edited`` is None where nothing can be compared, since the rows get fresh keys."""

    scenario: str
    source: str
    version: Version
    replaces: Statistics
    imports: Statistics
    edited: Edits | None = None
    files: int = 0
    """How many uploaded files of the same names, but with other content, would be replaced."""
    copy: str | None = None
    """The copy of the scenario that is made, None where its own rows are replaced."""


class ImportResult(Struct, frozen=True):
    """``replaced`` counts the demo rows there were, ``statistics`` those there are now; ``source``
    is what the document is called, a path or a URL. With ``dry_run`` nothing was done, and
    ``statistics`` are the rows there would be."""

    scenario: str
    version: Version
    source: str
    replaced: Statistics
    statistics: Statistics
    changed: int
    """Rows actually deleted, updated or inserted; 0 where the database already held the demo. With
    ``dry_run`` the rows that differ."""
    route: str
    """``direct`` or ``merge``; ``none`` with ``dry_run``."""
    edited: Edits | None = None
    """As it was asked about; None where nobody was asked: finding out takes another load."""
    undo: int | None = None
    """The number under which what was replaced is kept; None where nothing is."""
    included: Statistics = Statistics()
    """The snapshot's rows that travel along, which are no demo rows."""
    added: int = 0
    """How many of those were missing, and are there now."""
    dry_run: bool = False
    files: RestoredFiles | None = None
    """What became of the snapshot's uploaded files, None where it has none."""
    dates_later: timedelta = timedelta()
    """By how much the evergreen dates are later now than in the document."""
    without_dates: tuple[str, ...] = ()
    """Evergreen places at which a fresh import found no date to move."""
    copy: str | None = None
    """The copy of the scenario that was made, None where its own rows were replaced."""

    @property
    def total(self) -> int:
        return self.statistics.total


class Undoable(Struct, frozen=True):
    """What one import, or one undoing (``by``: ``import`` or ``undo``), replaced: so many
    ``records``, by the snapshot ``replaced_by``, or by none, as they were removed; those of the
    ``copy``, if it says so. ``problem`` says why it cannot be put back."""

    number: int
    made: datetime
    by: str
    size: int
    replaced_by: str = ""
    records: int = 0
    problem: str | None = None
    copy: str | None = None
    removed: bool = False


class ScenarioListing(Struct, frozen=True):
    """One scenario's versions, newest first; the first is the latest."""

    scenario: str
    entries: tuple[Entry, ...]


class Listing(Struct, frozen=True):
    """What is in the store, scenarios by name; ``notes`` say what was found wrong or repaired."""

    scenarios: tuple[ScenarioListing, ...]
    notes: tuple[str, ...] = ()


class RemoveResult(Struct, frozen=True):
    """The demo rows of a scenario, or of its ``copy``, that were taken away, or with ``dry_run``
    would be. ``left`` are demo rows that name no scenario and stay while there are others;
    ``undo`` is the number under which what was removed is kept."""

    scenario: str
    copy: str | None
    removed: Statistics
    left: int = 0
    undo: int | None = None
    dry_run: bool = False


class CopyFound(Struct, frozen=True):
    """A copy in the database, and how many rows it has. ``version`` and ``made`` are of its last
    import, where this machine's undo log knows it; else None."""

    scenario: str
    name: str
    statistics: Statistics
    version: Version | None = None
    made: datetime | None = None


class TableComparison(Struct, frozen=True):
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


class ValidationResult(Struct, frozen=True):
    """What ``validate`` found. ``problems`` are sentences; empty means all is well."""

    scenario: str | None
    version: Version | None
    statistics: Statistics
    comparison: tuple[TableComparison, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    upgrade_due: bool = False
    """Whether upgrading the snapshots would put right all that is wrong; found out where the schema
    alone was asked about."""
    copy: str | None = None
    """The copy of the scenario that was looked at, None where it was the scenario's own rows."""

    @property
    def valid(self) -> bool:
        return not self.problems
