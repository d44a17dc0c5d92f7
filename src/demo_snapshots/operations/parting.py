"""The rows of a snapshot in parts: planned, written one after the other, and joined again to know
what the whole document is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.joining import opened_part, require_part
from demo_snapshots.documents.sql.head import Head, require_counts, write_head
from demo_snapshots.documents.sql.pieces import Contents, Kind, PartWriter, joined
from demo_snapshots.documents.sql.reader import TAIL
from demo_snapshots.documents.sql.rendering import ForClients
from demo_snapshots.documents.sql.writer import Deferred, Section, for_clients
from demo_snapshots.errors import DocumentError, ExportError, StoreError
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import MOST_PARTS, DocumentForm, Header, Packing, Part
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Table
from demo_snapshots.operations.snapshot import Rewriting, Snapshot, rewritten
from demo_snapshots.store import Draft, Store
from demo_snapshots.transfer.extract import RowSource, checked
from demo_snapshots.transfer.parallel import read_ahead
from demo_snapshots.transfer.parting import Answer, Batches, Range, parted

if TYPE_CHECKING:
    from demo_snapshots.operations.options import ExportOptions


@contextmanager
def draft_in_parts(
    snapshot: Snapshot, store: Store, packing: Packing, options: ExportOptions
) -> Iterator[tuple[Draft, str, tuple[Part, ...]]]:
    """The parts of ``snapshot`` in ``store``, whose lock is held, and a draft of the head that
    names them, with the content digest of the whole document. When the block ends, what no version
    names is gone."""
    header = snapshot.header
    try:
        with (
            _written(snapshot, store, packing, options) as written,
            store.draft(header.scenario, header.version, packing, DocumentForm.PARTS) as draft,
        ):
            head = head_of(snapshot, written, draft.source)
            with packed(draft.file, packing) as file:
                file.write(write_head(head))
            draft.file.flush()
            yield draft, head.digest, tuple(contents.part for contents in head.parts)
    except BaseException:
        with suppress(StoreError):  # whoever takes the lock next does it
            store.drop_unused_parts(header.scenario)
        raise
    store.drop_unused_parts(header.scenario)


@contextmanager
def _written(
    snapshot: Snapshot, store: Store, packing: Packing, options: ExportOptions
) -> Iterator[Iterator[Contents]]:
    """The parts as they are written, by this process or by workers elsewhere."""
    parts, progress = options.get("parts"), options.get("progress", no_progress)
    address = options.get("dask")
    if address is None:
        tasks, jobs = plan(snapshot, parts or 1, packing), options.get("jobs", 1)
        with closing(written_here(snapshot, tasks, store, jobs, progress)) as here:
            yield here
        return
    from demo_snapshots.operations.workers import connected, parts_for, written_elsewhere

    with connected(address, snapshot.source.database) as client:
        tasks = plan(snapshot, parts or min(parts_for(client), MOST_PARTS), packing)
        with closing(written_elsewhere(client, snapshot, tasks, store, progress)) as elsewhere:
            yield elsewhere


@dataclass(frozen=True, slots=True)
class Task:
    """What it takes to write one part, but a connection that sees the snapshot's state and the
    store. It can be sent elsewhere: it holds no URL, and its text no row."""

    number: int
    header: Header = field(repr=False)
    ranges: tuple[Range, ...] = field(repr=False)
    lookups: Mapping[tuple[str, str], bytes] = field(repr=False)
    packing: Packing
    rewriting: tuple[Rewriting, ...] = field(default=(), repr=False)

    def write(
        self, store: Store, first: Callable[[Range], Batches], answer: Answer
    ) -> Contents | None:
        """Write the part into ``store``; None where no row is left for it. ``first`` gives what a
        range's query does, and ``answer`` what others do."""
        header = self.header
        with store.part(header.scenario, self.packing) as draft:
            with packed(draft.file, self.packing) as file:
                tables = [each.table for each in self.ranges]
                writer = PartWriter(file, header, tables, self.lookups)
                for each in self.ranges:
                    _write(writer, each, self._rows(each, first(each), answer))
                writer.end()
            if not any(piece.rows for piece in writer.pieces):
                return None
            return Contents(draft.place(), tuple(writer.pieces))

    def _rows(self, wanted: Range, first: Batches, answer: Answer) -> Batches:
        """The rows of a range, rewritten before it is asked where a statement ends."""
        if wanted.kind is not Kind.ROWS:
            return wanted.rows(first, answer)

        def rewritten_answer(table: Table, names: Sequence[str], query: str) -> Batches:
            return rewritten(table, answer(table, names, query), self.rewriting)

        return wanted.rows(rewritten(wanted.table, first, self.rewriting), rewritten_answer)


def _write(writer: PartWriter, wanted: Range, rows: Batches) -> None:
    table = wanted.table
    if wanted.kind is Kind.DEFERRED:
        columns, untouched = wanted.columns, wanted.untouched
        writer.deferred(Deferred(table, columns, untouched, wanted.expected, rows))
    elif wanted.kind is Kind.INCLUDED:
        writer.included(Section(table, rows, wanted.overriding))
    else:
        writer.rows(Section(table, rows, wanted.overriding))


def plan(snapshot: Snapshot, parts: int, packing: Packing) -> list[Task]:
    """The tasks that write ``snapshot`` in that many parts, or in fewer where there is not enough
    to part."""
    header, content = snapshot.header, snapshot.content
    found = parted(snapshot.source, _whole(snapshot), parts)
    return [
        Task(number, header, tuple(ranges), content.lookups, packing, snapshot.rewriting)
        for number, ranges in enumerate(found, 1)
    ]


def _whole(snapshot: Snapshot) -> Iterator[Range]:
    """Everything in the document, in its order, each table as one range."""
    header, content, source = snapshot.header, snapshot.content, snapshot.source
    for section, (_, rows) in zip(content.includes, header.includes, strict=True):
        query = source.query(section.table)
        yield Range(Kind.INCLUDED, section.table, rows, query, overriding=section.overriding)
    for section in content.sections:
        table = section.table
        if rows := header.statistics.rows(table.name):
            query = source.query(table)
            yield Range(Kind.ROWS, table, rows, query, overriding=section.overriding)
    for reference, deferred in zip(source.order.deferred, content.deferred, strict=True):
        if deferred.count:
            yield Range(
                Kind.DEFERRED,
                reference.table,
                deferred.count,
                source.deferred_query(reference),
                columns=deferred.columns,
                untouched=deferred.untouched,
            )


def written_here(
    snapshot: Snapshot, tasks: Sequence[Task], store: Store, jobs: int, progress: Progress
) -> Generator[Contents, None, None]:
    """Write the parts by this process, one after the other, and give each. Up to ``jobs``
    connections read, where the engine can."""
    source = snapshot.source
    watched = _Watched(snapshot.header, progress)
    with _first(source, tasks, jobs) as first:
        for task in tasks:
            contents = task.write(
                store, lambda each: watched.rows(each, first(each)), source.stream
            )
            if contents is not None:
                yield contents


@contextmanager
def _first(
    source: RowSource, tasks: Sequence[Task], jobs: int
) -> Iterator[Callable[[Range], Batches]]:
    """What gives the rows of a range's own query: asked for in the order of the parts."""
    if jobs < 2 or not source.database.can_share:
        yield lambda each: source.stream(each.table, each.names, each.query)
        return
    queries = [each.query for task in tasks for each in task.ranges]
    numbers = iter(range(len(queries)))
    with read_ahead(source.database, queries, jobs) as ahead:

        def taken(each: Range) -> Batches:
            number = next(numbers)
            return checked(
                source.database, each.table, each.names, ahead.take(range(number, number + 1))
            )

        yield taken


class _Watched:
    """Tells ``progress`` of the rows of each table that have been written."""

    def __init__(self, header: Header, progress: Progress) -> None:
        self._totals = {count.table: count.rows for count in header.statistics.tables}
        self._done = dict.fromkeys(self._totals, 0)
        self._progress = progress

    def rows(self, of: Range, batches: Batches) -> Batches:
        name = of.table.name
        for batch in batches:
            yield batch
            if of.kind is Kind.ROWS:
                self._done[name] += len(batch)
                self._progress(name, self._done[name], self._totals[name])


def head_of(snapshot: Snapshot, written: Iterable[Contents], place: Source) -> Head:
    """The head of the version whose parts are ``written`` beside ``place``. Each of them is read
    once it is there, to know the whole document.

    Raises DocumentError for one that is not what was told of it, and ExportError where they do not
    hold the rows that were counted.
    """
    header = snapshot.header
    clients = ForClients(*for_clients(header, snapshot.content))
    updates = sum(deferred.count for deferred in snapshot.content.deferred)
    parts: list[Contents] = []
    size, last = 0, b""
    for block in joined(header, clients, updates, _read_again(written, parts, place)):
        size += len(block)
        last = block
    match = TAIL.fullmatch(last)
    assert match is not None
    head = Head(header, clients, tuple(parts), match[1].decode(), size)
    try:
        require_counts(head)
    except DocumentError as error:
        raise ExportError(error.message) from error
    return head


def _read_again(
    written: Iterable[Contents], parts: list[Contents], place: Source
) -> Iterator[tuple[Contents, BinaryIO]]:
    for contents in written:
        require_part(contents.part, place, f"part {len(parts) + 1}, {contents.part.name},")
        parts.append(contents)
        yield contents, opened_part(contents.part, place)
