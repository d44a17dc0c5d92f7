"""Changes -> delta: what a whole document has that its base has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from msgspec import Struct, field

from demo_snapshots.documents.sql import statements
from demo_snapshots.documents.sql.delta_statements import Part
from demo_snapshots.documents.sql.rendering import ForClients, Rendering
from demo_snapshots.documents.sql.writer import Inserts
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table


class Statements(Struct, frozen=True):
    """So many statements, in raw literals, in lists of any length."""

    count: int
    batches: Iterable[Sequence[bytes]]


class TableRows(Struct, frozen=True):
    """So many records of a table, in lists of any length."""

    table: Table
    count: int
    batches: Iterable[Sequence[bytes]]


class DeltaContent(Struct, frozen=True):
    """Everything between header and digest. ``for_clients`` is the whole document's; ``included``
    are the tables whose rows travel along and are there anew."""

    for_clients: ForClients
    edits: Mapping[Part, Statements]
    included: Sequence[TableRows] = ()
    inserted: Sequence[TableRows] = ()
    deferred: Statements = field(default_factory=lambda: Statements(0, ()))


def write_delta(stream: BinaryIO, header: Header, content: DeltaContent) -> None:
    """Write a delta, whose ``header`` counts its changes."""
    clients = content.for_clients
    rendering = Rendering(stream, header, clients.overriding, clients.only)
    rendering.begin()
    rendering.before(_session(clients.before))
    rendering.begin_rows()
    for part in (Part.RELEASED, Part.DELETED, Part.UPDATED):
        _write_edits(rendering, part, content)
    for rows in content.included:
        rendering.includes(rows.table, rows.count)
        for batch in rows.batches:
            for record in batch:
                rendering.include(rows.table, b"(" + record + b")")
        rendering.end_part()
    for rows in content.inserted:
        rendering.section(rows.table, rows.count)
        inserts = Inserts(*rendering.inserts(rows.table))
        for batch in rows.batches:
            inserts.add([b"(" + record + b")" for record in batch])
        inserts.close()
        rendering.end_part()
    _write_edits(rendering, Part.REFERENCES, content)
    if content.deferred.count:
        rendering.deferred(content.deferred.count)
        rendering.statements(content.deferred.batches)
    digest = rendering.end_rows()
    rendering.after(clients.after)
    rendering.end(digest)


def _write_edits(rendering: Rendering, part: Part, content: DeltaContent) -> None:
    found = content.edits.get(part)
    if found is not None and found.count:
        rendering.heading(part.written(found.count))
        rendering.statements(found.batches)


def _session(before: bytes) -> bytes:
    """What stands before the rows without the clean-up: a delta goes on from what is there."""
    return before[: before.index(f"\n\n{statements.CLEANUP}\n".encode()) + 2]
