"""A finished draft, published as what changed since another version."""

from __future__ import annotations

from contextlib import closing

from msgspec.structs import replace

from demo_snapshots.comparison.delta import DeltaRows, PartedKeyedDocument
from demo_snapshots.comparison.table_delta import NoDeltaError
from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.folding import folded
from demo_snapshots.documents.opening import read_tail, reading
from demo_snapshots.documents.order import engine_of
from demo_snapshots.documents.sql.delta_writer import write_delta
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import DeltaOf, DocumentForm, Entry, Header, Parent
from demo_snapshots.model.sources import Source
from demo_snapshots.store import Draft, Store

MOST_DELTAS = 8
"""So many deltas at most are on top of one another; the next version is whole."""
_BLOCK = 1 << 20


def publish_delta(
    store: Store, draft: Draft, header: Header, digest: str, on: Entry | None, *, damaged: bool
) -> tuple[Entry, str | None]:
    """Publish the finished ``draft``, a whole document in SQL, as what changed since the version
    ``on``. Where there is no such delta, it is published itself, and a clause says why.
    ``damaged``: there is no ``on`` because the latest version is.

    ``header`` and ``digest`` are the draft's; ``header`` has the tables as the database describes
    them. The delta is read together with what it is on top of, and must be the draft byte for byte,
    before it is published. Raises as ``Store.publish``, and DocumentError for a damaged ``on``.
    """
    try:
        if on is None:
            raise NoDeltaError(
                "the version before it is damaged" if damaged else "there is no version before it"
            )
        with store.draft(
            header.scenario, header.version, draft.packing, DocumentForm.DELTA
        ) as delta:
            changed = _write(store, draft, header, on, delta)
            return store.publish(delta, changed, digest), None
    except NoDeltaError as error:
        return store.publish(draft, header, digest), str(error)


def _write(store: Store, draft: Draft, header: Header, on: Entry, delta: Draft) -> Header:
    """The header of the delta that was written, and found to be good."""
    files = store.files(on)
    if len(files) > MOST_DELTAS:
        raise NoDeltaError(f"{on.version} is the last of {MOST_DELTAS} deltas in a row")
    size = read_tail(draft.source).size
    of = DeltaOf(Parent(on.version, on.digest), size)
    tables = {table.name: table for table in header.tables}
    with (
        closing(_keyed(store.source(on))) as old,
        closing(_keyed(draft.source)) as new,
        closing(DeltaRows(old, new, tables, loose=engine_of(header) in _LOOSE)) as rows,
        packed(delta.file, delta.packing) as file,
    ):
        changed = replace(header, delta=rows.delta(of))
        write_delta(file, changed, rows.content())
    delta.file.flush()
    if delta.measured.size >= draft.measured.size:
        raise NoDeltaError("what changed takes as much room as all of it")
    _require_same(folded([*files, delta.source]), draft.source)
    return changed


_LOOSE = ("mariadb", "mysql")


def _keyed(source: Source) -> PartedKeyedDocument:
    return PartedKeyedDocument(lambda: reading(source))


def _require_same(made: Source, draft: Source) -> None:
    """Raise NoDeltaError unless both are the same bytes: whatever a delta cannot say shows here."""
    try:
        with reading(made) as ours, reading(draft) as theirs:
            while block := theirs.read(_BLOCK):
                if ours.read(len(block)) != block:
                    break
            else:
                if not ours.read(1):
                    return
    except DocumentError:
        pass
    raise NoDeltaError("put together again it would not be the same")
