"""What a fresh import is worth, and what it costs.

``python -m benchmarks.fresh [--scale N] [--runs N]``

The sample application is filled and exported. How many of its rows a "last 30 days" query finds is
counted on the day it was saved, and 30 and 365 days later, after an import and after a fresh one.
Then both are timed into empty tables, in turns.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from benchmarks.databases import Databases, Url, execute

_ENGINES = ("sqlite", "postgresql", "mariadb")
_DAYS = (0, 30, 365)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one engine: rows that the query finds by days after saving, and the seconds, of which
    also those of this program's own CPU, that the fastest import of so many ``records`` took."""

    engine: str
    records: int
    found: dict[int, int]
    found_fresh: dict[int, int]
    plain: tuple[float, float]
    fresh: tuple[float, float]


def _demo(*words: str) -> tuple[float, float]:
    """Run a command; the seconds it took, and of its CPU."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "demo_snapshots", *words, "--quiet"], check=True)
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, sum(after[:2]) - sum(before[:2])


def _moments() -> Iterator[tuple[int, datetime]]:
    """Days after the export, which is made now."""
    now = datetime.now(UTC)
    yield from ((days, now + timedelta(days=days)) for days in _DAYS)


def _last_30_days(url: Url, moment: datetime) -> int:
    first, last = (f"{each:%Y-%m-%d %H:%M:%S}" for each in (moment - timedelta(days=30), moment))
    query = "SELECT count(*) FROM fragments WHERE created_at"
    return int(execute(url, f"{query} > '{first}' AND created_at <= '{last}'")[0][0])


def _as_of(moment: datetime) -> str:
    return f"--as-of={moment:%Y-%m-%dT%H:%M:%S}"


def _measured(engine: str, url: Url, scale: int, runs: int) -> Figures:
    os.environ["DATABASE_URL"] = url.text
    _demo("migrate-fresh", "--yes")
    _demo("seed-enhanced", "--scenario=general", f"--scale={scale}", "--yes", "--export")
    records = sum(
        int(execute(url, f"SELECT count(*) FROM {table}")[0][0])
        for table in ("vaults", "projects", "fragments", "todos", "contacts", "chat_sessions")
    )
    found, fresh = {}, {}
    for days, moment in _moments():
        _demo("import", "general", "--yes", "--no-fresh")
        found[days] = _last_30_days(url, moment)
        _demo("import", "general", "--yes", _as_of(moment))
        fresh[days] = _last_30_days(url, moment)
    times: dict[str, list[tuple[float, float]]] = {"--no-fresh": [], _as_of(moment): []}
    for _ in range(runs):
        for how, taken in times.items():
            _demo("migrate-fresh", "--yes", "--force")
            taken.append(_demo("import", "general", "--yes", how))
    plain, moved = ((min(w for w, _ in t), min(c for _, c in t)) for t in times.values())
    return Figures(engine, records, found, fresh, plain, moved)


def _report(figures: Figures) -> str:
    cost = figures.fresh[0] / figures.plain[0]
    lines = [f"{figures.engine}, {figures.records:,} records"]
    lines += [
        f"  {days:3} days: {figures.found[days]:6} found, {figures.found_fresh[days]:6} fresh"
        for days in _DAYS
    ]
    lines.append(
        f"  import {figures.plain[0]:.2f} s ({figures.plain[1]:.2f} of CPU), fresh"
        f" {figures.fresh[0]:.2f} s ({figures.fresh[1]:.2f}): {cost:.2f} times"
    )
    return "\n".join(lines)


@click.command()
@click.option("--scale", default=300, show_default=True, help="Of the sample's 324 records.")
@click.option("--runs", default=3, show_default=True)
@click.option("--engine", "engines", multiple=True, type=click.Choice(_ENGINES))
@click.option("--json", "as_json", is_flag=True)
def main(scale: int, runs: int, engines: tuple[str, ...], as_json: bool) -> None:
    """Measure what fresh imports are worth and cost."""
    all_figures = []
    with tempfile.TemporaryDirectory() as place, Databases(Path(place)) as databases:
        os.chdir(place)
        for engine in engines or _ENGINES:
            if databases.missing(engine):
                continue
            os.environ["DEMO_SNAPSHOTS"] = f"{place}/{engine}"
            with databases.empty(engine) as url:
                figures = _measured(engine, url, scale, runs)
            all_figures.append(figures)
            if not as_json:
                click.echo(_report(figures))
    if as_json:
        click.echo(json.dumps([asdict(figures) for figures in all_figures]))


if __name__ == "__main__":
    main()
