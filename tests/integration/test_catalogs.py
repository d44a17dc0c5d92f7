"""The engines' catalogs, read by us, say what SQLAlchemy's reflection says of the same schemas."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa
from database_engines import engines
from integration import laravel, matrix
from integration.live import Live
from integration.test_chinook import CHINOOK
from integration.test_chinook import copy as copy_chinook

from demo_snapshots.engines.base.catalog import Keys, Place
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import DatabaseError
from demo_snapshots.model.tables import ForeignKey
from demo_snapshots.sample.engine import make_engine
from demo_snapshots.sample.schema import migrate_fresh

Found = dict[Place, tuple[Keys, list[ForeignKey], list[str]]]
"""Of every table: its keys, its foreign keys, and the names of its columns."""


def ours(url: str) -> tuple[dict[str | None, list[str]], Found]:
    with connect(url) as database, database.wrapped():
        catalog = database.catalog
        names = catalog.tables()
        places = [(schema, name) for schema, found in names.items() for name in found]
        keys, columns = catalog.keys(places), catalog.columns(places)
        foreign_keys = catalog.foreign_keys(names)
        return {schema: list(found) for schema, found in names.items()}, {
            place: (
                Keys(keys[place].primary, _unique(keys[place].primary, keys[place].uniques)),
                list(foreign_keys.get(place, ())),
                [column.name for column in columns[place]],
            )
            for place in places
        }


def theirs(url: str, schemas: tuple[str, ...] = ()) -> tuple[dict[str | None, list[str]], Found]:
    found: Found = {}
    with make_engine(url).connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        inspector = sa.inspect(connection)
        names = {schema: sorted(inspector.get_table_names(schema)) for schema in (None, *schemas)}
        for schema, tables in names.items():
            keys = inspector.get_multi_foreign_keys(schema)
            for name in tables:
                found[schema, name] = (
                    _keys(inspector, schema, name),
                    [_foreign_key(connection, name, key) for key in keys[schema, name]],
                    [column["name"] for column in inspector.get_columns(name, schema)],
                )
    return names, found


def _keys(inspector: sa.Inspector, schema: str | None, name: str) -> Keys:
    primary = tuple(inspector.get_pk_constraint(name, schema)["constrained_columns"])
    uniques = [
        tuple(unique["column_names"]) for unique in inspector.get_unique_constraints(name, schema)
    ]
    for index in inspector.get_indexes(name, schema, include_auto_indexes=True):
        options = index.get("dialect_options", {})
        whole = all(options.get(f"{engine}_where") is None for engine in ("sqlite", "postgresql"))
        if index["unique"] and all(index["column_names"]) and whole:
            uniques.append(tuple(str(column) for column in index["column_names"]))
    return Keys(primary, _unique(primary, uniques))


def _unique(primary: tuple[str, ...], uniques: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted({*uniques} - {primary}))


def _foreign_key(connection: sa.Connection, table: str, found: Any) -> ForeignKey:
    columns = tuple(found["constrained_columns"])
    options = found.get("options", {})
    rule = (options.get("ondelete") or "NO ACTION").upper()
    if connection.dialect.name == "sqlite":
        # What stands beside a column it does not read.
        rows = list(connection.execute(sa.text(f"PRAGMA foreign_key_list('{table}')")))
        rule = next(row[6] for row in rows if row[3] == columns[0] and row[2] == _target(found))
    return ForeignKey(
        name=found["name"] or "",
        columns=columns,
        referenced_table=found["referred_table"],
        referenced_columns=tuple(found["referred_columns"]),
        on_delete=rule,
        deferrable=bool(options.get("deferrable")),
        referenced_schema=found["referred_schema"],
    )


def _target(found: Any) -> str:
    return str(found["referred_table"])


def agree(url: str) -> None:
    """Both readings of the database are the same, table by table; also the order of foreign
    keys, on which the bytes of documents depend."""
    our_names, our_tables = ours(url)
    their_names, their_tables = theirs(url, tuple(schema for schema in our_names if schema))
    assert our_names == their_names
    differences = [
        (place, found, their_tables[place])
        for place, found in our_tables.items()
        if found != their_tables[place]
    ]
    assert not differences


# --- Schemas that are there anyway -----------------------------------------------------------


def test_the_schema_that_the_engines_share(database_url: str) -> None:
    live = matrix.build(database_url, rows=False)
    if live.engine == "mariadb":
        # SQLAlchemy leaves quotes within names doubled.
        live.run('ALTER TABLE "Order" RENAME COLUMN "50% ""off"" :x" TO half')
    agree(database_url)


def test_a_laravel_application(database_url: str) -> None:
    laravel.migrate(Live(database_url))
    agree(database_url)


def test_the_sample_application(database_url: str) -> None:
    migrate_fresh(make_engine(database_url))
    agree(database_url)


@pytest.mark.skipif(not CHINOOK.exists(), reason="no chinook.sqlite here")
def test_chinook(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "chinook.sqlite"
    shutil.copyfile(CHINOOK, path)
    source = Live(f"sqlite:///{path}")
    copy_chinook(source, Live(database_url))
    agree(database_url)
    agree(source.url)


# --- Odd ones --------------------------------------------------------------------------------

_ODD = (
    'CREATE TABLE "a.b \'C\'" ("x.y" {integer} NOT NULL, "Z z" {integer} NOT NULL,'
    ' note {text} UNIQUE, PRIMARY KEY ("Z z", "x.y"), UNIQUE ("x.y", note))',
    "CREATE TABLE self (id {integer} PRIMARY KEY, parent_id {integer}, other_id {integer},"
    " CONSTRAINT up FOREIGN KEY (parent_id) REFERENCES self (id) ON DELETE CASCADE,"
    " CONSTRAINT aside FOREIGN KEY (other_id) REFERENCES self (id) ON DELETE SET NULL)",
    'CREATE TABLE "Order" (id {integer} PRIMARY KEY, "select" {integer}, p {integer},'
    " q {integer}, g {integer} GENERATED ALWAYS AS (id + 1) STORED,"
    ' CONSTRAINT "odd name" FOREIGN KEY (p, q)'
    ' REFERENCES "a.b \'C\'" ("Z z", "x.y") ON UPDATE CASCADE ON DELETE RESTRICT)',
    "CREATE TABLE nokey (a {integer}, b {integer})",
    "CREATE UNIQUE INDEX whole ON nokey (b, a)",
    "CREATE INDEX plain ON nokey (a)",
    "CREATE VIEW seen AS SELECT * FROM nokey",
)


def test_quotes_within_names(database_url: str) -> None:
    Live(database_url).run(
        'CREATE TABLE "a ""b""" ("x ""y""" INTEGER PRIMARY KEY, "u ""v""" INTEGER UNIQUE)',
        'CREATE TABLE c ("p ""q""" INTEGER PRIMARY KEY, CONSTRAINT "k ""l"""'
        ' FOREIGN KEY ("p ""q""") REFERENCES "a ""b""" ("x ""y""") ON DELETE CASCADE)',
    )
    _, found = ours(database_url)
    key = ForeignKey('k "l"', ('p "q"',), 'a "b"', ('x "y"',), "CASCADE")
    assert found == {
        (None, 'a "b"'): (Keys(('x "y"',), (('u "v"',),)), [], ['x "y"', 'u "v"']),
        (None, "c"): (Keys(('p "q"',), ()), [key], ['p "q"']),
    }


def _build(live: Live, *more: str) -> None:
    words = {"text": "VARCHAR(40)" if live.engine == "mariadb" else "TEXT", "integer": "INTEGER"}
    live.run(*(statement.format(**words) for statement in (*_ODD, *more)))


@engines("sqlite")
def test_odd_tables_of_sqlite(database_url: str) -> None:
    _build(
        Live(database_url),
        "CREATE TABLE implicit (a INTEGER, b INTEGER, FOREIGN KEY (a, b)"
        ' REFERENCES "a.b ""c"" \'D\'")',
        "CREATE TABLE inline (id INTEGER PRIMARY KEY, u TEXT NOT NULL UNIQUE,"
        " s INTEGER REFERENCES self ON DELETE CASCADE, t INTEGER REFERENCES self (id))",
        "CREATE TABLE mixed (a INTEGER REFERENCES self (id), b INTEGER REFERENCES self (id),"
        " c INTEGER, d INTEGER, e INTEGER, FOREIGN KEY (d) REFERENCES self (id),"
        ' CONSTRAINT named FOREIGN KEY (e) REFERENCES "self" ("id"),'
        " FOREIGN KEY (c) REFERENCES self (id))",
        "CREATE TABLE bare (f INTEGER, g INTEGER, h INTEGER, FOREIGN KEY (g) REFERENCES self,"
        " FOREIGN KEY (f) REFERENCES self, FOREIGN KEY (h) REFERENCES self)",
        *(
            f"CREATE TABLE {table} (i INTEGER, j INTEGER, k INTEGER,"
            f" FOREIGN KEY (j) REFERENCES {target}, FOREIGN KEY (k) REFERENCES {target},"
            f" FOREIGN KEY (i) REFERENCES {target})"
            for table, target in (("brackets", "[self] ([id])"), ("ticks", "`self` (`id`)"))
        ),
        "CREATE UNIQUE INDEX part ON nokey (a) WHERE b > 0",
        "CREATE UNIQUE INDEX of_expression ON nokey (a + b)",
        "CREATE TABLE late (id INTEGER PRIMARY KEY, s INTEGER, CONSTRAINT later"
        " FOREIGN KEY (s) REFERENCES self (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT) ",
        "CREATE TABLE slim (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE VIRTUAL TABLE words USING fts5 (body)",
        "CREATE TRIGGER touched AFTER INSERT ON NoKey BEGIN SELECT 1; END",
    )
    agree(database_url)
    with connect(database_url) as database:
        assert set(database.catalog.triggers()) == {(None, "nokey")}


@engines("sqlite")
def test_what_sqlalchemy_does_not_read_of_sqlite(database_url: str) -> None:
    live = Live(database_url)
    live.run(
        "CREATE TABLE Parent (Id INTEGER PRIMARY KEY, Code TEXT UNIQUE)",
        """CREATE TABLE [child] ( -- REFERENCES nobody (CONSTRAINT
           a INTEGER CONSTRAINT 'in''line' REFERENCES parent (ID) ON DELETE CASCADE NOT NULL
             DEFERRABLE /* REFERENCES */ INITIALLY DEFERRED,
           b INTEGER CHECK (b <> 'REFERENCES x') REFERENCES PARENT NOT DEFERRABLE,
           "references" TEXT DEFAULT 'CONSTRAINT x REFERENCES y',
           CONSTRAINT `by``code` FOREIGN KEY ("references") REFERENCES [Parent] (CODE)
             DEFERRABLE INITIALLY IMMEDIATE)""",
    )
    live.run("ALTER TABLE child ADD COLUMN c INTEGER CONSTRAINT late REFERENCES Parent")
    with connect(database_url) as database:
        names = database.catalog.tables()
        keys = database.catalog.foreign_keys(names)
    id_, code = ("Id",), ("Code",)
    assert names == {None: ["Parent", "child"]}
    assert keys == {
        (None, "child"): (
            ForeignKey("by`code", ("references",), "Parent", code, deferrable=True),
            ForeignKey("late", ("c",), "Parent", id_),
            ForeignKey("", ("b",), "Parent", id_),
            ForeignKey("in'line", ("a",), "Parent", id_, "CASCADE", deferrable=True),
        )
    }


_SCHEMAS = (
    "CREATE SCHEMA crm",
    'CREATE SCHEMA "Odd.Schema"',
    "CREATE TABLE crm.person (id INTEGER PRIMARY KEY, of_public INTEGER"
    " REFERENCES public.self (id) ON DELETE SET DEFAULT)",
    "CREATE TABLE crm.letter (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES crm.person)",
    'CREATE TABLE "Odd.Schema"."T ""t""" (id INTEGER PRIMARY KEY,'
    " p INTEGER REFERENCES crm.person DEFERRABLE INITIALLY DEFERRED)",
    'CREATE TABLE back (id INTEGER PRIMARY KEY, p INTEGER REFERENCES "Odd.Schema"."T ""t""")',
    "CREATE TABLE crm.self (id INTEGER PRIMARY KEY, p INTEGER REFERENCES crm.self)",
)


@engines("postgresql", "postgresql15")
@pytest.mark.parametrize("path", ["", "crm,public", "public,crm", '"Odd.Schema",crm', "nowhere"])
def test_odd_tables_of_postgresql(database_url: str, path: str) -> None:
    _build(
        Live(database_url),
        *_SCHEMAS,
        "CREATE UNIQUE INDEX part ON nokey (a) WHERE b > 0",
        "CREATE UNIQUE INDEX of_expression ON nokey ((a + b))",
        "CREATE UNIQUE INDEX covering ON nokey (a) INCLUDE (b)",
        "ALTER TABLE nokey ADD COLUMN c TEXT, ADD COLUMN d TEXT",
        "ALTER TABLE nokey DROP COLUMN c, ADD UNIQUE (d) DEFERRABLE",
        "CREATE TABLE covered (id INTEGER, x TEXT, PRIMARY KEY (id) INCLUDE (x),"
        " EXCLUDE USING btree (x WITH =))",
        "CREATE TABLE measures (id INTEGER NOT NULL, day DATE NOT NULL, s INTEGER"
        " REFERENCES self, PRIMARY KEY (day, id)) PARTITION BY RANGE (day)",
        "CREATE TABLE measures_25 PARTITION OF measures DEFAULT",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (extra TEXT) INHERITS (parent)",
        "CREATE UNLOGGED TABLE quick (id INTEGER PRIMARY KEY)",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM nokey",
    )
    url = f"{database_url}?options=-csearch_path%3D{path}" if path else database_url
    agree(url)
    if not path:
        with connect(url) as database:
            assert set(database.catalog.tables()) == {None, "Odd.Schema", "crm"}
            assert ("public", "measures_25") in database.catalog.partitions()
            assert (None, "parent") in database.catalog.inherited()
            assert database.catalog.home() == "public"


@engines("postgresql", "postgresql15")
def test_a_reference_to_a_partitioned_table_is_one_reference(database_url: str) -> None:
    Live(database_url).run(
        "CREATE TABLE whole (id INTEGER PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE half PARTITION OF whole FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE rest PARTITION OF whole DEFAULT",
        "CREATE TABLE leaf (id INTEGER PRIMARY KEY, whole_id INTEGER REFERENCES whole"
        " ON DELETE SET NULL (whole_id)) PARTITION BY RANGE (id)",
        "CREATE TABLE leaf_1 PARTITION OF leaf DEFAULT",
    )
    _, found = ours(database_url)
    for name in ("leaf", "leaf_1"):
        _, keys, _ = found[None, name]
        assert keys == [
            ForeignKey("leaf_whole_id_fkey", ("whole_id",), "whole", ("id",), "SET NULL")
        ]


@engines("postgresql")
def test_a_temporary_table_is_not_there(database_url: str) -> None:
    _build(Live(database_url))
    with connect(database_url) as database:
        before = database.catalog.tables()
        database.execute("CREATE TEMP TABLE passing (x INTEGER)")
        assert database.catalog.tables() == before


@engines("mariadb")
def test_odd_tables_of_mariadb(database_url: str) -> None:
    _build(
        Live(database_url),
        "CREATE TABLE told (id INTEGER PRIMARY KEY COMMENT 'it''s \\\n  PRIMARY KEY (\"x\")',"
        " kind ENUM('a''b', 'c\\') DEFAULT 'c\\',"
        ' word VARCHAR(90) DEFAULT \'\n  CONSTRAINT "x" FOREIGN KEY ("id") REFERENCES "self"\','
        " UNIQUE KEY begins (word(3)), UNIQUE KEY hashed (kind) USING HASH COMMENT ')'',',"
        " CHECK (word <> 'q''\\\nx')) COMMENT = 'a \\\nb'",
        "CREATE TABLE passed (id INTEGER PRIMARY KEY) WITH SYSTEM VERSIONING",
        "CREATE TABLE parted (id INTEGER PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3",
    )
    agree(database_url)


@engines("mariadb")
def test_what_sqlalchemy_does_not_read_of_mariadb(database_url: str) -> None:
    live = Live(database_url)
    _build(
        live,
        'CREATE TABLE broken (id INTEGER PRIMARY KEY, "li\nne" INTEGER,'
        ' CONSTRAINT "b""l" FOREIGN KEY ("li\nne") REFERENCES self (id) ON DELETE SET NULL)',
        "CREATE TABLE spans (id INTEGER, s DATE, e DATE, PERIOD FOR p (s, e),"
        " PRIMARY KEY (id, p WITHOUT OVERLAPS))",
    )
    _, found = ours(database_url)
    assert found[None, "broken"][1] == [ForeignKey('b"l', ("li\nne",), "self", ("id",), "SET NULL")]
    assert found[None, "spans"][0] == Keys((), ())


@contextmanager
def _user(live: Live, name: str, grant: str) -> Iterator[str]:
    """A URL for a user who may do just that."""
    live.run(f"CREATE USER {name}@'%'", f"GRANT {grant} TO {name}@'%'")
    try:
        yield live.url.replace("root@", f"{name}@")
    finally:
        live.run(f"DROP USER {name}@'%'")


@engines("mariadb")
def test_who_may_only_select_sees_every_key(database_url: str) -> None:
    live = Live(database_url)
    _build(live)
    database = live.value("SELECT DATABASE()")
    with _user(live, f"{database}_reader", f'SELECT ON "{database}".*') as url:
        with pymysql.connect(**_login(url)) as raw, raw.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM information_schema.referential_constraints"
                " WHERE constraint_schema = DATABASE()"
            )
            assert cursor.fetchone() == (0,), "which is why SHOW CREATE TABLE is asked"
        assert ours(url) == ours(database_url)


@engines("mariadb")
def test_who_may_not_see_all_of_a_table_is_told(database_url: str) -> None:
    live = Live(database_url)
    _build(live)
    database = live.value("SELECT DATABASE()")
    grant = f'SELECT (id) ON "{database}".self'
    with _user(live, f"{database}_some", grant) as url, pytest.raises(DatabaseError, match="self"):
        ours(url)


def _login(url: str) -> dict[str, Any]:
    parts = sa.make_url(url)
    return {
        "host": parts.host,
        "port": parts.port,
        "user": parts.username,
        "database": parts.database,
    }
