"""``python -m benchmarks``: see docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks import contenders, plot
from benchmarks.databases import Databases, ServerError
from benchmarks.jobs import JOBS
from benchmarks.measuring import ContenderError
from benchmarks.report import Report, as_json, beside, markdown, show, targets
from benchmarks.world import Settings, World

RESULTS = Path(__file__).with_name("results")
_QUICK = Settings(
    fragments=1_750,
    turns=1,
    subset_rows=6_000,
    django_records=620,
    compare_rows=(2_000, 10_000),
    row_bytes=5_000_000,
    sizes=(1_000, 5_000),
    quick=True,
)
_FULL_SIZES = (10_000, 50_000, 200_000, 1_000_000, 5_000_000)
_WITH_CONTENDERS = ("compare", "django", "forms", "subset")
_MARKS = ("<!-- results -->", "<!-- end of results -->")


@click.command()
@click.option("--only", multiple=True, metavar="JOB", help="Jobs whose name begins so; repeatable.")
@click.option("--fragments", type=click.IntRange(min=1), help="Size of the data. [500000]")
@click.option("--turns", type=click.IntRange(min=1), help="How often each contender runs. [5]")
@click.option("--quick", is_flag=True, help="Tiny data, one turn: does it all work?")
@click.option("--full", is_flag=True, help="Growth up to 5 million records; takes hours.")
@click.option("--no-install", is_flag=True, help="Skip contenders that are not there already.")
@click.option("--list", "listing", is_flag=True, help="List the jobs.")
@click.option(
    "--postgresql",
    type=click.Choice(["postgresql", "postgresql15"]),
    default="postgresql",
    help="Which server: the wheel's, or Debian's version 15.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where files go, if not the system's temporary directory.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=RESULTS,
    help="Where report and plot go. [benchmarks/results]",
)
@click.option(
    "--docs",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Put table and plot into this documentation directory as well; of jobs that did not run,"
    " what stands there stays.",
)
def main(
    only: tuple[str, ...],
    fragments: int | None,
    turns: int | None,
    quick: bool,
    full: bool,
    no_install: bool,
    listing: bool,
    postgresql: str,
    directory: Path | None,
    results: Path,
    docs: Path | None,
) -> None:
    """Measure this tool against the tools people would use instead, on this machine."""
    if listing:
        click.echo("\n".join(JOBS))
        return
    if not hasattr(os, "posix_spawn"):
        raise click.ClickException("needs Linux or macOS: nothing else tells a child's peak memory")
    names = [name for name in JOBS if not only or name.startswith(only)]
    if not names:
        raise click.UsageError(f"no such job; there are {', '.join(JOBS)}")
    settings = _QUICK if quick else Settings()
    settings = replace(
        settings,
        fragments=fragments or settings.fragments,
        turns=turns or settings.turns,
        sizes=_FULL_SIZES if full else settings.sizes,
    )
    today = datetime.now(UTC).date().isoformat()
    console = Console(width=None if sys.stdout.isatty() else 150)
    if not no_install and any(name.startswith(_WITH_CONTENDERS) for name in names):
        why = contenders.install(lambda text: click.echo(text, err=True))
        if why:
            click.echo(why, err=True)
    for report in _measured(names, settings, postgresql, directory, console, today):
        # After each job: a run of hours may be broken off.
        _keep(report, results, docs)
    given, met = targets(report)
    console.print(f"{met} of {given} targets met. Report: {results / 'benchmarks.json'}")
    if any(_ours_failed(job) for job in report["jobs"]):
        sys.exit(1)


def _measured(
    names: Sequence[str],
    settings: Settings,
    postgresql: str,
    directory: Path | None,
    console: Console,
    today: str,
) -> Iterator[Report]:
    """What was measured, after each of the jobs."""
    jobs: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="demo-bench-", dir=directory) as place,
        Databases(Path(place), postgresql) as databases,
    ):
        world = World(settings, databases, Path(place), lambda text: click.echo(text, err=True))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        report = {
            "date": today,
            "machine": {"cores": cores, "system": f"{platform.system()} {platform.machine()}"},
            "versions": _versions(databases),
            "settings": asdict(settings),
            "jobs": jobs,
        }
        for name in names:
            jobs.append({**_job(name, world), "date": today})
            show(console, jobs[-1])
            yield report


def _job(name: str, world: World) -> dict[str, Any]:
    missing = next(
        (
            why
            for engine in ("postgresql", "mariadb")
            if engine in name
            or (engine == "postgresql" and name.startswith(("subset", "django-large", "forms")))
            if (why := world.databases.missing(engine))
        ),
        None,
    )
    unmeasured = {"name": name, "title": name, "slope": None, "slope_target": None}
    entry = {"name": "the job", "missing": missing, "failure": None, "checked": False}
    if missing is None:
        try:
            return as_json(JOBS[name](world), judged=not world.settings.quick)
        except (ContenderError, ServerError) as error:
            entry["failure"] = f"it could not be prepared: {error}"
    return {**unmeasured, "slope_met": None, "contenders": [entry]}


def _ours_failed(job: dict[str, Any]) -> bool:
    """The first contender is ours, and in the growth all are."""
    ours = job["contenders"] if job["slope_target"] else job["contenders"][:1]
    return any(entry["failure"] for entry in ours)


def _versions(databases: Databases) -> dict[str, str]:
    found = {"demo-snapshots": version("demo-snapshots"), "Python": platform.python_version()}
    for engine, name in (
        ("postgresql", "PostgreSQL"),
        ("mariadb", "MariaDB"),
        ("sqlite", "SQLite"),
    ):
        if number := databases.version(engine):
            found[name] = number
    if shell := _shell_version():
        found["sqlite3"] = shell
    return found | contenders.versions()


def _shell_version() -> str | None:
    try:
        shown = subprocess.run(["sqlite3", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return shown.stdout.split()[0]


def _keep(report: Report, results: Path, docs: Path | None) -> None:
    _put(report, results)
    if docs is not None:
        kept = docs / "benchmarks.json"
        if kept.exists():
            report = beside(report, json.loads(kept.read_text("utf-8")), [*JOBS])
        _put(report, docs)
        page = docs / "benchmarks.md"
        begin, end = _MARKS
        inner = f"{begin}\n{markdown(report)}\n{end}"
        text = page.read_text("utf-8")
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        text = re.sub(pattern, lambda _: inner, text, flags=re.DOTALL)
        page.write_text(text, encoding="utf-8", newline="\n")


def _put(report: Report, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (place / "benchmarks.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    if why := plot.missing():
        click.echo(f"no plot: {why}", err=True)
    else:
        plot.draw(report, place)


if __name__ == "__main__":
    main()
