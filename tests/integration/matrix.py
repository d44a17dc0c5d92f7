"""A schema of every type that the engines share, beside the warehouse's shapes, and for each engine
a table of what only it has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from integration import warehouse
from integration.live import Live

CONFIGURATION = (
    warehouse.CONFIGURATION
    + """
[tables.kinds]
marker = "is_demo"

[tables.parts]
follows = "kind_id"
"""
)
DEMO_ROWS = {**warehouse.DEMO_ROWS, "kinds": 4, "parts": 3}

# Column: the type on SQLite, PostgreSQL and MariaDB, then its value in rows 1, 2 and 3.
_ODD = 'it\'s \\ "q"\r\n\t--;\n\\.\n/* */ NULL %s\x01\x7f\u2028Grüße 🐘'
KINDS: dict[str, tuple[str, str, str, Any, Any, Any]] = {
    "small": ("SMALLINT", "SMALLINT", "SMALLINT", 0, 32767, -32768),
    "whole": ("INTEGER", "INTEGER", "INTEGER", 1, 2**31 - 1, -(2**31)),
    "big": ("BIGINT", "BIGINT", "BIGINT", 2**53 + 1, 2**63 - 1, -(2**63)),
    "exact": (
        *("DECIMAL(20,6)", "NUMERIC(20,6)", "DECIMAL(20,6)"),
        *(Decimal("0.1"), Decimal("123456789.125"), Decimal("-0.000001")),
    ),
    "single": ("REAL", "REAL", "FLOAT", 0.1, -2.5, 1.5e-7),
    "dbl": (
        *("DOUBLE PRECISION",) * 3,
        *(0.1 + 0.2, 1.7976931348623157e308, 5e-324),
    ),
    "flag": ("BOOLEAN", "BOOLEAN", "BOOLEAN", True, False, True),
    "name": ("VARCHAR(9)", "VARCHAR(9)", "VARCHAR(9)", "", "🐘🐘🐘🐘🐘🐘🐘🐘🐘", " a'\\ "),
    "body": ("TEXT", "TEXT", "LONGTEXT", "NULL", _ODD, "'); DROP TABLE kinds; --"),
    "doc": (
        *("JSON", "JSONB", "JSON"),
        *({"a": [1, 2.5, None, True], "ü": {"x": "\u2028'\""}}, [], "text"),
    ),
    "note": ("JSON", "JSON", "JSON", [{"id": 1}], {"a": {"a": _ODD}}, {}),
    "day": (*("DATE",) * 3, date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31)),
    "clock": (
        *("TIME", "TIME", "TIME(6)"),
        *(time(12, 30), time(0, 0), time(23, 59, 59, 999999)),
    ),
    "moment": (
        *("TIMESTAMP", "TIMESTAMP", "DATETIME(6)"),
        *(datetime(2025, 1, 20, 12), datetime(1000, 1, 1, 0, 0, 0, 1), datetime(9999, 12, 31)),
    ),
    "stamp": (
        *("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP(6) NULL"),
        *(
            datetime(2025, 3, 30, 1, 30, tzinfo=UTC),
            datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
            datetime(2038, 1, 19, 3, 14, 7, 999999, tzinfo=UTC),
        ),
    ),
    "ident": ("UUID", "UUID", "UUID", UUID(int=1), UUID(int=2**128 - 1), UUID(int=0xE1 << 100)),
    "raw": ("BLOB", "BYTEA", "LONGBLOB", b"", bytes(range(256)), b"'\\x00"),
}
_ENGINES = ("sqlite", "postgresql", "mariadb")

OWN = {
    "sqlite": {
        "": "(id INTEGER PRIMARY KEY, is_demo BOOLEAN, a INTEGER, b TEXT, c REAL, d NUMERIC,"
        " e BLOB, f, g BOOLEAN, h JSON, i DATETIME, j STRING)",
        "any": "",
    },
    "postgresql": {
        "smallint[]": "'[0:1]={1,NULL}'",
        "text[]": '\'{a,NULL,"NULL","\\"q\\"","\\\\",{}}\''.replace(",{}", ""),
        "int4range": "'[1,5)'",
        "datemultirange": "'{[2025-01-01,2025-02-01),[2026-01-01,)}'",
        "interval": "'1 year 2 mons -3 days 04:05:06.789'",
        "numeric": "'123456789012345678901234567890.123456789012345678901234567890'",
        "numeric(3,-2)": "12300",
        "numeric(9,2)": "'NaN'",
        "double precision": "'-Infinity'",
        "real": "'NaN'",
        "mood": "'it''s'",
        "positive": "2147483647",
        "pair": "ROW(1, 'a,\"b')",
        "inet": "'10.0.0.1/8'",
        "macaddr": "'08:00:2b:01:02:03'",
        "tsvector": "'a:1A b''c'",
        "tsquery": "'a & !b'",
        "bit varying": "B'101'",
        "money": "'-1234.50'",
        "point": "'(0.1,-0)'",
        "polygon": "'((0,0),(1,0),(1,1))'",
        "bytea": "'\\x00ff5c27'",
        "json": '\'{"b": 1, "a":  1.0, "a": null}\'',
        "jsonb": "'{\"a\": 12345678901234567890.12345678901234567890}'",
        "timestamp": "'0044-03-15 12:00:00.5 BC'",
        "timestamptz": "'-infinity'",
        "date": "'4713-01-01 BC'",
        "timetz": "'12:00:00.5+03:30'",
        "char(5)": "'ab'",
        '"char"': "''''",
        "xml": "'<a b=\"c\">x &amp; y</a>'",
        "hstore": "'a=>1, \"b c\"=>NULL, d=>\"''\"'",
    },
    "mariadb": {
        "TINYINT": "-128",
        "SMALLINT UNSIGNED": "65535",
        "BIGINT UNSIGNED": "18446744073709551615",
        "INT(8) ZEROFILL": "42",
        "TINYINT(1)": "7",
        "BIT(1)": "b'1'",
        "BIT(64)": "~0",
        "YEAR": "2155",
        "DECIMAL(65,30)": "12345678901234567890123456789012345.123456789012345678901234567891",
        "FLOAT": "3.4028234e38",
        "CHAR(5)": "' a'",
        "VARCHAR(10) CHARACTER SET latin1": "'é'",
        "ENUM('happy','it''s','ü')": "'it''s'",
        "SET('a','b','c')": "'a,c'",
        "TIME(3)": "'-838:59:59.999'",
        "DATETIME(6)": "'1000-01-01 00:00:00.000001'",
        "TIMESTAMP(6) NULL": "'2038-01-19 03:14:07.999999'",
        "BINARY(3)": "X'6100FF'",
        "POINT": "POINT(1e-300, -0.1)",
        "INET6": "'fe80::1'",
        "JSON": '\'{"a":  "\\u00e9"}\'',
    },
}
"""Types that only one engine has, each with a value as that engine spells it."""

_CELLS = (
    *(0, -1, 2**63 - 1, 0.1 + 0.2, 5e-324, 1e22, "", "007", "1e3", "NaN", _ODD),
    *("a\0b", b"", b"\x00\xff'", None),
)


def build(url: str, rows: bool = True) -> Live:
    """All tables that the engines share; without ``rows`` empty."""
    live = warehouse.build(url, rows=rows)
    columns = ", ".join(
        f"{name} {types[_ENGINES.index(live.engine)]}" for name, types in KINDS.items()
    )
    key = "BIGINT PRIMARY KEY"
    live.run(
        f"CREATE TABLE kinds (id {key}, is_demo BOOLEAN, next_id BIGINT REFERENCES kinds (id),"
        f" {columns})",
        "CREATE TABLE parts (no SMALLINT NOT NULL, kind_id BIGINT NOT NULL REFERENCES kinds (id)"
        " ON DELETE CASCADE, PRIMARY KEY (no, kind_id))",
    )
    if rows:
        for number in range(1, 4):
            put(live, number, True, [types[2 + number] for types in KINDS.values()])
        put(live, 4, True, [None] * len(KINDS))
        live.run(
            "UPDATE kinds SET next_id = 5 - id WHERE id < 4",
            "INSERT INTO parts VALUES (1, 2), (2, 2), (1, 3)",
        )
    return live


def put(live: Live, key: int, is_demo: bool, values: Sequence[Any]) -> None:
    """A row of ``kinds``, its values in Python's own types."""
    marks, given = [], []
    for (name, *_), value in zip(KINDS.items(), values, strict=True):
        mark = "?" if live.engine == "sqlite" else "%s"
        if name in ("doc", "note") and value is not None:
            value = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, UUID) or (isinstance(value, Decimal) and live.engine == "sqlite"):
            value = str(value)
        elif isinstance(value, datetime) and live.engine != "postgresql":
            value = value.replace(tzinfo=None).isoformat(" ")
        elif isinstance(value, (date, time)) and live.engine == "sqlite":
            value = value.isoformat()
        elif isinstance(value, bytes) and live.engine == "mariadb":
            mark, value = "UNHEX(%s)", value.hex()
        marks.append(mark)
        given.append(value)
    with live.connection() as raw:
        raw.cursor().execute(
            f"INSERT INTO kinds (id, is_demo, {', '.join(KINDS)})"
            f" VALUES ({key}, {is_demo}, {', '.join(marks)})",
            given,
        )


def build_own(live: Live) -> list[str]:
    """A table ``own`` of what only this engine has; the names of its columns."""
    if live.engine == "sqlite":
        live.run(f"CREATE TABLE own {OWN['sqlite']['']}")
        live.insert("own", *((n, 1, *[cell] * 10) for n, cell in enumerate(_CELLS)))
        return [row[1] for row in live.rows("PRAGMA table_info(own)")][2:]
    values = dict(OWN[live.engine])
    if live.engine == "postgresql":
        live.run(
            "CREATE TYPE mood AS ENUM ('so so', 'it''s')",
            "CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 0)",
            "CREATE TYPE pair AS (a INTEGER, b TEXT)",
        )
        if live.version >= 18:  # the wheel's server is built without libxml
            del values["xml"]
        if live.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'hstore'"):
            live.run("CREATE EXTENSION hstore")
        else:
            del values["hstore"]
    names = [f"c{number}" for number in range(len(values))]
    columns = ", ".join(f"{name} {native}" for name, native in zip(names, values, strict=True))
    nothing = ", ".join(["NULL"] * len(values))
    live.run(
        f"CREATE TABLE own (id INTEGER PRIMARY KEY, is_demo BOOLEAN, {columns})",
        f"INSERT INTO own VALUES (1, TRUE, {', '.join(values.values())}), (2, TRUE, {nothing}),"
        f" (3, FALSE, {', '.join(values.values())})",
    )
    return names


# --- Values ----------------------------------------------------------------------------------


def kinds(live: Live) -> list[dict[str, Any]]:
    """The demo rows of ``kinds`` by value, whatever the engine says them in."""
    names = ["id", "next_id", *KINDS]
    return [
        {name: _typed(live, name, cell) for name, cell in zip(names, row, strict=True)}
        for row in live.rows(f"SELECT {', '.join(names)} FROM kinds WHERE is_demo ORDER BY id")
    ]


def _typed(live: Live, name: str, cell: Any) -> Any:
    if cell is None or name in ("id", "next_id"):
        return cell
    meant = KINDS[name][3]
    if name in ("doc", "note"):
        return cell if live.engine == "postgresql" else json.loads(cell)
    if isinstance(meant, datetime):
        moment = datetime.fromisoformat(cell) if isinstance(cell, str) else cell
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=meant.tzinfo)
    if isinstance(meant, date):
        return date.fromisoformat(cell) if isinstance(cell, str) else cell
    if isinstance(meant, time):
        if isinstance(cell, timedelta):
            return (datetime.min + cell).time()
        return time.fromisoformat(cell) if isinstance(cell, str) else cell
    if isinstance(meant, Decimal):
        return Decimal(str(cell)).normalize()
    if isinstance(meant, UUID):
        return UUID(str(cell))
    if isinstance(meant, bool):
        assert cell in (0, 1)
        return bool(cell)
    assert type(cell) is type(meant), name
    return cell


def others(live: Live, table: str) -> list[tuple[Any, ...]]:
    """The rows of one of the warehouse's tables by value."""
    return sorted(
        (tuple(map(_loose, row)) for row in live.rows(f'SELECT * FROM "{table}"')), key=repr
    )


def _loose(value: Any) -> Any:
    if isinstance(value, (bool, int, float, Decimal)):
        return float(value)
    return value if value is None or isinstance(value, bytes) else str(value)
