"""What can be undone, and what was."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from demo_snapshots.model.results import ImportResult, Undoable
from demo_snapshots.model.words import Call, Words
from demo_snapshots.render.report import (
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    file_size,
    iso,
    moment,
    number,
)
from demo_snapshots.render.transfer import import_report


def undo_report(entries: Sequence[Undoable]) -> Report:
    """One line an entry."""
    if not entries:
        return (Line("Nothing to undo in this database."),)
    headings = (
        Heading("No.", numeric=True),
        Heading("Replaced (UTC)"),
        Heading("Records", numeric=True),
        Heading("Size", numeric=True),
        Heading("By"),
    )
    return (Grid(headings, tuple(Row(_cells(e), _look(e)) for e in entries)),)


def _cells(entry: Undoable) -> tuple[str, ...]:
    by = _by(entry)
    return (
        str(entry.number),
        moment(entry.made),
        "" if entry.problem else number(entry.records),
        file_size(entry.size),
        f"damaged: {entry.problem}" if entry.problem else Words(by),
    )


def _by(entry: Undoable) -> Call:
    if entry.by == "undo":
        return Call("undo")
    what = entry.replaced_by
    if entry.copy is None:
        return Call("remove", what) if entry.removed else Call("import_", what)
    if entry.removed:
        return Call("remove", what, copy=entry.copy)
    return Call("import_", what, copy=entry.copy)


def _look(entry: Undoable) -> Look:
    if entry.problem:
        return Look.BAD
    return Look.FAINT if entry.by == "undo" else Look.PLAIN


def undo_json(entries: Sequence[Undoable]) -> dict[str, object]:
    return {
        "entries": [
            {
                "number": entry.number,
                "replaced_at": iso(entry.made),
                "by": entry.by,
                "snapshot": None if entry.removed else entry.replaced_by or None,
                "removed": entry.removed,
                "copy": entry.copy,
                "records": None if entry.problem else entry.records,
                "size": entry.size,
                "problem": entry.problem,
            }
            for entry in entries
        ]
    }


def undone_report(result: ImportResult) -> Report:
    """As of an import, but for its first line."""
    files = result.files
    if not result.changed and not (files and (files.written or files.replaced)):
        return (Line("The demo rows are as they were before already", Look.GOOD),)
    kept = replace(result, undo=None)
    takes_back = Line(Words(Call("undo", result.undo), " takes that back"))
    again = () if result.undo is None else (takes_back,)
    first = Line("Put back what was there before", Look.GOOD)
    return (first, *import_report(kept)[1:], *again)
