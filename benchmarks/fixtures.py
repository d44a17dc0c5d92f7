"""Demo rows in the transaction of each test, beside Django's loaddata of the same rows.

``python -m benchmarks.fixtures [--tests N] [--json]``

Both work on Django's connection, in turns, loaddata every twentieth time: a transaction is opened,
the 324 rows of the sample go in, it is rolled back. Ours is measured as well where the rows are
there already, committed before the first test, so that each test only makes sure of them. The first
time, when the file is read and checked, is told by itself. Time is that of the load alone, and what
of it this process computed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

import demo_snapshots
from benchmarks.databases import Url
from benchmarks.jobs.djangos import MODELS

# benchmarks.databases has led to the directory of the tests.
from server_engines import SERVERS  # isort: skip
from servers import Run  # isort: skip

Load = Callable[[], None]

_SCENARIO = "general"
_SELDOM = 20


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds: of the first time; of the others the quickest of twenty, the median and the
    slowest of twenty, and the median of what this process computed."""

    name: str
    tests: int
    first: float
    p5: float
    median: float
    p95: float
    computing: float

    def named(self) -> Iterator[tuple[str, float]]:
        for name in ("first", "p5", "median", "p95", "computing"):
            yield name, getattr(self, name)


@dataclass(frozen=True, slots=True)
class Result:
    engine: str
    records: int
    times: tuple[Times, ...]

    @property
    def ratio(self) -> float:
        """Our median over that of loaddata."""
        ours, *_, theirs = self.times
        return ours.median / theirs.median


@click.command()
@click.option("--tests", default=1_000, show_default=True, help="Loads of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(tests: int, as_json: bool) -> None:
    """Measure what a test pays for its demo rows."""
    with tempfile.TemporaryDirectory() as directory, databases(Path(directory)) as urls:
        set_django_up(Path(directory), urls)
        results = [measure(engine, url, Path(directory), tests) for engine, url in urls.items()]
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results]))
        return
    for result in results:
        click.echo(f"{result.records} records, {result.engine}, {tests} tests, milliseconds")
        for one in result.times:
            figures = (f"{name} {taken:7.1f}" for name, taken in one.named())
            click.echo(f"  {one.name:<24} {'  '.join(figures)}")
        click.echo(f"  ours by loaddata         {result.ratio:.3f}")


@contextmanager
def databases(directory: Path) -> Iterator[dict[str, str]]:
    """A database on each engine that is here, by its engine."""
    (directory / "test.sqlite").touch()
    urls = {"sqlite": f"sqlite:///{directory / 'test.sqlite'}"}
    run = Run()
    with ExitStack() as stack:
        stack.callback(run.close)
        if SERVERS["postgresql"].program():
            urls["postgresql"] = stack.enter_context(run.database("postgresql", directory))
        yield urls


def set_django_up(directory: Path, urls: dict[str, str]) -> None:
    app = directory / "sample"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "models.py").write_text(MODELS, "utf-8")
    sys.path.insert(0, str(directory))

    import django
    from django.conf import settings

    aliases = {engine: _database(Url(url)) for engine, url in urls.items()}
    settings.configure(
        INSTALLED_APPS=["sample"],
        DATABASES={"default": aliases["sqlite"], **aliases},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=False,
    )
    django.setup()


def _database(url: Url) -> dict[str, object]:
    if url.engine == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.name}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.name,
        "HOST": "127.0.0.1",
        "PORT": url.port,
        "USER": "postgres",
    }


def measure(engine: str, url: str, directory: Path, tests: int) -> Result:
    from django.core.management import call_command
    from django.db import connections

    project = demo_snapshots.open_project(
        directory, database=url, snapshots=directory / engine, environment={}
    )
    project.migrate_fresh()
    records = project.seed(_SCENARIO).total
    project.export(_SCENARIO)
    fixture_file = directory / f"{engine}.json"
    call_command("dumpdata", "sample", database=engine, output=str(fixture_file), verbosity=0)
    project.migrate_fresh(force=True)
    connection = connections[engine]
    fixture = project.fixture(_SCENARIO)

    def load() -> None:
        assert fixture.load(connection).changed == records

    def loaddata() -> None:
        call_command("loaddata", str(fixture_file), database=engine, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM fragments")
            assert cursor.fetchone() == (175,)

    kinds = {"rows go in": (load, 1), "Django loaddata": (loaddata, _SELDOM)}
    into_nothing = timed(kinds, engine, tests)
    project.import_(_SCENARIO)
    again = project.fixture(_SCENARIO)

    def look() -> None:
        assert again.load(connection).changed == 0

    there = timed({"rows are there already": (look, 1)}, engine, tests)
    connection.close()
    ours, theirs = into_nothing
    return Result(engine, records, (ours, *there, theirs))


def timed(kinds: dict[str, tuple[Load, int]], alias: str, tests: int) -> list[Times]:
    """Each of them in so many turns, or in every so many of them."""
    from django.db import transaction

    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    for turn in range(tests):
        for name, (load, every) in kinds.items():
            if turn % every:
                continue
            with transaction.atomic(using=alias):
                start, computing = time.perf_counter(), time.process_time()
                load()
                ends: Any = time.perf_counter() - start, time.process_time() - computing
                transaction.set_rollback(True, using=alias)
            taken[name].append(ends)
    return [_times(name, seconds) for name, seconds in taken.items()]


def _times(name: str, seconds: list[tuple[float, float]]) -> Times:
    (first, _), *later = seconds
    wall = sorted(taken for taken, _ in later)
    return Times(
        name=name,
        tests=len(seconds),
        first=first * 1000,
        p5=wall[len(wall) * 5 // 100] * 1000,
        median=median(wall) * 1000,
        p95=wall[len(wall) * 95 // 100] * 1000,
        computing=median(computing for _, computing in later) * 1000,
    )


if __name__ == "__main__":
    main()
