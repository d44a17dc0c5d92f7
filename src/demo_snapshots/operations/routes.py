"""One transaction, two routes, one outcome: the rows of a snapshot in the place of the demo rows.

*Direct*: where the database holds no demo rows to replace, the file's rows go right into the
tables. *Merge*: otherwise they are staged in temporary tables, checked there against the real rows,
and only what differs is written. Either way the snapshot's rows afterwards or every row as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from msgspec.structs import replace

from demo_snapshots.documents.opening import head_of, open_document
from demo_snapshots.documents.protocol import Document
from demo_snapshots.engines.connection import aside
from demo_snapshots.errors import (
    CommitInDoubtError,
    DatabaseBusyError,
    DatabaseError,
    DemoError,
    NotConfirmedError,
    UnfitValueError,
    UsageError,
    VerificationError,
)
from demo_snapshots.model.copies import CopyOf
from demo_snapshots.model.progress import no_progress
from demo_snapshots.model.results import Edits, ImportPlan, ImportResult
from demo_snapshots.model.snapshots import Header, Statistics, TableCount
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.drift import Drift
from demo_snapshots.operations.narrowing import narrowed
from demo_snapshots.operations.options import Confirm, ImportOptions
from demo_snapshots.operations.replaced import Place, keeping
from demo_snapshots.operations.uploads.importing import FilesOfImport
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.compare import compare
from demo_snapshots.transfer.copies import stage_copy
from demo_snapshots.transfer.joining import NotJoinableError, joinable
from demo_snapshots.transfer.load import line_of_unfit, load_document
from demo_snapshots.transfer.missing import leave_out_present
from demo_snapshots.transfer.protect import (
    left_alone,
    require_foreign_keys,
    require_free_keys,
    require_left_alone,
    require_referenced,
    require_unreferenced,
)
from demo_snapshots.transfer.rekey import renew_keys
from demo_snapshots.transfer.restore import restore
from demo_snapshots.transfer.stage import Staging

if TYPE_CHECKING:
    from demo_snapshots.operations.fresh import ImportDates

logger = logging.getLogger(__name__)

Done = TypeVar("Done")


class Import:
    """One import: what both routes share."""

    def __init__(
        self,
        demo: DemoSet,
        source: Source,
        size: int,
        header: Header,
        drift: Drift,
        stream: BinaryIO,
        options: ImportOptions,
        files: FilesOfImport,
        copy: CopyOf | None = None,
    ) -> None:
        self.copy = copy
        self.header, self.demo = narrowed(header, demo, options.get("only"))
        self.whole = demo
        self.drift = drift
        self.files = files
        self.stream = stream
        self.dates: ImportDates | None = None
        self.database = demo.database
        self.source = source
        self.name = source.name
        self.imports = self.header.statistics
        self.missing_only = options.get("missing_only", False)
        self.renews = options.get("add", False) or options.get("new_ids", False)
        self.adds = options.get("add", False) or self.missing_only
        if self.missing_only and self.renews:
            raise UsageError(
                "rows with fresh keys are all missing",
                hint=Words("Leave ", Call(missing_only=True), " out."),
            )
        if options.get("new_ids", False) and not self.adds and self.demo.left_alone:
            raise UsageError(
                "the demo rows that stay may reference rows whose keys would be others",
                hint=Words("Leave ", Call(new_ids=True), " or ", Call(only=...), " out."),
            )
        self.progress = options.get("progress", no_progress)
        self.size = size
        self.undo = options.get("undo")
        self.undoes = self.undo is not None and self.undo.by == "undo"
        self.confirm = options.get("confirm")
        self.dry_run = options.get("dry_run", False)

    def again(self, *, there: bool = False) -> Document:
        """The document from its beginning, with its dates as they are to be, or with those that
        the rows ``there`` have."""
        self.stream.seek(0)
        document = self.drift.document(open_document(self.stream))
        return document if self.dates is None else self.dates.document(document, there=there)

    def run(self) -> ImportResult:
        """Ask if there is something to ask about, and take the route that serves."""
        try:
            return self._run()
        except UnfitValueError as error:
            line = self._line_of_unfit() if error.line is None else None
            if line is None:
                raise
            raise UnfitValueError(error.message, line=line, hint=error.hint) from error

    def _line_of_unfit(self) -> int | None:
        """Where in the file the value is that the engine, not the reader, has found not to fit."""
        # What was put together from several files, or completed, has no lines of its own.
        if self.source.beside is None or head_of(self.source) is not None:
            return None
        with suppress(DemoError), aside(self.database) as other, other.writing((), keep=False):
            staging = self._staging(self.demo.over(other))
            staging.create()
            return line_of_unfit(self.again(), staging)
        return None

    def _run(self) -> ImportResult:
        replaces = self.finds_rows_to_replace()
        if self.dry_run:
            return self._without_doing()
        if (replaces or self.files.replaces) and self.confirm is not None:
            edited = self.ask(self.confirm)
            return replace(self.staged(self.merge), edited=edited)
        if not replaces and self.may_go_direct:
            try:
                return self.direct(self.again())
            except (DatabaseBusyError, CommitInDoubtError):
                raise
            except (DatabaseError, VerificationError) as error:
                # A key in use, or another order of tables: staged, it can be told or resolved.
                logger.info("the direct route was refused (%s): staging", error.message)
        return self.staged(self.merge)

    def _without_doing(self) -> ImportResult:
        """What would be done. Dates that only move on are not edited."""
        tried = self.staged(self.tried)
        if self.dates is None or not self.dates.move_on:
            return tried
        edited = self.staged(partial(self.tried, there=True), there=True).edited
        return replace(tried, edited=edited)

    def staged(
        self, job: Callable[[Document, Collection[str]], Done], *, there: bool = False
    ) -> Done:
        """Do the job with only those rows staged that differ, where they can be told; with dates
        as ``again``."""
        differs = self.renews or self.adds or self.copy is not None
        joined = () if differs else joinable(self.demo, self.header)
        if joined:
            try:
                return job(self.again(there=there), joined)
            except NotJoinableError:
                logger.info("the rows cannot be joined with those there are: staging all of them")
        return job(self.again(there=there), ())

    @property
    def may_go_direct(self) -> bool:
        """Whether the file's rows may go right into the tables. Not past triggers: they may
        rewrite or swallow rows, which only the comparison with staged rows can tell."""
        return (
            not self.renews
            and not self.adds
            and self.copy is None
            and not self.demo.left_alone
            and not any(table.has_triggers for table in self.demo.schema.tables.values())
        )

    def finds_rows_to_replace(self) -> bool:
        with self.database.reading():
            require_conditions(self.demo)
            return not self.adds and self.demo.finds()

    def ask(self, confirm: Confirm) -> Edits | None:
        """Check what can be checked, then ask; what was asked about."""
        tried = self.staged(partial(self.tried, there=True), there=True)
        if not tried.changed and not self.files.replaces:
            return tried.edited
        plan = ImportPlan(
            scenario=self.header.scenario,
            source=self.name,
            version=self.header.version,
            replaces=tried.replaced,
            imports=tried.statistics,
            edited=tried.edited,
            files=self.files.replaces,
            copy=tried.copy,
        )
        if not confirm(plan):
            raise NotConfirmedError("the answer was no; nothing was changed")
        return tried.edited

    def tried(
        self, document: Document, joined: Collection[str], *, there: bool = False
    ) -> ImportResult:
        """Stage the document, with its dates as ``again``, check, compare, and roll back."""
        with self.trying(document, joined, there=there) as staging:
            replaced = staging.present()
            tables = compare(staging)
        edits = Edits(
            changed=sum(table.changed for table in tables),
            added=sum(table.extra for table in tables),
            deleted=sum(table.missing for table in tables),
        )
        return ImportResult(
            scenario=self.header.scenario,
            version=self.header.version,
            source=self.name,
            replaced=replaced,
            statistics=self.imports,
            changed=edits.changed + edits.added + edits.deleted,
            route="none",
            edited=None if self.renews else edits,
            included=self.header.included,
            dry_run=True,
            copy=self.copy.name if self.copy else None,
        )

    @contextmanager
    def trying(
        self, document: Document, joined: Collection[str] = (), *, there: bool
    ) -> Iterator[Staging]:
        """The document staged and checked, to be rolled back: no demo row is locked while people
        think. On a connection of its own, whose temporary tables end with it."""
        with aside(self.database) as other, other.writing((), keep=False):
            staging = self._staging(self.demo.over(other), joined)
            staging.create()
            load_document(document, staging, self.size, self.progress, include=False)
            self._check(staging, there=there)
            yield staging

    def _check(self, staging: Staging, *, there: bool = False) -> None:
        """Make the staged rows those that are to go in, and refuse what must not be replaced."""
        if self.copy is not None:
            stage_copy(staging, self.copy)
        elif self.renews:
            renew_keys(staging)
        if self.missing_only:
            self.imports = leave_out_present(staging)
        require_referenced(staging)
        require_free_keys(staging)
        require_unreferenced(staging)
        if self.dates is not None and not there:
            self.dates.require_checks(staging)

    def _staging(self, demo: DemoSet, joined: Collection[str] = ()) -> Staging:
        includes = [table for table, _ in self.header.includes]
        return Staging(demo, self.header.tables, includes, adds=self.adds, joined=joined)

    def _load(self, document: Document, staging: Staging, *, direct: bool) -> int:
        return load_document(document, staging, self.size, self.progress, direct=direct)

    @property
    def _circular(self) -> list[tuple[Table, ForeignKey]]:
        """Foreign keys that rows which travel along meet only when all of them are there. Those of
        one table go in by one statement."""
        travelling = {table.name for table, rows in self.header.includes if rows}
        return [
            (table, key)
            for table, key in self.demo.external.ahead
            if table.name != key.referenced_table and table.name in travelling
        ]

    @property
    def _locked(self) -> list[Table]:
        return [*self.demo.schema.tables.values(), *self.demo.schema.referencing]

    def direct(self, document: Document) -> ImportResult:
        staging = self._staging(self.demo)
        with self.database.writing(self._locked), ExitStack() as stack:
            with self.database.postponing([*staging.order.postponed, *self._circular]):
                if self.demo.finds():
                    raise VerificationError("demo rows appeared meanwhile")
                kept = keeping(self.undo, self.demo, self.header, files=self.files.keep())
                place = stack.enter_context(kept)
                changed = self._load(document, staging, direct=True)
            staging.note_demo_rows()
            for stage in staging.stages.values():
                loaded = self.header.statistics.rows(stage.table.name)
                there = staging.count(stage.target, staging.predicate(stage))
                if there != loaded:
                    raise VerificationError(
                        f"{stage.table.name}: {loaded} rows were loaded and {there} of them are"
                        " demo rows by this configuration"
                    )
            none = Statistics(tuple(TableCount(table.name, 0) for table in staging.order.tables))
            return self._finished(staging, none, changed, "direct", place)

    def merge(self, document: Document, joined: Collection[str]) -> ImportResult:
        staging = self._staging(self.demo, joined)
        with self.database.writing(self._locked), ExitStack() as stack:
            if self.undo is not None:
                stack.callback(staging.keep_rows())
            staging.create()
            with self.database.postponing(self._circular):
                self._load(document, staging, direct=False)
            self._check(staging)
            replaced = staging.present()
            if not self.files.replaces and staging.found_same():
                return self._finished(staging, replaced, 0, "merge", lambda: None)
            files = self.files.keep()
            with keeping(self.undo, self.whole, self.header, staging.read, files) as place:
                others = left_alone(staging)
                changed = restore(staging)
                require_left_alone(staging, others)
                return self._finished(staging, replaced, changed, "merge", place)

    def _finished(
        self, staging: Staging, replaced: Statistics, changed: int, route: str, place: Place
    ) -> ImportResult:
        # What is put back may dangle where the database lets it.
        require_foreign_keys(staging, undeclared=not self.undoes)
        self.files.place(self.demo)
        # Counters survive a rollback, so they come last of all.
        counted = (*self.demo.order.tables, *self.demo.schema.external.values())
        self.database.advance_sequences(counted)
        undo = place() if changed or self.files.replaces else None
        self.files.require_kept(undo)
        return ImportResult(
            scenario=self.header.scenario,
            version=self.header.version,
            source=self.name,
            replaced=replaced,
            statistics=self.imports,
            changed=changed,
            route=route,
            undo=undo,
            included=self.header.included,
            added=staging.added,
            copy=self.copy.name if self.copy else None,
        )
