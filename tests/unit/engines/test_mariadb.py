"""What only MariaDB and MySQL do: session, literals, locks and messages, on a real server."""

from __future__ import annotations

import random
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pymysql
import pytest
from sqlalchemy.engine import make_url

from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.engines.mariadb.dialect import MariaDB
from demo_snapshots.engines.mariadb.values import ExactRows
from demo_snapshots.errors import DatabaseBusyError, DatabaseError, Fault, UnfitValueError
from demo_snapshots.model.tables import Column, Kind
from demo_snapshots.selection.schema import reflect


@pytest.fixture
def database(mariadb_url: str) -> Iterator[Database]:
    with connect(mariadb_url) as database:
        yield database


def table(database: Database, name: str = "t"):
    return reflect(database, [name]).tables[name]


def rows_out(database: Database, name: str = "t") -> list[bytes]:
    dialect, found = database.dialect, table(database, name)
    row = dialect.row([dialect.literal(column) for column in found.carried])
    return [r for batch in database.stream(f'SELECT {row} FROM "{name}" ORDER BY 1') for r in batch]


def other(url: str):
    """A connection of somebody else."""
    parsed = make_url(url)
    return closing(
        pymysql.connect(
            host=parsed.host,
            port=parsed.port or 3306,
            user=parsed.username,
            database=parsed.database,
            autocommit=True,
            init_command="SET innodb_lock_wait_timeout = 0, lock_wait_timeout = 2",
        )
    )


# --- Columns and literals ------------------------------------------------------------------------

TYPES = """CREATE TABLE t (
    id INTEGER PRIMARY KEY AUTO_INCREMENT, tiny TINYINT, small SMALLINT UNSIGNED,
    medium MEDIUMINT, big BIGINT UNSIGNED NOT NULL DEFAULT 0, padded INT(8) ZEROFILL,
    flag TINYINT(1), oneflag BIT(1), bits BIT(64), yr YEAR,
    exact DECIMAL(20, 5), single FLOAT, dbl DOUBLE,
    fixed CHAR(5), name VARCHAR(40), latin VARCHAR(10) CHARACTER SET latin1, body LONGTEXT,
    note TINYTEXT, mood ENUM('happy', 'it''s'), tags SET('a', 'b'), doc JSON, checked TEXT,
    day DATE, at TIME(3), moment DATETIME(6), stamp TIMESTAMP NULL,
    raw VARBINARY(9), pad BINARY(3), bulk BLOB, place GEOMETRY,
    ident UUID, address INET6, gen INT AS (tiny + 1) STORED, virt INT AS (tiny + 2) VIRTUAL,
    CHECK (json_valid(checked))
)"""

FACETS = {
    "id": Column("id", Kind.INTEGER, nullable=False, native="int", has_default=True, bits=32),
    "small": Column("small", Kind.INTEGER, native="smallint", unsigned=True, bits=16),
    "big": Column(
        "big",
        Kind.INTEGER,
        nullable=False,
        native="bigint",
        has_default=True,
        unsigned=True,
        bits=64,
        default="0",
    ),
    "flag": Column("flag", Kind.BOOLEAN, native="tinyint", bits=8),
    "oneflag": Column("oneflag", Kind.BOOLEAN, native="bit", unsigned=True),
    "bits": Column("bits", Kind.INTEGER, native="bit", unsigned=True, bits=64),
    "exact": Column("exact", Kind.DECIMAL, native="decimal", precision=20, scale=5),
    "single": Column("single", Kind.FLOAT, native="float", bits=32),
    "name": Column("name", Kind.TEXT, native="varchar", length=40, charset="utf8mb4"),
    "latin": Column("latin", Kind.TEXT, native="varchar", length=10, charset="latin1"),
    "body": Column("body", Kind.TEXT, native="longtext", charset="utf8mb4"),
    "mood": Column("mood", Kind.TEXT, native="enum('happy','it''s')", charset="utf8mb4"),
    "doc": Column("doc", Kind.JSON, native="longtext", charset="utf8mb4"),
    "checked": Column("checked", Kind.JSON, native="text", charset="utf8mb4"),
    "at": Column("at", Kind.TIME, native="time", precision=3),
    "moment": Column("moment", Kind.TIMESTAMP, native="datetime", precision=6),
    "stamp": Column("stamp", Kind.TIMESTAMPTZ, native="timestamp", precision=0),
    "pad": Column("pad", Kind.BINARY, native="binary", length=3),
    "place": Column("place", Kind.BINARY, native="geometry"),
    "ident": Column("ident", Kind.UUID, native="uuid"),
    "address": Column("address", Kind.NATIVE, native="inet6"),
    "gen": Column("gen", Kind.INTEGER, native="int", bits=32, generated=True),
    "virt": Column("virt", Kind.INTEGER, native="int", bits=32, generated=True),
}


def test_columns_are_reflected_with_their_facets(database):
    database.execute(TYPES)
    found = table(database)
    assert {name: found.column(name) for name in FACETS} == FACETS


def point(srid: int) -> str:
    return (struct.pack("<I", srid) + struct.pack("<BIdd", 1, 1, 1.0, 2.0)).hex().upper()


FULL = (
    b"(1,-128,65535,-8388608,18446744073709551615,42,TRUE,TRUE,18446744073709551615,2025,"
    b"-1.50000,0.1,0.30000000000000004,'ab','it''s \\ 100%s','\xc3\xa9','\xf0\x9f\x98\x80\r\n\x01',"
    b"'','it''s','a,b','{\"a\": \"\\\\u00e9\"}','[1]',"
    b"'2025-02-28','-838:59:59.000','2025-01-02 03:04:05.600000','2025-01-02 03:04:05',"
    b"X'00FF27',X'610000',X'',X'" + point(4326).encode() + b"',"
    b"'123e4567-e89b-12d3-a456-426655440000','::1')"
)
EMPTY = (
    b"(2,NULL,NULL,NULL,0,NULL,7,FALSE,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'',"
    b"NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)"
)


def test_every_type_goes_in_and_comes_out_as_it_was(database):
    database.execute(TYPES)
    loaded = database.load('"t"', table(database).carried, [FULL + b",\n" + EMPTY])
    assert loaded == 2
    assert rows_out(database) == [FULL, EMPTY]
    assert database.rows("SELECT ST_AsText(place), ST_SRID(place), gen, virt FROM t") == [
        ("POINT(1 2)", 4326, -127, -126),
        (None, None, None, None),
    ]


def test_a_nul_in_text_goes_in_as_a_cast_and_comes_out_raw(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    columns = table(database).carried
    assert database.load('"t"', columns, [b"(1,CAST(X'6100F09F9880' AS CHAR))"]) == 1
    assert rows_out(database) == ["(1,'a\0😀')".encode()]


def test_every_float_is_the_same_afterwards(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, s FLOAT, d DOUBLE)")
    chance = random.Random(1)
    largest = (2 - 2**-23) * 2.0**127
    singles = [largest, -largest, 2.0**-149, 2.0**-126, 16777216.0, 0.1, 1e20, 123456789.0]
    doubles = [1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 0.1, 1e16, 1e22, 1e-7]
    while len(singles) < 500:
        single = struct.unpack("f", chance.randbytes(4))[0]
        double = struct.unpack("d", chance.randbytes(8))[0]
        if abs(single) <= largest and abs(double) < float("inf"):
            singles.append(single)
            doubles.append(double)
    pairs = list(zip(singles, doubles, strict=False))
    text = ",".join(f"({i},{single!r},{double!r})" for i, (single, double) in enumerate(pairs))
    database.execute(f"INSERT INTO t VALUES {text}")
    out = sorted(rows_out(database), key=lambda row: int(row[1 : row.index(b",")]))
    for row, (single, double) in zip(out, pairs, strict=True):
        _, s, d = row[1:-1].split(b",")
        assert struct.pack("f", float(s)) == struct.pack("f", single), row
        assert float(d) == double, row
        mantissa = s.lower().partition(b"e")[0].replace(b".", b"").strip(b"-0")
        assert len(mantissa) <= 9, row
    database.execute("CREATE TABLE u LIKE t")
    assert database.load('"u"', table(database).carried, [b",\n".join(out)]) == len(pairs)
    assert sorted(rows_out(database, "u")) == sorted(out)
    assert database.scalar("SELECT count(*) FROM t JOIN u USING (id) WHERE t.s = u.s") == len(pairs)


def test_long_text_takes_linear_time(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body LONGTEXT, s FLOAT)")
    text = ("é''\\\0\x1a\x01\x02\\0\n" * 60_000).encode()
    row = b"(1,'" + text + b"',0.25)"
    assert database.load('"t"', table(database).carried, [row]) == 1
    started = time.monotonic()
    assert rows_out(database) == [row]
    assert time.monotonic() - started < 2


def test_the_mark_of_a_single_is_not_taken_from_text(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, s FLOAT)")
    row = b"(1,'1.5\x01,2.5\x01''',0.25)"
    database.load('"t"', table(database).carried, [row])
    assert rows_out(database) == [row]


KEEPS = {
    "ENUM('happy','sad')": (b"NULL", b"'happy'", b"'sad'"),
    "SET('a','ab','c')": (b"''", b"'a'", b"'ab'", b"'a,ab'", b"'a,c'", b"'a,ab,c'"),
    "CHAR(4)": (b"''", b"'ab'", b"' a'", b"'a''b'", b"CAST(X'6100' AS CHAR)"),
    "BINARY(2)": (b"X'0000'", b"X'6162'"),
    "YEAR": (b"0", b"1901", b"2155"),
}
CHANGES = {
    "ENUM('happy','sad')": (b"'HAPPY'", b"'2'", b"1", b"'happy '"),
    "SET('a','ab','c')": (b"'c,a'", b"'a,a'", b"'A'", b"1"),
    "CHAR(4)": (b"'ab '", b"' '", b"CAST(X'6120' AS CHAR)"),
    "BINARY(2)": (b"X'61'", b"X''"),
    "YEAR": (b"5", b"70"),
}


@pytest.mark.parametrize("declared", KEEPS)
def test_what_a_column_would_change_in_silence_is_refused(database, declared):
    database.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, it VARCHAR(9), v {declared})")
    columns = table(database).carried
    kept = [b"(%d,'x(,''',%s)" % pair for pair in enumerate(KEEPS[declared])]
    assert database.load('"t"', columns, [b",\n".join(kept)]) == len(kept)
    assert [row.replace(b"\0", b"?") for row in rows_out(database)] == [
        row.replace(b"CAST(X'6100' AS CHAR)", b"'a?'") for row in kept
    ]
    for value in CHANGES[declared]:
        with pytest.raises(UnfitValueError, match=r"^v: "):
            database.load('"t"', columns, [b"(90,'',NULL),\n(91,''," + value + b")"])
        # The server itself would have taken it.
        database.execute(f"INSERT INTO t VALUES (99, '', {value.decode()})")
        database.execute("DELETE FROM t WHERE id = 99")
    assert database.scalar("SELECT count(*) FROM t") == len(kept)


@pytest.mark.parametrize(
    ("declared", "value"),
    [("DECIMAL(4,1)", b"1.25"), ("VARCHAR(2)", b"'ab '")],
)
def test_what_the_server_changes_with_a_note_is_refused(database, declared, value):
    database.execute(f"CREATE TABLE t (v {declared})")
    with pytest.raises(UnfitValueError, match=r"column v\b|column 'v'|`v`") as caught:
        database.load('"t"', table(database).carried, [b"(" + value + b")"])
    assert value.decode() not in caught.value.message


def test_a_column_without_such_a_type_costs_nothing():
    assert ExactRows([Column("a", Kind.TEXT, native="varchar")])._rows is None


# --- Order, comparison, JSON ---------------------------------------------------------------------


def test_rows_are_in_the_order_of_their_bytes(database):
    database.execute("CREATE TABLE t (k VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY)")
    names = ["b", "B", "a ", "é", "z", "Z1", "10", "9"]
    database.execute("ALTER TABLE t MODIFY k VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin")
    for name in names:
        database.execute(f"INSERT INTO t VALUES ('{name}')")
    order = database.dialect.order(table(database).column("k"))
    found = [row[0] for row in database.rows(f"SELECT k FROM t ORDER BY {order}")]
    assert found == sorted(names, key=lambda name: name.encode())


@pytest.mark.parametrize(
    ("declared", "one", "two"),
    [
        ("VARCHAR(9)", "'abc'", "'ABC'"),
        ("VARCHAR(9)", "'abc'", "'abc '"),
        ("VARCHAR(9)", "'e'", "'é'"),
        ("JSON", "'{\"a\":1}'", "'{\"a\": 1}'"),
        ("FLOAT", "0.1", "0.10000002"),
        ("DOUBLE", "0.1", "0.10000000000000002"),
        ("INTEGER", "NULL", "0"),
        ("BLOB", "X'61'", "X'41'"),
        ("GEOMETRY", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(1 3)')"),
        ("ENUM('a','')", "''", "'a'"),
        ("INET6", "'::1'", "'::2'"),
    ],
)
def test_rows_are_alike_only_if_their_image_is(database, declared, one, two):
    database.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
    database.execute(f"INSERT INTO t VALUES (1, {one}), (2, {two}), (3, {one}), (4, NULL)")
    same = database.dialect.same("a", "b", table(database).carried[1:])

    def alike(a: int, b: int) -> bool:
        sql = f"SELECT count(*) FROM t AS a JOIN t AS b ON {same} WHERE a.id = {a} AND b.id = {b}"
        return bool(database.scalar(sql))

    assert alike(1, 3)
    assert alike(4, 4)
    assert not alike(1, 2)
    assert alike(1, 4) is (one == "NULL")


JSON_TEXTS = {
    '{"a": {"b": true}}': ("1", "true"),
    '{"a": {"b": "true"}}': ("true",),
    '{"a": {"b": 1}}': ("1",),
    '{"a": {"b": null}}': (None,),
    '{"a": {"b": "it\'s \\"\\u00e9\\" \\\\ \\n"}}': ('it\'s "é" \\ \n',),
    '{"a": []}': (None,),
    "": (None,),
    "{not json": (None,),
}


@pytest.mark.parametrize("text", JSON_TEXTS)
def test_text_inside_json(database, text):
    database.execute("CREATE TABLE t (doc TEXT)")
    database.execute(f"INSERT INTO t VALUES ({database.dialect.text(text)})")
    value = database.dialect.json_text(table(database).column("doc"), ("a", "b"))
    assert database.scalar(f"SELECT {value} FROM t") in JSON_TEXTS[text]


def test_text_inside_json_compares_by_its_letters(database):
    database.execute("CREATE TABLE t (doc TEXT, label VARCHAR(9))")
    database.execute(
        """INSERT INTO t VALUES ('{"s": "General"}', 'General'),"""
        """ ('{"s": "general "}', 'general ')"""
    )
    found = table(database)
    for value in (
        database.dialect.json_text(found.column("doc"), ("s",)),
        database.dialect.text_of(found.column("label"), '"label"'),
    ):
        assert database.scalar(f"SELECT count(*) FROM t WHERE {value} = 'general'") == 0
        assert database.scalar(f"SELECT count(*) FROM t WHERE {value} = 'General'") == 1


def test_values_inside_json(database):
    database.execute("CREATE TABLE t (id INTEGER, doc TEXT)")
    for number, doc in enumerate(
        ('[{"id": 5}, {"id": "6"}, {"x": 1}, {"id": null}]', "{}", "", "no", None)
    ):
        text = "NULL" if doc is None else database.dialect.text(doc)
        database.execute(f"INSERT INTO t VALUES ({number}, {text})")
    joins, value = database.dialect.json_values(table(database).column("doc"), "[*].id")
    found = database.rows(f"SELECT {value} FROM t AS t{joins} WHERE {value} IS NOT NULL")
    assert sorted(found) == [("5",), ("6",)]


# --- Loading -------------------------------------------------------------------------------------


def test_rows_are_split_to_what_the_server_takes_at_once(database):
    database.execute("CREATE TABLE t (id INTEGER, body TEXT)")
    assert isinstance(database.dialect, MariaDB)
    database.session._packet = 2000
    chunk = b",\n".join(b"(%d,'x),(''%s')" % (i, b"y" * 200) for i in range(50))
    assert database.load('"t"', table(database).carried, [chunk, b"(99,'z')"]) == 51
    assert database.scalar("SELECT count(DISTINCT id) FROM t WHERE body LIKE 'x),(''y%'") == 50
    with pytest.raises(UnfitValueError, match="more than the server takes"):
        database.load('"t"', table(database).carried, [b"(1,'%s')" % (b"y" * 2000)])


def test_a_row_larger_than_the_server_can_say_is_an_error_not_a_hole(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a LONGTEXT, b LONGTEXT)")
    half = "repeat('x', @@max_allowed_packet * 5 / 8)"
    database.execute(f"INSERT INTO t VALUES (1, {half}, {half})")
    with pytest.raises(DatabaseError, match="max_allowed_packet"):
        rows_out(database)


# --- Transactions --------------------------------------------------------------------------------

WRITES = (
    "INSERT INTO t VALUES (100, 'new')",
    "INSERT INTO t VALUES (2, 'gap')",
    "UPDATE t SET name = 'x' WHERE id = 1",
    "DELETE FROM t WHERE id = 3",
    "INSERT INTO empty VALUES (1)",
)


@pytest.mark.parametrize("write", WRITES)
def test_nobody_else_writes_to_locked_tables_and_readers_pass(database, mariadb_url, write):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(9), KEY (name))")
    database.execute("CREATE TABLE empty (id INTEGER PRIMARY KEY)")
    database.execute("INSERT INTO t VALUES (1, 'a'), (3, 'c')")
    locked = [table(database), table(database, "empty")]
    with other(mariadb_url) as somebody, somebody.cursor() as cursor:
        with database.writing(locked):
            cursor.execute("SELECT count(*) FROM t")
            assert cursor.fetchall() == ((2,),)
            with pytest.raises(pymysql.err.OperationalError) as caught:
                cursor.execute(write)
            assert caught.value.args[0] == 1205
        cursor.execute(write)


def test_what_is_read_under_the_locks_is_what_was_committed_before_them(database, mariadb_url):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    found = table(database)
    with other(mariadb_url) as somebody, somebody.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO t VALUES (1)")
        later = threading.Timer(0.5, somebody.commit)
        later.start()
        with database.writing([found]):
            assert database.rows("SELECT id FROM t") == [(1,)]
        later.join()


def test_a_lock_waited_for_in_vain_is_busy(database, mariadb_url):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    database.execute("SET innodb_lock_wait_timeout = 0")
    found = table(database)
    with other(mariadb_url) as somebody, somebody.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(DatabaseBusyError), database.writing([found]):
            pass
        somebody.rollback()


def test_a_reader_sees_one_state_and_cannot_write(database, mariadb_url):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with other(mariadb_url) as somebody, somebody.cursor() as cursor, database.reading():
        cursor.execute("INSERT INTO t VALUES (1)")
        assert database.rows("SELECT id FROM t") == []
        with pytest.raises(DatabaseError):
            database.execute("INSERT INTO t VALUES (2)")


def test_a_table_that_cannot_roll_back_is_refused(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY) ENGINE=MyISAM")
    with pytest.raises(DatabaseError, match=r"t \(MyISAM\)"), database.writing([table(database)]):
        pass


def test_temporary_tables_go_with_their_transaction_and_commit_nothing(database):
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    for keep in (False, True):
        with database.writing([table(database)], keep=keep):
            database.execute("INSERT INTO t VALUES (1, 'a')")
            database.create_temporary("stage", "SELECT * FROM t WHERE 1 = 0", ["id"])
            database.load('"stage"', table(database).carried, [b"(1,'a')"])
            with pytest.raises(DatabaseError) as caught:
                database.load('"stage"', table(database).carried, [b"(1,'b')"])
            assert caught.value.fault is Fault.DUPLICATE
        assert database.scalar("SELECT count(*) FROM t") == keep
        with pytest.raises(DatabaseError):
            database.rows("SELECT * FROM stage")


# --- Messages ------------------------------------------------------------------------------------

LEAKS = {
    "INSERT INTO t (id, name) VALUES (1, 'it''s secret')": "name",
    "INSERT INTO t (id, day) VALUES (2, 'secret')": "day",
    "INSERT INTO t (id, small) VALUES (2, 'secret')": "small",
    "INSERT INTO t (id, name) VALUES (2, 'secret' nonsense)": "",
    "INSERT INTO t (id, name) VALUES (2, 'secretsecret')": "name",
    "SELECT CAST('secret' AS no_type)": "",
}


@pytest.mark.parametrize("sql", LEAKS)
def test_messages_name_columns_and_no_values(database, sql):
    database.execute(
        "CREATE TABLE t (id INTEGER, name VARCHAR(11) UNIQUE, day DATE, small TINYINT)"
    )
    database.execute("INSERT INTO t (id, name) VALUES (1, 'it''s secret')")
    with pytest.raises(DatabaseError) as caught:
        database.execute(sql)
    assert "secret" not in caught.value.message
    assert LEAKS[sql] in caught.value.message
