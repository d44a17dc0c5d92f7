"""What ``list-exports`` and ``cleanup-exports`` say of the saved versions."""

from __future__ import annotations

from demo_snapshots.errors import Call, Words
from demo_snapshots.model.results import Listing
from demo_snapshots.model.snapshots import Entry
from demo_snapshots.model.upkeep import CleanupResult, CopyResult
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

_VERSION_HEADINGS = (
    Heading("Scenario"),
    Heading("Version"),
    Heading("Saved (UTC)"),
    Heading("Records", numeric=True),
    Heading("Size", numeric=True),
    Heading(""),
)


def _version_row(entry: Entry, first: bool, remark: str, look: Look, rule: bool) -> Row:
    cells = (
        entry.scenario if first else "",
        str(entry.version),
        moment(entry.generated),
        number(entry.statistics.total),
        file_size(entry.size),
        remark,
    )
    return Row(cells, look, after_rule=rule)


def listing_report(listing: Listing) -> Report:
    rows: list[Row] = []
    for scenario in listing.scenarios:
        for place, entry in enumerate(scenario.entries):
            latest = place == 0
            look = Look.GOOD if latest else Look.PLAIN
            rule = latest and bool(rows)
            rows.append(_version_row(entry, latest, "latest" if latest else "", look, rule))
    notes = tuple(Line(Words("note: ", note), Look.WARNING) for note in listing.notes)
    if not rows:
        if notes:
            return (Line("No whole version was found."), *notes)
        return (
            Line("Nothing has been exported yet."),
            Line(Words(Call("export", "SCENARIO")), Look.FAINT),
        )
    return (Grid(_VERSION_HEADINGS, tuple(rows)), *notes)


def cleanup_report(result: CleanupResult) -> Report:
    """The plan (``dry_run``), or what was done."""
    kept = counted(len(result.kept), "version")
    if not result.removed:
        return (Line(f"Nothing to remove: {kept} kept", Look.GOOD),)
    removed = counted(len(result.removed), "version")
    verb = "Would remove" if result.dry_run else "Removed"
    return (
        Line(f"{verb} {removed} ({file_size(result.freed)}), {kept} kept", Look.STRONG),
        _cleanup_grid(result),
    )


def cleanup_question(plan: CleanupResult) -> str:
    return f"Remove {counted(len(plan.removed), 'version')}?"


def _cleanup_grid(result: CleanupResult) -> Grid:
    removed = {(entry.scenario, entry.version) for entry in result.removed}
    latest: dict[str, Entry] = {}
    for entry in (*result.kept, *result.removed):
        if entry.scenario not in latest or latest[entry.scenario].version < entry.version:
            latest[entry.scenario] = entry
    everything = sorted((*result.kept, *result.removed), key=lambda e: e.version, reverse=True)
    everything.sort(key=lambda entry: entry.scenario)
    rows: list[Row] = []
    for entry in everything:
        goes = (entry.scenario, entry.version) in removed
        first = entry is latest[entry.scenario]
        planned, done = ("remove", "removed") if goes else ("keep", "kept")
        look = Look.WARNING if goes else Look.PLAIN
        remark = planned if result.dry_run else done
        rows.append(_version_row(entry, first, remark, look, first and bool(rows)))
    return Grid(_VERSION_HEADINGS, tuple(rows))


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
    rows: list[Row] = []
    seen: set[str] = set()
    for entry in result.copied:
        first = entry.scenario not in seen
        seen.add(entry.scenario)
        rows.append(_version_row(entry, first, "", Look.PLAIN, first and bool(rows)))
    count = counted(len(rows), "version")
    return (
        *moved,
        Line(f"{verb} {count} to {result.target}{also}", Look.GOOD),
        Grid(_VERSION_HEADINGS, tuple(rows)),
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
        "size": entry.size,
    }


def entry_json(entry: Entry, *, latest: bool) -> dict[str, object]:
    return {
        "scenario": entry.scenario,
        "version": str(entry.version),
        "latest": latest,
        "generated": iso(entry.generated),
        "path": entry.path,
        "size": entry.size,
        "sha256": entry.sha256,
        "digest": entry.digest,
        "source": entry.source,
        "schema": entry.schema,
        "migration": entry.migration,
        "tool": entry.tool,
        "records": statistics_json(entry.statistics),
    }


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
        "freed": result.freed,
    }
