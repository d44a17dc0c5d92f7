"""Two branches edit a demo and both export: the merged version is what one hand would have made."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import MergeConflictError, MergeError, UsageError
from demo_snapshots.model.merging import MergeResult, Side
from demo_snapshots.model.upkeep import RepairResult
from demo_snapshots.operations.merge import merge_exports
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.verify import verify_exports

ALL = ("sqlite", "postgresql", "mariadb")
JSON = {"sqlite": "JSON", "postgresql": "JSONB", "mariadb": "JSON"}
TABLES = (
    "CREATE TABLE region (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    "CREATE TABLE country (id INTEGER PRIMARY KEY, iso VARCHAR(2) UNIQUE)",
    "CREATE TABLE author (id INTEGER PRIMARY KEY, email VARCHAR(20) UNIQUE, best_id INTEGER,"
    " region_id INTEGER REFERENCES region (id), data {json}, is_demo BOOLEAN)",
    "CREATE TABLE book (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES author (id),"
    " follows_id INTEGER REFERENCES book (id), country_id INTEGER REFERENCES country (id),"
    " title VARCHAR(20))",
    "CREATE TABLE review (book_id INTEGER NOT NULL REFERENCES book (id), place INTEGER NOT NULL,"
    " words VARCHAR(40), PRIMARY KEY (book_id, place))",
    "CREATE TABLE sales (book_id INTEGER REFERENCES book (id), shop VARCHAR(20))",
)
CYCLE = "ALTER TABLE author ADD FOREIGN KEY (best_id) REFERENCES book (id)"
CONFIGURATION = """
[tables.author]
marker = "is_demo"
json-references = { "data.books[*].id" = "book.id" }

[tables.book]
follows = "author_id"
breakdown = "title"

[tables.review]
follows = "book_id"

[tables.sales]
follows = "book_id"

[references]
region = "include"
country = { by-key = ["iso"] }
"""
ROWS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("region", (1, "North")),
    ("region", (2, "South")),
    ("country", (1, "DE")),
    ("country", (2, "FR")),
    ("author", (1, "ada@x", None, 1, '{"a": 1, "b": 1}', True)),
    ("author", (2, "bob@x", None, 1, None, True)),
    ("author", (3, "real@x", None, 2, None, False)),
    ("book", (3, 1, None, 1, "first")),
    ("book", (1, 1, 3, 1, "second")),
    ("book", (2, 2, None, None, "other")),
    ("review", (1, 1, "it's\r\nfine")),
    ("review", (1, 2, "good")),
    ("review", (2, 1, "bad")),
    ("sales", (1, "corner")),
    ("sales", (1, "corner")),
    ("sales", (2, "market")),
)
OURS = (
    "UPDATE author SET email = 'ada@ours', data = '{\"a\": 2, \"b\": 1}', best_id = 3 WHERE id = 1",
    "INSERT INTO author VALUES (10, 'ours@x', NULL, 1, NULL, TRUE)",
    "INSERT INTO book VALUES (11, 10, NULL, NULL, 'ours 11')",
    "INSERT INTO book VALUES (10, 10, 11, 1, 'ours 10')",
    "DELETE FROM review WHERE book_id = 1 AND place = 1",
    "INSERT INTO sales VALUES (1, 'corner')",
)


def theirs(author: int = 10, first: int = 10, second: int = 11) -> tuple[str, ...]:
    """What the other branch does, with the keys that its new rows get."""
    data = f'{{"books": [{{"id": {first}}}, {{"id": 1}}]}}'
    return (
        'UPDATE author SET data = \'{"a": %s, "b": 5}\' WHERE id = 1' % (1 if author == 10 else 2),
        "DELETE FROM sales WHERE book_id = 2",
        "DELETE FROM review WHERE book_id = 2",
        "DELETE FROM book WHERE id = 2",
        "DELETE FROM author WHERE id = 2",
        f"INSERT INTO author VALUES ({author}, 'theirs@x', NULL, 2, '{data}', TRUE)",
        f"INSERT INTO book VALUES ({second}, {author}, NULL, 2, 'theirs 11')",
        f"INSERT INTO book VALUES ({first}, {author}, {second}, NULL, 'theirs 10')",
        f"UPDATE author SET best_id = {second} WHERE id = {author}",
        f"INSERT INTO review VALUES ({first}, 1, 'theirs')",
        f"INSERT INTO sales VALUES ({first}, 'theirs')",
        "UPDATE review SET words = 'better' WHERE book_id = 1 AND place = 2",
    )


def build(url: str, *, rows: bool = True) -> Live:
    live = Live(url)
    live.run(*(table.format(json=JSON[live.engine]) for table in TABLES))
    if live.engine != "sqlite":
        live.run(CYCLE)
    else:
        live.run("DROP TABLE author", *(t.format(json="JSON") for t in _with_cycle()))
    for table, row in ROWS if rows else ROWS[:4]:
        live.insert(table, row)
    return live


def _with_cycle() -> tuple[str, ...]:
    return (TABLES[2].replace("best_id INTEGER", "best_id INTEGER REFERENCES book (id)"),)


class Branches:
    """A store in which two branches exported after v1, as git and ``demo repair`` leave it: ours
    is v2, theirs v3."""

    def __init__(self, directory: Path, new_database: Any, engine: str) -> None:
        configuration = directory / "demo.toml"
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        self.demo = Demo(directory / "snapshots", configuration)
        self.live = build(new_database(engine))
        self.demo.export(self.live, now=datetime(2025, 1, 10, tzinfo=UTC))
        self.other = Demo(directory / "theirs", configuration)
        shutil.copytree(directory / "snapshots", directory / "theirs", symlinks=True)
        self.engine, self.new_database = engine, new_database

    def diverge(self, ours: tuple[str, ...], theirs: tuple[str, ...]) -> RepairResult:
        """Ours is what ``live`` holds from then on."""
        there = build(self.new_database(self.engine))
        there.run(*theirs)
        path = self.other.export(there, now=datetime(2025, 1, 12, tzinfo=UTC)).path
        self.live.run(*ours)
        self.demo.export(self.live, now=datetime(2025, 1, 11, tzinfo=UTC))
        shutil.copy(path, self.demo.directory / "general")
        return repair_store(self.demo.store)

    def merge(self, ours: str = "v2", theirs: str = "v3", **options: Any) -> MergeResult:
        options.setdefault("now", datetime(2025, 1, 13, 12, tzinfo=UTC))
        config = self.demo.config(self.live)
        return merge_exports(config, self.demo.store, "general", ours, theirs, **options)


@pytest.fixture
def branches(database_url: str, new_database: Any, tmp_path: Path) -> Branches:
    return Branches(tmp_path, new_database, Live(database_url).engine)


@engines(*ALL)
def test_the_merged_version_is_what_one_hand_would_have_made(
    branches: Branches, new_database: Any
) -> None:
    repaired = branches.diverge(OURS, theirs())
    assert [tuple(map(str, pair)) for pair in repaired.to_merge] == [
        ("general", "v2_2025-01-11", "v3_2025-01-12")
    ]
    planned = branches.merge(dry_run=True)
    assert (planned.written, planned.path) == (False, None)
    result = branches.merge()
    assert result.written
    assert (str(result.base), str(result.version)) == ("v1_2025-01-10", "v4_2025-01-13")
    assert planned.digest == result.digest
    assert {t.table: t.renewed for t in result.tables if t.renewed} == {"author": 1, "book": 2}
    assert result.path is not None
    header = describe(result.path).header
    entries = {entry.version.number: entry for entry in branches.demo.store.entries()}
    assert header.base is not None
    assert header.merged is not None
    assert (header.base.digest, header.merged.digest) == (entries[2].digest, entries[3].digest)
    assert verify_exports(branches.demo.store).valid

    # One hand does both, knowing which keys are free: an export of that is this very version.
    branches.live.run(*theirs(11, 12, 13))
    by_hand = branches.demo.export(branches.live, now=datetime(2025, 1, 14, tzinfo=UTC))
    assert by_hand.digest == result.digest, by_hand.path.read_text()
    assert not by_hand.written
    assert branches.demo.load(branches.live, result.path).changed == 0

    # The same inputs give the same bytes.
    again = branches.merge(now=datetime(2025, 1, 15, tzinfo=UTC))
    assert not again.written, "the latest version holds both already"
    elsewhere = build(new_database(branches.engine), rows=False)
    branches.demo.load(elsewhere, result.path)
    assert elsewhere.dump("book", "review", "sales") == branches.live.dump(
        "book", "review", "sales"
    )
    elsewhere.by_client(result.path)
    assert elsewhere.rows("SELECT best_id FROM author WHERE id = 11") == [(13,)]


@engines("sqlite")
@engines(*ALL, fixture="target_url")
@pytest.mark.parametrize("by_client", [False, True])
def test_it_loads_into_every_engine(branches: Branches, target_url: str, by_client: bool) -> None:
    branches.diverge(OURS, theirs())
    result = branches.merge()
    assert result.path is not None
    live = build(target_url, rows=False)
    if by_client:
        live.by_client(result.path)
    else:
        branches.demo.load(live, result.path)
    assert live.rows("SELECT follows_id FROM book WHERE id = 12") == [(13,)]
    assert live.value("SELECT count(*) FROM sales") == 4


@engines("sqlite")
def test_the_same_inputs_give_the_same_bytes(branches: Branches) -> None:
    branches.diverge(OURS, theirs())
    first, second = (
        branches.merge(now=datetime(2025, 1, day, tzinfo=UTC), base="v1").path for day in (13, 14)
    )
    assert first == second
    assert first is not None
    one = first.read_bytes()
    first.unlink()
    again = branches.merge(now=datetime(2025, 1, 14, tzinfo=UTC)).path
    assert again is not None
    differing = [
        (a, b)
        for a, b in zip(one.splitlines(), again.read_bytes().splitlines(), strict=True)
        if a != b
    ]
    assert [a.partition(b":")[0] for a, _ in differing] == [b"-- Version", b"-- Generated"]


CONFLICTING = (
    'UPDATE author SET email = \'{0}\', data = \'{{"a": "{0}", "b": 1}}\' WHERE id = 1',
    "UPDATE review SET words = '{0}' WHERE book_id = 1 AND place = 2",
)


def conflicting(word: str, *more: str) -> tuple[str, ...]:
    return (*(statement.format(word) for statement in CONFLICTING), *more)


@engines("sqlite", "postgresql")
def test_conflicts_are_listed_and_decided(branches: Branches, tmp_path: Path) -> None:
    branches.diverge(
        conflicting("ours", "DELETE FROM review WHERE book_id = 2"),
        conflicting("theirs", "UPDATE review SET words = 'worse' WHERE book_id = 2"),
    )
    before = {path: path.read_bytes() for path in branches.demo.directory.rglob("*.sql")}
    file = tmp_path / "conflicts.toml"
    with pytest.raises(MergeConflictError) as raised:
        branches.merge(conflicts=file)
    assert raised.value.conflicts == 4
    assert raised.value.problems == (
        "author id=1: both changed email",
        "author id=1: both changed data.a",
        "review book_id=1, place=2: both changed words",
        "review book_id=2, place=1: ours deleted the row, theirs changed it",
    )
    assert before == {path: path.read_bytes() for path in branches.demo.directory.rglob("*.sql")}
    written = file.read_text("utf-8")
    assert "ours = \"'ours'\"" in written
    assert 'ours = "(not there)"' in written

    with pytest.raises(UsageError, match="it may hold answers"):
        branches.merge(conflicts=file)
    with pytest.raises(MergeConflictError) as raised:
        branches.merge(answers=file)
    assert raised.value.conflicts == 4
    answers = iter(("ours", "theirs", "base", "theirs"))
    lines = [
        f'take = "{next(answers)}"' if line == 'take = ""' else line for line in written.split("\n")
    ]
    file.write_text("\n".join(lines), "utf-8")
    decided = branches.merge(answers=file, dry_run=True)
    assert sum(table.decided for table in decided.tables) == 3
    result = branches.merge(answers=file)
    assert result.path is not None
    branches.demo.load(branches.live, result.path)
    [[email, data]] = branches.live.rows("SELECT email, data FROM author WHERE id = 1")
    data = json.loads(data) if isinstance(data, str) else data
    assert (email, data) == ("ours", {"a": "theirs", "b": 1})
    words = "SELECT words FROM review ORDER BY book_id, place"
    assert [row[0] for row in branches.live.rows(words)][1:] == ["good", "worse"]


@engines("sqlite")
@pytest.mark.parametrize("side", [Side.OURS, Side.THEIRS])
def test_one_side_wins_every_conflict(branches: Branches, side: Side) -> None:
    branches.diverge(conflicting("ours"), conflicting("theirs"))
    result = branches.merge(take=side)
    assert result.path is not None
    branches.demo.load(branches.live, result.path)
    assert branches.live.value("SELECT email FROM author WHERE id = 1") == side


@engines("sqlite")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text + "[[", "not TOML"),
        (lambda text: text.replace("sha256:", "sha256:0", 1), "its base is not that of this merge"),
        (lambda text: text.replace('take = ""', 'take = "mine"', 1), "neither ours, theirs nor"),
        (lambda text: text.replace('take = ""', "", 1), "lacks a table, row, cell or take"),
        (lambda text: text.replace('cell = "email"', 'cell = "data.a"'), "there twice"),
        (
            lambda text: text.replace('cell = "email"', 'cell = "mail"').replace(
                'take = ""', 'take = "ours"'
            ),
            "1 of the answers are to no conflict",
        ),
        (lambda text: text.replace("conflict", "conflicts"), "4 places|3 places"),
    ],
)
def test_answers_that_do_not_fit_are_refused(
    branches: Branches, tmp_path: Path, change: Any, message: str
) -> None:
    branches.diverge(conflicting("ours"), conflicting("theirs"))
    file = tmp_path / "conflicts.toml"
    with pytest.raises(MergeConflictError):
        branches.merge(conflicts=file)
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    with pytest.raises((UsageError, MergeConflictError), match=message):
        branches.merge(answers=file)
    assert len(branches.demo.store.entries()) == 3


@engines("sqlite")
def test_rows_that_both_added_under_a_key_that_means_something(
    branches: Branches, tmp_path: Path
) -> None:
    branches.diverge(
        ("INSERT INTO review VALUES (1, 3, 'ours')", "INSERT INTO review VALUES (1, 4, 'both')"),
        ("INSERT INTO review VALUES (1, 3, 'theirs')", "INSERT INTO review VALUES (1, 4, 'both')"),
    )
    file = tmp_path / "conflicts.toml"
    with pytest.raises(MergeConflictError) as raised:
        branches.merge(conflicts=file)
    assert raised.value.problems == ("review book_id=1, place=3: both added the row",)
    written = file.read_text("utf-8")
    file.write_text(written.replace('take = ""', 'take = "base"'), "utf-8")
    with pytest.raises(UsageError, match="the base has none to take"):
        branches.merge(answers=file)
    file.write_text(written.replace('take = ""', 'take = "theirs"'), "utf-8")
    result = branches.merge(answers=file)
    assert result.path is not None
    assert b"(1,3,'theirs')" in result.path.read_bytes()
    assert result.path.read_bytes().count(b"(1,4,'both')") == 1


@engines("sqlite")
def test_what_would_not_hold_together_is_refused(branches: Branches) -> None:
    branches.diverge(
        (
            "DELETE FROM sales WHERE book_id = 2",
            "DELETE FROM review WHERE book_id = 2",
            "DELETE FROM book WHERE id = 2",
            "UPDATE author SET email = 'same@x' WHERE id = 1",
        ),
        (
            "INSERT INTO review VALUES (2, 7, 'late')",
            "UPDATE author SET email = 'same@x' WHERE id = 2",
        ),
    )
    with pytest.raises(MergeError) as raised:
        branches.merge()
    assert raised.value.problems == (
        "review.book_id -> book: book_id=2, place=7 would reference a row that the other side"
        " deleted",
        "author.email: id=1 and id=2 would share a unique key",
    )
    assert len(branches.demo.store.entries()) == 3


@engines("sqlite")
def test_tables_that_differ_and_other_engines_are_refused_by_name(
    branches: Branches, postgresql_url: str
) -> None:
    branches.diverge(OURS, theirs())
    branches.live.run("ALTER TABLE book ADD COLUMN pages INTEGER")
    with pytest.raises(MergeError) as raised:
        branches.merge()
    assert raised.value.problems[1] == (
        "v2_2025-01-11 has other columns of book than the database: pages"
    )
    elsewhere = build(postgresql_url)
    with pytest.raises(MergeError) as raised:
        merge_exports(
            branches.demo.config(elsewhere),
            branches.demo.store,
            "general",
            "v2",
            "v3",
            now=datetime.now(UTC),
        )
    assert raised.value.problems[0] == (
        "v1_2025-01-10 was exported from sqlite, and the database is postgresql"
    )


@engines("sqlite")
def test_without_a_base_one_has_to_be_named(branches: Branches) -> None:
    branches.diverge(OURS, theirs())
    for entry in branches.demo.store.entries():
        if entry.version.number == 1:
            branches.demo.store.source(entry).on_disk().unlink()
    with pytest.raises(MergeError, match="v1_2025-01-10 is not there any more") as raised:
        branches.merge()
    assert "base=" in (raised.value.hint or "")
    with pytest.raises(UsageError, match="with itself"):
        branches.merge("v2", "v2_2025-01-11")
    # Against itself as the base, what theirs has is taken: it is the latest already.
    assert not branches.merge(base="v2").written


@engines("sqlite")
def test_the_base_is_found_through_merges_and_new_numbers(branches: Branches) -> None:
    branches.diverge(OURS, theirs())
    merged = branches.merge()
    branches.live.run("UPDATE book SET title = 'later' WHERE id = 1")
    later = branches.demo.export(branches.live, now=datetime(2025, 1, 14, tzinfo=UTC))
    assert describe(later.path).header.base is not None
    # v5 came of v4, and that of v2 and v3.
    for ours, other, base in (("v5", "v3", "v3"), ("v2", "v5", "v2"), ("v4", "v5", "v4")):
        found = branches.merge(ours, other, dry_run=True, take=Side.OURS).base
        assert f"v{found.number}" == base
    assert str(merged.version) == "v4_2025-01-13"
