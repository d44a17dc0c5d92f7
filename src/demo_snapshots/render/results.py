"""Results as reports for people and as JSON for programs. Pure: nothing is printed here.

A report is a sequence of blocks without fonts or widths; the terminal decides those. The JSON
shapes are documented in docs/json.md and only ever grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum, auto

from demo_snapshots.model.results import (
    CleanupResult,
    Edits,
    ExportResult,
    ImportPlan,
    ImportResult,
    Listing,
    Proof,
    TableComparison,
    ValidationResult,
)
from demo_snapshots.model.snapshots import Entry, Statistics, TableCount


class Look(Enum):
    """What a text is, from which the terminal derives a colour."""

    PLAIN = auto()
    STRONG = auto()
    FAINT = auto()
    GOOD = auto()
    WARNING = auto()
    BAD = auto()


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    look: Look = Look.PLAIN


@dataclass(frozen=True, slots=True)
class Facts:
    """Name and value, one pair a line; values are never cut."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[str, ...]
    look: Look = Look.PLAIN
    after_rule: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]


Block = Line | Facts | Grid
Report = tuple[Block, ...]


# --- Words for numbers -----------------------------------------------------------------------


def file_size(size: int) -> str:
    """``size`` bytes in decimal units with three digits: ``999 B``, ``41.2 kB``, ``1.30 GB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 9.995:
            return f"{value:.2f} {unit}"
        if value < 99.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value:.0f} TB"


def number(count: int) -> str:
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """``1 row``, ``1,200 rows``."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


# --- Reports ---------------------------------------------------------------------------------


def statistics_grid(columns: Sequence[tuple[str, Statistics]]) -> Grid:
    """Rows per table, the breakdown beneath, one column for each of ``columns``, and a total."""
    rows: list[Row] = []
    for table in _in_order([count.table for _, stats in columns for count in stats.tables]):
        counts = [_count(stats, table) for _, stats in columns]
        rows.append(Row((table, *(number(count.rows) for count in counts))))
        for value in _in_order([value for count in counts for value, _ in count.breakdown]):
            cells = (number(dict(count.breakdown).get(value, 0)) for count in counts)
            rows.append(Row((f"  {value}", *cells), Look.FAINT))
    totals = (number(stats.total) for _, stats in columns)
    rows.append(Row(("Total", *totals), Look.STRONG, after_rule=True))
    headings = (Heading(title, numeric=True) for title, _ in columns)
    return Grid((Heading("Table"), *headings), tuple(rows))


def _in_order(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _count(statistics: Statistics, table: str) -> TableCount:
    found = (count for count in statistics.tables if count.table == table)
    return next(found, TableCount(table, 0))


def export_report(result: ExportResult) -> Report:
    name = f"{result.scenario} {result.version}"
    pairs = (("Size", file_size(result.file_size)), ("File", str(result.path)))
    facts = Facts((*pairs, *_proved(result.proof)))
    if not result.written:
        return (Line(f"{result.scenario} is unchanged since {result.version}", Look.GOOD), facts)
    return (
        Line(f"Exported {name}", Look.GOOD),
        statistics_grid((("Records", result.statistics),)),
        facts,
    )


def _proved(proof: Proof | None) -> tuple[tuple[str, str], ...]:
    if proof is None:
        return ()
    rows = counted(proof.records, "record")
    return (("Proved", f"{rows} went into {proof.place} and came out byte for byte the same"),)


def import_plan(plan: ImportPlan) -> Report:
    """What is shown above the question whether to replace the demo rows."""
    return (
        Line(f"Importing {plan.scenario} {plan.version} from {plan.source}", Look.STRONG),
        statistics_grid((("Now", plan.replaces), ("After", plan.imports))),
    )


def import_question(plan: ImportPlan) -> str:
    rows = counted(plan.replaces.total, "demo row")
    if plan.edited is None:
        return f"Replace {rows}?"
    return f"Replace {rows} ({_edits(plan.edited)} against {plan.scenario} {plan.version})?"


def _edits(edits: Edits) -> str:
    parts = ((edits.changed, "changed"), (edits.added, "added"), (edits.deleted, "deleted"))
    return ", ".join(f"{number(count)} {what}" for count, what in parts if count) or "none edited"


def import_report(result: ImportResult) -> Report:
    name = f"{result.scenario} {result.version}"
    if result.changed:
        done = f"{counted(result.changed, 'row')} written or removed; all other rows as they were"
    else:
        done = "none: the database held exactly this snapshot already"
    edited = () if result.edited is None else (("Edited", _edits(result.edited)),)
    undo = () if result.undo is None else (("Undo", "demo undo puts back what was there before"),)
    return (
        Line(f"Imported {name}", Look.GOOD),
        statistics_grid((("Replaced", result.replaced), ("Imported", result.statistics))),
        Facts((*edited, ("Changed", done), ("File", str(result.source)), *undo)),
    )


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
    notes = tuple(Line(f"note: {note}", Look.WARNING) for note in listing.notes)
    if not rows:
        if notes:
            return (Line("No whole version was found."), *notes)
        return (
            Line("Nothing has been exported yet."),
            Line("demo export SCENARIO", Look.FAINT),
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


def validation_report(result: ValidationResult, *, schema_only: bool = False) -> Report:
    """What was found. With ``schema_only`` the rows were not looked at, and none are shown."""
    name = result.scenario or ("All scenarios" if schema_only else "The demo rows")
    if result.version is not None:
        name += f" {result.version}"
    blocks: list[Block] = []
    if result.problems:
        blocks.append(Line(f"{name}: {counted(len(result.problems), 'problem')}", Look.BAD))
        blocks += [Line(f"  - {problem}") for problem in result.problems]
    elif schema_only:
        blocks.append(Line(f"{name}: fits the tables", Look.GOOD))
    elif result.comparison:
        blocks.append(Line(f"{name}: the database holds exactly this snapshot", Look.GOOD))
    else:
        blocks.append(Line(f"{name}: no problem found", Look.GOOD))
    if result.comparison:
        blocks.append(_comparison(result.comparison, result.statistics))
    elif result.statistics.tables and not schema_only:
        blocks.append(statistics_grid((("Records", result.statistics),)))
    blocks += [Line(f"note: {note}", Look.WARNING) for note in result.notes]
    return tuple(blocks)


def validation_failure(result: ValidationResult) -> str:
    name = result.scenario or "the database"
    return f"validating {name} found {counted(len(result.problems), 'problem')}"


def _comparison(tables: tuple[TableComparison, ...], statistics: Statistics) -> Grid:
    titles = ("Rows", "Missing", "Extra", "Changed")
    rows: list[Row] = []
    for c in tables:
        cells = (c.table, *map(number, (c.rows, c.missing, c.extra, c.changed)))
        rows.append(Row(cells, Look.PLAIN if c.same else Look.BAD))
        for value, count in _count(statistics, c.table).breakdown:
            rows.append(Row((f"  {value}", number(count), "", "", ""), Look.FAINT))
    sums = (
        sum(c.rows for c in tables),
        sum(c.missing for c in tables),
        sum(c.extra for c in tables),
        sum(c.changed for c in tables),
    )
    rows.append(Row(("Total", *map(number, sums)), Look.STRONG, after_rule=True))
    return Grid((Heading("Table"), *(Heading(title, True) for title in titles)), tuple(rows))


# --- JSON ------------------------------------------------------------------------------------


def statistics_json(statistics: Statistics) -> dict[str, object]:
    return {
        "total": statistics.total,
        "tables": [
            {"table": count.table, "records": count.rows, "breakdown": dict(count.breakdown)}
            for count in statistics.tables
        ],
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


def export_json(result: ExportResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "version": str(result.version),
        "written": result.written,
        "path": str(result.path),
        "size": result.file_size,
        "digest": result.digest,
        "records": statistics_json(result.statistics),
        "proof": None if result.proof is None else asdict(result.proof),
    }


def import_json(result: ImportResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "version": str(result.version),
        "path": str(result.source),
        "replaced": statistics_json(result.replaced),
        "imported": statistics_json(result.statistics),
        "changed": result.changed,
        "edited": None if result.edited is None else asdict(result.edited),
        "route": result.route,
        "undo": result.undo,
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
    def brief(entry: Entry) -> dict[str, object]:
        return {
            "scenario": entry.scenario,
            "version": str(entry.version),
            "path": entry.path,
            "size": entry.size,
        }

    return {
        "dry_run": result.dry_run,
        "removed": [brief(entry) for entry in result.removed],
        "kept": [brief(entry) for entry in result.kept],
        "freed": result.freed,
    }


def validation_json(result: ValidationResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "version": None if result.version is None else str(result.version),
        "valid": result.valid,
        "problems": list(result.problems),
        "notes": list(result.notes),
        "records": statistics_json(result.statistics),
        "comparison": [asdict(table) for table in result.comparison],
    }
