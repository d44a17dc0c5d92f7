"""MariaDB as an equal: whole exports and imports on a real server, and its own ways."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live, edited
from integration.test_scenarios import REAL, migrated, seeded, values

from demo_snapshots.documents.opening import describe
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import (
    DatabaseError,
    DatabaseUnreachableError,
    DemoError,
    DocumentError,
    KeyClashError,
    RealRowsError,
    UnfitValueError,
    VerificationError,
)
from demo_snapshots.sample.models import TABLES


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path / "snapshots")


def configured(tmp_path: Path, text: str) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(text, encoding="utf-8")
    return Demo(tmp_path / "own", configuration)


def refused(live: Live, demo: Demo, path: Path, error: type[DemoError]) -> str:
    before = live.dump()
    with pytest.raises(error) as caught:
        demo.load(live, path)
    assert live.dump() == before
    return caught.value.message


# --- The sample application ----------------------------------------------------------------------

EDITS = (
    "UPDATE fragments SET title = UPPER(title) WHERE id IN (3, 5)",
    "UPDATE vaults SET slug = CONCAT('x', slug) WHERE id = 1",
    "UPDATE todos SET state = NULLIF(state, 'open') WHERE id = -1",
    "DELETE FROM todos WHERE id < 4",
    "UPDATE todos SET fragment_id = 2 WHERE id = 9",
    "DELETE FROM contacts WHERE id = 2",
    "INSERT INTO contacts (name, metadata) VALUES ('Visitor', '{\"demo_seed\": true}')",
    "UPDATE chat_sessions SET messages = NULL WHERE id = 1",
)


def test_edited_deleted_and_added_rows_are_put_right_beside_real_ones(mariadb_url, demo):
    live = seeded(mariadb_url)
    live.run(*REAL)
    before, exact = live.dump(), live.rows("CHECKSUM TABLE vaults, fragments, contacts EXTENDED")
    path = demo.export(live).path
    live.run(*EDITS)
    assert live.dump() != before
    result = demo.load(live, path)
    assert result.route == "merge"
    # 2 titles, 1 slug moved off and on, 3 todos back, 1 moved off and on, 1 contact, 1 visitor
    # gone, 1 conversation
    assert result.changed == 2 + 2 + 3 + 2 + 1 + 1 + 1
    assert live.dump() == before
    assert live.rows("CHECKSUM TABLE vaults, fragments, contacts EXTENDED") == exact


def test_straight_in_beside_real_rows_and_the_next_id_is_free(mariadb_url, demo):
    live = seeded(mariadb_url)
    path = demo.export(live).path
    whole = live.dump(*TABLES)
    migrated(mariadb_url)
    live.run("INSERT INTO contacts (id, name) VALUES (5000, 'Ana')")
    assert demo.load(live, path).route == "direct"
    live.run(
        "INSERT INTO contacts (name) VALUES ('next')",
        "INSERT INTO vaults (name, slug) VALUES ('n', 'n')",
    )
    assert live.value("SELECT id FROM contacts WHERE name = 'next'") == 5001
    assert live.value("SELECT id FROM vaults WHERE slug = 'n'") == len(whole["vaults"]) + 1


def test_a_real_row_s_key_is_not_taken(mariadb_url, demo):
    path = demo.export(seeded(mariadb_url)).path
    live = migrated(mariadb_url)
    live.run("INSERT INTO vaults (id, name, slug) VALUES (2, 'Mine', 'mine')")
    assert "vaults.id" in refused(live, demo, path, KeyClashError)


def test_a_real_row_keeps_the_demo_row_it_references(mariadb_url, demo):
    live = seeded(mariadb_url)
    path = demo.export(live).path
    live.run(
        "INSERT INTO vaults (id, name, slug, metadata)"
        " VALUES (77, 'Added', 'added', '{\"demo_seed\": true, \"scenario\": \"general\"}')",
        "INSERT INTO projects (id, name, vault_id) VALUES (9001, 'Own', 77)",
    )
    assert "9001" in refused(live, demo, path, RealRowsError)


def test_a_scenario_stays_beside_another(mariadb_url, demo):
    live = seeded(mariadb_url)
    path = demo.export(live).path
    live.run(
        "INSERT INTO contacts (id, name, metadata)"
        ' VALUES (8001, \'Of another\', \'{"demo_seed": true, "scenario": "General"}\')'
    )
    result = demo.load(live, path, keep_other_scenarios=True)
    assert (result.route, result.changed) == ("merge", 0)
    assert live.value("SELECT name FROM contacts WHERE id = 8001") == "Of another"
    assert demo.load(live, path).changed == 1


@engines("sqlite", "postgresql", "mariadb")
def test_through_another_engine_and_back(database_url, mariadb_url, demo):
    source = seeded(mariadb_url)
    first = values(source)
    between = migrated(database_url) if database_url != mariadb_url else source
    demo.load(between, demo.export(source).path)
    assert values(between) == first
    path = demo.export(between, auto_version=True).path
    back = migrated(mariadb_url)
    demo.load(back, path)
    assert values(back) == first


def test_the_stock_client_loads_the_file_twice_with_the_same_counts(mariadb_url, demo):
    live = seeded(mariadb_url)
    path = demo.export(live).path
    before = live.dump()
    migrated(mariadb_url)
    for _ in range(2):
        shown = [line.split("\t") for line in live.by_client(path)]
        assert len(shown) == len(TABLES)
        assert all(count == expected for _, count, expected in shown)
        assert live.dump(*TABLES) == {table: before[table] for table in TABLES}


# --- Every type ----------------------------------------------------------------------------------

TYPES = """CREATE TABLE things (
    id INTEGER PRIMARY KEY AUTO_INCREMENT, is_demo TINYINT(1) NOT NULL,
    tiny TINYINT, small SMALLINT UNSIGNED, big BIGINT UNSIGNED, padded INT(8) ZEROFILL,
    flag TINYINT(1), oneflag BIT(1), bits BIT(64), yr YEAR,
    exact DECIMAL(30, 10), single FLOAT, dbl DOUBLE,
    fixed CHAR(5), name VARCHAR(40), latin VARCHAR(10) CHARACTER SET latin1,
    wide VARCHAR(10) CHARACTER SET utf16, body LONGTEXT,
    mood ENUM('happy', 'it''s', 'ü'), tags SET('a', 'b', 'c'), doc JSON,
    day DATE, at TIME(3), moment DATETIME(6), stamp TIMESTAMP(6) NULL,
    raw VARBINARY(9), pad BINARY(3), bulk LONGBLOB, place GEOMETRY, spot POINT,
    ident UUID, address INET6, gen INT AS (tiny + 1) STORED, virt INT AS (tiny + 2) VIRTUAL
)"""
COLUMNS = """(is_demo, tiny, small, big, padded, flag, oneflag, bits, yr, exact, single, dbl, fixed,
    name, latin, wide, body, mood, tags, doc, day, at, moment, stamp, raw, pad, bulk, place, spot,
    ident, address)"""
VALUES = (
    """(1, -128, 65535, 18446744073709551615, 42, TRUE, b'1', ~0, 2155, -12345678901234567890.5,
    3.4028234e38, 0.1e0 + 0.2e0, ' a ', 'it''s 100% \\ %s', 'é', '€😀',
    CONCAT('a', CHAR(13, 10, 0, 127, 9)), 'it''s', 'c,a', '{"a":  "\\u00e9\\n"}', '9999-12-31',
    '-838:59:59.999', '1000-01-01 00:00:00.000001', '2038-01-19 03:14:07.999999', X'00FF275C',
    X'61', X'',
    ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), POINT(1e-300, -0.1),
    '123e4567-e89b-12d3-a456-426655440000', 'fe80::1')""",
    """(1, 0, 0, 0, 0, 7, b'0', 0, 0, 0, 1e-45, 5e-324, '', '', '', '', REPEAT('é''', 400000),
    'ü', '', '[]', '0000-00-00', '00:00:00', '0000-00-00 00:00:00', '1970-01-01 00:00:01', '',
    '', REPEAT(X'00FF', 100000), NULL, NULL, '00000000-0000-0000-0000-000000000000', '::')""",
    "(1" + ", NULL" * 30 + ")",
    "(0, 1" + ", NULL" * 29 + ")",
)


def images(live: Live) -> list[tuple[object, ...]]:
    """Every cell as the server's own bytes."""
    names = [
        row[0]
        for row in live.rows(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'things' AND table_schema = DATABASE() ORDER BY ordinal_position"
        )
    ]
    cells = ", ".join(f'HEX("{name}")' for name in names)
    return live.rows(f"SELECT {cells}, single + 0e0, dbl, exact FROM things ORDER BY id")


@pytest.mark.parametrize("route", ["direct", "merge", "stock client"])
def test_every_type_comes_back_bit_for_bit(mariadb_url, tmp_path, route):
    live = Live(mariadb_url)
    live.run(TYPES, *(f"INSERT INTO things {COLUMNS} VALUES {row}" for row in VALUES))
    demo = configured(tmp_path, '[tables.things]\nmarker = "is_demo"\n')
    before = images(live)
    path = demo.export(live).path
    if route == "merge":
        changes = "big = 1, single = 0.5, name = 'IT''S', doc = '{}', pad = 'b', spot = POINT(1, 1)"
        live.run(f"UPDATE things SET {changes} WHERE id = 1", "DELETE FROM things WHERE id = 3")
    else:
        live.run("DELETE FROM things WHERE is_demo")
    assert images(live) != before
    if route == "stock client":
        live.by_client(path)
    else:
        result = demo.load(live, path)
        assert result.route == route
        assert result.changed == (2 if route == "merge" else 3)
    assert images(live) == before
    assert not demo.export(live).written


# --- Its own ways --------------------------------------------------------------------------------

TREE = (
    "CREATE TABLE tree (id INTEGER PRIMARY KEY, next_id INTEGER REFERENCES tree (id),"
    " label VARCHAR(20) UNIQUE, is_demo BOOLEAN NOT NULL DEFAULT FALSE,"
    " touched TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)",
    "INSERT INTO tree VALUES (1, NULL, 'one', TRUE, '2001-02-03 04:05:06'),"
    " (2, 1, 'two', TRUE, '2001-02-03 04:05:06'), (3, NULL, 'real', FALSE, '2001-02-03 04:05:06')",
    "UPDATE tree SET next_id = 2, touched = touched WHERE id = 1",
)
TREE_RULES = '[tables.tree]\nmarker = "is_demo"\n'


@pytest.fixture
def tree(mariadb_url: str) -> Live:
    live = Live(mariadb_url)
    live.run(*TREE)
    return live


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM tree WHERE is_demo ORDER BY id DESC",
        "UPDATE tree SET next_id = NULL WHERE id = 1",
        "UPDATE tree SET label = UPPER(label) WHERE id = 2",
        "UPDATE tree SET label = CASE id WHEN 1 THEN 'three' ELSE 'one' END WHERE is_demo"
        " ORDER BY id",
    ],
)
def test_no_clock_ticks_in_a_column_that_notes_updates(tree, tmp_path, change):
    demo = configured(tmp_path, TREE_RULES)
    before = tree.dump()
    path = demo.export(tree).path
    tree.run("SET foreign_key_checks = 0", change)
    assert tree.dump() != before
    demo.load(tree, path)
    assert tree.dump() == before


def test_a_snapshot_with_a_key_twice_is_refused_as_such(tree, tmp_path):
    demo = configured(tmp_path, TREE_RULES)
    path = edited(
        demo.export(tree).path, lambda rows: rows.replace(b"\n(2,1,'two'", b"\n(1,1,'two'")
    )
    assert "twice" in refused(tree, demo, path, DocumentError)


def test_a_key_that_differs_only_by_case_is_in_use(tree, tmp_path):
    demo = configured(tmp_path, TREE_RULES)
    path = edited(demo.export(tree).path, lambda rows: rows.replace(b"'two'", b"'REAL'"))
    assert "tree.label" in refused(tree, demo, path, KeyClashError)


@pytest.mark.parametrize("there", [True, False], ids=["merge", "direct"])
def test_a_reference_to_nothing_is_found_though_the_server_does_not_look(tree, tmp_path, there):
    demo = configured(tmp_path, TREE_RULES)
    path = edited(demo.export(tree).path, lambda rows: rows.replace(b"(2,1,", b"(2,99,"))
    if not there:
        tree.run("SET foreign_key_checks = 0", "DELETE FROM tree WHERE is_demo")
    message = refused(tree, demo, path, VerificationError)
    assert "tree.next_id" in message


@pytest.mark.parametrize("there", [True, False], ids=["merge", "direct"])
def test_a_letter_the_column_s_character_set_lacks(mariadb_url, tmp_path, there):
    live = Live(mariadb_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN,"
        " v VARCHAR(9) CHARACTER SET latin1)",
        "INSERT INTO t VALUES (1, TRUE, 'old'), (2, FALSE, 'real')",
    )
    demo = configured(tmp_path, '[tables.t]\nmarker = "is_demo"\n')
    path = edited(demo.export(live).path, lambda rows: rows.replace(b"'old'", "'ж'".encode()))
    if not there:
        live.run("DELETE FROM t WHERE is_demo")
    message = refused(live, demo, path, DemoError)
    assert "v" in message
    assert "ж" not in message


def test_a_value_an_enum_would_take_for_a_number_is_refused(mariadb_url, tmp_path):
    live = Live(mariadb_url)
    live.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, v ENUM('a', 'b'))",
        "INSERT INTO t VALUES (1, TRUE, 'b')",
    )
    demo = configured(tmp_path, '[tables.t]\nmarker = "is_demo"\n')
    path = edited(demo.export(live).path, lambda rows: rows.replace(b"'b'", b"'2'"))
    assert "t: v:" in refused(live, demo, path, UnfitValueError)


def test_names_of_every_sort(mariadb_url, tmp_path):
    live = Live(mariadb_url)
    live.run(
        'CREATE TABLE "Or`der" ("select %s" INTEGER PRIMARY KEY, "gr""p" JSON, "is demo" BIT(1))',
        """INSERT INTO "Or`der" VALUES (1, '{"a": "%d"}', 1), (2, NULL, 0)""",
    )
    demo = configured(tmp_path, '[tables."Or`der"]\nmarker = "is demo"\n')
    before = live.dump()
    result = demo.export(live)
    assert result.statistics.total == 1
    kinds = [column.kind for column in describe(result.path).header.tables[0].columns]
    assert kinds == ["integer", "json", "boolean"]
    live.run("""UPDATE "Or`der" SET "gr""p" = '[]' WHERE "is demo" = 1""")
    assert demo.load(live, result.path).changed == 1
    assert live.dump() == before


AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUJ0NUciD6cUv1sylOPznmj9FNBYAwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGTm9ib2R5MCAXDTI2MTEyNjAwMTEzN1oYDzIxMjYxMTAyMDAx
MTM3WjARMQ8wDQYDVQQDDAZOb2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQGBKzHOwXOuwflq2xuzGlM40EuDxyJecl1xIdV8WbhxRbmLkl8lRmDJHbB0amP
wJJp+IvsRaKa4tjcg/tywClWo1MwUTAdBgNVHQ4EFgQUvLEZYSeKNQNZDI7gflGa
UHr94LYwHwYDVR0jBBgwFoAUvLEZYSeKNQNZDI7gflGaUHr94LYwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAsAUuyvqbskKV8Yjv7twyVDax3VCF
TuMMugnOscEZv0oCICYpVu4CBgCdbjN2SuMcY96kD4CiPu2nFFyONRjA75H6
-----END CERTIFICATE-----
"""


@engines("mariadb")
def test_certificates_are_read_only_where_one_is_to_be_checked(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system trusts hundreds, and reading them takes longer than connecting."""
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(AUTHORITY, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert len(ssl.create_default_context().get_ca_certs()) == 1
    with connect(database_url) as database:
        context = database.session.raw.ctx
        assert context.get_ca_certs() == []
        # As the driver itself does it where no certificate is given.
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    # The server offers no encryption, and the client now insists on it.
    with (
        pytest.raises(DatabaseUnreachableError, match="SSL"),
        connect(f"{database_url}?ssl_ca={trusted}"),
    ):
        pass


LENGTHS = (1, 248, 249, 250, 251, 252, 300, 8190, 65_529, 65_533, 65_534, 65_540, 70_000, 270_000)


def test_rows_of_every_length_arrive_as_they_are(mariadb_url):
    """A packet is told by its length, and its text by another: where either takes more bytes, where
    a read ends within it, or its number begins again at 0."""
    expected = [b"%d" % n + b"x" * length for n in range(40) for length in (*LENGTHS, n)]
    with connect(mariadb_url) as database:
        database.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, x LONGTEXT)")
        for start in range(0, len(expected), 50):
            texts = ", ".join(f"('{row.decode()}')" for row in expected[start : start + 50])
            database.execute(f"INSERT INTO t (x) VALUES {texts}")
        query = "SELECT CAST(x AS BINARY) FROM t ORDER BY id"
        assert [row for batch in database.stream(query) for row in batch] == expected
        assert all(len(batch) < 5000 for batch in database.stream(query))
        assert list(database.stream(f"{query} LIMIT 0")) == []


def test_a_row_of_more_than_one_packet_arrives_whole(mariadb_url):
    with connect(mariadb_url) as database:
        sizes = [3, (1 << 24) - 6, (1 << 24) - 5, (1 << 24) - 4, 3]
        for size in sizes:
            query = (
                f"SELECT CAST(REPEAT('x', {size}) AS BINARY) UNION ALL SELECT CAST('y' AS BINARY)"
            )
            found = [row for batch in database.stream(query) for row in batch]
            assert [(len(row), row[-1:]) for row in found] == [(size, b"x"), (1, b"y")]


def test_a_connection_serves_on_where_rows_were_left_unread(mariadb_url):
    with connect(mariadb_url) as database:
        query = "SELECT CAST(seq AS BINARY) FROM seq_1_to_200000"
        assert next(database.stream(query))[0] == b"1"
        assert database.scalar("SELECT 7") == 7
        assert sum(map(len, database.stream(query))) == 200_000


def test_what_fails_after_the_first_rows_is_told(mariadb_url):
    with connect(mariadb_url) as database:
        query = (
            "SELECT CAST(IF(seq < 90000, seq, (SELECT seq FROM seq_1_to_2)) AS BINARY)"
            " FROM seq_1_to_100000"
        )
        with pytest.raises(DatabaseError, match="more than 1 row"):
            list(database.stream(query))
        assert database.scalar("SELECT 7") == 7


def test_a_connection_lost_while_rows_arrive_is_told(mariadb_url):
    with connect(mariadb_url) as database, connect(mariadb_url) as other:
        number = database.scalar("SELECT CONNECTION_ID()")
        rows = database.stream("SELECT CAST(REPEAT('x', 9000) AS BINARY) FROM seq_1_to_100000")
        next(rows)
        other.execute(f"KILL {number}")
        with pytest.raises(DatabaseError, match=r"[Ll]ost connection|connection is lost|killed"):
            list(rows)
