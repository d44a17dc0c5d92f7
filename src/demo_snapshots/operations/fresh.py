"""Dates that move with today: by how much an import moves them, and how they come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import open_document, reading
from demo_snapshots.documents.protocol import Document
from demo_snapshots.errors import (
    CommitInDoubtError,
    ConfigError,
    DatabaseBusyError,
    DatabaseError,
    DemoError,
    KeyClashError,
    UnfitValueError,
)
from demo_snapshots.model.copies import CopyOf
from demo_snapshots.model.offsets import difference_in_words
from demo_snapshots.model.results import ExportResult, ImportPlan, ImportResult
from demo_snapshots.model.snapshots import Entry, Header, Statistics, Version
from demo_snapshots.model.sources import Source
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.drift import drifted_for
from demo_snapshots.rows.shift import DAY, Shift
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.evergreen import Places, evergreen_places, without_dates
from demo_snapshots.transfer.checks import require_checks
from demo_snapshots.transfer.evergreen import Shifted, not_coming_back
from demo_snapshots.transfer.newest import Newest
from demo_snapshots.transfer.offset import FoundOffset, find_offset, find_staged_offset
from demo_snapshots.transfer.stage import Staging

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_CLOCKS_DIFFER = 3_600
"""Seconds by which the clock of who exported may be ahead of that of who imports."""
_NOTHING_CHANGED = "Nothing was changed."
_WEEK = 7 * DAY
_UNITS = {"weeks": _WEEK, "days": DAY, "exact": 1}


class Fresh(Struct, frozen=True):
    """The dates of a demo set that move, in steps of ``unit`` seconds; ``zone`` is where the clocks
    are that stay."""

    config: Config
    places: Places
    unit: int
    zone: ZoneInfo | None

    @classmethod
    def of(cls, demo: DemoSet, config: Config) -> Fresh:
        """As the configuration says. Raises ConfigError for what cannot move, for an unknown zone,
        and where nothing moves."""
        if not config.has_evergreen:
            raise ConfigError(
                "no dates are evergreen, so a fresh import has nothing to move",
                hint='Name columns in the configuration: [tables.todos] evergreen = ["due_at"].',
            )
        try:
            zone = _zone(config.zone) if config.zone else None
        except (OSError, ValueError, LookupError) as error:
            raise ConfigError(
                "demo.zone: no time zone of that name is known here",
                hint="It is called like Europe/Berlin. Where the system has no zones, install the"
                " package tzdata.",
            ) from error
        return cls(config, evergreen_places(demo, config.tables), _UNITS[config.shift], zone)

    def shifted(self, offset: int) -> Shifted:
        return Shifted(self.places, Shift(offset, self.zone))

    def offset_to(self, moment: datetime, header: Header) -> int:
        """By how many seconds the dates of a snapshot move for the moment that they lead up to to
        be ``moment``, or as little before it as whole steps let it be."""
        apart = [moment - header.moment]
        if self.zone is not None:
            there, here = (
                each.astimezone(self.zone).replace(tzinfo=None) for each in (moment, header.moment)
            )
            apart.append(there - here)
        seconds = min(apart) // timedelta(seconds=1)
        if -_CLOCKS_DIFFER <= seconds < 0:
            return 0
        return seconds // self.unit * self.unit

    def clock(self, moment: datetime) -> int:
        """What the clocks in the zone show then, in seconds since 1970."""
        there = moment.astimezone(self.zone or UTC).replace(tzinfo=UTC)
        return int(there.timestamp())

    def moment(self, clock: int) -> datetime:
        """When they show that."""
        there = datetime.fromtimestamp(clock, UTC).replace(tzinfo=self.zone or UTC)
        return there.astimezone(UTC)

    def found(self, demo: DemoSet, document: Document) -> FoundOffset:
        """By how much the demo rows' dates differ from those of a document, which is under today's
        names and is read for it. Within a read or a transaction."""
        return find_offset(demo, document, self.places, self.unit, self.zone)

    def staged(self, staging: Staging) -> FoundOffset:
        """As ``found``, of staged rows in place of a document's."""
        return find_staged_offset(staging, self.places, self.unit, self.zone)


def as_there(
    demo: DemoSet, config: Config, source: Source, document: Document
) -> tuple[Document, FoundOffset]:
    """``document``, which is ``source`` under today's names, with its dates as they are in the
    database, and by how much that is. Within a read or a transaction."""
    fresh = Fresh.of(demo, config)
    with reading(source) as stream:
        _, again = drifted_for(open_document(stream), demo, config)
        found = fresh.found(demo, again)
    return fresh.shifted(found.seconds).document(document) if found.seconds else document, found


class ImportDates(Struct, frozen=True):
    """How an import moves the dates: by ``offset`` seconds; those of the rows there are were moved
    by ``there``."""

    header: Header
    shifted: Shifted
    there: Shifted

    def document(self, document: Document, *, there: bool = False) -> Document:
        """The document with its dates moved, or with those that the rows ``there`` have."""
        shifted = self.there if there else self.shifted
        return shifted.document(document) if shifted.shift.offset else document

    def told(self, result: ImportResult) -> ImportResult:
        """The result of the import, with what it did to dates."""
        offset = self.shifted.shift.offset
        if not offset:
            return result
        return replace(
            result,
            dates_later=timedelta(seconds=offset),
            without_dates=self.shifted.without_dates(self.header),
        )

    @property
    def move_on(self) -> bool:
        """Whether rows that were not edited have other dates than they will have."""
        return self.shifted.shift.offset != self.there.shift.offset

    def require_checks(self, staging: Staging) -> None:
        """Raise DatabaseError if the staged rows, whose dates were moved, break a constraint."""
        if self.shifted.shift.offset:
            require_checks(staging, self.shifted.places)

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """An error about a row within the block says that dates were moved."""
        try:
            yield
        except (DatabaseError, UnfitValueError, KeyClashError) as error:
            offset = self.shifted.shift.offset
            if offset and self._may_have_caused(error):
                moved = difference_in_words(timedelta(seconds=offset))
                done = _NOTHING_CHANGED if isinstance(error, KeyClashError) else error.hint
                error.hint = Words(
                    done or _NOTHING_CHANGED,
                    f" The dates would be {moved} than in the snapshot: leave what must not move"
                    " out of evergreen, or import it with its own dates (",
                    Call(fresh=False),
                    ").",
                )
            raise

    def _may_have_caused(self, error: DemoError) -> bool:
        """Whether moved dates may be why: not of a key that has none."""
        if isinstance(error, KeyClashError):
            moved = {place.column for place in self.shifted.places.get(error.table, ())}
            return not moved.isdisjoint(error.columns)
        return not isinstance(error, (DatabaseBusyError, CommitInDoubtError))


class ImportJob(Protocol):
    """An import that is about to be run: of the rows of ``demo``, which may be some of the
    ``whole``."""

    demo: DemoSet
    whole: DemoSet
    header: Header
    renews: bool
    missing_only: bool
    undoes: bool
    confirm: Callable[[ImportPlan], bool] | None
    dry_run: bool
    copy: CopyOf | None
    dates: ImportDates | None

    def again(self) -> Document: ...

    def finds_rows_to_replace(self) -> bool: ...

    def trying(self, document: Document, *, there: bool) -> AbstractContextManager[Staging]: ...

    def run(self) -> ImportResult: ...


def run_with_dates(job: ImportJob, config: Config, as_of: datetime | None) -> ImportResult:
    """Run an import whose evergreen dates lead up to ``as_of``, or are the document's if None. Rows
    that come beside others of the snapshot move as these have moved."""
    fresh = Fresh.of(job.whole, config)
    offset = fresh.offset_to(as_of, job.header) if as_of else 0
    there = 0
    follows = job.missing_only or bool(job.demo.left_alone)
    asks = job.confirm is not None or job.dry_run
    # Rows with fresh keys are compared with none, and an undo puts back rows as they were.
    if job.copy is not None and asks:
        there = _of_copy(job, fresh)
    elif (follows or asks) and not job.renews and not job.undoes:
        with job.whole.database.reading():
            there = fresh.found(job.whole, job.again()).seconds
            if follows and job.whole.finds():
                offset = there
    job.dates = ImportDates(job.header, fresh.shifted(offset), fresh.shifted(there))
    with job.dates.blamed():
        return job.dates.told(job.run())


def _of_copy(job: ImportJob, fresh: Fresh) -> int:
    """By how many seconds the dates of the copy there are later, whose keys only the staged rows
    have."""
    if not job.finds_rows_to_replace():
        return 0
    with job.trying(job.again(), there=True) as staging:
        return fresh.staged(staging).seconds


class ExportDates:
    """The dates of an export. Those of a fresh import become the ones of the version ``header``
    again: they are ``shifted`` by the ``found`` offset, None where it is 0. ``header`` is None
    where there is none before, or the dates are to stay."""

    def __init__(
        self,
        fresh: Fresh,
        header: Header | None = None,
        found: FoundOffset | None = None,
        shifted: Shifted | None = None,
    ) -> None:
        self.found = found or FoundOffset()
        self.shifted = shifted
        self.without_dates: tuple[str, ...] = ()
        """The places of tables with rows at which there is no date, once ``anchor`` was asked."""
        self._fresh, self._header = fresh, header

    @classmethod
    def of(cls, source: Source | None, demo: DemoSet, config: Config) -> ExportDates:
        """Taken back to the dates of the document ``source``, if it is given: to just what it
        holds, where they are its own. Within a read."""
        fresh = Fresh.of(demo, config)
        if source is None:
            return cls(fresh)
        with reading(source) as stream:
            header, document = drifted_for(open_document(stream), demo, config)
            found = fresh.found(demo, document)
        shift = Shift(found.seconds, fresh.zone)
        if not found.seconds:
            return cls(fresh, header, found)
        if fresh.zone is None:
            return cls(fresh, header, found, Shifted(fresh.places, shift.back))
        with reading(source) as stream:
            _, document = drifted_for(open_document(stream), demo, config)
            originals = not_coming_back(document, fresh.places, shift)
        return cls(fresh, header, found, Shifted(fresh.places, shift.back, originals))

    @property
    def offset(self) -> timedelta:
        return timedelta(seconds=self.found.seconds)

    def anchor(self, now: datetime, demo: DemoSet, statistics: Statistics) -> datetime:
        """The moment that the dates of the set's rows, so many, lead up to. It is the version's own
        where they are its own, else now, as far back as they are taken; and the newest of them
        where that lies a week or more before: then nobody has kept them up to then."""
        fresh = self._fresh
        before = self._as_before(statistics)
        moment = before.moment if before else now - self.offset
        recent = fresh.clock(moment) - _WEEK
        enough = recent + self.found.seconds
        newest = Newest(demo, fresh.places, statistics, fresh.zone, enough)
        self.without_dates = without_dates(fresh.places, newest.found, statistics)
        last = newest.clock - self.found.seconds
        return fresh.moment(last) if newest.clock and last < recent else moment

    def told(self, result: ExportResult, latest: Entry | None) -> ExportResult:
        """The result of the export, with what was found of dates."""
        result = replace(result, without_dates=self.without_dates)
        if latest is None or not self.offset:
            return result
        return replace(result, dates_later=self.offset, dates_of=latest.version)

    def _as_before(self, statistics: Statistics) -> Header | None:
        """The header of the version whose dates these are, of as many rows."""
        before = self._header
        if before is None or not self.found.exact:
            return None
        counts = before.statistics.tables
        same = all(statistics.rows(count.table) == count.rows for count in counts)
        return before if same else None


def compared_as_if_not(version: Version, found: FoundOffset) -> str:
    """What is said of rows that were compared as if their dates had not moved."""
    said = difference_in_words(timedelta(seconds=found.seconds))
    return f"the dates are {said} than in {version}, which counts as the same"


def _zone(name: str) -> ZoneInfo:
    # Imported late: most dates are in UTC.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
