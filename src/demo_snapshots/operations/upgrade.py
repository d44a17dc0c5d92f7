"""Store -> scratch database -> store: a version in the tables of today, as the next version.

Two ways. Where the project's migrations can be run, the scratch database is brought to where the
snapshot was made, takes its rows, and is migrated to today. Else it has the tables of today, and
the rows come in by the rules of ``[[drift]]``. The real database is only read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple, Unpack

from msgspec.structs import replace
from msgspec.structs import replace as replaced

from demo_snapshots.config.foreign_keys import among
from demo_snapshots.config.rules import ByKey, Reference, TableRule
from demo_snapshots.config.settings import Config
from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.converting import in_form
from demo_snapshots.documents.opening import describe
from demo_snapshots.engines.connection import blank_scratch, connect
from demo_snapshots.errors import DatabaseError, DemoError, UpgradeError
from demo_snapshots.model.results import UpgradeResult
from demo_snapshots.model.snapshots import Entry, Header, Parent, Version, check_scenario_name
from demo_snapshots.model.sources import Source
from demo_snapshots.operations.compare import (
    CompareOptions,
    Scope,
    compare_sources,
    tell_nobody,
)
from demo_snapshots.operations.drift import Drift, drift_of
from demo_snapshots.operations.export import holds
from demo_snapshots.operations.import_ import import_document
from demo_snapshots.operations.migrating import Migrations, migrates
from demo_snapshots.operations.roundtrip import moved
from demo_snapshots.operations.snapshot import Snapshot, snapshot_of
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.selection.schema import migration_head
from demo_snapshots.store import Store, unknown_scenario
from demo_snapshots.transfer.scratch import scratch

logger = logging.getLogger(__name__)

_EVERY_ROW = "1 = 1"


class UpgradeOptions(CompareOptions, total=False):
    """How to upgrade; what is not given is false or None, and what of the changes is told is as by
    ``compare_exports``."""

    version: str | None
    """Which version, ``v1`` or ``v1_2025-01-15``; the latest if None."""
    dry_run: bool
    """Write nothing."""


def upgrade_scenario(
    scenario: str,
    config: Config,
    store: Store,
    *,
    now: datetime,
    **options: Unpack[UpgradeOptions],
) -> UpgradeResult:
    """Bring a version of ``scenario`` to the tables of today, and save that as the next version.

    ``now`` (aware) is the moment written into the document. ``tell`` takes the changes from the old
    version to the new one, as by ``compare_exports``. Rows that are the version's as they are
    write nothing. Everything happens in a scratch database; the configured one is only read. The
    new version appears whole or not at all.

    Raises ExportNotFoundError, UpgradeError where migrations cannot be run or no scratch database
    can be made, SchemaError where rules are missing, and what importing and exporting raise.
    """
    check_scenario_name(scenario)
    version = options.get("version")
    moment = now.astimezone(UTC).replace(microsecond=0)
    with store.lock():
        entry = store.find(scenario, version) if version else store.latest(scenario)
        if entry is None:
            raise unknown_scenario(scenario, store.scenarios(), store.place)
        source = store.source(entry)
        header = describe(source).header
        with ExitStack() as stack:
            bring = _migrated if migrates(config, header) else _by_rules
            brought = stack.enter_context(bring(source, header, config))
            database = stack.enter_context(connect(brought.config.database))
            stack.enter_context(database.reading())
            demo = _at(see(database, brought.config).of(scenario), brought.migration)
            next_one = Version(store.next_number(scenario), moment.date())
            base = Parent(entry.version, entry.digest)
            snapshot = stack.enter_context(
                snapshot_of(
                    demo,
                    next_one,
                    moment,
                    base=base,
                    allow_empty=True,
                    anchor=lambda *_: header.moment,
                )
            )
            snapshot = replace(snapshot, header=snapshot.header.with_files(entry.files))
            return _saved(snapshot, entry, store, config, options, brought)


class _Brought(NamedTuple):
    """The configuration for a scratch database that holds the snapshot's rows in the tables of
    today, at which migration these are, which way they came, and what is said of the tables."""

    config: Config
    migration: str | None
    way: str
    drift: Drift | None = None


def _at(demo: DemoSet, migration: str | None) -> DemoSet:
    return replace(demo, schema=replace(demo.schema, migration=migration))


@contextmanager
def _by_rules(source: Source, header: Header, config: Config) -> Iterator[_Brought]:
    with connect(config.database) as database:
        demo = see(database, config)
        with _made(scratch(database, config.database, demo.external)) as url:
            there = moved(config, url, demo)
            import_document(source, there, scenario=header.scenario, force=True)
            drift = drift_of(header, demo.schema, config)
            yield _Brought(there, demo.schema.migration, "rules", drift)


@contextmanager
def _migrated(source: Source, header: Header, config: Config) -> Iterator[_Brought]:
    with _made(blank_scratch(config.database)) as url:
        migrations = Migrations(config, header, url)
        migrations.to_snapshot()
        as_it_was = _as_it_was(header, config, url)
        try:
            import_document(source, as_it_was, scenario=header.scenario, force=True)
        except DemoError as error:
            raise UpgradeError(
                f"{header.scenario} {header.version} does not go into a scratch database at"
                f" {header.migration}: {error.message.removeprefix(f'{source.name}: ')}",
                hint="Nothing was written. Rows outside the demo are there only if migrations make"
                " them.",
            ) from error
        migrations.to_head()
        with connect(url) as database:
            today = migration_head(database)
        yield _Brought(replaced(config, database=url), today, migrations.framework)


@contextmanager
def _made(making: AbstractContextManager[str]) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(making)
        except DatabaseError as error:
            raise UpgradeError(
                f"no scratch database can be made: {error.message}",
                hint="Ask for the right to create one.",
            ) from error
        yield url


def _as_it_was(header: Header, config: Config, url: str) -> Config:
    """A configuration for an empty database with the snapshot's own tables, all of whose rows are
    to be the snapshot's: the rules are about the tables of today."""
    configured = {name.rpartition(".")[2]: name for name in (*config.tables, *config.references)}

    def called(table: str) -> str:
        return configured.get(table, table)

    included = {called(table.name): "include" for table, _ in header.includes}
    with connect(url) as database:
        there = {name for names in database.catalog.tables().values() for name in names}
    looked_up = {
        name: rule
        for name, rule in config.references.items()
        if isinstance(rule, ByKey) and name.rpartition(".")[2] in there
    }
    names = {table.name for table in header.tables} | {
        name.rpartition(".")[2] for name in (*included, *looked_up)
    }
    references: dict[str, Reference] = {**looked_up, **included}  # type: ignore[dict-item]
    return replaced(
        config,
        database=url,
        tables={called(table.name): TableRule(where=_EVERY_ROW) for table in header.tables},
        references=references,
        foreign_keys=among(config.foreign_keys, names),
        drift=(),
    )


def _saved(
    snapshot: Snapshot,
    entry: Entry,
    store: Store,
    config: Config,
    options: UpgradeOptions,
    brought: _Brought,
) -> UpgradeResult:
    dry_run = options.get("dry_run", False)
    header, source = snapshot.header, store.source(entry)
    with store.draft(header.scenario, header.version, config.compress, config.format) as draft:
        with packed(draft.file, config.compress) as file, in_form(file, config.format) as sql:
            digest = snapshot.write(sql)
        draft.file.flush()
        compared = compare_sources(
            header.scenario,
            [source, draft.source],
            [f"{header.scenario} {entry.version}", f"{header.scenario} {header.version}"],
            Scope.of(config, options),
            options.get("tell", tell_nobody),
            brought.drift,
        )
        file_name = None
        if not dry_run and not holds(store, entry, draft, header, digest):
            file_name = store.file(store.publish(draft, header, digest)).name
    return UpgradeResult(
        scenario=header.scenario,
        upgraded=entry.version,
        version=header.version,
        way=brought.way,
        file=file_name,
        statistics=header.statistics,
        digest=digest,
        comparison=compared,
        written=file_name is not None,
        dry_run=dry_run,
    )
