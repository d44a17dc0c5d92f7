"""What each command costs before it does anything, and the small demo that should be instant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.jobs.rounds import ours
from benchmarks.measuring import Contender, JobResult, Step, Turn, run
from benchmarks.world import SCENARIO, World, demo

_TURNS = 3
"""Times as many turns as the other jobs take: these are short, and noise is large."""


def commands(world: World) -> JobResult:
    source = world.source("sqlite", 1)
    file = ours(world, source)
    store = ("--snapshots", file.parents[1])
    database = ("--database", source.full.text)

    @contextmanager
    def importing() -> Iterator[Turn]:
        with world.migrated(source) as url:
            yield _turn(demo("import", SCENARIO, "--yes", *store, "--database", url.text))

    @contextmanager
    def over() -> Iterator[Turn]:
        with world.databases.copy(source.full) as url:
            yield _turn(demo("import", SCENARIO, "--yes", *store, "--database", url.text))

    @contextmanager
    def exporting() -> Iterator[Turn]:
        with world.place() as place:
            yield _turn(demo("export", SCENARIO, *database, "--snapshots", place))

    fixed = {
        "python, nothing": Step([sys.executable, "-c", "pass"]),
        "demo --version": demo("--version"),
        "demo --help": demo("--help"),
        "demo list-exports": demo("list-exports", *store),
        "demo cleanup-exports": demo("cleanup-exports", "--dry-run", *store),
        "demo export, unchanged": demo("export", SCENARIO, *store, *database),
        "demo validate --schema": demo("validate", SCENARIO, "--schema", *store, *database),
        "demo validate": demo("validate", SCENARIO, *store, *database),
    }
    contenders = [Contender(name, _always(step)) for name, step in fixed.items()]
    contenders += [
        Contender("demo export", exporting),
        Contender("demo import, empty tables", importing),
        Contender("demo import, over the same", over),
    ]
    return run(
        "startup",
        f"Whole commands on {source.records} records, SQLite",
        contenders,
        turns=world.settings.turns * _TURNS,
        compares=False,
        told=world.told,
    )


def _turn(step: Step, output: Path | None = None) -> Turn:
    return Turn([step], _nothing, output)


def _always(step: Step) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        yield _turn(step)

    return turn


def _nothing() -> None:
    """The exit status is all there is to check."""
