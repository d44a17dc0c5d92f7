"""Our own limits: time and memory against the number of rows, and one very large row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.databases import Url, execute, fingerprint, require_same, settle
from benchmarks.jobs.rounds import ours
from benchmarks.measuring import Contender, JobResult, Step, Turn, prepare, run
from benchmarks.world import SCENARIO, TABLES, Source, World, demo, document

_PEAK = 100_000_000
_SLOPE = 1.05
_FLAT_FROM = 50_000
_RECORDS_AT_SCALE_1 = 310
_ROW_FACTOR = 5
_TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_CONFIGURATION = """\
[tables.papers]
marker = "is_demo"
"""


def growth(engine: str, way: str, world: World) -> JobResult:
    contenders = []
    for size in world.settings.sizes:
        source = world.source(engine, max(size // _RECORDS_AT_SCALE_1, 1) * 175)
        contenders.append(
            Contender(
                f"{source.records:,} records",
                (_exported if way == "export" else _imported)(world, source),
                peak_limit=_PEAK if size >= _FLAT_FROM else None,
                rows=source.records,
                check_last=True,
                most_turns=1 if size > 1_000_000 else None,
            )
        )
    return run(
        f"growth-{engine}-{way}",
        f"Time and memory against rows: {way}, {_TITLES[engine]}",
        contenders,
        turns=world.settings.turns,
        compares=False,
        slope_target=_SLOPE,
        told=world.told,
    )


def _exported(world: World, source: Source) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        with world.place() as place:
            store = ("--database", source.full.text, "--snapshots", place)
            settle(source.full)
            yield Turn(
                [demo("export", SCENARIO, "--quiet", *store)],
                lambda: _document_back(world, source, document(place)),
                place,
            )

    return turn


def _document_back(world: World, source: Source, file: Path) -> None:
    with world.migrated(source) as url:
        into = ("--file", file, "--database", url.text)
        prepare(demo("import", SCENARIO, "--quiet", "--yes", *into))
        require_same(fingerprint(url, TABLES), source.rows)


def _imported(world: World, source: Source) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        file = ours(world, source)
        with world.migrated(source) as url:
            settle(url)
            into = ("--file", file, "--database", url.text)
            yield Turn(
                [demo("import", SCENARIO, "--quiet", "--yes", *into)],
                lambda: require_same(fingerprint(url, TABLES), source.rows),
                file,
            )

    return turn


# --- One large row ---------------------------------------------------------------------------


def large_row(engine: str, world: World) -> JobResult:
    size = world.settings.row_bytes
    empty, full = world.databases.keep(engine), world.databases.keep(engine)
    for url in (empty, full):
        execute(
            url,
            "CREATE TABLE papers (id integer PRIMARY KEY, is_demo boolean NOT NULL, body text)",
        )
    # Text that neither compresses nor repeats would take long to make; this does for both.
    line = "It''s a line of sixty-four characters, quote and umlaut (ü) too.\n"
    text = f"replace(hex(zeroblob({size // 128})), '00', '{line * 2}')"
    if engine == "postgresql":
        text = f"repeat('{line}', {size // 64})"
    execute(full, f"INSERT INTO papers VALUES (1, TRUE, {text})")
    rows = fingerprint(full, ["papers"])
    configuration = world.kept / "papers.toml"
    configuration.write_text(_CONFIGURATION, encoding="utf-8", newline="\n")
    store = world.kept / f"papers-{engine}"
    config = ("--quiet", "--config", configuration)

    @contextmanager
    def exporting() -> Iterator[Turn]:
        with world.place() as place:
            step = demo("export", SCENARIO, *config, "--database", full.text, "--snapshots", place)
            yield Turn([step], lambda: back(document(place)), place)

    @contextmanager
    def importing() -> Iterator[Turn]:
        if not store.exists():
            source = ("--database", full.text, "--snapshots", store)
            prepare(demo("export", SCENARIO, *config, *source))
        with world.databases.copy(empty) as url:
            settle(url)
            yield Turn(
                [_read(url, document(store))],
                lambda: require_same(fingerprint(url, ["papers"]), rows),
                document(store),
            )

    def _read(url: Url, file: Path) -> Step:
        into = ("--yes", "--file", file, "--database", url.text)
        return demo("import", SCENARIO, *config, *into)

    def back(file: Path) -> None:
        with world.databases.copy(empty) as url:
            prepare(_read(url, file))
            require_same(fingerprint(url, ["papers"]), rows)

    limit = _ROW_FACTOR * size
    return run(
        f"large-row-{engine}",
        f"One row of {size / 1e6:,.0f} MB in a column, {_TITLES[engine]}",
        [
            Contender("demo export", exporting, peak_limit=limit, check_last=True),
            Contender("demo import", importing, peak_limit=limit),
        ],
        turns=min(world.settings.turns, 3),
        compares=False,
        told=world.told,
    )
