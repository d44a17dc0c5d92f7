"""Results as JSON, and JSON as tables: on the terminal and in the documentation.

The tables are made of the JSON alone, so a run that was kept can be shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import JobResult, Outcome

Report = Mapping[str, Any]
HEADINGS = (
    "",
    "median s",
    "min – max",
    "CPU s",
    "peak MB",
    "size MB",
    "ours / theirs",
    "target",
    "",
)


def as_json(result: JobResult, *, judged: bool) -> dict[str, Any]:
    """``judged``: whether the run was large enough for its targets to mean anything."""
    return {
        "name": result.name,
        "title": result.title,
        "slope": _rounded(result.slope),
        "last_slope": _rounded(result.last_slope),
        "slope_target": result.slope_target,
        "slope_met": _at_most(result.slope, result.slope_target) if judged else None,
        "contenders": [_outcome(result, outcome, judged=judged) for outcome in result.outcomes],
    }


def _outcome(result: JobResult, outcome: Outcome, *, judged: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": outcome.name,
        "missing": outcome.missing,
        "failure": outcome.failure,
        "checked": outcome.checked,
    }
    if not outcome.samples:
        return entry
    ratio = result.ratio(outcome)
    verdicts = [_at_most(ratio, outcome.target), _at_most(outcome.peak, outcome.peak_limit)]
    known = [verdict for verdict in verdicts if verdict is not None]
    return entry | {
        "median": _rounded(outcome.median),
        "min": _rounded(outcome.fastest),
        "max": _rounded(outcome.slowest),
        "cpu": _rounded(outcome.cpu),
        "peak_bytes": outcome.peak,
        "output_bytes": outcome.output_bytes,
        "rows": outcome.rows,
        "ratio": _rounded(ratio),
        "target": outcome.target,
        "peak_limit": outcome.peak_limit,
        "met": all(known) if known and judged else None,
        "samples": [
            {
                "wall": _rounded(sample.wall),
                "user": _rounded(sample.user),
                "system": _rounded(sample.system),
                "peak_bytes": sample.peak,
            }
            for sample in outcome.samples
        ],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _at_most(value: float | None, limit: float | None) -> bool | None:
    return None if value is None or limit is None else value <= limit


# --- Shown -----------------------------------------------------------------------------------


def show(console: Console, job: Mapping[str, Any]) -> None:
    table = Table(title=f"[bold]{job['title']}[/]", title_justify="left", expand=False)
    for index, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if index == 0 else "right")
    for entry in job["contenders"]:
        row = _row(entry)
        look = {"met": "green", "missed": "red"}.get(row[-1], "")
        table.add_row(*row[:-1], f"[{look}]{row[-1]}[/]" if look else row[-1])
    console.print(table)
    for line in remarks(job):
        console.print(line, markup=False, highlight=False)
    console.print()


def _row(entry: Mapping[str, Any]) -> list[str]:
    if "median" not in entry:
        return [entry["name"], *[""] * 7, "failed" if entry["failure"] else "skipped"]
    limit = entry["peak_limit"]
    target = f"≤ {entry['target']}" if entry["target"] else ""
    return [
        entry["name"],
        f"{entry['median']:.2f}",
        f"{entry['min']:.2f} – {entry['max']:.2f}",
        f"{entry['cpu']:.2f}",
        f"{entry['peak_bytes'] / 1e6:.0f}",
        "" if entry["output_bytes"] is None else f"{entry['output_bytes'] / 1e6:.1f}",
        "" if entry["ratio"] is None else f"{entry['ratio']:.2f}",
        target or (f"≤ {limit / 1e6:.0f} MB" if limit else ""),
        _verdict(entry),
    ]


def _verdict(entry: Mapping[str, Any]) -> str:
    if entry["failure"]:
        return "failed"
    return {True: "met", False: "missed", None: ""}[entry["met"]]


def remarks(job: Mapping[str, Any]) -> Iterator[str]:
    """What a table cannot hold: slope, failures, and what was skipped and why."""
    if job["slope"] is not None:
        met = {True: ", met", False: ", missed", None: ""}[job["slope_met"]]
        yield (
            f"Slope on a log-log plot: {job['slope']:.2f} (target ≤ {job['slope_target']}{met});"
            f" between the two largest: {job['last_slope']:.2f}."
        )
    for entry in job["contenders"]:
        if entry["missing"]:
            yield f"{entry['name']} was skipped: {entry['missing']}."
        if entry["failure"]:
            yield f"{entry['name']} failed: {entry['failure']}"


def beside(report: Report, earlier: Report, order: Sequence[str]) -> Report:
    """The report with those jobs of an earlier one that did not run this time."""
    before = [{"date": earlier["date"], **job} for job in earlier["jobs"]]
    jobs = {job["name"]: job for job in (*before, *report["jobs"])}
    return {**report, "jobs": [jobs[name] for name in order if name in jobs]}


def markdown(report: Report) -> str:
    """The whole report for the documentation."""
    lines = [_setting(report), ""]
    for job in report["jobs"]:
        lines += [f"### {job['title']}", ""]
        if job["date"] != report["date"]:
            lines += [f"Measured on {job['date']}.", ""]
        lines += [*_markdown_table(job), ""]
        for remark in remarks(job):
            lines += [remark, ""]
    return "\n".join(lines)


def _markdown_table(job: Mapping[str, Any]) -> Iterator[str]:
    yield _cells(HEADINGS)
    yield _cells(["---", *["---:"] * (len(HEADINGS) - 1)])
    for entry in job["contenders"]:
        yield _cells(_row(entry))


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _setting(report: Report) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    machine = report["machine"]
    return (
        f"{report['date']}, {machine['cores']} cores, {machine['system']}; {versions}."
        f" {report['settings']['turns']} turns."
    )


def targets(report: Report) -> tuple[int, int]:
    """How many targets there were, and how many of them were met."""
    verdicts = [entry.get("met") for job in report["jobs"] for entry in job["contenders"]]
    verdicts += [job["slope_met"] for job in report["jobs"]]
    given = [verdict for verdict in verdicts if verdict is not None]
    return len(given), sum(given)
