"""A version in parts: joined it is a single export, byte for byte, and no part can be lost, altered
or exchanged unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live

from demo_snapshots.documents.opening import describe, reading
from demo_snapshots.errors import DocumentError, UsageError
from demo_snapshots.model.snapshots import DocumentForm, Packing, part_name
from demo_snapshots.operations.backup import backup_store
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.operations.copying import copy_versions
from demo_snapshots.operations.export import export_scenario
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import validate_export_file, verify_exports
from demo_snapshots.store import Store, open_store

CONFIGURATION = """\
[tables.papers]
marker = "is_demo"

[tables.pages]
follows = "paper_id"

[tables.marks]
where = "page < 25"

[tables.words]
where = "note <> 'real'"

[tables.plain]
where = "n > 0"

[tables.empties]
where = "id > 0"

[references]
countries = "include"
"""
PARTS = (1, 2, 7, 900)


def _values(table: str, rows: Iterable[str]) -> str:
    return f"INSERT INTO {table} VALUES {', '.join(rows)}"


@pytest.fixture
def live(database_url: str) -> Live:
    """Integer, text and composite keys; references to later rows; rows that travel along; a table
    without a key, and an empty one."""
    live = Live(database_url)
    texts = ["it''s", "ä", "Z", "z", "\n", "ﬀ", "\t.", "🐘"]
    live.run(
        "CREATE TABLE countries (id INTEGER PRIMARY KEY, iso VARCHAR(9))",
        "CREATE TABLE papers (id INTEGER PRIMARY KEY, is_demo BOOLEAN, title VARCHAR(99),"
        " next_id INTEGER REFERENCES papers (id), country_id INTEGER REFERENCES countries (id))",
        "CREATE TABLE pages (id INTEGER PRIMARY KEY,"
        " paper_id INTEGER NOT NULL REFERENCES papers (id))",
        "CREATE TABLE marks (page INTEGER, place VARCHAR(9), note VARCHAR(99),"
        " PRIMARY KEY (page, place))",
        "CREATE TABLE words (word VARCHAR(99) PRIMARY KEY, note VARCHAR(99))",
        "CREATE TABLE plain (n INTEGER)",
        "CREATE TABLE empties (id INTEGER PRIMARY KEY)",
        _values("countries", ["(1, 'DE')", "(2, 'PT')", "(3, 'NO')"]),
        _values(
            "papers",
            (f"({n - 900}, {n % 7 != 0}, 'p {n}', NULL, {n % 2 + 1})" for n in range(2000)),
        ),
        "UPDATE papers SET next_id = id + 1 WHERE id > 0 AND id < 300 AND id % 7 = 1",
        _values("pages", (f"({n}, {n - 899})" for n in range(900) if (n + 1) % 7)),
        _values("marks", (f"({n // 40}, '{texts[n % 8][:7]}{n % 40}', NULL)" for n in range(1500))),
        _values("words", (f"('{texts[n * 5 % 8]}{n * 7919 % 1000}', 'x{n}')" for n in range(1000))),
        _values("plain", (f"({n % 50})" for n in range(300))),
    )
    return live


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "demo.toml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return path


@pytest.fixture
def demo(tmp_path: Path, configuration: Path) -> Demo:
    return Demo(tmp_path / "snapshots", configuration)


def whole(path: Path) -> bytes:
    with reading(path) as stream:
        return stream.read()


@engines("sqlite", "postgresql", "mariadb")
def test_joined_they_are_a_single_export_and_load_as_one(live, configuration, tmp_path):
    single = Demo(tmp_path / "single", configuration).export(live)
    for parts in PARTS:
        demo = Demo(tmp_path / str(parts), configuration)
        saved = demo.export(live, parts=parts)
        assert (saved.digest, saved.statistics) == (single.digest, single.statistics)
        assert whole(saved.path) == single.path.read_bytes()
        assert saved.parts == len(list(saved.path.parent.glob("*_part_*"))) <= parts
    assert saved.parts > 20
    assert verify_exports(demo.store).valid
    jobs = Demo(tmp_path / "jobs", configuration).export(live, parts=5, jobs=2)
    assert jobs.digest == single.digest, "several connections read, where they can"

    before = live.dump()
    live.by_client(saved.path)
    assert live.dump() == before, "to a stock client the head is nothing but comments"
    live.run("UPDATE words SET note = 'edited'", "DELETE FROM marks WHERE page = 3")
    demo.load(live, saved.path)
    assert live.dump() == before


KEYS = {
    "sqlite": {
        "INTEGER": "n",
        "REAL": "n / 8.0 - 9",
        "BLOB": "CAST('k' || n AS BLOB)",
        "": "CASE n % 4 WHEN 0 THEN n WHEN 1 THEN n / 8.0 WHEN 2 THEN 'x' || n"
        " ELSE zeroblob(n) END",
        "TEXT": "CASE n % 9 WHEN 0 THEN 'nul' || char(0) || n ELSE 'it''s ' || n END",
    },
    "postgresql": {
        "UUID": "md5(n::text)::uuid",
        "TIMESTAMPTZ": "timestamptz '2025-03-30 00:30+01' + n * interval '1 minute'",
        "NUMERIC": "CASE n WHEN 1 THEN 'NaN' ELSE n - 99.5 END",
        "BYTEA": "decode(md5(n::text), 'hex')",
        "DOUBLE PRECISION": "n / 7.0",
        "TEXT": "chr(1 + n % 31) || '\\ '' ' || n",
    },
    "mariadb": {
        "UUID": "CAST(LPAD(HEX(n * 7919), 32, '0') AS UUID)",
        "DATETIME(6)": "TIMESTAMP '2025-03-30 00:30:00' + INTERVAL n MINUTE",
        "DECIMAL(9,2)": "n - 99.5",
        "VARBINARY(99)": "UNHEX(MD5(n))",
        "DATE": "DATE '2025-01-01' + INTERVAL n DAY",
        "VARCHAR(99)": "CONCAT(CHAR(1 + n % 31 USING utf8mb4), '\\ '' ', n)",
    },
}


@engines("sqlite", "postgresql", "mariadb")
def test_keys_of_every_kind_are_parted(database_url, tmp_path):
    live = Live(database_url)
    tables = [f"t{n}" for n in range(len(KEYS[live.engine]))]
    for name, (kind, key) in zip(tables, KEYS[live.engine].items(), strict=True):
        live.run(
            f"CREATE TABLE {name} (k {kind} NOT NULL PRIMARY KEY)",
            f"INSERT INTO {name} WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s"
            f" WHERE n < 700) SELECT {key} FROM s",
        )
    configuration = tmp_path / "demo.toml"
    configuration.write_text("".join(f'[tables.{t}]\nwhere = "1 = 1"\n' for t in tables))
    single = Demo(tmp_path / "single", configuration).export(live)
    saved = Demo(tmp_path / "parts", configuration).export(live, parts=40)
    assert saved.parts > 2 * len(tables)
    assert whole(saved.path) == single.path.read_bytes()


@pytest.fixture
def saved(sqlite_url: str, demo: Demo, configuration: Path) -> Path:
    """The head of a version in four parts."""
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE words (word VARCHAR(99) PRIMARY KEY, note VARCHAR(99))",
        _values("words", (f"('w{n}', 'x{n}')" for n in range(2000))),
    )
    configuration.write_text("[tables.words]\nwhere = \"note <> 'real'\"\n", encoding="utf-8")
    result = demo.export(live, parts=4)
    assert result.parts == 4
    return result.path


def _parts(head: Path) -> list[Path]:
    names = re.findall(r'"file": "([^"]+)"', head.read_text(encoding="utf-8"))
    return [head.with_name(name) for name in names]


def _remove(head: Path, parts: list[Path]) -> None:
    parts[1].unlink()


def _alter(head: Path, parts: list[Path]) -> None:
    parts[1].write_bytes(parts[1].read_bytes().replace(b"'x", b"'y", 1))


def _cut(head: Path, parts: list[Path]) -> None:
    parts[1].write_bytes(parts[1].read_bytes()[:-100])


def _exchange(head: Path, parts: list[Path]) -> None:
    parts[2].replace(parts[1])


def _exchange_names(head: Path, parts: list[Path]) -> None:
    """In the head, which then says the right size and SHA-256 of each."""
    lines = head.read_text(encoding="utf-8").splitlines(keepends=True)
    first, second = (
        n for n, line in enumerate(lines) if line.startswith(("-- Part 2", "-- Part 3"))
    )
    one, other = lines[first][9:], lines[second][9:]
    lines[first], lines[second] = "-- Part 2" + other, "-- Part 3" + one
    head.write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_remove, "part 2 of 4, .* is missing"),
        (_alter, "part 2 of 4, .* it was altered"),
        (_cut, "part 2 of 4, .* it was altered"),
        (_exchange, "part 2 of 4, .* it was altered"),
        (_exchange_names, "the rows are not those the digest was made of"),
    ],
)
def test_a_part_that_is_not_what_it_was_is_named_and_nothing_changes(
    saved, demo, sqlite_url, spoil, says
):
    live = Live(sqlite_url)
    live.run("UPDATE words SET note = 'edited'")
    before = live.dump()
    spoil(saved, _parts(saved))
    with pytest.raises(DocumentError, match=says):
        demo.load(live, saved)
    assert live.dump() == before
    assert [p for check in verify_exports(demo.store).versions for p in check.problems]
    # What a damaged version names is not taken for what nobody names.
    there = set(saved.parent.glob("*_part_*"))
    with demo.store.lock():
        assert set(saved.parent.glob("*_part_*")) == there


def test_a_part_by_itself_is_no_version(saved):
    with pytest.raises(DocumentError, match="a part of a version"):
        validate_export_file(_parts(saved)[0])


def _joined(store: Store) -> list[bytes]:
    assert verify_exports(store).valid
    assert store.stale() == ()
    return [whole(store.source(entry).on_disk()) for entry in store.entries()]


def test_versions_share_parts_and_are_carried_with_them(saved, demo, sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run("UPDATE words SET note = 'new' WHERE word = 'w0'")
    second = demo.export(live, parts=4)
    assert len({*_parts(saved), *_parts(second.path)}) == 5, "what is unchanged is there once"
    assert demo.export(live, parts=7).written is False
    assert demo.export(live).written is False
    assert len(list(saved.parent.glob("*_part_*"))) == 5
    (listed,) = demo.store.listing().scenarios
    assert [len(entry.parts) for entry in listed.entries] == [4, 4]
    joined = _joined(demo.store)

    copy = open_store(tmp_path / "copy", describe)
    copy_versions(demo.store, copy)
    archive = tmp_path / "all.tar.zst"
    backup_store(demo.config(live), demo.store, archive, now=NOW)
    restored = open_store(tmp_path / "restored", describe)
    restore_store(restored, archive)
    for store in (copy, restored):
        assert store.entries() == demo.store.entries()
        assert _joined(store) == joined

    freed = cleanup_exports(demo.store, keep=1)
    assert [entry.version.number for entry in freed.removed] == [1]
    assert {*saved.parent.glob("*_part_*")} == {*_parts(second.path)}
    assert _joined(demo.store) == joined[:1]


def test_a_repair_gives_a_head_another_number_and_leaves_its_parts(saved, demo):
    other = saved.with_name(saved.name.replace("2025-01-20", "2025-01-21"))
    text = saved.read_bytes().replace(b": v1_2025-01-20\n", b": v1_2025-01-21\n")
    other.write_bytes(text.replace(b"-- Generated: 2025-01-20", b"-- Generated: 2025-01-21"))
    parts = {*saved.parent.glob("*_part_*")}
    (moved,) = repair_store(demo.store).renumbered
    assert str(moved.becomes) == "v2_2025-01-21"
    assert {*saved.parent.glob("*_part_*")} == parts
    assert len({text.partition(b"\n\n")[2] for text in _joined(demo.store)}) == 1


def test_an_export_that_ends_early_leaves_no_part(saved, demo, sqlite_url):
    live = Live(sqlite_url)
    live.run("UPDATE words SET note = 'new'")
    there = set(saved.parent.iterdir())

    def stop(table: str, done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.export(live, parts=4, progress=stop)
    assert set(saved.parent.iterdir()) == there

    # Killed, it leaves some; whoever writes next removes them, and nothing else.
    left = saved.with_name(part_name("general", "0" * 64, Packing.PLAIN))
    left.write_bytes(b"half of a part")
    assert verify_exports(demo.store).notes
    with demo.store.lock():
        assert set(saved.parent.iterdir()) == there


def test_proofs_and_deltas_read_them_as_one_version(saved, demo, sqlite_url):
    live = Live(sqlite_url)
    live.run("UPDATE words SET note = 'new' WHERE word = 'w7'")
    assert demo.export(live, parts=2, prove=True).proof
    live.run("UPDATE words SET note = 'newer' WHERE word = 'w7'")
    assert demo.export(live, delta=True).delta
    assert verify_exports(demo.store).valid
    demo.load(live, saved)
    assert live.value("SELECT note FROM words WHERE word = 'w7'") == "x7"


@pytest.mark.parametrize("packing", [Packing.GZIP, Packing.ZSTD])
def test_parts_are_compressed_as_a_whole_version_is(saved, demo, sqlite_url, packing, tmp_path):
    there = Demo(tmp_path / "packed", demo.configuration)
    result = there.export(Live(sqlite_url), parts=4, compress=packing)
    assert result.path.name.endswith(packing.ending(DocumentForm.PARTS))
    assert len(list(result.path.parent.glob(f"*_part_*{packing.suffix}"))) == 4
    assert whole(result.path) == whole(saved)
    assert verify_exports(there.store).valid


def test_a_bucket_keeps_them(saved, demo, sqlite_url, bucket_url):
    bucket = open_store(bucket_url, describe)
    exported = export_scenario("general", demo.config(Live(sqlite_url)), bucket, now=NOW, parts=4)
    assert exported.parts == 4
    assert verify_exports(bucket).valid
    assert bucket.entries() == demo.store.entries()
    with reading(bucket.source(bucket.entries()[0])) as stream:
        assert stream.read() == whole(saved)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"parts": 0}, "from 1 to 999 parts"),
        ({"parts": 1000}, "from 1 to 999 parts"),
        ({"parts": 2, "format": DocumentForm.JSON}, "in parts is SQL, and JSON is asked for"),
        ({"parts": 2, "delta": True}, "a delta is one file"),
    ],
)
def test_what_cannot_be_is_refused(saved, demo, sqlite_url, options, says):
    with pytest.raises(UsageError, match=says):
        demo.export(Live(sqlite_url), **options)
