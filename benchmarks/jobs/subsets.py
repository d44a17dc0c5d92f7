"""Half of the rows of four tables out of PostgreSQL, and back in beside the other half: what
subset tools are for. Their commands are the ones their own guides give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import contenders
from benchmarks.databases import Fingerprint, Url, execute, fingerprint, require_same, settle
from benchmarks.measuring import Contender, JobResult, Step, Turn, prepare, run
from benchmarks.world import World, demo, document

TABLES = ("accounts", "orders", "lines", "visits")

_SCHEMA = (
    "CREATE TABLE accounts (id integer PRIMARY KEY, is_demo boolean NOT NULL,"
    " name text NOT NULL, email text, created_at timestamp NOT NULL)",
    "CREATE TABLE orders (id integer PRIMARY KEY,"
    " account_id integer NOT NULL REFERENCES accounts, status text NOT NULL, note text,"
    " total numeric(10,2) NOT NULL, ordered_at timestamp NOT NULL)",
    "CREATE TABLE lines (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders,"
    " product text NOT NULL, quantity integer NOT NULL, price numeric(10,2) NOT NULL)",
    "CREATE TABLE visits (id integer PRIMARY KEY,"
    " account_id integer NOT NULL REFERENCES accounts, page text NOT NULL,"
    " visited_at timestamp NOT NULL)",
    "CREATE INDEX ON orders (account_id)",
    "CREATE INDEX ON lines (order_id)",
    "CREATE INDEX ON visits (account_id)",
)
_ROWS = (
    "INSERT INTO accounts SELECT i, i % 2 = 0, 'Account ' || i, 'account' || i || '@example.org',"
    " timestamp '2024-01-01' + i * interval '1 minute' FROM generate_series(1, {accounts}) i",
    "INSERT INTO orders SELECT i, 1 + i % {accounts}, (ARRAY['open','paid','sent'])[1 + i % 3],"
    " CASE WHEN i % 4 = 0 THEN 'Don''t ring before ' || i % 12 END, i % 10000 / 7.0,"
    " timestamp '2024-02-01' + i * interval '1 second' FROM generate_series(1, {orders}) i",
    "INSERT INTO lines SELECT i, 1 + i % {orders}, 'Product number ' || i % 997, 1 + i % 9,"
    " i % 1000 / 3.0 FROM generate_series(1, {lines}) i",
    "INSERT INTO visits SELECT i, 1 + i % {accounts}, '/shop/' || md5(i::text),"
    " timestamp '2024-03-01' + i * interval '1 second' FROM generate_series(1, {visits}) i",
)
# Of 600,000 rows: 20,000 accounts, 80,000 orders, 400,000 lines, 100,000 visits.
_SHARES = {"accounts": 30, "orders": 7.5, "lines": 1.5, "visits": 6}
_DEMO = {
    "accounts": "is_demo",
    "orders": "account_id IN (SELECT id FROM accounts WHERE is_demo)",
    "visits": "account_id IN (SELECT id FROM accounts WHERE is_demo)",
    "lines": "order_id IN (SELECT id FROM orders WHERE account_id IN"
    " (SELECT id FROM accounts WHERE is_demo))",
}

_CONFIGURATION = """\
[tables.accounts]
marker = "is_demo"

[tables.orders]
follows = "account_id"

[tables.lines]
follows = "order_id"

[tables.visits]
follows = "account_id"
"""


@dataclass(frozen=True, slots=True)
class _Shop:
    """``full`` has both halves, ``real`` the half that is no demo data, ``empty`` no rows."""

    full: Url
    real: Url
    empty: Url
    both: Fingerprint
    half: Fingerprint

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.both.values())


class _Jobs:
    def __init__(self, world: World) -> None:
        self.world = world
        self.place = world.kept / "shop"
        self.place.mkdir(exist_ok=True)
        self.configuration = self.place / "shop.toml"
        self.configuration.write_text(_CONFIGURATION, encoding="utf-8", newline="\n")
        self.shop = self._made()

    def _made(self) -> _Shop:
        counts = {
            table: max(int(self.world.settings.subset_rows / share), 1)
            for table, share in _SHARES.items()
        }
        empty, real, full, half = (self.world.databases.keep("postgresql") for _ in range(4))
        for url in (empty, real, full, half):
            execute(url, *_SCHEMA)
        for url in (real, full, half):
            execute(url, *(statement.format(**counts) for statement in _ROWS))
        # Referencing tables first; the other half first keeps the conditions true.
        for table in reversed(TABLES):
            execute(real, f"DELETE FROM {table} WHERE {_DEMO[table]}")
            execute(half, f"DELETE FROM {table} WHERE NOT ({_DEMO[table]})")
        for url in (real, full):
            execute(url, "VACUUM (FULL, ANALYZE)")
        return _Shop(full, real, empty, fingerprint(full, TABLES), fingerprint(half, TABLES))

    # --- Ours ----------------------------------------------------------------------------

    def ours_out(self, place: Path) -> Step:
        into = ("--snapshots", place, "--database", self.shop.full.text)
        return demo("export", "shop", "--quiet", "--config", self.configuration, *into)

    def ours_in(self, file: Path, url: Url) -> Step:
        words = ("--quiet", "--yes", "--config", self.configuration)
        return demo("import", "shop", *words, "--file", file, "--database", url.text)

    # --- slice-db ------------------------------------------------------------------------

    def slice_schema(self) -> Path:
        schema = self.place / "slice.yml"
        if not schema.exists():
            command: list[str | Path] = [contenders.program("slicedb"), "schema"]
            prepare(Step(command, stdout=schema, environment=self.shop.full.libpq))
        return schema

    def slice_out(self, place: Path, jobs: int = 1) -> Step:
        root = ["--root", "public.accounts", "is_demo", "--jobs", str(jobs)]
        files = ("--schema", self.slice_schema(), "--output", place / "slice.zip")
        command: list[str | Path] = [contenders.program("slicedb"), "dump", *root, *files]
        return Step(command, environment=self.shop.full.libpq)

    def slice_in(self, file: Path, url: Url) -> Step:
        command: list[str | Path] = [contenders.program("slicedb"), "restore", "--input", file]
        return Step(command, environment=url.libpq)

    # --- dbslice -------------------------------------------------------------------------

    def dbslice_out(self, place: Path) -> Step:
        options = ["--seed", "accounts:is_demo = true", "--direction", "down", "--no-progress"]
        limits = ["--depth", "9", "--max-seed-rows", "100000000"]
        command: list[str | Path] = [contenders.program("dbslice"), "extract", self.shop.full.text]
        return Step([*command, *options, *limits, "--out-file", place / "slice.sql"])

    def psql(self, file: Path, url: Url) -> Step:
        program = self.world.databases.program("psql")
        assert program is not None
        options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        return Step([program, *options, "--file", file], environment=url.libpq)

    # --- db-condenser --------------------------------------------------------------------

    def condenser(self, place: Path, url: Url, mode: str) -> Step:
        """From one database into another: it knows no file."""

        def connection(to: Url) -> dict[str, object]:
            server = {"host": "127.0.0.1", "port": to.port, "user_name": "postgres"}
            return {**server, "db_name": to.name, "password": "-", "ssl_mode": "disable"}

        configuration = {
            "db_type": "postgres",
            "source_db_connection_info": connection(self.shop.full),
            "destination_db_connection_info": connection(url),
            "initial_targets": [{"table": "public.accounts", "where": "is_demo"}],
            "destination_mode": mode,
            "keep_disconnected_tables": False,
            "max_rows_per_table": "ALL",
            "excluded_tables": [],
            "passthrough_tables": [],
            "dependency_breaks": [],
            "fk_augmentation": [],
            "upstream_filters": [],
        }
        file = place / "config.json"
        file.write_text(json.dumps(configuration), encoding="utf-8", newline="\n")
        command: list[str | Path] = [contenders.program("subset"), "--yes", "--config", file]
        return Step(command, environment={"POSTGRES_PATH": str(self._bin)}, directory=place)

    @property
    def _bin(self) -> Path:
        program = self.world.databases.program("pg_dump")
        assert program is not None
        return program.parent

    # --- DSLR ----------------------------------------------------------------------------

    def dslr(self, url: Url, *words: str) -> Step:
        path = {"PATH": f"{self._bin}:/usr/bin:/bin"}
        command: list[str | Path] = [contenders.program("dslr"), "--url", url.text, *words]
        return Step(command, environment={**path, **url.libpq})

    # --- Turns ---------------------------------------------------------------------------

    def out(
        self, write: Callable[[Path], Step], back: Callable[[Path, Url], Step], file: str
    ) -> Callable[[], AbstractContextManager[Turn]]:
        """Out into a file, which is then read back beside the real rows."""

        @contextmanager
        def turn() -> Iterator[Turn]:
            with self.world.place() as place:
                settle(self.shop.full)
                step = write(place)
                yield Turn([step], lambda: self.read_back(back, self.one(place, file)), place)

        return turn

    def into(
        self, file: Callable[[], Path], read: Callable[[Path, Url], Step]
    ) -> Callable[[], AbstractContextManager[Turn]]:
        @contextmanager
        def turn() -> Iterator[Turn]:
            written = file()
            with self.world.databases.copy(self.shop.real) as url:
                settle(url)
                yield Turn([read(written, url)], lambda: self.same(url, self.shop.both), written)

        return turn

    def read_back(self, read: Callable[[Path, Url], Step], file: Path) -> None:
        with self.world.databases.copy(self.shop.real) as url:
            prepare(read(file, url))
            self.same(url, self.shop.both)

    def written(self, write: Callable[[Path], Step], name: str, file: str) -> Path:
        """The contender's file, written once."""
        place = self.place / name
        if not place.exists():
            place.mkdir()
            prepare(write(place))
        return self.one(place, file)

    @staticmethod
    def one(place: Path, file: str) -> Path:
        return place / file if file else document(place)

    def same(self, url: Url, rows: Fingerprint) -> None:
        require_same(fingerprint(url, TABLES), rows)

    def condensed(self, mode: str) -> Callable[[], AbstractContextManager[Turn]]:
        start, rows = self.shop.empty, self.shop.half
        if mode == "topup":
            start, rows = self.shop.real, self.shop.both

        @contextmanager
        def turn() -> Iterator[Turn]:
            with self.world.place() as place, self.world.databases.copy(start) as url:
                settle(url)
                yield Turn([self.condenser(place, url, mode)], lambda: self.same(url, rows))

        return turn

    def copies(self) -> Path:
        """What somebody would do by hand: one COPY a table, and a script that reads them."""
        place = self.place / "copy"
        if not place.exists():
            place.mkdir()
            lines = []
            for table in TABLES:
                file = place / f"{table}.tsv"
                select = f"SELECT * FROM {table} WHERE {_DEMO[table]} ORDER BY id"
                program = self.world.databases.program("psql")
                assert program is not None
                command: list[str | Path] = [
                    program,
                    "--no-psqlrc",
                    "--command",
                    f"COPY ({select}) TO STDOUT",
                ]
                prepare(Step(command, stdout=file, environment=self.shop.full.libpq))
                lines.append(f"\\copy {table} FROM '{file}'\n")
            script = place / "copy.sql"
            script.write_text("".join(lines), encoding="utf-8", newline="\n")
        return place / "copy.sql"

    @contextmanager
    def dslr_snapshot(self) -> Iterator[Turn]:
        with self.world.databases.copy(self.shop.full) as url:
            yield Turn([self.dslr(url, "snapshot", "bench")], lambda: None)
            prepare(self.dslr(url, "delete", "bench"))

    @contextmanager
    def dslr_restore(self) -> Iterator[Turn]:
        with self.world.databases.copy(self.shop.full) as url:
            prepare(self.dslr(url, "snapshot", "bench"))
            step = self.dslr(url, "restore", "bench")
            yield Turn([step], lambda: self.same(url, self.shop.both))
            prepare(self.dslr(url, "delete", "bench"))


def export(world: World) -> JobResult:
    jobs = _Jobs(world)
    slice_missing, dbslice_missing = contenders.missing("slicedb"), contenders.missing("dbslice")
    rivals = [
        Contender("demo export", jobs.out(jobs.ours_out, jobs.ours_in, ""), check_last=True),
        Contender(
            "slice-db",
            jobs.out(jobs.slice_out, jobs.slice_in, "slice.zip"),
            target=0.4,
            check_last=True,
            missing=slice_missing,
        ),
        Contender(
            "slice-db, 2 jobs",
            jobs.out(partial(jobs.slice_out, jobs=2), jobs.slice_in, "slice.zip"),
            check_last=True,
            missing=slice_missing,
        ),
        Contender(
            "db-condenser, into an empty database",
            jobs.condensed("recreate"),
            target=0.5,
            missing=contenders.missing("subset"),
        ),
        Contender(
            "dbslice",
            jobs.out(jobs.dbslice_out, jobs.psql, "slice.sql"),
            target=0.06,
            check_last=True,
            most_turns=2,
            missing=dbslice_missing,
        ),
        Contender(
            "DSLR snapshot (whole database)", jobs.dslr_snapshot, missing=contenders.missing("dslr")
        ),
    ]
    title = f"Half of {jobs.shop.rows:,} rows over four tables, out of PostgreSQL"
    turns = world.settings.turns
    return run("subset-export", title, rivals, turns=turns, told=world.told)


def load(world: World) -> JobResult:
    jobs = _Jobs(world)

    def file(write: Callable[[Path], Step], name: str, file: str) -> Callable[[], Path]:
        return lambda: jobs.written(write, name, file)

    rivals = [
        Contender("demo import", jobs.into(file(jobs.ours_out, "ours", ""), jobs.ours_in)),
        Contender(
            "slice-db",
            jobs.into(file(jobs.slice_out, "slice", "slice.zip"), jobs.slice_in),
            target=0.9,
            missing=contenders.missing("slicedb"),
        ),
        Contender(
            "db-condenser, topup",
            jobs.condensed("topup"),
            target=0.5,
            missing=contenders.missing("subset"),
        ),
        Contender(
            "dbslice, psql",
            jobs.into(file(jobs.dbslice_out, "dbslice", "slice.sql"), jobs.psql),
            target=0.08,
            most_turns=2,
            missing=contenders.missing("dbslice"),
        ),
        Contender("COPY by hand", jobs.into(jobs.copies, jobs.psql), target=1.15),
        Contender(
            "DSLR restore (whole database)", jobs.dslr_restore, missing=contenders.missing("dslr")
        ),
    ]
    title = f"Half of {jobs.shop.rows:,} rows over four tables, back in beside the other half"
    turns = world.settings.turns
    return run("subset-import", title, rivals, turns=turns, told=world.told)
