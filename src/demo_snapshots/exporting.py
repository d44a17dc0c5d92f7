"""Database -> document -> store: save a scenario's demo rows as its next version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path

from demo_snapshots.config import Config
from demo_snapshots.database.conditions import require_conditions
from demo_snapshots.database.connect import Database, connect
from demo_snapshots.database.order import DeferredReference, load_order
from demo_snapshots.database.outside import Lookup, Outside
from demo_snapshots.database.rows import RowSource
from demo_snapshots.database.schema import reflect
from demo_snapshots.database.selection import Selection, resolve
from demo_snapshots.document import statements
from demo_snapshots.document.header import fingerprint
from demo_snapshots.document.packing import packed
from demo_snapshots.document.reader import describe
from demo_snapshots.document.writer import Content, Deferred, Section, write_document
from demo_snapshots.errors import EmptyScenarioError
from demo_snapshots.model import (
    Column,
    Entry,
    Header,
    Kind,
    Packing,
    Progress,
    Statistics,
    Table,
    Version,
    check_scenario_name,
    moments,
    no_progress,
    ways_of,
)
from demo_snapshots.results import ExportResult, Proof
from demo_snapshots.store import Store

logger = logging.getLogger(__name__)


def export_scenario(
    scenario: str,
    config: Config,
    store: Store,
    *,
    now: datetime,
    auto_version: bool = False,
    allow_empty: bool = False,
    jobs: int = 1,
    prove: bool = False,
    compress: Packing | None = None,
    progress: Progress = no_progress,
) -> ExportResult:
    """Save the demo rows of ``scenario``, and those without a scenario, as its next version.

    ``now`` (aware) is the moment written into the document; its UTC day names the version.
    Rows, counts and schema come from one consistent read. Data equal to the latest version's
    writes nothing, unless ``auto_version``. No row carrying the scenario raises
    EmptyScenarioError, unless ``allow_empty``. Up to ``jobs`` connections read large data,
    where the engine can; the bytes written do not depend on it. A version appears whole or not
    at all; the store is locked for the whole export, so a higher version never holds older
    rows. With ``prove`` it is published only after it was imported into a scratch database and
    came out of that with the same bytes. ``compress`` is how the file is stored, None as the
    configuration says; data equal to the latest version's is so however that one is stored.

    Raises UsageError for a bad scenario name, ConfigError, DatabaseError, SchemaError,
    ExportError, StoreError.
    """
    check_scenario_name(scenario)
    moment = now.astimezone(UTC).replace(microsecond=0)
    with connect(config.database) as database, store.lock(), database.reading():
        schema = reflect(database, config.tables, config.references)
        order = load_order(schema.tables)
        selection = Selection(database.dialect, schema.tables, resolve(config, schema))
        outside = Outside(database, schema, selection, config.references, scenario)
        texts = {lookup: _spelled(lookup) for _, _, lookup in outside.lookups()}
        require_conditions(database, selection)
        source = RowSource(database, selection, order, scenario, outside, texts)
        statistics, leading_out = source.count()
        if not allow_empty:
            _require_rows(database, selection, scenario, statistics)
        outside.require(leading_out)
        header = Header(
            scenario=scenario,
            version=Version(store.next_number(scenario), moment.date()),
            generated=moment,
            source=database.source,
            tool=f"demo-snapshots {package_version('demo-snapshots')}",
            schema=fingerprint(order.tables),
            migration=schema.migration,
            tables=order.tables,
            statistics=statistics,
            includes=tuple((table, source.included_count(table)) for table in outside.included),
        )
        with source.reading_ahead(statistics, jobs):
            content = _content(source, header, progress, schema.search_path)
            proof = _proof(database, config, outside, now) if prove else None
            return _publish(
                header,
                content,
                store,
                packing=config.compress if compress is None else compress,
                auto_version=auto_version,
                proof=proof,
            )


def _proof(
    database: Database, config: Config, outside: Outside, now: datetime
) -> Callable[[Path, str], Proof]:
    from demo_snapshots.proving import prove as prove_document

    def again(there: Config, store: Store) -> ExportResult:
        assert outside.scenario is not None
        return export_scenario(outside.scenario, there, store, now=now, allow_empty=True)

    def proof(document: Path, digest: str) -> Proof:
        return prove_document(document, digest, database, config, outside, again)

    return proof


def _require_rows(
    database: Database, selection: Selection, scenario: str, statistics: Statistics
) -> None:
    named = any(rule.scenario for rule in selection.rules.values())
    if statistics.total and (not named or selection.carries(database, scenario)):
        return
    there = selection.scenarios(database)
    raise EmptyScenarioError(
        f"no demo row in {database.label} carries the scenario {scenario!r}",
        scenarios=there,
        hint=f"There are: {', '.join(there)}." if there else "There are no demo rows at all.",
    )


def _publish(
    header: Header,
    content: Content,
    store: Store,
    *,
    packing: Packing,
    auto_version: bool,
    proof: Callable[[Path, str], Proof] | None,
) -> ExportResult:
    latest = store.latest(header.scenario)
    with store.draft(header.scenario, header.version, packing) as draft:
        with packed(draft.file, packing) as file:
            digest = write_document(file, header, content)
        draft.file.flush()
        proved = proof(draft.path, digest) if proof else None
        unchanged = latest is not None and latest.digest == digest and not auto_version
        # A version that was damaged since is no reason not to save the data again.
        if latest is not None and unchanged and _is_whole(store, latest):
            logger.info("%s: unchanged since %s", header.scenario, latest.version)
            entry, written = latest, False
        else:
            entry, written = store.publish(draft, header, digest), True
    return ExportResult(
        scenario=header.scenario,
        version=entry.version,
        path=store.path(entry),
        statistics=header.statistics,
        file_size=entry.size,
        digest=digest,
        written=written,
        proof=proved,
    )


def _is_whole(store: Store, entry: Entry) -> bool:
    return describe(store.path(entry)).sha256 == entry.sha256


def _spelled(lookup: Lookup) -> tuple[str, ...]:
    referenced, _, column, key = lookup
    return statements.lookup(referenced.name, column, key)


def _content(
    source: RowSource, header: Header, progress: Progress, search_path: Sequence[str]
) -> Content:
    order = source.order
    return Content(
        sections=[
            Section(table, _watched(source, table, header.statistics, progress), _always(table))
            for table in order.tables
        ],
        includes=[
            Section(table, source.rows(table), _always(table)) for table, _ in header.includes
        ],
        selection=source.selection.rules,
        deferred=[
            Deferred(
                reference.table,
                reference.columns,
                moments(reference.table.carried, reference.columns),
                source.deferred_count(reference),
                source.deferred_rows(reference),
                between_tables=_is_between(source, reference),
            )
            for reference in order.deferred
        ],
        sequences=[
            (table.name, column.name) for table in order.tables for column in _counted(table)
        ],
        # SQLite's foreign keys need no name; PostgreSQL's, which these lines alter, all have one.
        postponed=[
            (table.name, key.name)
            for table, key in order.postponed
            if key.name and not key.deferrable
        ],
        defers=bool(order.postponed),
        search_path=search_path,
    )


def _is_between(source: RowSource, reference: DeferredReference) -> bool:
    """Whether the stock clients' clean-up lets go of the reference: not of one by which the
    table's demo rows are told."""
    ways = ways_of(source.selection.rules[reference.table.name].rule)
    told = any(set(way.columns) & set(reference.columns) for way in ways)
    return reference.foreign_key.referenced_table != reference.table.name and not told


def _always(table: Table) -> bool:
    return any(column.identity_always for column in table.carried)


def _watched(
    source: RowSource, table: Table, statistics: Statistics, progress: Progress
) -> Iterator[Sequence[bytes]]:
    done, total = 0, statistics.rows(table.name)
    progress(table.name, done, total)
    for batch in source.rows(table):
        yield batch
        done += len(batch)
        progress(table.name, done, total)


def _counted(table: Table) -> Iterator[Column]:
    """Columns that a sequence may fill: a single integer key, identity columns."""
    for column in table.carried:
        is_key = table.key == (column.name,) and column.kind is Kind.INTEGER
        if is_key or column.identity_always:
            yield column
