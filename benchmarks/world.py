"""What the jobs share: settings, servers, and data that is made once."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

from benchmarks.databases import Databases, Fingerprint, Url, execute, fingerprint
from benchmarks.measuring import Step, prepare

DEMO = Path(sys.executable).with_name("demo")
TABLES = ("vaults", "projects", "fragments", "todos", "contacts", "chat_sessions")
SCENARIO = "general"
FRAGMENTS_AT_SCALE_1 = 175
AS_OF = "2025-01-15"


@dataclass(frozen=True, slots=True)
class Settings:
    """``fragments`` and ``rows`` (of a job that names its own size) are what the data is made
    of; ``row_bytes`` that of the one large row; ``sizes`` are records, for the growth."""

    fragments: int = 500_000
    turns: int = 5
    subset_rows: int = 600_000
    django_records: int = 100_000
    compare_rows: tuple[int, int] = (100_000, 1_000_000)
    row_bytes: int = 200_000_000
    sizes: tuple[int, ...] = (10_000, 50_000, 200_000, 1_000_000)
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A database with the sample application's demo rows, one with none, and what is in the
    first."""

    full: Url
    empty: Url
    rows: Fingerprint

    @property
    def records(self) -> int:
        return sum(count for count, _ in self.rows.values())


@dataclass
class World:
    settings: Settings
    databases: Databases
    directory: Path
    told: Callable[[str], None]
    _sources: dict[tuple[str, int], Source] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def source(self, engine: str, fragments: int) -> Source:
        """At least ``fragments`` fragments and what belongs to them, made once and kept."""
        scale = -(-fragments // FRAGMENTS_AT_SCALE_1)
        key = (engine, scale)
        if key not in self._sources:
            self.told(f"{engine}: seeding {scale * FRAGMENTS_AT_SCALE_1:,} fragments")
            empty, full = self.databases.keep(engine), self.databases.keep(engine)
            for url in (empty, full):
                prepare(demo("migrate-fresh", "--database", url.text))
            seeding = ("--as-of", AS_OF, "--scale", str(scale), "--database", full.text)
            prepare(demo("seed-enhanced", "--scenario", SCENARIO, *seeding))
            if engine == "postgresql":
                execute(full, "VACUUM (ANALYZE)")
            self._sources[key] = Source(full, empty, fingerprint(full, TABLES))
        return self._sources[key]

    @contextmanager
    def migrated(self, source: Source) -> Iterator[Url]:
        """A database with the sample application's tables, and nothing in them."""
        if source.empty.engine != "mariadb":
            with self.databases.copy(source.empty) as url:
                yield url
            return
        with self.databases.empty("mariadb") as url:
            prepare(demo("migrate-fresh", "--database", url.text))
            yield url

    @contextmanager
    def place(self) -> Iterator[Path]:
        """An empty directory, removed afterwards: a full disk would be measured, too."""
        path = self.directory / f"place_{next(self._numbers)}"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path)

    @cached_property
    def kept(self) -> Path:
        """A directory for files that several jobs read."""
        path = self.directory / "kept"
        path.mkdir()
        return path


def demo(*words: str | Path, directory: Path | None = None) -> Step:
    """Our own command."""
    return Step([DEMO, *words], directory=directory)


def document(snapshots: Path) -> Path:
    """The one document of a store."""
    (found,) = (path for path in snapshots.glob("*/*_v[0-9]*_*") if not path.is_symlink())
    return found
