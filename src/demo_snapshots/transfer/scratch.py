"""A scratch database: the tables of a real one, empty, for as long as a proof takes.

In SQLite a temporary file; in PostgreSQL a schema, in MariaDB a database of its own on the same
server, named as ``leftovers`` says. On a server triggers, which may write wherever
they like, and defaults that draw from a sequence of the real tables are left out, so that nothing
done there reaches them. A file of SQLite has them all, and all that they write to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace

from demo_snapshots.engines.connection import Database, connect
from demo_snapshots.engines.urls import Url, parse_url
from demo_snapshots.errors import DatabaseError
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.external import ExternalReferences
from demo_snapshots.transfer.leftovers import proof_directory, proof_schema

_PLACES = {
    "sqlite": "a temporary SQLite file",
    "postgresql": "a temporary schema on the same server",
    "mariadb": "a temporary database on the same server",
}


def scratch_place(database: Database) -> str:
    """Where ``scratch`` makes its database, in words."""
    return _PLACES[database.dialect.name]


def scratch(
    database: Database, url: str, external: ExternalReferences
) -> AbstractContextManager[str]:
    """The URL of a scratch database for the selected tables of ``database``, which ``url`` leads
    to, and for those that ``external`` says are referenced; it is gone when the block ends,
    whatever happens.

    The tables are empty, but for rows that demo rows reference by natural key, and all lie in
    its default schema. ``database`` is read only; making and removing goes over connections
    of its own. Raises DatabaseError where the user may not make one.
    """
    makers = {"sqlite": _file, "postgresql": _schema, "mariadb": _database}
    return makers[database.dialect.name](database, url, external)


@contextmanager
def _file(database: Database, url: str, external: ExternalReferences) -> Iterator[str]:
    with proof_directory() as directory:
        path = directory / "scratch.sqlite"
        path.touch()
        target = Url("sqlite", database=str(path)).render()
        with connect(target) as empty:
            _make(empty, database.rows(_DEFINITIONS.format(triggers="type <> 'trigger'")))
        copies = list(_copies(database, external, '"demo_proof"'))
        if copies:
            with connect(url) as origin:
                origin.execute(f"ATTACH {origin.dialect.text(str(path))} AS demo_proof")
                origin.run(copies)
                origin.execute("DETACH demo_proof")
        with connect(target) as filled:
            _make(filled, database.rows(_DEFINITIONS.format(triggers="type = 'trigger'")))
        yield target


_DEFINITIONS = r"""
SELECT name, sql, sql LIKE 'CREATE VIRTUAL %' FROM sqlite_schema
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND {triggers}
ORDER BY sql NOT LIKE 'CREATE VIRTUAL %', type = 'view', type = 'index', rowid
"""


def _make(empty: Database, definitions: Iterable[tuple[str, str, int]]) -> None:
    for name, sql, is_virtual in definitions:
        # A virtual table makes the tables that it keeps its content in by itself; one of a module
        # that is not here cannot be made, and nor can triggers fire that write to it.
        if empty.rows(f"SELECT 1 FROM sqlite_schema WHERE name = {empty.dialect.text(name)}"):
            continue
        with suppress(DatabaseError) if is_virtual else nullcontext():
            empty.execute(sql)


@contextmanager
def _schema(database: Database, url: str, external: ExternalReferences) -> Iterator[str]:
    dialect = database.dialect
    kinds = ("GENERATED", "IDENTITY", "CONSTRAINTS", "INDEXES")
    like = " ".join(f"INCLUDING {kind}" for kind in kinds)
    with connect(url) as maker, proof_schema(maker) as name:
        home = dialect.quote(name)
        for table in _tables(external):
            copy = f"{home}.{dialect.quote(table.name)}"
            maker.execute(f"CREATE TABLE {copy} (LIKE {dialect.table(table)} {like})")
        maker.run([*_foreign_keys(database, external, home), *_copies(database, external, home)])
        # What is not a demo table (types, functions, tables in a condition) is found as ever.
        path = [name, *(row[0] for row in database.rows("SELECT unnest(current_schemas(false))"))]
        setting = ",".join(dialect.quote(schema) for schema in path)
        escaped = setting.replace("\\", "\\\\").replace(" ", "\\ ")
        yield _with_option(parse_url(url), f"-csearch_path={escaped}")


def _with_option(url: Url, option: str) -> str:
    options = " ".join((*url.query.get("options", ()), option))
    return replace(url, query={**url.query, "options": (options,)}).render()


@contextmanager
def _database(database: Database, url: str, external: ExternalReferences) -> Iterator[str]:
    dialect = database.dialect
    with connect(url) as maker, proof_schema(maker) as name:
        home = dialect.quote(name)
        for table in _tables(external):
            copy = f"{home}.{dialect.quote(table.name)}"
            maker.execute(f"CREATE TABLE {copy} LIKE {dialect.table(table)}")
        drawing = maker.rows(
            "SELECT table_name, column_name FROM information_schema.columns"
            f" WHERE table_schema = {dialect.text(name)} AND column_default LIKE '%nextval(%'"
        )
        for copy, column in drawing:
            maker.execute(
                f"ALTER TABLE {home}.{dialect.quote(copy)}"
                f" ALTER COLUMN {dialect.quote(column)} DROP DEFAULT"
            )
        maker.run([*_foreign_keys(database, external, home), *_copies(database, external, home)])
        yield replace(parse_url(url), database=name).render()


def _tables(external: ExternalReferences) -> list[Table]:
    schema = external.schema
    return list({**schema.external, **schema.tables}.values())


def _foreign_keys(database: Database, external: ExternalReferences, home: str) -> Iterator[str]:
    """Those of demo rows and of rows that travel along. Not those of rows that are looked up:
    what they reference is not there."""
    there = {table.name for table in _tables(external)}
    dialect = database.dialect
    for table in (*external.included, *external.schema.tables.values()):
        for key in table.foreign_keys:
            if key.referenced_table in there:
                name = f" CONSTRAINT {dialect.quote(key.name)}" if key.name else ""
                yield (
                    f"ALTER TABLE {home}.{dialect.quote(table.name)} ADD{name} FOREIGN KEY"
                    f" ({dialect.columns(key.columns)}) REFERENCES"
                    f" {home}.{dialect.quote(key.referenced_table)}"
                    f" ({dialect.columns(key.referenced_columns)})"
                    f"{' DEFERRABLE' if key.deferrable else ''}"
                )


def _copies(database: Database, external: ExternalReferences, home: str) -> Iterator[str]:
    """The rows that references by natural key are looked up in."""
    dialect = database.dialect
    needed: dict[str, list[str]] = {}
    tables: dict[str, Table] = {}
    for table, _, (referenced, key, _, _) in external.lookups():
        tables[referenced.name] = referenced
        condition = external.referenced_by(table, key)
        if condition not in needed.setdefault(referenced.name, []):
            needed[referenced.name].append(condition)
    for name, conditions in needed.items():
        columns = dialect.columns(column.name for column in tables[name].carried)
        always = any(column.identity_always for column in tables[name].columns)
        yield (
            f"INSERT INTO {home}.{dialect.quote(name)} ({columns})"
            f"{' OVERRIDING SYSTEM VALUE' if always else ''} SELECT {columns}"
            f" FROM {dialect.rows_of(tables[name])} WHERE {_any(conditions)}"
        )


def _any(conditions: Iterable[str]) -> str:
    return " OR ".join(f"({condition})" for condition in conditions)
