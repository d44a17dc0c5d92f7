"""One predicate text for three engines: each, asked through its stock client and through its
driver, selects the rows meant for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NewDatabase
from database_engines import ENGINES, stock_client
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from demo_snapshots.documents.sql import polyglot
from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.documents.sql.predicates import json_path, predicate
from demo_snapshots.model.rules import Field, Follows, Marked, Rule, TableSelection, Where

ROWS = """
CREATE TABLE things (id INTEGER PRIMARY KEY, kind VARCHAR(40), metadata TEXT);
INSERT INTO things (id, kind, metadata) VALUES
(1,'sqlite','{"demo_seed": true}'),
(2,'postgresql','{"demo_seed": "true"}'),
(3,'mariadb','{"demo_seed": 1}'),
(4,'it''s; odd','{"demo_seed": "1"}'),
(5,NULL,'{"demo_seed": false}'),
(6,'true','{"demo_seed": null}'),
(7,'1','{"demo_seed": "yes"}'),
(8,'0','{"other": true}'),
(9,'x','{"demo_seed": {"a b": true, "c, d": 1, "null": "1"}}'),
(10,'x','[]'),
(11,'TRUE','{"demo_seed": "TRUE"}'),
(12,'true ','{"demo_seed": "true "}');
CREATE TABLE parts (id INTEGER PRIMARY KEY, thing_id INTEGER, "order" INTEGER);
INSERT INTO parts (id, thing_id, "order") VALUES (100,1,1),(101,5,1),(102,NULL,1),(103,3,4);
"""

Select = Callable[[str], list[int]]
"""The ids of the rows of ``things`` or ``parts`` for which a statement's predicate holds."""


def through_client(url: str, tmp_path: Path) -> Select:
    parsed = make_url(url)
    port, database = str(parsed.port), parsed.database or ""
    command = {
        "sqlite": ["sqlite3", "-bail", database],
        "postgresql": ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-p", port],
        "mariadb": ["mariadb", "--no-defaults", "-N", "-h", "127.0.0.1", "-P", port, "-u", "root"],
    }[parsed.get_backend_name()]
    command[0] = str(stock_client(command[0]))
    if parsed.get_backend_name() == "postgresql":
        command += ["-h", "127.0.0.1", "-U", "postgres", database]
    elif parsed.get_backend_name() == "mariadb":
        command += ["--protocol=tcp", database]

    def select(statement: str) -> list[int]:
        text = f"{polyglot.PREAMBLE_MYSQL}\n{statement}"
        done = subprocess.run(command, input=text.encode(), capture_output=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        return [int(line) for line in done.stdout.split()]

    return select


DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}


def through_driver(url: str) -> Select:
    parsed = make_url(url)

    def select(statement: str) -> list[int]:
        engine = create_engine(parsed.set(drivername=DRIVERS[parsed.get_backend_name()]))
        with engine.connect() as connection:
            if engine.dialect.name in ("mysql", "mariadb"):
                connection.exec_driver_sql(polyglot.PREAMBLE_MYSQL.rstrip(";"))
            # A driver that is given no parameters leaves percent signs alone.
            cursor = connection.connection.cursor()
            cursor.execute(statement.rstrip(";\n"))
            found = [row[0] for row in cursor.fetchall()]
            cursor.close()
        engine.dispose()
        return found

    return select


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def selects(engine: str, new_database: NewDatabase, tmp_path: Path) -> list[Select]:
    url = new_database(engine)
    client = through_client(url, tmp_path)
    assert client(ROWS) == []
    return [client, through_driver(url)]


def statement(rule: Rule, table: str = "things") -> str:
    """A statement as the clean-up and the verification of a document hold the predicate."""
    rules = {"things": TableSelection("things", rule)}
    if table == "parts":
        rules["parts"] = TableSelection("parts", Follows(("thing_id",), "things", ("id",)))
    text = f"SELECT id FROM {table} WHERE {predicate(rules, table)} ORDER BY id;\n"
    return text.replace(" \n", "\n")


PER_ENGINE = {
    "plain": {e: f"kind = '{e.removesuffix('15')}'" for e in ENGINES},
    "alternatives": {e: f"kind = 'none' OR kind = '{e.removesuffix('15')}'" for e in ENGINES},
    "quotes": {e: "kind = 'it''s odd' OR kind = '" + e.removesuffix("15") + "'" for e in ENGINES},
    "names in quotes": {e: f"\"kind\" = '{e.removesuffix('15')}'" for e in ENGINES},
    "percent": {e: f"kind LIKE '{e.removesuffix('15')[:3]}%'" for e in ENGINES},
    "negated": {e: f"NOT (kind <> '{e.removesuffix('15')}')" for e in ENGINES},
}
EXPECTED = {"sqlite": [1], "postgresql": [2], "postgresql15": [2], "mariadb": [3]}


@pytest.mark.parametrize("name", PER_ENGINE)
def test_each_engine_sees_only_its_own(engine: str, selects: list[Select], name: str) -> None:
    texts = PER_ENGINE[name]
    rule = Where(texts["sqlite"], texts["postgresql"], texts["mariadb"])
    for select in selects:
        assert select(statement(rule)) == EXPECTED[engine]
        assert select(statement(rule, "parts")) == {1: [100], 2: [], 3: [103]}[EXPECTED[engine][0]]


def test_two_engines_may_share_a_text(engine: str, selects: list[Select]) -> None:
    others, postgresql = "kind IN ('sqlite','mariadb')", "kind IN ('postgresql','true')"
    expected = [2, 6] if engine.startswith("postgresql") else [1, 3]
    for select in selects:
        assert select(statement(Where(others, postgresql, others))) == expected


def test_words_only_one_engine_knows(engine: str, selects: list[Select]) -> None:
    rule = Where("kind GLOB 'sq*'", "kind ~ '^post' AND id = ANY(ARRAY[2])", "kind RLIKE '^maria'")
    for select in selects:
        assert select(statement(rule)) == EXPECTED[engine]


def test_one_text_for_all(selects: list[Select]) -> None:
    rule = Where(*["kind = 'x' OR id = 1"] * 3)
    for select in selects:
        assert select(statement(rule)) == [1, 9, 10]


def test_a_marker_in_json_reads_alike(selects: list[Select]) -> None:
    rule = Marked(Field("metadata", ("demo_seed",)))
    for select in selects:
        assert select(statement(rule)) == [1, 2, 3, 4]
        assert select(statement(rule, "parts")) == [100, 103]


def test_a_marker_deep_in_json_reads_alike(selects: list[Select]) -> None:
    for select in selects:
        for name in ("a b", "c, d", "null"):
            assert select(statement(Marked(Field("metadata", ("demo_seed", name))))) == [9], name


def test_a_column_of_its_own_marks(selects: list[Select]) -> None:
    for select in selects:
        assert select(statement(Marked(Field("kind")))) == [6, 7]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("demo_seed",), "$.demo_seed"),
        (("a", "b_1"), "$.a.b_1"),
        (("demo-seed",), '$."demo-seed"'),
        (("a b", "c"), '$."a b".c'),
    ],
)
def test_paths_into_json(path: tuple[str, ...], written: str) -> None:
    assert json_path(path) == written


def test_composite_references_are_compared_as_rows() -> None:
    rules = {
        "a": TableSelection("a", Where(*["1=1"] * 3)),
        "b": TableSelection("b", Follows(("x", "order"), "a", ("id", "no"))),
    }
    own = f"(x, {write_identifier('order')})"
    assert predicate(rules, "b").startswith(f"{own} IN (SELECT id, no FROM (SELECT id, no FROM a")
