"""Store -> checks -> one transaction -> verification: put a snapshot's rows back.

Two routes, one outcome. *Straight*: where the database holds no demo rows to replace, the file's
rows go right into the tables. *Merge*: otherwise they are staged in temporary tables, checked
there against the real rows, and only what differs is written. Either way one transaction, and
either the snapshot's rows afterwards or every row as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Required, TypedDict, Unpack

from demo_snapshots.config import Config
from demo_snapshots.database.comparing import compare, require_same
from demo_snapshots.database.conditions import require_conditions
from demo_snapshots.database.connect import Database, connect
from demo_snapshots.database.merging import Merge
from demo_snapshots.database.order import load_order
from demo_snapshots.database.outside import Outside
from demo_snapshots.database.protection import (
    require_foreign_keys,
    require_free_keys,
    require_unreferenced,
)
from demo_snapshots.database.renewing import renew_keys
from demo_snapshots.database.rows import RowSource
from demo_snapshots.database.schema import Schema, reflect
from demo_snapshots.database.selection import Selection, resolve
from demo_snapshots.database.staging import Staging
from demo_snapshots.document.reader import Document, read_tail, reading
from demo_snapshots.errors import (
    CommitInDoubtError,
    DatabaseBusyError,
    DatabaseError,
    DocumentError,
    NotConfirmedError,
    VerificationError,
)
from demo_snapshots.fitting import leave_out, require_fit
from demo_snapshots.loading import check_document, load_document
from demo_snapshots.model import (
    Header,
    Progress,
    Statistics,
    Table,
    TableCount,
    check_scenario_name,
    no_progress,
)
from demo_snapshots.results import Edits, ImportPlan, ImportResult
from demo_snapshots.store import Store, unknown_scenario

logger = logging.getLogger(__name__)

Confirm = Callable[[ImportPlan], bool]
"""Asked before demo rows are replaced; False leaves everything as it is. By then the whole file
has been checked, and compared with the rows there are. None stands for yes, for checking the file
while it loads, and for not comparing."""


class ImportOptions(TypedDict, total=False):
    """How to import. ``confirm`` is required."""

    confirm: Required[Confirm | None]
    """Asked if any demo row would be replaced."""
    keep_other_scenarios: bool
    """Replace only the rows that exporting the document's scenario would select."""
    new_ids: bool
    """Give the snapshot's rows fresh keys, carried through every reference."""
    add: bool
    """Replace nothing: add the snapshot, with fresh keys, beside the demo rows there are."""
    drop_columns: Sequence[str]
    """``table.column`` names that the snapshot has and the database need not."""
    progress: Progress
    """Told how many bytes of the document have been loaded."""


def import_latest_scenario(
    scenario: str,
    config: Config,
    store: Store,
    **options: Unpack[ImportOptions],
) -> ImportResult:
    """Make the database's demo rows those of the scenario's latest snapshot.

    As ``import_from_file``; ExportNotFoundError names the scenarios there are.
    """
    check_scenario_name(scenario)
    entry = store.latest(scenario)
    if entry is None:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    return import_from_file(store.path(entry), config, scenario=scenario, **options)


def import_scenario_version(
    scenario: str,
    version: str,
    config: Config,
    store: Store,
    **options: Unpack[ImportOptions],
) -> ImportResult:
    """Make the database's demo rows those of ``version``: ``v1`` or ``v1_2025-01-15``.

    As ``import_from_file``; ExportNotFoundError names the versions there are.
    """
    check_scenario_name(scenario)
    path = store.path(store.find(scenario, version))
    return import_from_file(path, config, scenario=scenario, **options)


def import_from_file(
    path: Path, config: Config, *, scenario: str | None, **options: Unpack[ImportOptions]
) -> ImportResult:
    """Make the database's demo rows exactly the rows of the document at ``path``.

    ``scenario``, if given, is what its header must name.

    One transaction: afterwards the demo rows are the snapshot's and every other row is what it
    was, or an error is raised and every row is as it was (a counter may have advanced). Raises
    ExportNotFoundError, DocumentError, SchemaError, KeyClashError, RealRowsError,
    VerificationError, NotConfirmedError, DatabaseError, ConfigError.
    """
    size = read_tail(path).size
    with connect(config.database) as database, reading(path) as stream:
        document = Document(stream)
        if scenario is not None and document.header.scenario != scenario:
            raise DocumentError(
                f"a snapshot of {document.header.scenario!r}, not of {scenario!r}",
                hint=f"Import it as {document.header.scenario}.",
            )
        schema = reflect(database, config.tables, config.references)
        header = leave_out(document.header, options.get("drop_columns", ()))
        require_fit(header, schema.tables, schema.leaned_on, database.label)
        job = _Import(database, config, schema, path, size, header, options)
        replaces = job.finds_rows_to_replace()
        if replaces and options["confirm"] is not None:
            edited = job.ask(document, options["confirm"])
            return replace(job.merge(_again(stream)), edited=edited)
        if not replaces and job.may_go_straight:
            try:
                return job.straight(document)
            except (DatabaseBusyError, CommitInDoubtError):
                raise
            except (DatabaseError, VerificationError) as error:
                # A key in use, or another order of tables: staged, it can be told or resolved.
                logger.info("straight in was refused (%s): staging", error.message)
                document = _again(stream)
        return job.merge(document)


def _again(stream: BinaryIO) -> Document:
    stream.seek(0)
    return Document(stream)


class _Import:
    """One import: what both routes share."""

    def __init__(
        self,
        database: Database,
        config: Config,
        schema: Schema,
        path: Path,
        size: int,
        header: Header,
        options: ImportOptions,
    ) -> None:
        self.database = database
        self.config = config
        self.options = options
        self.schema = schema
        self.path = path
        self.header = header
        self.adds = options.get("add", False)
        self.renews = self.adds or options.get("new_ids", False)
        self.scenario = header.scenario if options.get("keep_other_scenarios") else None
        self.progress = options.get("progress", no_progress)
        self.size = size
        self.selection = Selection(database.dialect, schema.tables, resolve(config, schema))
        self.outside = Outside(database, schema, self.selection, config.references, None)

    @property
    def may_go_straight(self) -> bool:
        """Whether the file's rows may go right into the tables. Not past triggers: they may
        rewrite or swallow rows, which only the comparison with staged rows can tell."""
        return not self.renews and not any(
            table.has_triggers for table in self.schema.tables.values()
        )

    def finds_rows_to_replace(self) -> bool:
        with self.database.reading():
            require_conditions(self.database, self.selection)
            return not self.adds and self.selection.finds(self.database, self.scenario)

    def _count(self) -> Statistics:
        """The demo rows that would be replaced."""
        order = load_order(self.schema.tables)
        with self.database.reading():
            return RowSource(self.database, self.selection, order, self.scenario).statistics()

    def ask(self, document: Document, confirm: Confirm) -> Edits | None:
        """Check the whole file, then ask; what was asked about."""
        edited = None
        if self.renews:
            check_document(document, self.schema, self.outside)
        else:
            edited = self._edits(document)
        plan = ImportPlan(
            scenario=self.header.scenario,
            source=self.path,
            version=self.header.version,
            replaces=self._count(),
            imports=self.header.statistics,
            edited=edited,
        )
        if not confirm(plan):
            raise NotConfirmedError("the answer was no; nothing was changed")
        return edited

    def _edits(self, document: Document) -> Edits:
        """Stage the document, compare, and roll back: no demo row is locked while people think.
        On a connection of its own, whose temporary tables end with it."""
        with connect(self.config.database) as aside:
            other = _Import(
                aside,
                self.config,
                self.schema,
                self.path,
                self.size,
                self.header,
                self.options,
            )
            staging = other._staging()
            with aside.writing((), keep=False):
                staging.create()
                load_document(
                    document, staging, other.outside, self.size, self.progress, include=False
                )
                tables = compare(staging)
        return Edits(
            changed=sum(table.changed for table in tables),
            added=sum(table.extra for table in tables),
            deleted=sum(table.missing for table in tables),
        )

    def _staging(self) -> Staging:
        return Staging(
            self.database,
            self.schema,
            self.selection,
            self.header.tables,
            self.scenario,
            [table for table, _ in self.header.includes],
            adds=self.adds,
        )

    def _load(self, document: Document, staging: Staging, *, straight: bool) -> int:
        return load_document(
            document, staging, self.outside, self.size, self.progress, straight=straight
        )

    @property
    def _locked(self) -> list[Table]:
        return [*self.schema.tables.values(), *self.schema.referencing]

    def straight(self, document: Document) -> ImportResult:
        staging = self._staging()
        postponed = staging.order.postponed
        with self.database.writing(self._locked):
            if postponed:
                self.database.dialect.postpone(self.database.raw, postponed)
            if self.selection.finds(self.database, self.scenario):
                raise VerificationError("demo rows appeared meanwhile")
            changed = self._load(document, staging, straight=True)
            if postponed:
                self.database.dialect.settle(self.database.raw, postponed)
            for stage in staging.stages.values():
                loaded = self.header.statistics.rows(stage.table.name)
                there = staging.count(stage.target, staging.predicate(stage))
                if there != loaded:
                    raise VerificationError(
                        f"{stage.table.name}: {loaded} rows were loaded and {there} of them are"
                        " demo rows by this configuration"
                    )
            none = Statistics(tuple(TableCount(table.name, 0) for table in staging.order.tables))
            return self._finished(staging, none, changed, "straight")

    def merge(self, document: Document) -> ImportResult:
        staging = self._staging()
        with self.database.writing(self._locked):
            staging.create()
            self._load(document, staging, straight=False)
            if self.renews:
                renew_keys(staging)
            require_free_keys(staging)
            require_unreferenced(staging)
            replaced = staging.present()
            merge = Merge(staging)
            changed = merge.apply()
            require_same(staging, merge.written)
            return self._finished(staging, replaced, changed, "merge")

    def _finished(
        self, staging: Staging, replaced: Statistics, changed: int, route: str
    ) -> ImportResult:
        if not self.database.dialect.enforces_foreign_keys:
            require_foreign_keys(staging)
        # Counters survive a rollback, so they come last of all.
        for table in (*self.schema.tables.values(), *self.schema.leaned_on.values()):
            self.database.dialect.advance_sequences(self.database.raw, table)
        return ImportResult(
            scenario=self.header.scenario,
            version=self.header.version,
            source=self.path,
            replaced=replaced,
            statistics=self.header.statistics,
            changed=changed,
            route=route,
        )
