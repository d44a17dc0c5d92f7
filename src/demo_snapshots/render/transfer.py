"""What ``export`` and ``import`` say of the rows they moved."""

from __future__ import annotations

from datetime import timedelta

from msgspec import to_builtins

from demo_snapshots.model.files import SavedFiles
from demo_snapshots.model.offsets import difference_in_words
from demo_snapshots.model.people import PeopleCheck
from demo_snapshots.model.results import (
    ConvertResult,
    Edits,
    ExportResult,
    ImportPlan,
    ImportResult,
    Proof,
    VersionCheck,
)
from demo_snapshots.model.words import Call, Words
from demo_snapshots.render.report import Facts, Line, Look, Report, counted, file_size, number
from demo_snapshots.render.statistics import included_facts, statistics_grid, statistics_json
from demo_snapshots.render.versions import delta_json


def export_report(result: ExportResult) -> Report:
    name = f"{result.scenario} {result.version}"
    parts = f" in {counted(result.parts, 'part')}" if result.parts else ""
    pairs = (("Size", _size(result) + parts), *_files(result.files), ("File", result.file))
    facts = Facts(
        (
            *included_facts(result.included),
            *pairs,
            *_taken_back(result),
            *_proved(result.proof),
            *_looked_for(result.people),
        )
    )
    damaged = result.damaged
    notes = () if damaged is None else (Line(Words("note: ", _damage(damaged)), Look.WARNING),)
    if result.whole_because is not None:
        notes = (Line(f"note: no delta, for {result.whole_because}", Look.WARNING), *notes)
    found_none = (*_missing_files(result.files), *_no_dates(result.without_dates))
    if not result.written:
        unchanged = Line(f"{result.scenario} is unchanged since {result.version}", Look.GOOD)
        return (unchanged, facts, *found_none)
    return (
        Line(f"Exported {name}", Look.GOOD),
        statistics_grid((("Records", result.statistics),)),
        facts,
        *notes,
        *found_none,
    )


def _files(saved: SavedFiles | None) -> tuple[tuple[str, str], ...]:
    if saved is None or not saved.count:
        return ()
    new = f", {number(saved.added)} of them new" if saved.added else ""
    return (("Uploads", f"{counted(saved.count, 'file')}, {file_size(saved.size)}{new}"),)


def _missing_files(saved: SavedFiles | None) -> Report:
    if saved is None or not saved.missing:
        return ()
    more = "" if saved.missing == 1 else f", and {number(saved.missing - 1)} more"
    return (Line(f"note: {saved.problems[0]}{more}", Look.WARNING),)


def _taken_back(result: ExportResult) -> tuple[tuple[str, str], ...]:
    if not result.dates_later:
        return ()
    difference = difference_in_words(result.dates_later)
    return (("Dates", f"are {difference} than in {result.dates_of}, and were taken back"),)


def _looked_for(people: PeopleCheck | None) -> tuple[tuple[str, str], ...]:
    """What is to be known of a search that found nobody: where it was not a whole one."""
    if people is None or not (people.sampled or people.unread):
        return ()
    told = (("in a part of", people.sampled), ("without", people.unread))
    parts = (f"{how} {', '.join(tables)}" for how, tables in told if tables)
    return (("People", f"no real ones found, {', '.join(parts)}"),)


def new_scenario_question(name: str, known: tuple[str, ...]) -> str:
    """Whether a scenario is to be begun, since nothing but its name tells it from the others."""
    return f"There is no scenario {name} yet, but {', '.join(known)}. Begin {name}?"


def _size(result: ExportResult) -> str:
    size = file_size(result.file_size)
    if result.delta is None:
        return size
    return f"{size}, on top of {result.delta.on.version}"


def convert_report(result: ConvertResult, output: str) -> Report:
    records = counted(result.statistics.total, "record")
    return (
        Line(f"{result.scenario} {result.version} as {result.form.upper()}", Look.GOOD),
        Facts((("Rows", records), ("Digest", f"sha256:{result.digest}"), ("File", output))),
    )


def convert_json(result: ConvertResult, output: str) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "version": str(result.version),
        "form": str(result.form),
        "path": output,
        "digest": result.digest,
        **statistics_json(result.statistics),
    }


def _damage(check: VersionCheck) -> str:
    what = "; ".join(check.problems)
    damage = f"{check.scenario} {check.version} is damaged: {what}. "
    if "conflict markers" in what:
        return Words(damage, Call("repair"), " makes of it the two versions that were merged.")
    return f"{damage}Restore {check.file} from version control, or remove it."


def _proved(proof: Proof | None) -> tuple[tuple[str, str], ...]:
    if proof is None:
        return ()
    rows = counted(proof.records, "record")
    proved = ("Proved", f"{rows} went into {proof.place} and came out byte for byte the same")
    if not proof.triggers_left_out:
        return (proved,)
    return (proved, ("Not proved", f"what triggers do: {', '.join(proof.triggers_left_out)}"))


def export_json(result: ExportResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "version": str(result.version),
        "written": result.written,
        "path": result.file,
        "size": result.file_size,
        "parts": result.parts,
        "digest": result.digest,
        "records": statistics_json(result.statistics),
        "included": statistics_json(result.included),
        "proof": None if result.proof is None else to_builtins(result.proof),
        "damaged": None if result.damaged is None else _damaged_json(result.damaged),
        "delta": delta_json(result.delta),
        "whole_because": result.whole_because,
        "people": None if result.people is None else to_builtins(result.people),
        "files": None if result.files is None else to_builtins(result.files),
        "dates_later": _seconds(result.dates_later),
        "without_dates": list(result.without_dates),
    }


def _damaged_json(check: VersionCheck) -> dict[str, object]:
    return {
        "version": str(check.version),
        "path": check.file,
        "problems": list(check.problems),
    }


def import_plan(plan: ImportPlan) -> Report:
    """What is shown above the question whether to replace the demo rows."""
    return (
        Line(f"Importing {_named(plan)} from {plan.source}", Look.STRONG),
        statistics_grid((("Now", plan.replaces), ("After", plan.imports))),
    )


def import_question(plan: ImportPlan) -> str:
    rows = counted(plan.replaces.total, "demo row")
    if plan.files:
        rows += f" and {counted(plan.files, 'uploaded file')}"
    if plan.edited is None:
        return f"Replace {rows}?"
    return f"Replace {rows} ({_edits(plan.edited)} against {_named(plan)})?"


def _named(what: ImportPlan | ImportResult) -> str:
    copy = f" as the copy {what.copy}" if what.copy else ""
    return f"{what.scenario} {what.version}{copy}"


def _edits(edits: Edits) -> str:
    parts = ((edits.changed, "changed"), (edits.added, "added"), (edits.deleted, "deleted"))
    return ", ".join(f"{number(count)} {what}" for count, what in parts if count) or "none edited"


def import_report(result: ImportResult) -> Report:
    if result.dry_run:
        return _import_plan_report(_named(result), result)
    if result.changed:
        done = f"{counted(result.changed, 'row')} written or removed; all other rows as they were"
    else:
        done = "none: the database held exactly this snapshot already"
        if result.added:
            done = "no demo row: the database held exactly these already"
    along = included_facts(result.included, result.added)
    edited = () if result.edited is None else (("Edited", _edits(result.edited)),)
    call = Words(Call("undo"), " puts back what was there before")
    undo = () if result.undo is None else (("Undo", call),)
    return (
        Line(f"Imported {_named(result)}", Look.GOOD),
        statistics_grid((("Replaced", result.replaced), ("Imported", result.statistics))),
        Facts(
            (
                *along,
                *edited,
                ("Changed", done),
                *_restored(result),
                *_dates(result),
                ("File", result.source),
                *undo,
            )
        ),
        *_no_dates(result.without_dates),
    )


def _dates(result: ImportResult) -> tuple[tuple[str, str], ...]:
    if not result.dates_later:
        return ()
    return (("Dates", f"{difference_in_words(result.dates_later)} than in the snapshot"),)


def _no_dates(places: tuple[str, ...]) -> Report:
    if not places:
        return ()
    return (Line(f"note: no dates to move in {', '.join(places)}", Look.WARNING),)


def _import_plan_report(name: str, result: ImportResult) -> Report:
    edited = () if result.edited is None else (("Edited", _edits(result.edited)),)
    differ = "none: the database holds exactly this already"
    if result.changed:
        differ = f"{counted(result.changed, 'row')} would be written or removed"
    return (
        Line(f"Would import {name}; nothing was changed", Look.STRONG),
        statistics_grid((("Now", result.replaced), ("Imported", result.statistics))),
        Facts((*edited, ("Changed", differ), *_dates(result), ("File", result.source))),
        *_no_dates(result.without_dates),
    )


def _restored(result: ImportResult) -> tuple[tuple[str, str], ...]:
    files = result.files
    if files is None:
        return ()
    parts = (
        (files.written, "put back"),
        (files.replaced, "replaced"),
        (files.unchanged, "there already"),
        (files.left, "left, since [files] does not name their directory"),
    )
    return (("Uploads", ", ".join(f"{number(count)} {what}" for count, what in parts if count)),)


def import_json(result: ImportResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "copy": result.copy,
        "version": str(result.version),
        "path": result.source,
        "replaced": statistics_json(result.replaced),
        "imported": statistics_json(result.statistics),
        "included": statistics_json(result.included),
        "added": result.added,
        "changed": result.changed,
        "edited": None if result.edited is None else to_builtins(result.edited),
        "route": result.route,
        "undo": result.undo,
        "dry_run": result.dry_run,
        "files": None if result.files is None else to_builtins(result.files),
        "dates_later": _seconds(result.dates_later),
        "without_dates": list(result.without_dates),
    }


def _seconds(offset: timedelta) -> int:
    return offset // timedelta(seconds=1)
