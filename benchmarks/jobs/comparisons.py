"""Two states of one table with planted edits: what each tool finds of them, and at what cost."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import contenders
from benchmarks.databases import Url, execute, fingerprint, require_same
from benchmarks.measuring import Contender, ContenderError, JobResult, Step, Turn, prepare, run
from benchmarks.world import World, demo, document

COLUMNS = ("id", "name", "city", "note", "amount", "created_at")
_TABLE = (
    "CREATE TABLE {} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, note TEXT,"
    " amount INTEGER NOT NULL, created_at TEXT NOT NULL)"
)
_ROWS = """
    WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {})
    INSERT INTO items SELECT i * 10, 'Item number ' || i, 'City ' || (i % 97),
    CASE WHEN i % 4 <> 0 THEN 'Don''t ring, "please", before ' || (i % 12) END, i * 37 % 10000,
    datetime(1735689600 + i, 'unixepoch') FROM numbers
"""
# One cell of each hundredth row; each thousandth row gone, and as many added between the others.
_EDITS = (
    "UPDATE items SET name = name || ', \"edited\"' WHERE id % 1000 = 0 AND id % 10000 < 8000",
    "UPDATE items SET amount = amount + 1 WHERE id % 10000 = 8000",
    "UPDATE items SET note = '' WHERE id % 10000 = 9000",
    "DELETE FROM items WHERE id % 10000 = 10",
    "INSERT INTO items SELECT id + 5, name, city, note, amount, created_at FROM items"
    " WHERE id % 10000 = 20",
)


@dataclass(frozen=True, slots=True)
class Edits:
    """Rows by their ``id``, and of those changed the column and what it holds now, as text."""

    changed: frozenset[tuple[int, str, str | None]]
    added: frozenset[int]
    removed: frozenset[int]

    def __len__(self) -> int:
        return len(self.changed) + len(self.added) + len(self.removed)

    def without_empty(self) -> Edits:
        """As files tell them that know no NULL: it is the same there as an empty text."""
        told = (change for change in self.changed if change[2])
        return Edits(frozenset(told), self.added, self.removed)


def require_found(found: Edits, planted: Edits) -> None:
    """ContenderError unless all that was planted was found, and nothing else."""
    wrong = []
    for what in ("changed", "added", "removed"):
        there, expected = getattr(found, what), getattr(planted, what)
        if there != expected:
            invented = len(there - expected)
            wrong.append(f"{len(there & expected)} of {len(expected)} {what}, {invented} invented")
    if wrong:
        raise ContenderError(f"not the edits that were made: {'; '.join(wrong)}")


class _Sides:
    """The table as it was and as it is, in every form that a contender reads; made once."""

    def __init__(self, world: World, rows: int) -> None:
        self.world = world
        self.place = world.kept / f"compare-{rows}"
        if not self.place.exists():
            self.place.mkdir()
            self._make(rows)
        self.planted = self._planted()

    def database(self, side: str) -> Path:
        return self.place / f"{side}.sqlite"

    def csv(self, side: str) -> Path:
        return self.place / f"{side}.csv"

    def snapshot(self, side: str) -> Path:
        return document(self.place / side)

    def _make(self, rows: int) -> None:
        self.world.told(f"compare: making {rows:,} rows and their edits")
        old, new = self.database("old"), self.database("new")
        execute(Url(f"sqlite:///{old}"), _TABLE.format("items"), _ROWS.format(rows))
        shutil.copyfile(old, new)
        execute(Url(f"sqlite:///{new}"), *_EDITS)
        configuration = self.place / "items.toml"
        configuration.write_text('[tables.items]\nwhere = "1 = 1"\n', encoding="utf-8")
        for side in ("old", "new"):
            words = ("--quiet", "--config", configuration, "--snapshots", self.place / side)
            prepare(
                demo("export", "items", *words, "--database", f"sqlite:///{self.database(side)}")
            )
            with self.csv(side).open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(self.rows(side))

    def rows(self, side: str) -> Iterator[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database(side))) as connection:
            yield from connection.execute("SELECT * FROM items ORDER BY id")

    def _planted(self) -> Edits:
        """By SQLite itself, cell by cell."""
        with closing(sqlite3.connect(self.database("new"))) as connection:
            connection.execute("ATTACH ? AS old", (str(self.database("old")),))
            changed = {
                (key, column, value)
                for column in COLUMNS[1:]
                for key, value in connection.execute(
                    f"SELECT id, CAST(n.{column} AS TEXT) FROM items n JOIN old.items o USING (id)"
                    f" WHERE n.{column} IS NOT o.{column}"
                )
            }
            one_sided = "SELECT id FROM {} EXCEPT SELECT id FROM {}"
            added, removed = (
                frozenset(key for (key,) in connection.execute(one_sided.format(*sides)))
                for sides in (("main.items", "old.items"), ("old.items", "main.items"))
            )
        return Edits(frozenset(changed), added, removed)

    def on_a_server(self) -> Url:
        """Both as tables of one PostgreSQL database."""
        import psycopg

        url = self.world.databases.keep("postgresql")
        with psycopg.connect(url.text) as server, server.cursor() as cursor:
            for side in ("old", "new"):
                cursor.execute(_TABLE.format(side).encode())
                with cursor.copy(f"COPY {side} FROM STDIN".encode()) as copy:
                    for row in self.rows(side):
                        copy.write_row(row)
        execute(url, "VACUUM (ANALYZE)")
        return url


# --- What each tool says it found ---------------------------------------------------------------


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _of_ours(found: Path) -> Edits:
    *changes, summary = map(json.loads, found.read_text("utf-8").splitlines())
    by = {
        what: [c for c in changes if c["what"] == what] for what in ("changed", "added", "removed")
    }
    if sum(map(len, by.values())) != len(changes) or "summary" not in summary:
        raise ContenderError("not the edits that were made: changes of another kind")
    return Edits(
        frozenset(
            (change["key"]["id"], cell["column"], _text(cell["new"]))
            for change in by["changed"]
            for cell in change["cells"]
        ),
        *(frozenset(change["key"]["id"] for change in by[what]) for what in ("added", "removed")),
    )


def _of_csv_diff(found: Path) -> Edits:
    told = json.loads(found.read_text("utf-8"))
    return Edits(
        frozenset(
            (int(row["key"]), column, new)
            for row in told["changed"]
            for column, (_, new) in row["changes"].items()
        ),
        *(frozenset(int(row["id"]) for row in told[what]) for what in ("added", "removed")),
    )


def _of_daff(found: Path) -> Edits:
    """Its highlighter format: a first column of marks, and ``old->new`` in a changed cell."""
    changed: set[tuple[int, str, str | None]] = set()
    rows: dict[str, set[int]] = {"+++": set(), "---": set()}
    with found.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        names = next(lines)[1:]
        for mark, *cells in lines:
            if mark in rows:
                rows[mark].add(int(cells[0]))
            elif mark == "->":
                there = ((name, cell) for name, cell in zip(names, cells, strict=True))
                told = ((name, cell.partition("->")[2]) for name, cell in there if "->" in cell)
                changed |= {(int(cells[0]), name, new) for name, new in told}
    return Edits(frozenset(changed), frozenset(rows["+++"]), frozenset(rows["---"]))


def _of_reladiff(sides: _Sides, found: Path) -> Edits:
    """JSON lines: a row that changed is there twice, as it was and as it is, its key first and
    then its other columns in an order that no two runs share and nothing tells."""
    told: dict[str, dict[int, Sequence[str | None]]] = {"-": {}, "+": {}}
    for line in found.read_text("utf-8").splitlines():
        sign, (key, *values) = json.loads(line)
        told[sign][int(key)] = values
    old, new = told["-"], told["+"]
    changed: set[tuple[int, str, str | None]] = set()
    with closing(sqlite3.connect(sides.database("old"))) as connection:
        for key in old.keys() & new.keys():
            (row,) = connection.execute("SELECT * FROM items WHERE id = ?", (key,))
            column = {_text(value): name for name, value in zip(COLUMNS, row, strict=True)}
            both = zip(old[key], new[key], strict=True)
            changed |= {(key, column.get(b, "?"), after) for b, after in both if b != after}
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    return Edits(frozenset(changed), frozenset(added), frozenset(removed))


def _check_script(sides: _Sides, found: Path) -> None:
    """sqldiff writes statements: they make the new state of the old one, and are no more than
    there were edits."""
    script = found.read_text("utf-8")
    with sides.world.databases.copy(Url(f"sqlite:///{sides.database('old')}")) as url:
        with closing(sqlite3.connect(url.file)) as connection:
            connection.executescript(f"BEGIN; {script} COMMIT;")
        new = Url(f"sqlite:///{sides.database('new')}")
        require_same(fingerprint(url, ["items"]), fingerprint(new, ["items"]))
    statements = script.count(";\n")
    if statements != len(sides.planted):
        raise ContenderError(f"{statements} statements for {len(sides.planted)} edits")


# --- The job ------------------------------------------------------------------------------------


def compare(size: str, world: World) -> JobResult:
    rows = world.settings.compare_rows[size == "large"]
    sides = _Sides(world, rows)

    def turn(
        step: Callable[[Path], Step], check: Callable[[Path], None]
    ) -> Callable[[], AbstractContextManager[Turn]]:
        @contextmanager
        def one() -> Iterator[Turn]:
            with world.place() as place:
                found = place / "found.csv"
                yield Turn([step(found)], lambda: check(found), found)

        return one

    def told(read: Callable[[Path], Edits], planted: Edits) -> Callable[[Path], None]:
        return lambda found: require_found(read(found), planted)

    files = [sides.snapshot("old"), sides.snapshot("new")]
    rivals = [
        Contender(
            "demo compare-exports",
            turn(
                lambda found: _into(found, demo("compare-exports", "--json", "--files", *files)),
                told(_of_ours, sides.planted),
            ),
        )
    ]
    rivals += [
        *_sqldiff(sides, turn),
        *_of_csv_files(sides, turn, told),
        *_reladiff(sides, turn, told),
    ]
    edits = len(sides.planted)
    title = f"Two states of {rows:,} rows with {edits:,} edits, compared"
    turns = world.settings.turns
    return run(f"compare-{size}", title, rivals, turns=turns, told=world.told)


_Turned = Callable[
    [Callable[[Path], Step], Callable[[Path], None]],
    Callable[[], AbstractContextManager[Turn]],
]
_Told = Callable[[Callable[[Path], Edits], Edits], Callable[[Path], None]]


def _into(found: Path, step: Step) -> Step:
    return Step(step.command, stdout=found)


def _sqldiff(sides: _Sides, turn: _Turned) -> list[Contender]:
    program = shutil.which("sqldiff")
    databases = [sides.database("old"), sides.database("new")]
    return [
        Contender(
            "sqldiff, SQLite files",
            turn(
                lambda found: Step([program or "", "--table", "items", *databases], stdout=found),
                lambda found: _check_script(sides, found),
            ),
            missing=None if program else "sqldiff is not installed: apt-get install sqlite3-tools",
        )
    ]


def _of_csv_files(sides: _Sides, turn: _Turned, told: _Told) -> list[Contender]:
    files = [sides.csv("old"), sides.csv("new")]
    planted = sides.planted.without_empty()

    def daff(program: Path) -> Callable[[], AbstractContextManager[Turn]]:
        options = ("diff", "--id", "id", "--context", "0", "--output")
        return turn(lambda found: Step([program, *options, found, *files]), told(_of_daff, planted))

    return [
        Contender(
            "csv-diff, CSV files",
            turn(
                lambda found: Step(
                    [contenders.program("csv-diff"), *files, "--key=id", "--json"], stdout=found
                ),
                told(_of_csv_diff, planted),
            ),
            missing=contenders.missing("csv-diff"),
        ),
        Contender(
            "daff of Node, CSV files",
            daff(contenders.node_program("daff")),
            missing=contenders.node_missing("daff"),
        ),
        Contender(
            "daff of Python, CSV files",
            daff(contenders.program("daff")),
            most_turns=1,
            missing=contenders.missing("daff"),
        ),
    ]


def _reladiff(sides: _Sides, turn: _Turned, told: _Told) -> list[Contender]:
    missing = contenders.missing("reladiff") or sides.world.databases.missing("postgresql")
    url = Url("") if missing else sides.on_a_server()

    def reladiff(how: str, *more: str) -> Contender:
        options = ("--key-columns", "id", "--columns", "%", "--json", "--algorithm", how, *more)
        program = contenders.program("reladiff")
        words: list[str | Path] = [program, url.text, "old", "new", *options]
        wide = {"COLUMNS": "10000"}  # it breaks lines of JSON at the 80th character
        return Contender(
            f"reladiff, {how}, PostgreSQL",
            turn(
                lambda found: Step(words, stdout=found, environment=wide),
                told(partial(_of_reladiff, sides), sides.planted),
            ),
            missing=missing,
        )

    # Sorting what it found, hashdiff stops at the first NULL, with status 0.
    return [reladiff("joindiff"), reladiff("hashdiff", "--skip-sort-results")]
