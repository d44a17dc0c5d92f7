"""Document -> database: the rows of a file into the stages, or right into the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice

from demo_snapshots.documents.protocol import Document, Event, Included, Rows, Update
from demo_snapshots.documents.sql.statements import LOOKUP, lookup_pattern, read_lookup
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import DocumentError, UnfitValueError
from demo_snapshots.model.progress import Progress
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table, moments
from demo_snapshots.rows.literals import choose, records
from demo_snapshots.rows.prefetch import ahead
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.external import ExternalReferences
from demo_snapshots.transfer.joining import NotJoinableError, stage_differing
from demo_snapshots.transfer.stage import Stage, Staging, load_rows, update_statement

_BATCH = 500
_MOST_KNOWN = 100_000
_AHEAD_BYTES = 2_000_000


def load_document(
    document: Document,
    staging: Staging,
    size: int,
    progress: Progress,
    *,
    direct: bool = False,
    include: bool = True,
) -> int:
    """Load every row and deferred reference of the staging's tables; the number of demo rows.

    Into the stages, which are indexed afterwards, or with ``direct`` into the tables
    themselves. Rows outside the demo are added where they are missing, unless ``include`` is
    false; references by natural key are looked up. ``progress`` counts bytes of ``size``, the
    document's unpacked. The document checks itself as it streams by: after any error the
    transaction is to be rolled back.
    """
    events = _events(document, staging.demo)
    with _reading(events, staging.database) as arriving:
        watched = _watched(arriving, size, progress)
        return load_events(document.header, watched, staging, direct=direct, include=include)


@contextmanager
def _reading(events: Iterator[Event], database: Database) -> Iterator[Iterator[Event]]:
    """``events``, the document read on while a server works, where loading waits for one."""
    if database.session.waits_for_server:
        with ahead(events, _size, _AHEAD_BYTES) as arriving:
            yield arriving
    else:
        yield events


def _size(event: Event) -> int:
    """In bytes, roughly."""
    return len(event.values) * 100 if isinstance(event, Update) else len(event.text)


def load_events(
    header: Header,
    events: Iterable[Event],
    staging: Staging,
    *,
    direct: bool,
    include: bool = True,
) -> int:
    """As ``load_document``, of a document of this header that is read already, or as it is read."""
    external = staging.demo.external
    described = {table.name: table for table in header.tables}
    loaded = dict.fromkeys(described, 0)
    included = {table.name: table for table, _ in header.includes}
    indexed = direct
    looked_up = {table.name for table, _, _ in external.lookups()}
    joined = {name for name, stage in staging.stages.items() if stage.joined}
    for (name, kind), group in groupby(events, lambda event: (event.table, type(event))):
        if name not in staging.stages and name not in staging.includes:
            continue
        if kind is Included:
            wanted = _wanted(included[name], staging.includes[name])
            staging.include(name, _chunks(group, wanted), insert=include)
            continue
        stage = staging.stages[name]
        target = stage.into if direct else stage.rows
        if kind is Rows:
            wanted = _wanted(described[name], stage)
            if stage.joined:
                joined.discard(name)
                texts = (
                    _narrowed(event.text, wanted) for event in group if isinstance(event, Rows)
                )
                loaded[name] = stage_differing(staging, stage, texts)
                continue
            for part in _loads(group, wanted, looked_up=name in looked_up, external=external):
                if not direct:
                    loaded[name] += staging.load(name, part)
                    continue
                loaded[name] += load_rows(
                    staging.database, target, stage.table, stage.columns, part
                )
            continue
        if stage.joined:
            raise NotJoinableError
        if not indexed:
            _finish(staging, joined)
            indexed = True
        for batch in _batches(staging, stage.table, target, group):
            staging.database.run(batch)
    if not indexed:
        _finish(staging, joined)
    for expected in header.statistics.tables:
        if expected.table in staging.stages and loaded[expected.table] != expected.rows:
            raise DocumentError(
                f"{expected.table}: {loaded[expected.table]} rows,"
                f" and the header counts {expected.rows}"
            )
    return sum(loaded.values())


def _finish(staging: Staging, joined: set[str]) -> None:
    """Finish the staging; the document has no row of the tables ``joined``."""
    for name in sorted(joined):
        stage_differing(staging, staging.stages[name], ())
    staging.finish()


def read_events(document: Document, demo: DemoSet) -> list[Event]:
    """The whole document, checked against the target's columns, in memory."""
    return list(_events(document, demo))


def line_of_unfit(document: Document, staging: Staging) -> int | None:
    """The line of the first row that does not fit its stage; None if all do."""
    described = {table.name: table for table in document.header.tables}
    looked_up = {table.name for table, _, _ in staging.demo.external.lookups()}
    for event in _events(document, staging.demo):
        stage = staging.stages.get(event.table)
        if stage is None or not isinstance(event, Rows):
            continue
        wanted = _wanted(described[event.table], stage)
        text = event.text
        if event.table in looked_up:
            [text] = _found([text], staging.demo.external)
        text = _narrowed(text, wanted)
        if _takes(staging, stage, text):
            continue
        for number, record in enumerate(records(text)):
            if not _takes(staging, stage, b"(" + record + b")"):
                return document.line_of(number, event.text)
    return None


def _takes(staging: Staging, stage: Stage, text: bytes) -> bool:
    with staging.database.attempt() as undo:
        try:
            load_rows(staging.database, stage.rows, stage.table, stage.columns, [text])
        except UnfitValueError:
            undo()
            return False
    return True


def lookup_patterns(external: ExternalReferences) -> dict[tuple[str, str], bytes]:
    """What recognises the references by natural key there may be, by table and column."""
    return {
        (table.name, column): lookup_pattern(referenced.name, wanted, names)
        for table, column, (referenced, _, wanted, names) in external.lookups()
    }


def _events(document: Document, demo: DemoSet) -> Iterator[Event]:
    external = demo.external
    patterns = lookup_patterns(external)
    return document.rows(
        demo.schema.tables.__getitem__,
        {table.name: table for table in external.included}.__getitem__,
        lambda table, column: patterns.get((table, column)),
    )


def _wanted(described: Table, stage: Stage) -> list[bool]:
    """Which of the document's columns are loaded."""
    carried = {column.name for column in stage.columns}
    return [column.name in carried for column in described.columns]


def _chunks(events: Iterable[Event], wanted: Sequence[bool]) -> Iterator[bytes]:
    texts = (_narrowed(event.text, wanted) for event in events if isinstance(event, Included))
    while batch := list(islice(texts, _BATCH)):
        yield b",\n".join(batch)


def _loads(
    events: Iterable[Event],
    wanted: Sequence[bool],
    *,
    looked_up: bool,
    external: ExternalReferences,
) -> Iterator[Iterable[bytes]]:
    """The raw rows of a table, their ``wanted`` columns, by loads. All in one, but one by one
    where references by natural key are looked up: no query can run while a load does."""
    texts = (event.text for event in events if isinstance(event, Rows))
    if not looked_up:
        yield (_narrowed(text, wanted) for text in texts)
        return
    for text in _found(texts, external):
        yield (_narrowed(text, wanted),)


def _narrowed(text: bytes, wanted: Sequence[bool]) -> bytes:
    return text if all(wanted) else choose(text, wanted)


def _found(texts: Iterable[bytes], external: ExternalReferences) -> Iterator[bytes]:
    """Raw rows with every reference by natural key replaced by what it stands for."""
    known: dict[bytes, bytes] = {}

    def find(match: re.Match[bytes]) -> bytes:
        if match["table"] is None:
            return match[0]
        if match[0] not in known:
            if len(known) == _MOST_KNOWN:
                known.clear()
            known[match[0]] = external.find(*read_lookup(match))
        return known[match[0]]

    for text in texts:
        yield re.sub(LOOKUP, find, text) if b"\n(SELECT " in text else text


def _watched(events: Iterable[Event], size: int, progress: Progress) -> Iterator[Event]:
    passed = 0
    for event in events:
        yield event
        if isinstance(event, Rows):
            passed += len(event.text)
            progress(event.table, passed, size)


def _batches(
    staging: Staging, table: Table, target: str, events: Iterable[Event]
) -> Iterator[list[str]]:
    batch: list[str] = []
    for event in events:
        assert isinstance(event, Update)
        # A stage inherits ON UPDATE from its table on MariaDB, and has only these columns.
        columns = staging.stages[table.name].columns
        untouched = moments(columns, [name for name, _ in event.values])
        carried = {column.name for column in columns}
        kept = [(name, value) for name, value in event.values if name in carried]
        if kept:
            batch.append(update_statement(staging.database, target, kept, untouched, event.key))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
