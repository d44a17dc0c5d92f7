"""What ``verify`` and ``repair`` say of the store itself."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import to_builtins

from demo_snapshots.model.people import PeopleInFile
from demo_snapshots.model.results import VersionCheck
from demo_snapshots.model.upkeep import FileCheck, Renumbered, RepairResult, Verification
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
    number,
)


def verification_report(result: Verification) -> Report:
    """Every version on a line of its own, the damaged ones with what is wrong beneath."""
    notes = tuple(Line(Words("note: ", note), Look.WARNING) for note in result.notes)
    if not result.versions and result.valid:
        return (Line("Nothing has been exported yet."), *notes)
    checked = counted(len(result.versions), "version")
    people = _people_lines(result.versions)
    if result.valid:
        whole = Line(f"{checked}: whole and as recorded", Look.GOOD)
        return (whole, _checks(result), *people, *notes)
    wrong = verification_problems(result)
    return (
        Line(f"{checked}: {counted(len(wrong), 'problem')}", Look.BAD),
        *(Line(Words("  - ", problem)) for problem in wrong),
        *((_checks(result),) if result.versions else ()),
        *people,
        *notes,
    )


def verification_problems(result: Verification) -> tuple[str, ...]:
    """Every problem as a sentence: those of the store's books, then those of the versions."""
    of_versions = (
        Words(f"{check.scenario} {check.version}: ", problem)
        for check in result.versions
        for problem in check.problems
    )
    return (*result.problems, *of_versions)


def verification_failure(problems: tuple[str, ...]) -> str:
    return f"verifying found {counted(len(problems), 'problem')}"


def _checks(result: Verification) -> Grid:
    rows: list[Row] = []
    seen: set[str] = set()
    for check in result.versions:
        first = check.scenario not in seen
        seen.add(check.scenario)
        cells = (
            check.scenario if first else "",
            str(check.version),
            "" if check.records is None else number(check.records),
            "" if check.size is None else file_size(check.size),
            "damaged" if check.problems else "ok",
        )
        look = Look.BAD if check.problems else Look.PLAIN
        rows.append(Row(cells, look, after_rule=first and bool(rows)))
    numeric = (Heading("Records", numeric=True), Heading("Size", numeric=True))
    return Grid((Heading("Scenario"), Heading("Version"), *numeric, Heading("")), tuple(rows))


def verification_json(result: Verification) -> dict[str, object]:
    return {
        "valid": result.valid,
        "problems": list(result.problems),
        "notes": list(result.notes),
        "versions": [
            {
                "scenario": check.scenario,
                "version": str(check.version),
                "path": check.file,
                "size": check.size,
                "records": check.records,
                "problems": list(check.problems),
                "people": _people_json(check.people),
            }
            for check in result.versions
        ],
    }


def files_report(checks: tuple[FileCheck, ...]) -> Report:
    """As ``verification_report``, of files given by name."""
    checked = counted(len(checks), "file")
    wrong = files_problems(checks)
    grid = _files(checks)
    people = _people_lines(checks)
    if not wrong:
        return (Line(f"{checked}: whole", Look.GOOD), grid, *people)
    lines = (Line(f"  - {problem}") for problem in wrong)
    return (Line(f"{checked}: {counted(len(wrong), 'problem')}", Look.BAD), *lines, grid, *people)


def people_in(checks: Sequence[VersionCheck | FileCheck]) -> tuple[str, ...]:
    """What tells a person in these versions, as sentences."""
    lines: list[str] = []
    for check in checks:
        if check.people is None:
            continue
        name = f"{check.scenario} {check.version}"
        lines += (f"{name}: {found}" for found in check.people.first)
        if more := check.people.values - len(check.people.first):
            lines.append(f"{name}: and {number(more)} more")
    return tuple(lines)


def _people_lines(checks: Sequence[VersionCheck | FileCheck]) -> Report:
    searched = [check.people for check in checks if check.people is not None]
    if not searched:
        return ()
    values = sum(people.values for people in searched)
    if not values:
        return (Line("Nothing in the rows tells a person.", Look.GOOD),)
    lines = (Line(f"  - {line}") for line in people_in(checks))
    return (Line(f"{counted(values, 'value')} in the rows may tell a person:", Look.BAD), *lines)


def _people_json(people: PeopleInFile | None) -> dict[str, object] | None:
    if people is None:
        return None
    first = [{**to_builtins(found), "trait": str(found.trait)} for found in people.first]
    for found in first:
        del found["real"]  # nobody looked in a database
    return {"values": people.values, "first": first}


def files_problems(checks: tuple[FileCheck, ...]) -> tuple[str, ...]:
    return tuple(f"{check.path}: {problem}" for check in checks for problem in check.problems)


def _files(checks: tuple[FileCheck, ...]) -> Grid:
    rows = tuple(
        Row(
            (
                str(check.path),
                "" if check.records is None else number(check.records),
                "" if check.size is None else file_size(check.size),
                "damaged" if check.problems else "ok",
            ),
            Look.BAD if check.problems else Look.PLAIN,
        )
        for check in checks
    )
    numeric = (Heading("Records", numeric=True), Heading("Size", numeric=True))
    return Grid((Heading("File"), *numeric, Heading("")), rows)


def files_json(checks: tuple[FileCheck, ...]) -> dict[str, object]:
    return {
        "valid": not files_problems(checks),
        "files": [
            {
                "path": str(check.path),
                "scenario": check.scenario,
                "version": None if check.version is None else str(check.version),
                "size": check.size,
                "records": check.records,
                "problems": list(check.problems),
                "people": _people_json(check.people),
            }
            for check in checks
        ],
    }


def repair_report(result: RepairResult) -> Report:
    """What was done, or would be (``dry_run``)."""
    notes = tuple(Line(Words("note: ", note), Look.WARNING) for note in result.left)
    if not (result.reconciled or result.renumbered):
        return (Line("Nothing to repair", Look.GOOD), *notes)
    verb = "Would put right" if result.dry_run else "Put right"
    steps = (*result.reconciled, *map(_renumbered, result.renumbered))
    done = (Line(Words("  - ", step)) for step in steps)
    hints = (
        Line(
            Words("hint: ", Call("merge", s, f"v{a.number}", f"v{b.number}"), " makes one of both.")
        )
        for s, a, b in result.to_merge
    )
    return (Line(f"{verb} {counted(len(steps), 'thing')}:", Look.GOOD), *done, *hints, *notes)


def _renumbered(change: Renumbered) -> str:
    name = f"{change.scenario} {change.version}"
    if change.merged:
        return f"{name} was two versions merged into one file: the later one is {change.becomes}"
    return f"{name} shared its number with an earlier one: it is {change.becomes}"


def repair_json(result: RepairResult) -> dict[str, object]:
    return {
        "dry_run": result.dry_run,
        "put_right": list(result.reconciled),
        "renumbered": [
            {
                "scenario": change.scenario,
                "version": str(change.version),
                "becomes": str(change.becomes),
                "merged": change.merged,
            }
            for change in result.renumbered
        ],
        "left": list(result.left),
        "to_merge": [
            {"scenario": scenario, "ours": str(ours), "theirs": str(theirs)}
            for scenario, ours, theirs in result.to_merge
        ],
    }
