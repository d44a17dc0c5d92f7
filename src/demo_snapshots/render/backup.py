"""What ``backup`` and ``restore`` say."""

from __future__ import annotations

from demo_snapshots.model.snapshots import Entry
from demo_snapshots.model.upkeep import BackupResult, Restored, RestoreResult
from demo_snapshots.model.words import Words
from demo_snapshots.render.report import (
    Facts,
    Line,
    Look,
    Report,
    counted,
    file_size,
)
from demo_snapshots.render.versions import versions_grid


def backup_report(result: BackupResult) -> Report:
    """The versions in the file, those of the database marked, then what it lacks."""
    present = {entry.path for entry in result.present}
    versions = [
        (entry, "as in the database" if entry.path in present else "", Look.PLAIN)
        for entry in result.entries
    ]
    saved = counted(len(versions), "version")
    look = Look.WARNING if result.left else Look.GOOD
    return (
        Line(f"Backed up {saved}", look),
        versions_grid(versions),
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
    versions = [(restored.entry, _outcome(restored), Look.PLAIN) for restored in result.versions]
    return (
        Line(f"{verb} {counted(len(written), 'version')} from {result.file}", Look.GOOD),
        versions_grid(versions),
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
        "size": entry.total_size,
        "records": entry.statistics.total,
        "digest": entry.digest,
    }
