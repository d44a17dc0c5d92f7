"""What ``list-exports`` and ``cleanup-exports`` say of the saved versions."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import to_builtins

from demo_snapshots.model.results import Listing
from demo_snapshots.model.snapshots import DeltaOf, Entry
from demo_snapshots.model.upkeep import CleanupResult, CopyResult
from demo_snapshots.model.words import Call, Words
from demo_snapshots.render.report import (
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    counted,
    file_size,
    iso,
    moment,
    number,
)
from demo_snapshots.render.statistics import statistics_json

_HEADINGS = (
    Heading("Scenario"),
    Heading("Version"),
    Heading("Saved (UTC)"),
    Heading("Records", numeric=True),
    Heading("Size", numeric=True),
    Heading(""),
)


def versions_grid(versions: Iterable[tuple[Entry, str, Look]]) -> Grid:
    """Versions, scenario by scenario, and what is to be said of each."""
    rows: list[Row] = []
    scenario = None
    for entry, remark, look in versions:
        first = entry.scenario != scenario
        scenario = entry.scenario
        cells = (
            scenario if first else "",
            str(entry.version),
            moment(entry.generated),
            number(entry.statistics.total),
            file_size(entry.total_size),
            remark,
        )
        rows.append(Row(cells, look, after_rule=first and bool(rows)))
    return Grid(_HEADINGS, tuple(rows))


def listing_report(listing: Listing) -> Report:
    versions = [
        (entry, _listed(entry, not place), Look.PLAIN if place else Look.GOOD)
        for scenario in listing.scenarios
        for place, entry in enumerate(scenario.entries)
    ]
    notes = tuple(Line(Words("note: ", note), Look.WARNING) for note in listing.notes)
    if not versions:
        if notes:
            return (Line("No whole version was found."), *notes)
        return (
            Line("Nothing has been exported yet."),
            Line(Words(Call("export", "SCENARIO")), Look.FAINT),
        )
    return (versions_grid(versions), *notes)


def _listed(entry: Entry, latest: bool) -> str:
    remarks = ["latest"] if latest else []
    if entry.delta is not None:
        whole = file_size(entry.delta.whole_size)
        remarks.append(f"on v{entry.delta.on.version.number}, {whole} whole")
    if entry.included.total:
        remarks.append(f"{counted(entry.included.total, 'row')} along")
    if entry.parts:
        remarks.append(counted(len(entry.parts), "part"))
    if entry.files is not None:
        remarks.append(f"{counted(entry.files.count, 'upload')}, {file_size(entry.files.size)}")
    return ", ".join(remarks)


def cleanup_report(result: CleanupResult) -> Report:
    """The plan (``dry_run``), or what was done."""
    kept = counted(len(result.kept), "version")
    if not result.removed and not result.files:
        needed = f", {len(result.needed)} for deltas on top" if result.needed else ""
        return (Line(f"Nothing to remove: {kept} kept{needed}", Look.GOOD),)
    removed = _going(result)
    verb = "Would remove" if result.dry_run else "Removed"
    return (
        Line(f"{verb} {removed} ({file_size(result.freed)}), {kept} kept", Look.STRONG),
        _cleanup_grid(result),
    )


def cleanup_question(plan: CleanupResult) -> str:
    return f"Remove {_going(plan)}?"


def _going(result: CleanupResult) -> str:
    uploads = f"{counted(result.files, 'blob')} that no version names" if result.files else ""
    versions = counted(len(result.removed), "version") if result.removed else ""
    return " and ".join(filter(None, (versions, uploads)))


def _cleanup_grid(result: CleanupResult) -> Grid:
    removed = {(entry.scenario, entry.version) for entry in result.removed}
    everything = sorted((*result.kept, *result.removed), key=lambda e: e.version, reverse=True)
    everything.sort(key=lambda entry: entry.scenario)
    versions = []
    for entry in everything:
        goes = (entry.scenario, entry.version) in removed
        planned, done = ("remove", "removed") if goes else ("keep", "kept")
        remark = planned if result.dry_run else done
        if entry in result.needed:
            remark += ": a later delta is on top of it"
        versions.append((entry, remark, Look.WARNING if goes else Look.PLAIN))
    return versions_grid(versions)


def copy_report(result: CopyResult) -> Report:
    """What was copied, or would be (``dry_run``), and what not."""
    moved = tuple(
        Line(f"{each.scenario} {each.version} here is {each.becomes} now", Look.WARNING)
        for each in result.renumbered
    )
    rest = []
    if result.present:
        rest.append(f"{counted(len(result.present), 'version')} there already")
    if result.removed:
        rest.append(f"{counted(len(result.removed), 'version')} removed there before")
    also = f"; {', '.join(rest)}" if rest else ""
    if not result.copied:
        return (Line(f"Nothing to copy to {result.target}{also}", Look.GOOD),)
    verb = "Would copy" if result.dry_run else "Copied"
    count = counted(len(result.copied), "version")
    return (
        *moved,
        Line(f"{verb} {count} to {result.target}{also}", Look.GOOD),
        versions_grid((entry, "", Look.PLAIN) for entry in result.copied),
    )


def copy_json(result: CopyResult) -> dict[str, object]:
    return {
        "dry_run": result.dry_run,
        "from": result.origin,
        "to": result.target,
        "copied": [_brief(entry) for entry in result.copied],
        "present": [_brief(entry) for entry in result.present],
        "removed": [_brief(entry) for entry in result.removed],
        "renumbered": [
            {
                "scenario": each.scenario,
                "version": str(each.version),
                "becomes": str(each.becomes),
            }
            for each in result.renumbered
        ],
    }


def _brief(entry: Entry) -> dict[str, object]:
    return {
        "scenario": entry.scenario,
        "version": str(entry.version),
        "path": entry.path,
        "size": entry.total_size,
    }


def entry_json(entry: Entry, *, latest: bool) -> dict[str, object]:
    return {
        "scenario": entry.scenario,
        "version": str(entry.version),
        "latest": latest,
        "generated": iso(entry.generated),
        "path": entry.path,
        "size": entry.total_size,
        "parts": len(entry.parts),
        "sha256": entry.sha256,
        "digest": entry.digest,
        "source": entry.source,
        "schema": entry.schema,
        "migration": entry.migration,
        "tool": entry.tool,
        "records": statistics_json(entry.statistics),
        "included": statistics_json(entry.included),
        "delta": delta_json(entry.delta),
        "files": None if entry.files is None else to_builtins(entry.files),
    }


def delta_json(delta: DeltaOf | None) -> dict[str, object] | None:
    """What a delta is on top of, and how large the whole document is, unpacked."""
    if delta is None:
        return None
    on = {"version": str(delta.on.version), "digest": delta.on.digest}
    return {"on": on, "whole_size": delta.whole_size}


def listing_json(listing: Listing) -> dict[str, object]:
    return {
        "scenarios": [
            {
                "scenario": scenario.scenario,
                "latest": str(scenario.entries[0].version) if scenario.entries else None,
                "versions": [
                    entry_json(entry, latest=place == 0)
                    for place, entry in enumerate(scenario.entries)
                ],
            }
            for scenario in listing.scenarios
        ],
        "notes": list(listing.notes),
    }


def cleanup_json(result: CleanupResult) -> dict[str, object]:
    return {
        "dry_run": result.dry_run,
        "removed": [_brief(entry) for entry in result.removed],
        "kept": [_brief(entry) for entry in result.kept],
        "needed": [_brief(entry) for entry in result.needed],
        "freed": result.freed,
        "files": result.files,
    }
