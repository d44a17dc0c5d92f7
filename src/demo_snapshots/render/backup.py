"""What ``backup`` and ``restore`` say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from demo_snapshots.errors import Words
from demo_snapshots.model.snapshots import Entry
from demo_snapshots.model.upkeep import BackupResult, Restored, RestoreResult
from demo_snapshots.render.report import (
    Facts,
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    counted,
    file_size,
    number,
)


def backup_report(result: BackupResult) -> Report:
    """The versions in the file, those of the database marked, then what it lacks."""
    present = {entry.path for entry in result.present}
    versions = [
        (entry, "as in the database" if entry.path in present else "") for entry in result.entries
    ]
    saved = counted(len(versions), "version")
    look = Look.WARNING if result.left else Look.GOOD
    return (
        Line(f"Backed up {saved}", look),
        _grid(versions),
        Facts((("File", f"{result.file} ({file_size(result.size)})"),)),
        *(Line(Words("left out: ", problem), Look.BAD) for problem in result.left),
    )


def backup_failure(result: BackupResult) -> str:
    return f"{result.file} was written, and does not hold all there is"


def backup_json(result: BackupResult) -> dict[str, object]:
    present = {entry.path for entry in result.present}
    return {
        "path": result.file,
        "size": result.size,
        "sha256": result.sha256,
        "versions": [
            {**_version(entry), "in_database": entry.path in present} for entry in result.entries
        ],
        "left": list(result.left),
    }


def restore_report(result: RestoreResult) -> Report:
    """What becomes, or would become (``dry_run``), of each version."""
    written = [restored for restored in result.versions if restored.written]
    if not written:
        saved = counted(len(result.versions), "version")
        return (Line(f"Nothing to restore: {saved}, there already", Look.GOOD),)
    verb = "Would restore" if result.dry_run else "Restored"
    versions = [(restored.entry, _outcome(restored)) for restored in result.versions]
    return (
        Line(f"{verb} {counted(len(written), 'version')} from {result.file}", Look.GOOD),
        _grid(versions),
    )


def _outcome(restored: Restored) -> str:
    if restored.becomes != restored.entry.version:
        return f"as {restored.becomes}" if restored.written else f"there as {restored.becomes}"
    return "" if restored.written else "there already"


def restore_json(result: RestoreResult) -> dict[str, object]:
    return {
        "path": result.file,
        "dry_run": result.dry_run,
        "versions": [
            {**_version(r.entry), "becomes": str(r.becomes), "written": r.written}
            for r in result.versions
        ],
    }


def _version(entry: Entry) -> dict[str, object]:
    return {
        "scenario": entry.scenario,
        "version": str(entry.version),
        "size": entry.size,
        "records": entry.statistics.total,
        "digest": entry.digest,
    }


def _grid(versions: Iterable[tuple[Entry, str]]) -> Grid:
    """Versions, and what is to be said of each."""
    numeric = (Heading("Records", numeric=True), Heading("Size", numeric=True))
    headings = (Heading("Scenario"), Heading("Version"), *numeric, Heading(""))
    return Grid(headings, tuple(_rows(versions)))


def _rows(versions: Iterable[tuple[Entry, str]]) -> Iterator[Row]:
    seen: set[str] = set()
    for entry, remark in versions:
        first = entry.scenario not in seen
        cells = (
            entry.scenario if first else "",
            str(entry.version),
            number(entry.statistics.total),
            file_size(entry.size),
            remark,
        )
        yield Row(cells, after_rule=first and bool(seen))
        seen.add(entry.scenario)
