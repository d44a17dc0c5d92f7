"""Every value a database can hold comes back as it was, or its export is refused by name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integration.live import Demo, Live

from demo_snapshots.errors import UnportableValueError

CONFIGURATION = '[tables.cells]\nmarker = "is_demo"\n'


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)


def comes_back(live: Live, demo: Demo, columns: list[str], client: bool = True) -> None:
    """Direct in, merged over something else, and by the stock client."""
    before = live.dump()
    path = demo.export(live, auto_version=True).path
    live.run("DELETE FROM cells")
    assert demo.load(live, path).route == "direct"
    assert live.dump() == before
    again = demo.load(live, path)
    assert (again.route, again.changed) == ("merge", 0)
    live.run("UPDATE cells SET " + ", ".join(f"{name} = NULL" for name in columns))
    demo.load(live, path)
    assert live.dump() == before
    if client:
        live.by_client(path)
        assert live.dump() == before


TEXTS = {
    "empty": "",
    "unicode": "Grüße 北京 Ω é e\u0301",
    "emoji": "🐘👩‍👩‍👧",
    "cr lf": "a\r\nb\rc\nd",
    "tabs": "\ta\t\tb\t",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f",
    "odd spaces": " \u00a0\u2028\u2029\u0085\ufeff ",
    "backslashes": r"\ \\ \n \' \x00 C:\temp\new",
    "quotes": "'\"''\"\"`´' OR 1=1 --",
    "copy's end": "a\n\\.\nb",
    "copy's end alone": "\\.",
    "copy's end with cr": "\r\n\\.\r\n",
    "NULL": "NULL",
    "null": "null",
    "quoted NULL": "'NULL'",
    "looks like sql": "'); DROP TABLE cells; --",
    "looks like rows": "),\n(1,TRUE,'x');\nCOMMIT;\n-- Export completed successfully\n",
    "comments": "-- a\n/* b */ /*!40101 c */ # d\n\\! ls\n.shell ls\n",
    "statement ends": "a;\nb;\n;\n",
    "wrapped binary": "\n/* /* */ X'00' -- */ '\\x00'\n",
    "wrapped text with cr": "\r\n/* /* */ CAST(X'61' AS CHAR) -- */ E'a'\n",
    "hex like": "X'00FF'",
    "percent": "%s %(x)s %% {0} :name ?1 $1",
    "parentheses": "((a),(b)",
    "long": "ä'" * 70_000,
    "number": "007",
    "float": "1e300",
    "padded number": " 12 ",
    "true": "TRUE",
    "json": '{"a": [1, 1.0, 1e2, "\\u00e9"], "a": null}',
}
NUMBERS: dict[str, Any] = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "minus one": -1,
    "most": 2**63 - 1,
    "least": -(2**63),
    "beyond double": 2**53 + 1,
    "tenth": 0.1 + 0.2,
    "smallest": 5e-324,
    "largest": 1.7976931348623157e308,
    "minus zero": -0.0,
    "whole": 1.0,
    "third": 1 / 3,
    "wide": 1e22,
    "narrow": 1.5e-7,
    "sixteen digits": 9007199254740993.0,
    "2**63": 2.0**63,
}
OTHERS: dict[str, Any] = {
    "null": None,
    "bytes": bytes(range(256)),
    "no bytes": b"",
    "bytes of text": b"abc",
    "not utf-8": b"\xff\xfe'\x00",
    "nul": "a\0b",
    "only nul": "\0",
    "nul and odd": "\0\r\n'\\\x1f🐘\0",
}
DECLARED = (
    "INTEGER",
    "BIGINT",
    "TEXT",
    "VARCHAR(5)",
    "REAL",
    "DOUBLE PRECISION",
    "NUMERIC",
    "DECIMAL(10,2)",
    "BLOB",
    "",
    "BOOLEAN",
    "JSON",
    "DATETIME",
    "DATE",
    "TIME",
    "UUID",
    "STRING",
)
SQLITE_COLUMNS = [f"c{number}" for number in range(len(DECLARED))]


@pytest.fixture
def any_cells(sqlite_url: str) -> Live:
    """A column of every declared type; SQLite puts any value into any of them."""
    live = Live(sqlite_url)
    columns = ", ".join(f"{n} {t}" for n, t in zip(SQLITE_COLUMNS, DECLARED, strict=True))
    live.run(f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, {columns})")
    return live


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TEXTS, *NUMBERS, *OTHERS])
def test_any_value_in_any_column_of_sqlite(any_cells, demo, name):
    value = (TEXTS | NUMBERS | OTHERS)[name]
    any_cells.insert("cells", (1, 1, *[value] * len(DECLARED)))
    comes_back(any_cells, demo, SQLITE_COLUMNS)


@pytest.mark.parametrize("column", ["c0", "c4", "c6", "c9", "c10"])
def test_infinity_in_sqlite_is_refused_by_name(any_cells, demo, column):
    any_cells.run(f"INSERT INTO cells (id, is_demo, {column}) VALUES (41, 1, 9e999)")
    with pytest.raises(UnportableValueError, match=rf"cells\.{column}.*41"):
        demo.export(any_cells)
    assert not list(demo.directory.rglob("*.sql"))


@pytest.mark.parametrize("value", [b"\xff", b"a\xc3", b"\xed\xa0\x80"])
def test_text_that_is_not_utf_8_in_sqlite_is_refused(any_cells, demo, value):
    any_cells.run(
        f"INSERT INTO cells (id, is_demo, c2) VALUES (1, 1, CAST(X'{value.hex()}' AS TEXT))"
    )
    with pytest.raises(UnportableValueError, match="cells"):
        demo.export(any_cells)


POSTGRESQL = {
    "SMALLINT": ("-32768", "32767"),
    "INTEGER": ("-2147483648", "2147483647"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807"),
    "NUMERIC": (
        "0",
        "1.50",
        "1.5",
        "-0.00000000000000000001",
        "12345678901234567890123456789.123456789012345678901234567890",
        "1e100",
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
    ),
    "NUMERIC(10,2)": ("1.5", "-99999999.99", "'NaN'"),
    "NUMERIC(3,-2)": ("12300", "-99900"),
    "NUMERIC(2,5)": ("0.00012", "-0.00099"),
    "REAL": ("0.1", "1e-45", "3.4028235e38", "16777217", "'NaN'", "'Infinity'"),
    "DOUBLE PRECISION": (
        "0.1::float8 + 0.2::float8",
        "5e-324",
        "1.7976931348623157e308",
        "1e22",
        "9007199254740993",
        "'NaN'",
        "'-Infinity'",
    ),
    "BOOLEAN": ("TRUE", "FALSE"),
    "TIMESTAMP": (
        "'2025-01-20 12:00:00'",
        "'2025-01-20 12:00:00.000001'",
        "'0044-03-15 BC'",
        "'294276-12-31 23:59:59.999999'",
        "'infinity'",
        "'-infinity'",
    ),
    "TIMESTAMP(0)": ("'2025-01-20 12:00:00'",),
    "TIMESTAMPTZ": (
        "'2025-01-20 12:00:00+05:45'",
        "'0044-03-15 12:00:00.5 BC'",
        "'infinity'",
        "'-infinity'",
    ),
    "DATE": ("'2025-01-20'", "'4713-01-01 BC'", "'5874897-12-31'", "'infinity'", "'-infinity'"),
    "TIME": ("'00:00:00'", "'24:00:00'", "'23:59:59.999999'"),
    "TIMETZ": ("'12:00:00.5+03:30'",),
    "INTERVAL": ("'1 year 2 mons -3 days 04:05:06.789'", "'-1 days'", "'0'", "'1 mon -00:00:01'"),
    "UUID": ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",),
    "BYTEA": ("'\\x'", "'\\x00ff275c0d0a'", "'\\x2829'", "decode(repeat('00ff', 50000), 'hex')"),
    "JSON": ('\'{"b": 1, "a":  1.0, "a": null}\'', "'\"x''y\"'", "'null'", "'[]'"),
    "JSONB": ('\'{"b": 1, "a": 1.0}\'', '\'"\\\\ \\""\'', "'null'", "'1e400'", "'\"\\r\"'"),
    "VARCHAR(5)": ("'äöüßé'", "'🐘🐘🐘🐘🐘'", "''''''''''''", "''", "'a    '"),
    "CHAR(5)": ("'ab'", "''", "'äöüßé'"),
    '"char"': ("'x'", "'('", "''''"),
    "NAME": ("'a name'",),
    "TEXT[]": ("'{}'", '\'{a,NULL,"NULL","\\"q\\"","\\\\","a\\nb",\'\'}\'', "'{{1,2},{3,4}}'"),
    "INT[]": ("'[0:1]={1,2}'",),
    "INT4RANGE": ("'[1,5)'", "'empty'", "'(,)'"),
    "POINT": ("'(0.1,-0)'", "'(1e300,5e-324)'"),
    "INET": ("'::1/128'", "'10.0.0.1/8'"),
    "BIT VARYING": ("B'101'", "B''"),
    "MONEY": ("'-1234.50'",),
    "XML": ("'<a b=\"c\">x &amp; y</a>'",),
    "TSVECTOR": ("'a:1 b''c'",),
    "mood": ("'so so'", "'it''s'", "'NULL'"),
    "positive": ("1", "2147483647"),
    "pair": ("ROW(1, 'a,b')", "ROW(NULL, '')", "ROW(2, '\"(x)\"')"),
    "OID": ("4294967295",),
    "PG_LSN": ("'16/B374D848'",),
}


@pytest.mark.parametrize("native", POSTGRESQL)
@engines("postgresql", "postgresql15")
def test_every_type_of_postgresql(database_url, demo, native):
    live = Live(database_url)
    if native == "XML" and live.version == 18:
        pytest.skip("the wheel's server is built without libxml")
    live.run(
        "CREATE TYPE mood AS ENUM ('so so', 'it''s', 'NULL')",
        "CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 0)",
        "CREATE TYPE pair AS (a INTEGER, b TEXT)",
        f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, c {native})",
        *(
            f"INSERT INTO cells VALUES ({number}, TRUE, {value})"
            for number, value in enumerate([*POSTGRESQL[native], "NULL"])
        ),
    )
    comes_back(live, demo, ["c"])


@pytest.mark.parametrize("native", ["REAL", "DOUBLE PRECISION"])
@engines("postgresql", "postgresql15")
def test_minus_zero_comes_back_by_import(database_url, demo, native):
    """psql reads -0 as the integer 0."""
    live = Live(database_url)
    live.run(
        f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, c {native})",
        "INSERT INTO cells VALUES (1, TRUE, '-0'), (2, TRUE, 0)",
    )
    comes_back(live, demo, ["c"], client=False)


@pytest.mark.parametrize("native", ["TEXT", "VARCHAR(140000)", "JSON"])
@engines("postgresql", "postgresql15")
def test_any_text_in_postgresql(database_url, demo, native):
    texts = list(TEXTS.values())
    if native == "JSON":
        texts = [json.dumps(text, ensure_ascii=False) for text in texts]
    live = Live(database_url)
    live.run(f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, c {native})")
    live.insert("cells", (0, True, None), *((n, True, text) for n, text in enumerate(texts, 1)))
    comes_back(live, demo, ["c"])


# --- Any rows at all -------------------------------------------------------------------------

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_SPECIAL = st.text(st.sampled_from("\\'\"\n\r\t.,()N;-*/ x🐘"), max_size=12)
_CELL = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    _FINITE,
    _TEXT,
    _SPECIAL,
    st.binary(max_size=40),
    st.text(st.sampled_from("a\0'\n"), max_size=5),
)
_ANY = settings(
    max_examples=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@_ANY
@given(rows=st.lists(st.tuples(*[_CELL] * len(DECLARED)), min_size=1, max_size=4))
def test_any_rows_of_sqlite(any_cells, demo, rows):
    any_cells.run("DELETE FROM cells")
    any_cells.insert("cells", *((number, 1, *row) for number, row in enumerate(rows)))
    comes_back(any_cells, demo, SQLITE_COLUMNS, client=False)


_COLUMNS = {
    "a": ("TEXT", _TEXT | _SPECIAL),
    "b": ("VARCHAR(12)", _SPECIAL),
    "c": ("DOUBLE PRECISION", st.floats()),
    "d": ("REAL", st.floats(width=32)),
    "e": ("NUMERIC", st.decimals(allow_infinity=False, min_value=-(10**40), max_value=10**40)),
    "f": ("BYTEA", st.binary(max_size=40)),
    "g": ("BIGINT", st.integers(-(2**63), 2**63 - 1)),
    "h": ("BOOLEAN", st.booleans()),
    "i": ("TIMESTAMP", st.datetimes()),
    "j": ("TIMESTAMPTZ", st.datetimes(timezones=st.timezones())),
    "k": ("DATE", st.dates()),
    "l": ("TIME", st.times()),
    "m": ("UUID", st.uuids()),
    "n": ("TEXT[]", st.lists(_SPECIAL, max_size=3)),
}


@pytest.fixture
def typed_cells(database_url: str) -> Live:
    live = Live(database_url)
    columns = ", ".join(f"{name} {native}" for name, (native, _) in _COLUMNS.items())
    live.run(f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, {columns})")
    return live


@engines("postgresql", "postgresql15")
@_ANY
@given(
    rows=st.lists(
        st.tuples(*[st.none() | values for _, values in _COLUMNS.values()]), min_size=1, max_size=4
    )
)
def test_any_rows_of_postgresql(typed_cells, demo, rows):
    typed_cells.run("DELETE FROM cells")
    typed_cells.insert("cells", *((number, True, *row) for number, row in enumerate(rows)))
    comes_back(typed_cells, demo, list(_COLUMNS), client=False)


_PORTABLE = {
    "a": ("TEXT", _TEXT | _SPECIAL),
    "b": ("DOUBLE PRECISION", _FINITE.map(lambda value: value + 0.0)),
    "c": ("BIGINT", st.integers(-(2**63), 2**63 - 1)),
    "d": ("BOOLEAN", st.booleans()),
    "e": ("BYTES", st.binary(max_size=20)),
}


@engines("postgresql", "postgresql15")
@pytest.mark.parametrize("number", [7.032960118602786e16, 0.1 + 0.2, 1.4060000000000002e16])
def test_a_float_s_last_digit_from_postgresql_to_sqlite(database_url, sqlite_url, demo, number):
    """PostgreSQL writes the first as 7.0329601186027856e+16, Python with a digit less."""
    source, target = Live(database_url), Live(sqlite_url)
    for live in (source, target):
        live.run("CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, c DOUBLE PRECISION)")
    source.insert("cells", (1, True, number))
    demo.load(target, demo.export(source).path)
    assert target.value("SELECT c FROM cells") == number


@pytest.mark.slow
@engines("sqlite", "postgresql")
@engines("sqlite", "postgresql", fixture="target_url")
@settings(_ANY, max_examples=10)
@given(
    rows=st.lists(
        st.tuples(*[st.none() | values for _, values in _PORTABLE.values()]), min_size=1, max_size=4
    )
)
def test_any_rows_from_one_engine_to_another(database_url, target_url, demo, rows):
    source, target = Live(database_url), Live(target_url)
    for live in (source, target):
        binary = {"sqlite": "BLOB", "postgresql": "BYTEA", "mariadb": "LONGBLOB"}[live.engine]
        columns = ", ".join(f"{n} {t}" for n, (t, _) in _PORTABLE.items()).replace("BYTES", binary)
        live.run(
            "DROP TABLE IF EXISTS cells",
            f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo BOOLEAN, {columns})",
        )
    source.insert("cells", *((number, True, *row) for number, row in enumerate(rows)))
    demo.load(target, demo.export(source, auto_version=True).path)
    query = "SELECT * FROM cells ORDER BY id"
    assert target.rows(query) == source.rows(query)
    signs = [
        [math.copysign(1, row[3]) for row in live.rows(query) if row[3] is not None]
        for live in (source, target)
    ]
    assert signs[0] == signs[1]
