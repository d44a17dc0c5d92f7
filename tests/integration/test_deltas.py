"""Versions that hold what changed: chains of them, what they are on top of, and who moves them."""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live
from msgspec.structs import replace
from unit.store.memory import Died, MemoryBackend, Place

from demo_snapshots.config.settings import load_config
from demo_snapshots.documents.opening import describe, folded, reading
from demo_snapshots.errors import DemoError, DocumentError, StoreError, UsageError
from demo_snapshots.model.results import ExportResult
from demo_snapshots.model.snapshots import DocumentForm, Packing
from demo_snapshots.operations.backup import backup_store
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.operations.compare import compare_exports
from demo_snapshots.operations.convert import convert_file
from demo_snapshots.operations.copying import copy_versions
from demo_snapshots.operations.export import export_scenario
from demo_snapshots.operations.merge import merge_exports
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import validate_export_file, verify_exports
from demo_snapshots.store import Store, open_store

TABLES = (
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT UNIQUE, code TEXT UNIQUE,"
    " is_demo BOOLEAN)",
    "CREATE TABLE members (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL REFERENCES teams (id),"
    " code TEXT REFERENCES teams (code), seat INTEGER, is_demo BOOLEAN, UNIQUE (team_id, seat))",
    "CREATE TABLE logs (line TEXT, is_demo BOOLEAN)",
)
ROWS = (
    "INSERT INTO teams VALUES (1, 'a', 'A', 1), (2, 'b', 'B', 1), (3, 'c', 'C', 1)",
    "INSERT INTO members VALUES (1, 1, 'A', 1, 1), (2, 2, NULL, 1, 1), (3, 1, NULL, NULL, 1)",
    "INSERT INTO logs VALUES ('one', 1), ('one', 1)",
    # Enough that a delta is smaller.
    "WITH RECURSIVE n (i) AS (SELECT 10 UNION SELECT i + 1 FROM n WHERE i < 200)"
    " INSERT INTO teams SELECT i, 'team ' || i, NULL, 1 FROM n",
)
MARKED = "".join(f'[tables.{name}]\nmarker = "is_demo"\n' for name in ("teams", "members", "logs"))


@pytest.fixture
def live(sqlite_url: str) -> Live:
    live = Live(sqlite_url)
    live.run(*TABLES, *ROWS)
    return live


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(MARKED, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def edited(demo: Demo, live: Live, name: str, **options: Any) -> ExportResult:
    """A delta of one edit."""
    live.run(f"UPDATE teams SET name = '{name}' WHERE id = 2")
    found = demo.export(live, delta=True, **options)
    assert found.whole_because is None
    assert found.delta is not None
    return found


def text(store: Store, version: str) -> bytes:
    with reading(store.source(store.find("general", version))) as stream:
        return stream.read()


# --- Chains ----------------------------------------------------------------------------------


def test_a_chain_starts_again_after_eight(demo: Demo, live: Live) -> None:
    demo.export(live)
    for number in range(8):
        edited(demo, live, f"b{number}")
    live.run("UPDATE teams SET name = 'b9' WHERE id = 2")
    ninth = demo.export(live, delta=True)
    assert ninth.whole_because == "v9_2025-01-20 is the last of 8 deltas in a row"
    assert ninth.path.name == "general_v10_2025-01-20.sql"
    assert edited(demo, live, "b10").delta is not None
    # The longest chain is read as any version is; its rows come back.
    demo.load(live, demo.store.file(demo.store.find("general", "v9")).on_disk())
    assert live.value("SELECT name FROM teams WHERE id = 2") == "b7"
    assert verify_exports(demo.store).valid
    found = compare_exports(demo.config(live), demo.store, "general", "v1", "v9")
    assert [(table.table, table.changed) for table in found.tables if table.changed] == [
        ("teams", 1)
    ]


def test_unchanged_rows_write_nothing(demo: Demo, live: Live) -> None:
    demo.export(live)
    edited(demo, live, "x")
    again = demo.export(live, delta=True)
    assert (again.written, again.version.number) == (False, 2)
    empty = demo.export(live, delta=True, auto_version=True)
    assert (empty.written, empty.version.number) == (True, 3)
    assert not demo.export(live).written
    assert text(demo.store, "v3").count(b"INSERT INTO teams") > 0


def test_a_version_is_named(demo: Demo, live: Live) -> None:
    demo.export(live)
    edited(demo, live, "x")
    live.run("UPDATE teams SET name = 'y' WHERE id = 2")
    third = demo.export(live, delta="v1")
    assert third.delta is not None
    assert third.delta.on.version.number == 1
    with pytest.raises(DemoError, match="no version 'v7'"):
        demo.export(live, delta="v7")
    with pytest.raises(UsageError, match="written in SQL, and not in JSON"):
        demo.export(live, delta=True, format=DocumentForm.JSON)


WHOLE = {
    "logs has no key": "INSERT INTO logs VALUES ('two', 1)",
    "rows of teams exchange values of name, a unique key": "UPDATE teams SET name = CASE id WHEN 1"
    " THEN 'b' WHEN 2 THEN 'tmp' ELSE name END WHERE id = 2; UPDATE teams SET name = 'b' WHERE"
    " id = 1; UPDATE teams SET name = 'a' WHERE id = 2",
    "teams.code changes, which members references": "UPDATE members SET code = NULL;"
    " UPDATE teams SET code = 'AA' WHERE id = 1",
    "members.team_id cannot be NULL, is unique, and changes": "UPDATE members SET team_id = 3"
    " WHERE id = 2",
    "its demo rows are selected otherwise": "",
    "its tables are not the same": "ALTER TABLE teams ADD COLUMN more TEXT",
    "takes as much room": "UPDATE teams SET name = name || '!' WHERE id > 9",
}


@pytest.mark.parametrize("why", WHOLE)
def test_what_no_client_could_load_row_by_row_is_whole(
    why: str, demo: Demo, live: Live, tmp_path: Path
) -> None:
    demo.export(live)
    for statement in filter(None, WHOLE[why].split("; ")):
        live.run(statement)
    if "selected" in why:
        assert demo.configuration is not None
        demo.configuration.write_text(MARKED.replace('marker = "is_demo"', "where = '1=1'", 1))
    found = demo.export(live, delta=True, auto_version=True)
    assert why in str(found.whole_because)
    assert found.delta is None
    assert describe(demo.store.file(demo.store.find("general", "v2"))).form is DocumentForm.SQL


def test_a_reference_that_cannot_be_let_go_of_is_whole_where_rows_go(
    demo: Demo, sqlite_url: str
) -> None:
    live = Live(sqlite_url)
    live.run(*(statement.replace(", UNIQUE (team_id, seat)", "") for statement in TABLES), *ROWS)
    demo.export(live)
    live.run("UPDATE members SET team_id = 3 WHERE id = 2")
    assert demo.export(live, delta=True).whole_because is None
    live.run("UPDATE members SET team_id = 1 WHERE id = 2", "DELETE FROM teams WHERE id = 3")
    assert "references teams, of which rows go" in str(demo.export(live, delta=True).whole_because)


def test_what_a_delta_cannot_say_shows_before_it_is_published(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Two foreign keys of one column make two lists of deferred references that look like one."""
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE rings (id INTEGER PRIMARY KEY, next_id INTEGER, note TEXT, is_demo BOOLEAN,"
        " FOREIGN KEY (next_id) REFERENCES rings (id),"
        " FOREIGN KEY (next_id) REFERENCES rings (id))",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 100)"
        " INSERT INTO rings SELECT i, NULL, 'a note', 1 FROM n",
        "UPDATE rings SET next_id = 9 WHERE id = 2",
    )
    file = tmp_path / "demo.toml"
    file.write_text('[tables.rings]\nmarker = "is_demo"\n', "utf-8")
    demo = Demo(tmp_path / "snapshots", file)
    demo.export(live)
    live.run("UPDATE rings SET next_id = 8 WHERE id = 2")
    found = demo.export(live, delta=True)
    assert found.whole_because == "put together again it would not be the same"
    assert verify_exports(demo.store).valid


def test_the_first_version_is_whole(demo: Demo, live: Live) -> None:
    found = demo.export(live, delta=True)
    assert found.whole_because == "there is no version before it"


# --- What a delta is on top of ---------------------------------------------------------------


def test_a_missing_base_is_named_before_the_database_is_touched(demo: Demo, live: Live) -> None:
    base = demo.export(live)
    path = edited(demo, live, "x").path
    base.path.rename(base.path.with_name("elsewhere"))
    before = live.dump()
    with pytest.raises(StoreError, match="v2_2025-01-20 is a delta on top of v1_2025-01-20, which"):
        demo.store.source(demo.store.find("general", "v2"))
    with pytest.raises(DocumentError, match="on top of v1_2025-01-20, which is not beside it"):
        demo.load(live, path)
    assert live.dump() == before
    [check] = [c for c in verify_exports(demo.store).versions if c.version.number == 2]
    assert "which is not there" in check.problems[0]
    # The rows are saved again, whole.
    again = demo.export(live, delta=True)
    assert again.damaged is not None
    assert again.whole_because == "the version before it is damaged"


@pytest.mark.parametrize("seal", [False, True])
def test_an_altered_base_is_named_before_the_database_is_touched(
    demo: Demo, live: Live, *, seal: bool
) -> None:
    from unit.documents.documents import sealed

    base = demo.export(live)
    path = edited(demo, live, "x").path
    altered = base.path.read_bytes().replace(b"(3,'c','C'", b"(3,'d','C'")
    base.path.write_bytes(sealed(altered) if seal else altered)
    before = live.dump()
    if seal:
        # Found beside it by its rows, and there are none with these.
        with pytest.raises(DocumentError, match="which is not beside it"):
            demo.load(live, path)
    with pytest.raises(DemoError, match="general_v1_2025-01-20") as caught:
        import_latest(demo, live)
    assert "holds other rows" in caught.value.message or "was altered" in caught.value.message
    assert live.dump() == before
    again = demo.export(live, auto_version=True)
    assert again.damaged is not None
    assert "v1_2025-01-20" in again.damaged.problems[0] or seal


def import_latest(demo: Demo, live: Live) -> None:
    from demo_snapshots.operations.import_ import import_latest_scenario

    import_latest_scenario("general", demo.config(live), demo.store)


def test_by_its_path_a_delta_is_read_with_what_lies_beside_it(
    demo: Demo, live: Live, tmp_path: Path
) -> None:
    demo.export(live)
    edited(demo, live, "x")
    path = edited(demo, live, "y").path
    whole = tmp_path / "whole.sql"
    convert_file(path, "sql", whole)
    assert whole.read_bytes() == text(demo.store, "v3")
    assert validate_export_file(path).form is DocumentForm.DELTA
    # Another name does not matter.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for number, file in enumerate(sorted(path.parent.glob("general_*"))):
        shutil.copy(file, elsewhere / f"{number}.sql")
    convert_file(elsewhere / "2.sql", "yaml", tmp_path / "demo.yaml")
    assert describe(tmp_path / "demo.yaml").digest == describe(whole).digest


@pytest.mark.parametrize("packing", [Packing.ZSTD, Packing.GZIP])
def test_deltas_are_compressed_on_top_of_other_forms(
    packing: Packing, demo: Demo, live: Live
) -> None:
    demo.export(live, format=DocumentForm.JSON)
    found = edited(demo, live, "x", compress=packing)
    assert found.path.name == f"general_v2_2025-01-20{packing.ending(DocumentForm.DELTA)}"
    assert found.path.with_name(f"latest{packing.ending(DocumentForm.DELTA)}").exists()
    before = live.dump()
    live.run("DELETE FROM logs")
    demo.load(live, found.path)
    assert live.dump() == before


def test_a_process_that_dies_leaves_a_whole_delta_or_none(demo: Demo, live: Live) -> None:
    place = Place()
    config = demo.config(live)

    def opened() -> Store:
        return Store(MemoryBackend(place), describe, folded)

    export_scenario("general", config, opened(), now=NOW)
    live.run("UPDATE teams SET name = 'x' WHERE id = 2")
    before, left = dict(place.objects), []
    for at in count(1):
        place.objects, place.holder = dict(before), None
        with suppress(Died), place.failing(at, deadly=True):
            export_scenario("general", config, opened(), now=NOW, delta=True)
            break
        place.holder = None
        place.unsettled.clear()  # the power stayed on
        store = opened()
        with store.lock():
            left.append(len(store.entries()))
        assert verify_exports(store).valid
        assert all(text(store, f"v{entry.version.number}") for entry in store.entries())
    assert {*left} == {1, 2}
    assert left == sorted(left)


# --- Who moves and removes files -------------------------------------------------------------


def test_a_clean_up_leaves_what_kept_versions_need(demo: Demo, live: Live) -> None:
    demo.export(live)
    for name in "xyz":
        edited(demo, live, name)
    live.run("UPDATE teams SET name = 'last' WHERE id = 2")
    demo.export(live, delta="v2")
    result = cleanup_exports(demo.store, keep=1)
    assert [entry.version.number for entry in result.removed] == [4, 3]
    assert [entry.version.number for entry in result.needed] == [2, 1]
    assert verify_exports(demo.store).valid


def test_a_backup_brings_chains_back(demo: Demo, live: Live, tmp_path: Path) -> None:
    base = demo.export(live)
    edited(demo, live, "x")
    config = load_config(database=live.url, snapshots=demo.directory, environment={})
    backup_store(config, demo.store, tmp_path / "b.tar", now=NOW)
    there = open_store(tmp_path / "there", describe, folded)
    restore_store(there, tmp_path / "b.tar")
    assert text(there, "v2") == text(demo.store, "v2")
    assert verify_exports(there).valid
    # A base that was altered is left out, and what is on top of it too.
    base.path.write_bytes(base.path.read_bytes() + b"\n")
    with pytest.raises(DemoError, match="nothing to back up"):
        backup_store(config, demo.store, tmp_path / "c.tar", now=NOW)


def test_another_number_leaves_a_chain_whole(demo: Demo, live: Live, tmp_path: Path) -> None:
    demo.export(live)
    edited(demo, live, "x")
    rows = text(demo.store, "v2")
    # Two branches: another version 1 and, on top of it, another version 2 were saved earlier.
    other = Demo(tmp_path / "other", demo.configuration)
    live.run("DELETE FROM members")
    earlier = NOW.replace(hour=1)
    other.export(live, now=earlier)
    live.run("UPDATE teams SET name = 'z' WHERE id = 2")
    other.export(live, delta=True, now=earlier, compress=Packing.GZIP)
    for file in (tmp_path / "other" / "general").glob("general_*"):
        target = demo.directory / "general" / file.name
        shutil.copy(file, target if not target.exists() else target.with_suffix(".sql.gz"))
    packed = demo.directory / "general" / "general_v1_2025-01-20.sql.gz"
    import gzip

    packed.write_bytes(gzip.compress((tmp_path / "other/general" / packed.stem).read_bytes()))
    repair_store(demo.store)
    assert verify_exports(demo.store).valid
    moved = {text(demo.store, f"v{entry.version.number}") for entry in demo.store.entries()}
    assert len(moved) == 4
    assert any(
        found.replace(b"-- Version: v%d" % number, b"-- Version: v2") == rows
        for found in moved
        for number in (2, 3, 4)
    )


def test_two_branches_deltas_in_one_file_are_taken_apart(
    demo: Demo, live: Live, tmp_path: Path
) -> None:
    demo.export(live)
    other = Demo(tmp_path / "other", demo.configuration)
    shutil.copytree(demo.directory, other.directory)
    ours = edited(demo, live, "x").path
    rows = text(demo.store, "v2")
    theirs = edited(other, live, "zz", now=NOW.replace(hour=13)).path
    sides = ours.read_bytes(), theirs.read_bytes()
    ours.write_bytes(b"<<<<<<< ours\n%b=======\n%b>>>>>>> theirs\n" % sides)
    repair_store(demo.store)
    assert text(demo.store, "v2") == rows
    assert len(demo.store.entries()) == 3
    assert verify_exports(demo.store).valid


def test_copying_brings_what_deltas_are_on_top_of(demo: Demo, live: Live, tmp_path: Path) -> None:
    demo.export(live)
    there = open_store(tmp_path / "there", describe, folded)
    copy_versions(demo.store, there)
    edited(demo, live, "x")
    # It was removed there, as a clean-up does.
    live.run("UPDATE teams SET name = 'whole' WHERE id = 2")
    demo.export(live)
    copied = replace(there.find("general", "v1"))
    there.use_numbers({"general": 1})
    (tmp_path / "there" / copied.path).unlink()
    result = copy_versions(demo.store, there)
    assert [entry.version.number for entry in result.copied] == [1, 2, 3]
    assert text(there, "v2") == text(demo.store, "v2")


def test_versions_that_end_chains_are_merged(demo: Demo, live: Live) -> None:
    demo.export(live)
    edited(demo, live, "x")
    live.run("UPDATE teams SET name = 'b' WHERE id = 2", "UPDATE members SET seat = 7 WHERE id = 3")
    demo.export(live, delta="v1")
    config = demo.config(live)
    merged = merge_exports(config, demo.store, "general", "v2", "v3", now=NOW, base="v1")
    assert merged.file is not None
    assert merged.file.endswith("general_v4_2025-01-20.sql")
    assert b"(2,'x','B'" in text(demo.store, "v4")
    assert b"(3,1,NULL,7," in text(demo.store, "v4")


def test_a_chain_in_a_bucket(demo: Demo, live: Live, bucket_url: str) -> None:
    store = open_store(bucket_url, describe, folded)
    from demo_snapshots.operations.import_ import import_latest_scenario

    config = demo.config(live)
    export_scenario("general", config, store, now=NOW)
    live.run("UPDATE teams SET name = 'x' WHERE id = 2")
    found = export_scenario("general", config, store, now=NOW, delta=True)
    assert found.delta is not None
    before = live.dump()
    live.run("DELETE FROM logs", "UPDATE teams SET name = 'y' WHERE id = 2")
    import_latest_scenario("general", config, store)
    assert live.dump() == before
    assert verify_exports(store).valid


# --- What only some engines have -------------------------------------------------------------


@engines("postgresql", "postgresql15")
def test_keys_that_are_always_generated_heirs_and_natural_keys(
    database_url: str, tmp_path: Path
) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
        "CREATE TABLE t (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT,"
        " user_id INTEGER REFERENCES users (id), next_id INTEGER REFERENCES t (id),"
        " is_demo BOOLEAN)",
        "CREATE TABLE heir (more TEXT) INHERITS (t)",
        "INSERT INTO users VALUES (1, 'a@x'), (2, 'b@x')",
        "INSERT INTO t (name, user_id, is_demo) SELECT 'row ' || i, 1, TRUE FROM"
        " generate_series(1, 200) AS i",
        "INSERT INTO heir (id, name, is_demo) VALUES (1, 'of a heir', TRUE)",
        "UPDATE ONLY t SET next_id = 9 WHERE id = 1",
    )
    file = tmp_path / "demo.toml"
    file.write_text(
        '[tables.t]\nmarker = "is_demo"\n[references]\nusers = { by-key = ["email"] }\n'
    )
    demo = Demo(tmp_path / "snapshots", file)
    base = demo.export(live).path
    live.run(
        "UPDATE ONLY t SET name = 'x', user_id = 2 WHERE id = 3",
        "UPDATE ONLY t SET next_id = 8 WHERE id = 1",
        "DELETE FROM ONLY t WHERE id = 4",
        "INSERT INTO t (name, user_id, next_id, is_demo) VALUES ('new', 2, 1, TRUE)",
    )
    found = demo.export(live, delta=True)
    assert found.whole_because is None
    before = live.dump()
    live.by_client(base)
    live.by_client(found.path)
    assert live.dump() == before
    live.run("DELETE FROM ONLY t WHERE id > 9")
    demo.load(live, found.path)
    assert live.dump() == before
