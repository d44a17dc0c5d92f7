"""The jobs by name, in the order of the table of targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.jobs import comparisons, djangos, limits, rounds, startup, subsets
from benchmarks.measuring import JobResult
from benchmarks.world import World

Job = Callable[[World], JobResult]

JOBS: Mapping[str, Job] = {
    "postgresql-export": partial(rounds.export, "postgresql"),
    "postgresql-import": partial(rounds.load, "postgresql"),
    "sqlite-export": partial(rounds.export, "sqlite"),
    "sqlite-import": partial(rounds.load, "sqlite"),
    "mariadb-export": partial(rounds.export, "mariadb"),
    "mariadb-import": partial(rounds.load, "mariadb"),
    "postgresql-reimport": partial(rounds.reimport, "postgresql"),
    "sqlite-reimport": partial(rounds.reimport, "sqlite"),
    "mariadb-reimport": partial(rounds.reimport, "mariadb"),
    "undo-small": rounds.undo_small,
    "django-small-export": partial(djangos.export, "sqlite", "small"),
    "django-small-import": partial(djangos.load, "sqlite", "small"),
    "django-large-export": partial(djangos.export, "postgresql", "large"),
    "django-large-import": partial(djangos.load, "postgresql", "large"),
    "forms-export": djangos.export_forms,
    "forms-import": djangos.load_forms,
    "subset-export": subsets.export,
    "subset-import": subsets.load,
    "compare-small": partial(comparisons.compare, "small"),
    "compare-large": partial(comparisons.compare, "large"),
    "growth-postgresql-export": partial(limits.growth, "postgresql", "export"),
    "growth-postgresql-import": partial(limits.growth, "postgresql", "import"),
    "growth-sqlite-export": partial(limits.growth, "sqlite", "export"),
    "growth-sqlite-import": partial(limits.growth, "sqlite", "import"),
    "large-row-postgresql": partial(limits.large_row, "postgresql"),
    "large-row-sqlite": partial(limits.large_row, "sqlite"),
    "startup": startup.commands,
}
