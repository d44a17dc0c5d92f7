"""Put back what an import replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import DocumentError, ExportNotFoundError
from demo_snapshots.model.copies import copy_in
from demo_snapshots.model.results import ImportResult, Undoable
from demo_snapshots.model.rules import Labelled
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.import_ import import_document
from demo_snapshots.operations.options import ImportOptions
from demo_snapshots.operations.replaced import (
    LABELLED,
    NOTHING,
    REPLACED,
    REPLACED_BY,
    SCENARIO,
    UndoKeeping,
)
from demo_snapshots.store import UndoEntry, UndoLog


def list_undo(log: UndoLog) -> tuple[Undoable, ...]:
    """What can be put back into the database, newest first. Raises StoreError."""
    return tuple(_described(log, entry) for entry in log.entries())


def _described(log: UndoLog, entry: UndoEntry) -> Undoable:
    try:
        header = describe(log.source(entry)).header
    except (DocumentError, ExportNotFoundError) as error:
        return Undoable(entry.number, entry.made, entry.by, entry.size, problem=error.message)
    replaced_by = dict(header.extra).get(REPLACED_BY, "")
    removed = replaced_by == NOTHING
    labelled = _labelled(header)
    copy = copy_in(labelled.label) if labelled else None
    return Undoable(
        entry.number,
        entry.made,
        entry.by,
        entry.size,
        header.scenario if removed else replaced_by,
        header.statistics.total,
        copy=copy.name if copy else None,
        removed=removed,
    )


def _labelled(header: Header) -> Labelled | None:
    """Which rows the entry is of, where it is of those with a label."""
    said = dict(header.extra).get(REPLACED, "")
    return Labelled(said.removeprefix(LABELLED)) if said.startswith(LABELLED) else None


def undo_import(
    config: Config,
    log: UndoLog,
    *,
    now: datetime,
    number: int | None = None,
    **options: Unpack[ImportOptions],
) -> ImportResult:
    """Make the demo rows again what they were before an import: the last one that was not undone
    yet, or the one with that ``number``.

    An import like any other, with all its checks. What it replaces is kept too, so that it can be
    undone itself, by its number; the entry that was put back is gone then. Raises
    ExportNotFoundError if there is nothing to undo, and what ``import_from_file`` does.
    """
    config.refuse_production(force=options.get("force", False))
    entry = _found(log, number)
    source = log.source(entry)
    header = describe(source).header
    how: ImportOptions = {
        **options,
        "keep_other_scenarios": dict(header.extra).get(REPLACED) == SCENARIO,
        "blobs": log.blobs,
        "undo": UndoKeeping(log, now, max(1, config.undo), config.compress, "undo"),
    }
    labelled = _labelled(header)
    result = import_document(source, config, scenario=None, labelled=labelled, **how)
    log.remove(entry)
    return result


def _found(log: UndoLog, number: int | None) -> UndoEntry:
    entries = log.entries()
    if number is None:
        found = next((entry for entry in entries if entry.by == "import"), None)
    else:
        found = next((entry for entry in entries if entry.number == number), None)
    if found is not None:
        return found
    what = "no import" if number is None else f"no entry {number}"
    raise ExportNotFoundError(
        f"there is {what} to undo in this database",
        available=tuple(str(entry.number) for entry in entries),
        hint=Words(Call("list_undo"), " shows what there is."),
    )
