"""A scratch database: the tables of a real one, empty, for as long as a proof takes.

In SQLite a temporary file; in PostgreSQL a schema, in MariaDB a database of its own on the same
server, named as ``engines.leftovers`` says. On a server triggers, which may write wherever
they like, and defaults that draw from a sequence of the real tables are left out, so that nothing
done there reaches them. A file of SQLite has them all, and all that they write to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from demo_snapshots.engines.base.scratch import ScratchContent
from demo_snapshots.engines.connection import scratch_of
from demo_snapshots.engines.database import Database
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.external import ExternalReferences


def scratch_place(database: Database) -> str:
    """Where ``scratch`` makes its database, in words."""
    return scratch_of(database).place


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
    content = ScratchContent(
        _tables(external),
        lambda home: list(_foreign_keys(database, external, home)),
        lambda home: list(_copies(database, external, home)),
    )
    return scratch_of(database).make(database, url, content)


def _tables(external: ExternalReferences) -> list[Table]:
    schema = external.schema
    return list({**schema.external, **schema.tables}.values())


def _foreign_keys(database: Database, external: ExternalReferences, home: str) -> Iterator[str]:
    """Those of demo rows and of rows that travel along. Not those of rows that are looked up:
    what they reference is not there."""
    there = {table.name for table in _tables(external)}
    dialect = database.dialect
    for table in (*external.included, *external.schema.tables.values()):
        for key in table.declared_keys:
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
