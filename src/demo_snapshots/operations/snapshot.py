"""The rows of a demo set as a document: header, content, and the writing of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO, Protocol, TypedDict

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.documents.sql import statements
from demo_snapshots.documents.sql.header import fingerprint
from demo_snapshots.documents.sql.writer import Content, Deferred, Section, write_document
from demo_snapshots.errors import EmptyScenarioError
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.rules import ways_of
from demo_snapshots.model.snapshots import Header, Parent, Statistics, Version
from demo_snapshots.model.tables import (
    Column,
    ColumnSequence,
    ForeignKey,
    Kind,
    Table,
    moments,
)
from demo_snapshots.model.tool import TOOL
from demo_snapshots.operations.readable import require_portable, require_readable
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.external import Lookup
from demo_snapshots.selection.order import DeferredReference, LoadOrder
from demo_snapshots.selection.rules import Selection
from demo_snapshots.selection.search_path import SearchPath, search_path
from demo_snapshots.transfer.extract import RowSource
from demo_snapshots.transfer.load import lookup_patterns

Watch = Callable[[Table, Sequence[bytes], int], None]
"""Shown raw rows of a table, and how many it has in all."""

Anchor = Callable[[DemoSet, Statistics], datetime]
"""The moment that the dates of a set's rows, of which there are so many, lead up to."""


class Rewriting(Protocol):
    """What makes other raw rows of those that a database has."""

    def rows(self, table: Table, batches: Iterable[list[bytes]]) -> Iterable[list[bytes]]: ...


class Snapshot(Struct, frozen=True):
    """A document about to be written: its rows stream from the database, once."""

    header: Header
    content: Content
    source: RowSource
    rewriting: tuple[Rewriting, ...] = ()

    def write(self, file: BinaryIO) -> str:
        """Write the whole document; its content digest."""
        return write_document(file, self.header, self.content)


@contextmanager
def snapshot_of(
    demo: DemoSet,
    version: Version,
    generated: datetime,
    *,
    base: Parent | None = None,
    allow_empty: bool = False,
    jobs: int = 1,
    progress: Progress = no_progress,
    watch: Watch | None = None,
    rewriting: tuple[Rewriting, ...] = (),
    anchor: Anchor | None = None,
) -> Iterator[Snapshot]:
    """The rows of ``demo``, which is of one scenario, as a document of that version; within one
    consistent read of its database, for as long as the block lasts. ``base`` is the
    version that it comes after; ``watch`` sees the demo rows as they are written, once all of
    ``rewriting`` has made other rows of them. ``anchor`` is as in the header, which has none where
    it is ``generated``.

    Raises EmptyScenarioError, ExternalReferenceError, UnportableValueError for what no import
    would take, also while it is written, ConfigError and DatabaseError.
    """
    demo = demo.telling_apart()
    require_conditions(demo)
    demo = demo.noted()
    assert isinstance(demo.scenario, str)
    require_portable([*demo.order.tables, *demo.external.included])
    path = search_path(demo)
    path.require()
    texts = {lookup: _spelled(lookup) for _, _, lookup in demo.external.lookups()}
    source = RowSource(demo, texts)
    statistics, leading_out = source.count()
    if not allow_empty:
        _require_rows(demo, demo.scenario, statistics)
    demo.external.require(leading_out)
    header = Header(
        scenario=demo.scenario,
        version=version,
        generated=generated,
        statistics=statistics,
        includes=tuple((table, source.included_count(table)) for table in demo.external.included),
        base=base,
        anchor=_other_than(generated, anchor(demo, statistics) if anchor else None),
        **_origin(demo),
    )
    content = content_of(source, header, progress, path, watch, rewriting)
    require_readable(header, content)
    with source.reading_ahead(statistics, jobs):
        yield Snapshot(header, content, source, rewriting)


def _other_than(generated: datetime, moment: datetime | None) -> datetime | None:
    return None if moment == generated else moment


def replaced_rows(
    demo: DemoSet,
    scenario: str,
    version: Version,
    generated: datetime,
    extra: tuple[tuple[str, str], ...],
    read: Mapping[str, Iterable[list[bytes]]],
) -> Snapshot:
    """All rows of ``demo`` as they are, to be put back into the same database: whatever else
    they reference is there. ``extra`` are lines for the header, ``read`` rows of tables that have
    been read already. Within a transaction. Raises UnportableValueError, also while it is
    written, and DatabaseError."""
    demo = demo.telling_apart()
    there = replace(demo, references={})
    require_portable(demo.order.tables)
    source = RowSource(there, read=read)
    header = Header(
        scenario=scenario,
        version=version,
        generated=generated,
        statistics=source.statistics(),
        extra=extra,
        **_origin(demo),
    )
    content = content_of(source, header, no_progress, search_path(there))
    require_readable(header, content)
    return Snapshot(header, content, source)


class _Origin(TypedDict):
    source: str
    tool: str
    schema: str
    migration: str | None
    tables: tuple[Table, ...]


def _origin(demo: DemoSet) -> _Origin:
    """What a header says of where the rows come from."""
    return _Origin(
        source=demo.database.source,
        tool=TOOL,
        schema=fingerprint(demo.order.tables),
        migration=demo.schema.migration,
        tables=demo.order.tables,
    )


def _require_rows(demo: DemoSet, scenario: str, statistics: Statistics) -> None:
    named = any(rule.scenario for rule in demo.selection.rules.values())
    if statistics.total and (not named or demo.selection.carries(demo.database, scenario)):
        return
    there = demo.scenarios()
    raise EmptyScenarioError(
        f"no demo row in {demo.database.label} carries the scenario {scenario!r}",
        scenarios=there,
        hint=f"There are: {', '.join(there)}." if there else "There are no demo rows at all.",
    )


def _spelled(lookup: Lookup) -> tuple[str, ...]:
    referenced, _, column, key = lookup
    return statements.lookup(referenced.name, column, key, only=referenced.has_heirs)


class RowsToWrite(Protocol):
    """What ``RowSource`` gives of a database's rows, whoever gives it."""

    demo: DemoSet
    order: LoadOrder
    selection: Selection

    def rows(self, table: Table) -> Iterator[list[bytes]]: ...

    def leads_ahead(self, table: Table, key: ForeignKey) -> bool: ...

    def deferred_count(self, reference: DeferredReference) -> int: ...

    def deferred_rows(self, reference: DeferredReference) -> Iterator[list[bytes]]: ...


def content_of(
    source: RowsToWrite,
    header: Header,
    progress: Progress,
    path: SearchPath,
    watch: Watch | None = None,
    rewriting: Sequence[Rewriting] = (),
) -> Content:
    """The rows as a document's content, with what the stock clients need to load it."""
    order = source.order
    named = [(table.name, drawn) for table in order.tables for drawn in _named(source, table)]
    filled = {(table, drawn.column) for table, drawn in named}
    postponed = [*order.postponed, *_postponed_of_included(source)]
    return Content(
        sections=[
            Section(
                table,
                _watched(
                    rewritten(table, source.rows(table), rewriting),
                    table,
                    header.statistics,
                    progress,
                    watch,
                ),
                _always(table),
            )
            for table in order.tables
        ],
        includes=[
            Section(table, rewritten(table, source.rows(table), rewriting), _always(table))
            for table, _ in header.includes
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
            (table.name, column.name)
            for table in order.tables
            for column in _counted(table)
            if (table.name, column.name) not in filled
        ],
        named_sequences=named,
        # SQLite's foreign keys need no name; PostgreSQL's, which these lines alter, all have one.
        postponed=[
            (table.name, key.name) for table, key in postponed if key.name and not key.deferrable
        ],
        defers=bool(postponed),
        search_path=path.schemas,
        elsewhere=path.elsewhere,
        lookups=lookup_patterns(source.demo.external),
    )


def rewritten(
    table: Table, batches: Iterable[list[bytes]], rewriting: Sequence[Rewriting]
) -> Iterable[list[bytes]]:
    """The rows as one after the other of ``rewriting`` makes them."""
    for each in rewriting:
        batches = each.rows(table, batches)
    return batches


def _postponed_of_included(source: RowsToWrite) -> Iterator[tuple[Table, ForeignKey]]:
    """References among the rows that travel along, of which each is inserted by itself, that lead
    to rows further on. They cannot be set at the end instead: a row that is there already is not to
    be changed."""
    for table, key in source.demo.external.ahead:
        if source.leads_ahead(table, key):
            yield table, key


def _is_between(source: RowsToWrite, reference: DeferredReference) -> bool:
    """Whether the stock clients' clean-up lets go of the reference: not of one by which the
    table's demo rows are told."""
    ways = ways_of(source.selection.rules[reference.table.name].rule)
    told = any(set(way.columns) & set(reference.columns) for way in ways)
    return reference.foreign_key.referenced_table != reference.table.name and not told


def _always(table: Table) -> bool:
    return any(column.identity_always for column in table.carried)


def _watched(
    rows: Iterable[list[bytes]],
    table: Table,
    statistics: Statistics,
    progress: Progress,
    watch: Watch | None,
) -> Iterator[Sequence[bytes]]:
    done, total = 0, statistics.rows(table.name)
    progress(table.name, done, total)
    for batch in rows:
        if watch is not None:
            watch(table, batch, total)
        yield batch
        done += len(batch)
        progress(table.name, done, total)


def _counted(table: Table) -> Iterator[Column]:
    """Columns that a sequence may fill: a single integer key, identity columns."""
    for column in table.carried:
        is_key = table.key == (column.name,) and column.kind is Kind.INTEGER
        if is_key or column.identity_always:
            yield column


def _named(source: RowsToWrite, table: Table) -> Iterator[ColumnSequence]:
    """What must be led past the keys, and is not by the line that an ordinary counter gets."""
    counted = {column.name for column in _counted(table)}
    unique = {name for names in (table.key, *table.uniques) for name in names}
    for drawn in source.demo.database.sequences(table):
        is_counted = drawn.column in counted
        if (is_counted and not drawn.ordinary) or (drawn.column in unique and not is_counted):
            yield drawn
