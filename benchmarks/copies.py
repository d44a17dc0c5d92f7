"""How long it takes to make one copy of the sample application's demo anew beside others.

``python -m benchmarks.copies [--copies 1,10,100] [--turns N] [--engine NAME]``

In one database copies are made, and the first of them is made anew after one of its rows was
edited: with an index on where the rows name their scenario, and without. Each turn is one import
within this process; the time of starting the program is left out. What is printed is a table for
``docs/benchmarks.md``: medians. CPU time is this process's, which on SQLite is all there is.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import click
import sqlalchemy as sa

from benchmarks.databases import Databases
from demo_snapshots.opening import open_project
from demo_snapshots.project import Project
from demo_snapshots.sample.engine import make_engine

_LABELLED = ("vaults", "projects", "fragments", "contacts", "chat_sessions")
_LABEL = {
    "sqlite": """CASE WHEN json_valid("metadata")
        THEN CAST(json_extract("metadata", '$."scenario"') AS TEXT) END""",
    "postgresql": "(metadata #>> '{scenario}')",
}
_EDIT = (
    "UPDATE todos SET title = 'edited' WHERE id = (SELECT min(id) + 3 FROM todos WHERE id > 1000)"
)


def _project(url: str, place: Path, *, indexed: bool) -> tuple[Project, sa.Engine]:
    project = open_project(place, database=url, snapshots=place / "snapshots", environment={})
    project.migrate_fresh(force=True)
    project.seed("general")
    project.export("general")
    engine = make_engine(url)
    if indexed:
        label = _LABEL[engine.dialect.name]
        with engine.begin() as connection:
            for table in _LABELLED:
                index = f"CREATE INDEX {table}_scenario ON {table} ({label})"
                connection.exec_driver_sql(index)
    return project, engine


def _times(project: Project, engine: sa.Engine, turns: int) -> Iterator[tuple[float, float]]:
    """Seconds of making the first copy anew, one row of it edited: by the clock and of CPU."""
    for _ in range(turns):
        with engine.begin() as connection:
            assert connection.exec_driver_sql(_EDIT).rowcount == 1
        start, used = time.perf_counter(), time.process_time()
        result = project.import_("general", copy="copy-1", undo=None)
        yield time.perf_counter() - start, time.process_time() - used
        assert result.changed == 1


def _measured(url: str, counts: list[int], turns: int, *, indexed: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        project, engine = _project(url, Path(name), indexed=indexed)
        made = 0
        for count in counts:
            while made < count:
                made += 1
                project.import_("general", copy=f"copy-{made}", undo=None)
            if engine.dialect.name == "postgresql":
                options = {"isolation_level": "AUTOCOMMIT"}
                with engine.connect().execution_options(**options) as connection:
                    connection.exec_driver_sql("ANALYZE")
            wall, cpu = zip(*_times(project, engine, turns), strict=True)
            start = time.perf_counter()
            assert len(project.copies()) == count
            listed = 1000 * (time.perf_counter() - start)
            yield " | ".join(
                f"{ms:.0f}" for ms in (1000 * median(wall), 1000 * median(cpu), listed)
            )
        engine.dispose()


@click.command()
@click.option("--copies", default="1,10,100", show_default=True)
@click.option("--turns", default=9, show_default=True)
@click.option("--engine", "names", multiple=True, default=tuple(_LABEL), show_default=True)
def main(copies: str, turns: int, names: tuple[str, ...]) -> None:
    """Print the table."""
    counts = [int(count) for count in copies.split(",")]
    click.echo("| engine | index | copies | ms | CPU ms | `demo copies`, ms |")
    click.echo("| --- | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as directory, Databases(Path(directory)) as databases:
        for name in names:
            for indexed in (False, True):
                with databases.empty(name) as url:
                    cells = _measured(url.text, counts, turns, indexed=indexed)
                    for count, text in zip(counts, cells, strict=True):
                        what = "yes" if indexed else "no"
                        click.echo(f"| {name} | {what} | {count} | {text} |")


if __name__ == "__main__":
    main()
