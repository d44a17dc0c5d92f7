"""Document -> database: the rows of a file into the stages, or right into the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from demo_snapshots.database.staging import Staging, load_rows, update_statement
from demo_snapshots.document.reader import Document, Rows, Update
from demo_snapshots.errors import DocumentError
from demo_snapshots.model import Kind, Progress, Table

_BATCH = 500


def load_document(
    document: Document, staging: Staging, size: int, progress: Progress, *, straight: bool = False
) -> int:
    """Load every row and deferred reference; the number of rows.

    Into the stages, which are indexed afterwards, or with ``straight`` into the tables
    themselves. ``progress`` counts bytes of ``size``. The document checks itself as it streams
    by: after any DocumentError the transaction is to be rolled back.
    """
    loaded = {table.name: 0 for table in document.header.tables}
    events = _watched(document.rows(staging.schema.tables.__getitem__), size, progress)
    indexed = straight
    for (name, updates), group in groupby(events, lambda e: (e.table, isinstance(e, Update))):
        stage = staging.stages[name]
        target = stage.target if straight else stage.rows
        if not updates:
            texts = (event.text for event in group if isinstance(event, Rows))
            if straight:
                database, columns = staging.database, stage.columns
                loaded[name] += load_rows(database, target, stage.table, columns, texts)
            else:
                loaded[name] += staging.load(name, texts)
            continue
        if not indexed:
            staging.finish()
            indexed = True
        for batch in _batches(staging, stage.table, target, group):
            staging.database.run(batch)
    if not indexed:
        staging.finish()
    for expected in document.header.statistics.tables:
        if loaded[expected.table] != expected.rows:
            raise DocumentError(
                f"{expected.table}: {loaded[expected.table]} rows,"
                f" and the header counts {expected.rows}"
            )
    return sum(loaded.values())


def _watched(
    events: Iterable[Rows | Update], size: int, progress: Progress
) -> Iterator[Rows | Update]:
    passed = 0
    for event in events:
        yield event
        if isinstance(event, Rows):
            passed += len(event.text)
            progress(event.table, passed, size)


def _batches(
    staging: Staging, table: Table, target: str, events: Iterable[Rows | Update]
) -> Iterator[list[str]]:
    batch: list[str] = []
    for event in events:
        assert isinstance(event, Update)
        untouched = _moments(staging, table, event)
        batch.append(update_statement(staging.database, target, event.values, untouched, event.key))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _moments(staging: Staging, table: Table, update: Update) -> list[str]:
    """Columns that an ON UPDATE CURRENT_TIMESTAMP may sit on, to be set to themselves. A stage
    inherits it on MariaDB, and has only the document's columns."""
    taken = {name for name, _ in update.values}
    return [
        column.name
        for column in staging.stages[table.name].columns
        if column.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ) and column.name not in taken
    ]
