"""A scratch database of MariaDB: a database of its own on the same server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from demo_snapshots.engines.base.scratch import Scratch, ScratchContent
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.engines.leftovers import ProofSchemas, proof_schema
from demo_snapshots.engines.urls import parse_url

_SCHEMAS = ProofSchemas(
    now="SELECT CAST(UTC_TIMESTAMP() AS CHAR)",
    names="SELECT schema_name FROM information_schema.schemata",
    drop="DROP DATABASE {}",
)


@contextmanager
def _database(database: Database, url: str, content: ScratchContent) -> Iterator[str]:
    dialect = database.dialect
    with connect(url) as maker, proof_schema(maker, _SCHEMAS) as name:
        home = dialect.quote(name)
        for table in content.tables:
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
        maker.run([*content.foreign_keys(home), *content.rows(home)])
        yield replace(parse_url(url), database=name).render()


@contextmanager
def _blank(url: str) -> Iterator[str]:
    with connect(url) as maker, proof_schema(maker, _SCHEMAS) as name:
        yield replace(parse_url(url), database=name).render()


SCRATCH = Scratch("a temporary database on the same server", _blank, _database)
