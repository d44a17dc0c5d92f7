"""After a snapshot is in, the application's next row gets a key that is free, whatever its keys
are drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

CONFIGURATION = '[tables.t]\nmarker = "demo"\n'


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return configured(tmp_path, CONFIGURATION)


def configured(tmp_path: Path, text: str) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(text, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def keys(live: Live, table: str = "t") -> list[int]:
    return [row[0] for row in live.rows(f"SELECT id FROM {table} ORDER BY id")]


def next_keys(live: Live, count: int = 3, table: str = "t") -> list[int]:
    """The application adds rows; the keys they get, in that order. A key in use is an error."""
    found: list[int] = []
    for _ in range(count):
        before = set(keys(live, table))
        live.run(f"INSERT INTO {table} (demo) VALUES (FALSE)")
        found += set(keys(live, table)) - before
    return found


SEQUENCE = "CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT nextval('s'), demo BOOLEAN)"
OWNED = ("CREATE SEQUENCE s {}", SEQUENCE, "ALTER SEQUENCE s OWNED BY t.id")
NAMED = ("CREATE SEQUENCE s {}", SEQUENCE)
IDENTITY = ("CREATE TABLE t (id INTEGER GENERATED {} AS IDENTITY ({}) PRIMARY KEY, demo BOOLEAN)",)
ALWAYS, BY_DEFAULT = (
    tuple(text.replace("GENERATED {}", f"GENERATED {kind}") for text in IDENTITY)
    for kind in ("ALWAYS", "BY DEFAULT")
)

# Options of the sequence; what the demo's keys are; what the application's next ones must be.
CASES = {
    "ordinary": ("START WITH 1", [1, 2, 7], [8, 9, 10]),
    "never called": ("START 50", [1, 2, 7], [50, 51, 52]),
    "exactly the first": ("START 50", [50], [51, 52, 53]),
    "down": ("INCREMENT -1", [-1, -2, -7], [-8, -9, -10]),
    "down past zero": ("INCREMENT -1 MAXVALUE 10 START 10", [10, 3, -4], [-5, -6, -7]),
    "down, keys above": ("INCREMENT -1", [5, 1], [-1, -2, -3]),
    "down by three": ("INCREMENT -3 START -1", [-1, -5], [-7, -10, -13]),
    "by ten": ("INCREMENT 10 START 5", [5, 15, 16], [25, 35, 45]),
    "odd ones": ("INCREMENT 2 START 1", [2, 100], [101, 103, 105]),
    "up, keys beyond": ("MAXVALUE 100", [1, 5, 1000], [6, 7, 8]),
    "down, keys beyond": ("INCREMENT -1 MINVALUE -100", [-1, -5, -1000], [-6, -7, -8]),
    "the last is used": ("MAXVALUE 100", [1, 2, 100], [3, 4, 5]),
    "the last below is used": ("INCREMENT -1 MINVALUE -100", [-1, -2, -100], [-3, -4, -5]),
    "the step leads beyond": ("INCREMENT 10 MAXVALUE 100 START 1", [1, 99], [11, 21, 31]),
    "round again": ("MINVALUE 1 MAXVALUE 6 START 4 CYCLE", [1, 4, 5, 6], [2, 3]),
    "round again, down": (
        "INCREMENT -1 MINVALUE -6 MAXVALUE -1 START -4 CYCLE",
        [-1, -4, -5, -6],
        [-2, -3],
    ),
    "round, not yet": ("MAXVALUE 100 CYCLE", [1, 7], [8, 9, 10]),
    "as far as numbers go": ("AS bigint INCREMENT -1 MINVALUE -9223372036854775808", [-1], [-2]),
    "no rows": ("INCREMENT -1", [], [-1, -2, -3]),
}


KINDS = {"owned": OWNED, "named": NAMED, "always": ALWAYS, "by default": BY_DEFAULT}
EXHAUSTING = {case for case in CASES if " is used" in case or "round again" in case} | {
    "the step leads beyond"
}
by_kind = pytest.mark.parametrize("kind", KINDS)


def created(live: Live, kind: str, case: str) -> list[str]:
    """Make the case's sequence and table anew; the statements that add its rows."""
    options, used, _ = CASES[case]
    always = kind == "always"
    if kind in ("always", "by default"):
        options = options.replace("AS bigint ", "").replace("-9223372036854775808", "-2147483648")
    live.run("DROP TABLE IF EXISTS t", "DROP SEQUENCE IF EXISTS s")
    live.run(*(text.format(options) for text in KINDS[kind]))
    into = f"INSERT INTO t {'OVERRIDING SYSTEM VALUE ' if always else ''}VALUES"
    return [f"{into} ({key}, TRUE)" for key in used]


@by_kind
@engines("postgresql")
def test_the_next_key_is_free(database_url: str, demo: Demo, kind: str) -> None:
    live = Live(database_url)
    found = {}
    for case, (_, used, expected) in CASES.items():
        for route in ("direct", "merge"):
            added = created(live, kind, case)
            live.run(*added)
            path = demo.export(live, allow_empty=True).path
            live.run("DELETE FROM t", *(added[:1] if route == "merge" else ()))
            demo.load(live, path)
            assert keys(live) == sorted(used)
            found[case, route] = next_keys(live, len(expected))
    assert found == {(case, route): CASES[case][2] for case, route in found}


@by_kind
@engines("postgresql", "postgresql15")
def test_psql_loads_the_file_and_moves_the_sequence(
    database_url: str, demo: Demo, kind: str
) -> None:
    """Where keys go on to the sequence's end, the file leaves it where it was."""
    live = Live(database_url)
    found = {}
    for case, (_, used, expected) in CASES.items():
        live.run(*created(live, kind, case))
        path = demo.export(live, allow_empty=True).path
        live.run("DELETE FROM t")
        for _ in range(2):
            live.by_client(path)
            assert keys(live) == sorted(used)
        if case not in EXHAUSTING:
            found[case] = next_keys(live, len(expected))
        live.by_client(path)
    assert found == {case: CASES[case][2] for case in found}


@engines("postgresql")
def test_psql_does_not_need_the_sequence(database_url: str, demo: Demo) -> None:
    """A target whose column draws from another sequence, or from none."""
    live = Live(database_url)
    live.run("CREATE SEQUENCE s INCREMENT -1", SEQUENCE, "INSERT INTO t VALUES (-4, TRUE)")
    path = demo.export(live).path
    live.run("ALTER TABLE t ALTER id DROP DEFAULT", "DROP SEQUENCE s")
    live.by_client(path)
    assert keys(live) == [-4]


@engines("postgresql")
def test_a_sequence_never_moves_backwards(database_url: str, demo: Demo) -> None:
    live = Live(database_url)
    live.run("CREATE SEQUENCE s INCREMENT -5", SEQUENCE, "INSERT INTO t VALUES (-4, TRUE)")
    path = demo.export(live).path
    live.run("SELECT setval('s', -1000)")
    demo.load(live, path)
    live.by_client(path)
    assert next_keys(live, 1) == [-1005]


@engines("postgresql", "mariadb")
def test_one_sequence_for_two_tables(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    default = "nextval('s')" if live.engine == "postgresql" else "nextval(s)"
    live.run("CREATE SEQUENCE s START WITH -1 INCREMENT BY -1 MAXVALUE -1 MINVALUE -9000")
    for table, key in (("t", -7), ("u", -9)):
        live.run(
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY DEFAULT {default}, demo BOOLEAN)",
            f"INSERT INTO {table} VALUES ({key}, TRUE)",
        )
    both = configured(tmp_path, f'{CONFIGURATION}[tables.u]\nmarker = "demo"\n')
    path = both.export(live).path
    both.load(live, path)
    assert next_keys(live, 1) == [-10]
    assert next_keys(live, 1, "u") == [-11]
    if live.engine == "postgresql":
        live.run("ALTER SEQUENCE s RESTART", "DELETE FROM t", "DELETE FROM u")
        live.by_client(path)
        assert next_keys(live, 1) == [-10]


@engines("postgresql")
def test_a_sequence_in_another_schema(database_url: str, demo: Demo) -> None:
    live = Live(database_url)
    live.run(
        'CREATE SCHEMA "Own"',
        'CREATE SEQUENCE "Own"."Numbers; --" INCREMENT -2',
        'CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT nextval(\'"Own"."Numbers; --"\'),'
        " demo BOOLEAN)",
        "INSERT INTO t VALUES (-1, TRUE), (-3, TRUE)",
    )
    path = demo.export(live).path
    demo.load(live, path)
    live.by_client(path)
    assert next_keys(live, 2) == [-5, -7]


@engines("postgresql")
def test_text_and_numbers_made_from_a_sequence(database_url: str, demo: Demo) -> None:
    """What is no number says nothing of its sequence, and keeps nothing out."""
    live = Live(database_url)
    live.run(
        "CREATE SEQUENCE s",
        "CREATE TABLE t (id NUMERIC PRIMARY KEY DEFAULT nextval('s'), demo BOOLEAN,"
        " label TEXT UNIQUE DEFAULT 'no ' || nextval('s'), half FLOAT DEFAULT nextval('s'))",
        "INSERT INTO t VALUES (8, TRUE, 'no 9', 'NaN'), ('NaN', TRUE, 'x', 'Infinity')",
    )
    path = demo.export(live).path
    live.run("DELETE FROM t")
    demo.load(live, path)
    live.run("DELETE FROM t WHERE id = 'NaN'")
    assert [int(key) for key in next_keys(live, 1)] == [9]
    live.by_client(path)


@engines("postgresql")
def test_a_key_of_two_columns_and_a_number_beside_the_key(database_url: str, demo: Demo) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE t (tenant INTEGER DEFAULT 1, id SERIAL, demo BOOLEAN,"
        " position INTEGER GENERATED BY DEFAULT AS IDENTITY UNIQUE, PRIMARY KEY (tenant, id))",
        "INSERT INTO t VALUES (1, 5, TRUE, 6)",
    )
    path = demo.export(live).path
    live.by_client(path)
    assert next_keys(live, 1) == [6]
    assert live.value("SELECT max(position) FROM t") == 7


@engines("postgresql")
def test_ordinary_sequences_keep_their_line(database_url: str, demo: Demo) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE t (id SERIAL PRIMARY KEY, demo BOOLEAN)", "INSERT INTO t VALUES (5, TRUE)"
    )
    text = demo.export(live).path.read_text()
    assert (
        "/* /* */ -- */ SELECT setval(pg_get_serial_sequence('t','id'), GREATEST((SELECT max(id)+1"
        " FROM t), nextval(pg_get_serial_sequence('t','id'))), false);\n\n-- Verification\n"
    ) in text


# --- MariaDB and SQLite ----------------------------------------------------------------------

MARIADB = "CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT nextval(s), demo BOOLEAN)"
MARIADB_CASES = {
    "ordinary": ("START WITH 1", [1, 2, 7], [8, 9, 10]),
    "never called": ("START WITH 50", [1, 2, 7], [50, 51, 52]),
    "down": ("INCREMENT BY -1", [-1, -2, -7], [-8, -9, -10]),
    "down by three": ("INCREMENT BY -3 START WITH -1", [-1, -5], [-7, -10, -13]),
    "odd ones": ("INCREMENT BY 2 START WITH 1", [2, 100], [101, 103, 105]),
    "without a cache": ("INCREMENT BY 2 START WITH 1 NOCACHE", [2, 100], [101, 103, 105]),
    "up, keys beyond": ("MAXVALUE 100", [1, 5, 1000], [6, 7, 8]),
    "the last is used": ("MAXVALUE 100", [1, 2, 100], [3, 4, 5]),
    "round, not yet": ("MAXVALUE 100 CYCLE", [1, 7], [8, 9, 10]),
    "no rows": ("INCREMENT BY -1", [], [-1, -2, -3]),
}


def test_the_next_key_of_a_sequence_of_mariadb_is_free(mariadb_url: str, demo: Demo) -> None:
    live = Live(mariadb_url)
    found = {}
    for case, (options, used, expected) in MARIADB_CASES.items():
        live.run("DROP TABLE IF EXISTS t", "DROP SEQUENCE IF EXISTS s")
        live.run(f"CREATE SEQUENCE s {options}", MARIADB)
        live.run(*(f"INSERT INTO t VALUES ({key}, TRUE)" for key in used))
        path = demo.export(live, allow_empty=True).path
        live.run("DELETE FROM t")
        demo.load(live, path)
        assert keys(live) == sorted(used)
        found[case] = next_keys(live, len(expected))
    assert found == {case: MARIADB_CASES[case][2] for case in found}


def test_a_proof_draws_nothing_from_a_real_sequence(mariadb_url: str, demo: Demo) -> None:
    live = Live(mariadb_url)
    live.run("CREATE SEQUENCE s", MARIADB, "INSERT INTO t VALUES (500, TRUE)")
    assert demo.export(live, prove=True).proof is not None
    assert next_keys(live, 1) == [1]


def test_auto_increment_in_steps(mariadb_url: str, demo: Demo) -> None:
    """Two servers that write to one another give odd keys here and even ones there."""
    live = Live(mariadb_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTO_INCREMENT, demo BOOLEAN)",
        "INSERT INTO t VALUES (1, TRUE), (100, TRUE), (-8, TRUE)",
    )
    path = demo.export(live).path
    for empty in (True, False):
        if empty:
            live.run("TRUNCATE t")
        live.run("UPDATE t SET demo = TRUE")
        demo.load(live, path)
        with live.connection() as raw, raw.cursor() as cursor:
            cursor.execute("SET auto_increment_increment = 10, auto_increment_offset = 3")
            cursor.execute("INSERT INTO t (demo) VALUES (FALSE)")
            assert cursor.lastrowid == 103 if empty else cursor.lastrowid > 103
            cursor.execute("DELETE FROM t WHERE id > 100")


def test_autoincrement_of_sqlite(sqlite_url: str, demo: Demo) -> None:
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, demo BOOLEAN)",
        "INSERT INTO t VALUES (1, TRUE), (100, TRUE), (-8, TRUE)",
    )
    path = demo.export(live).path
    live.run("DELETE FROM t", "DELETE FROM sqlite_sequence")
    demo.load(live, path)
    assert next_keys(live, 2) == [101, 102]
