"""What an import would refuse is refused by the export, and nothing is published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import NewDatabase
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import UnportableValueError

MARKED = '[tables.t]\nmarker = "is_demo"\n'
ROW = "INSERT INTO t (id, is_demo) VALUES (6, TRUE), (8, TRUE)"


@dataclass(frozen=True)
class Case:
    """``statements`` make the table t; the error tells ``told`` and not ``secret``."""

    engine: str
    statements: tuple[str, ...]
    told: tuple[str, ...]
    secret: str = "s3cret"
    configuration: str = MARKED


def value(engine: str, column: str, *statements: str, secret: str = "s3cret") -> Case:
    """A table of which the row 7 holds an odd value in the column v."""
    made = f"CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, v {column})"
    return Case(engine, (made, ROW, *statements), ("t.v: the row with key 7",), secret)


def invalid_date(kind: str, text: str) -> Case:
    mode = "SET sql_mode = 'ALLOW_INVALID_DATES'"
    inserted = f"INSERT INTO t VALUES (7, TRUE, '{text}')"
    return value("mariadb", kind, mode, inserted, secret=text[:10])


CASES = {
    "enum error value": value(
        "mariadb", "ENUM('a', 'b')", "INSERT IGNORE INTO t VALUES (7, TRUE, 's3cret')"
    ),
    "31 February": invalid_date("DATE", "2024-02-31"),
    "29 February of no leap year": invalid_date("DATETIME(3)", "1900-02-29 12:00:00"),
    "31 September": invalid_date("DATETIME", "2024-09-31 00:00:00"),
    "NULL in a NOT NULL column": value(
        "sqlite",
        "TEXT",
        "UPDATE t SET v = 's3cret'",
        "INSERT INTO t VALUES (7, TRUE, NULL)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'v TEXT', 'v TEXT NOT NULL')",
    ),
    "all columns generated": Case(
        "postgresql",
        (
            "CREATE TABLE t (is_demo BOOLEAN GENERATED ALWAYS AS (TRUE) STORED)",
            "INSERT INTO t DEFAULT VALUES",
        ),
        ("t: the database generates every column",),
    ),
    "no column": Case(
        "postgresql",
        ("CREATE TABLE t ()", "INSERT INTO t DEFAULT VALUES"),
        ("t: the database generates every column",),
        configuration='[tables.t]\nwhere = "1 = 1"\n',
    ),
    "generated key": Case(
        "postgresql",
        (
            "CREATE TABLE t (a INTEGER, is_demo BOOLEAN,"
            " id INTEGER GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY)",
            "INSERT INTO t (a, is_demo) VALUES (1, TRUE)",
        ),
        ("t.id: ", "generates this column"),
    ),
    "a name with a line break": Case(
        "postgresql",
        (
            'CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, "a\nb" TEXT)',
            ROW,
        ),
        ("'a\\nb'",),
    ),
    "a look-up in a row that travels along": Case(
        "postgresql",
        (
            "CREATE TABLE unit (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
            "CREATE TABLE product (id INTEGER PRIMARY KEY, unit_id INTEGER REFERENCES unit (id))",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN,"
            " product_id INTEGER REFERENCES product (id))",
            "INSERT INTO unit VALUES (1, 's3cret')",
            "INSERT INTO product VALUES (7, 1)",
            "INSERT INTO t VALUES (1, TRUE, 7)",
        ),
        ("product.unit_id: ",),
        configuration=MARKED + '[references]\nproduct = "include"\nunit = { by-key = ["name"] }\n',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_no_import_would_take_is_not_published(
    name: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    case = CASES[name]
    live = Live(new_database(case.engine))
    live.run(*case.statements)
    configuration = tmp_path / "demo.toml"
    configuration.write_text(case.configuration, encoding="utf-8")
    with pytest.raises(UnportableValueError) as caught:
        Demo(tmp_path / "snapshots", configuration).export(live, allow_empty=True)
    told = f"{caught.value.message} {caught.value.hint}"
    assert all(part in told for part in case.told), told
    assert case.secret not in told
    assert not list(tmp_path.rglob("*.sql"))
    assert not [path for path in tmp_path.rglob("general/*") if path.is_file()]


@engines("mariadb")
def test_members_of_enums_however_odd_are_carried(database_url: str, tmp_path: Path) -> None:
    members = ["a,b", "it's", "back\\slash", "two\\\\", "", "ü ", "(x)", '"', "%s"]
    listed = ", ".join("'" + member.replace("'", "''") + "'" for member in members)
    live = Live(database_url)
    live.run(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, e ENUM({listed}),"
        f" s SET('x', 'it''s', 'back\\slash'))",
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
    )
    live.insert("t", *((n, True, member, "x,back\\slash") for n, member in enumerate(members)))
    configuration = tmp_path / "demo.toml"
    configuration.write_text(MARKED, encoding="utf-8")
    demo = Demo(tmp_path / "snapshots", configuration)
    before = live.dump()
    path = demo.export(live).path
    for again in (demo.load, Live.by_client):
        live.run("DELETE FROM t")
        again(live, path)
        assert live.dump() == before


@engines("sqlite", "postgresql", "postgresql15", "mariadb")
def test_leap_days_are_carried(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    days = ["2024-02-29", "2000-02-29", "0400-02-29", "1996-02-29", "2023-02-28", "2024-12-31"]
    days += {
        "sqlite": ["2024-02-31", "1900-02-29", "99999-99-99"],
        "postgresql": ["0001-02-29 BC", "0005-02-29 BC", "12000-02-29", "0044-03-15 BC"],
        "mariadb": ["0000-00-00", "2024-00-00", "2024-02-00", "2024-00-31", "0004-02-29"],
    }[live.engine]
    live.run("CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, v DATE)")
    for number, day in enumerate(days):
        # The server's own mode refuses days 0, which ours does not.
        live.run(f"INSERT INTO t VALUES ({number}, TRUE, '{day}')")
    configuration = tmp_path / "demo.toml"
    configuration.write_text(MARKED, encoding="utf-8")
    demo = Demo(tmp_path / "snapshots", configuration)
    before = live.dump()
    path = demo.export(live).path
    for again in (demo.load, Live.by_client):
        live.run("DELETE FROM t")
        again(live, path)
        assert live.dump() == before
