"""Which copies there are, and what was removed."""

from __future__ import annotations

from collections.abc import Sequence

from demo_snapshots.model.results import CopyFound, RemoveResult
from demo_snapshots.model.words import Call, Words
from demo_snapshots.render.report import (
    Facts,
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    counted,
    iso,
    moment,
    number,
)
from demo_snapshots.render.statistics import statistics_grid, statistics_json


def copies_report(copies: Sequence[CopyFound]) -> Report:
    """One line a copy."""
    if not copies:
        return (Line("No copies in this database."),)
    headings = (
        Heading("Scenario"),
        Heading("Copy"),
        Heading("Records", numeric=True),
        Heading("Version"),
        Heading("Imported (UTC)"),
    )
    return (Grid(headings, tuple(Row(_cells(copy)) for copy in copies)),)


def _cells(copy: CopyFound) -> tuple[str, ...]:
    version = str(copy.version) if copy.version else ""
    made = moment(copy.made) if copy.made else ""
    return copy.scenario, copy.name, number(copy.statistics.total), version, made


def copies_json(copies: Sequence[CopyFound]) -> dict[str, object]:
    return {
        "copies": [
            {
                "scenario": copy.scenario,
                "copy": copy.name,
                "records": statistics_json(copy.statistics),
                "version": str(copy.version) if copy.version else None,
                "imported_at": iso(copy.made) if copy.made else None,
            }
            for copy in copies
        ]
    }


def _named(result: RemoveResult) -> str:
    return f"the copy {result.copy} of {result.scenario}" if result.copy else result.scenario


def removal_plan(found: RemoveResult) -> Report:
    """What is shown above the question whether to remove the rows."""
    return (
        Line(f"Removing {_named(found)}", Look.STRONG),
        statistics_grid((("Now", found.removed),)),
        *_left(found),
    )


def removal_question(found: RemoveResult) -> str:
    return f"Remove {counted(found.removed.total, 'demo row')} of {_named(found)}?"


def _left(result: RemoveResult) -> tuple[Line, ...]:
    if not result.left:
        return ()
    rows = counted(result.left, "demo row")
    stay = "names no scenario and stays" if result.left == 1 else "name no scenario and stay"
    return (Line(f"note: {rows} {stay} for the other scenarios", Look.WARNING),)


def removal_report(result: RemoveResult) -> Report:
    if result.dry_run:
        first = Line(f"Would remove {_named(result)}", Look.STRONG)
        return (first, statistics_grid((("Rows", result.removed),)), *_left(result))
    call = Words(Call("undo"), " puts them back")
    undo = () if result.undo is None else (Facts((("Undo", call),)),)
    return (
        Line(f"Removed {_named(result)}", Look.GOOD),
        statistics_grid((("Removed", result.removed),)),
        *undo,
        *_left(result),
    )


def removal_json(result: RemoveResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "copy": result.copy,
        "dry_run": result.dry_run,
        "removed": statistics_json(result.removed),
        "left": result.left,
        "undo": result.undo,
    }
