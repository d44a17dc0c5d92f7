"""A scratch database of PostgreSQL: a schema of its own beside the real tables'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.engines.base.scratch import Scratch, ScratchContent
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.engines.leftovers import ProofSchemas, proof_schema
from demo_snapshots.engines.urls import Url, parse_url
from demo_snapshots.model.tables import Table

_SCHEMAS = ProofSchemas(
    now="SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
    names="SELECT nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = current_user",
    drop="DROP SCHEMA {} CASCADE",
)
_TELLING = re.compile(r"[^(]*|(?:now|gen_random_uuid|clock_timestamp)\(\)(?:::[^(]*)?")
# What migrations name by schema is found in a database of its own only.
_DATABASES = ProofSchemas(
    now=_SCHEMAS.now,
    names="SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user",
    drop="DROP DATABASE {} WITH (FORCE)",
    create="CREATE DATABASE {}",
)


@contextmanager
def _schema(database: Database, url: str, content: ScratchContent) -> Iterator[str]:
    dialect = database.dialect
    kinds = ("GENERATED", "IDENTITY", "CONSTRAINTS", "INDEXES")
    like = " ".join(f"INCLUDING {kind}" for kind in kinds)
    with connect(url) as maker, proof_schema(maker, _SCHEMAS) as name:
        home = dialect.quote(name)
        for table in content.tables:
            copy = f"{home}.{dialect.quote(table.name)}"
            maker.execute(f"CREATE TABLE {copy} (LIKE {dialect.table(table)} {like})")
            maker.run(list(_defaults(dialect, table, copy)))
        maker.run([*content.foreign_keys(home), *content.rows(home)])
        # What is not a demo table (types, functions, tables in a condition) is found as ever.
        path = [name, *(row[0] for row in database.rows("SELECT unnest(current_schemas(false))"))]
        setting = ",".join(dialect.quote(schema) for schema in path)
        escaped = setting.replace("\\", "\\\\").replace(" ", "\\ ")
        yield _with_option(parse_url(url), f"-csearch_path={escaped}")


def _with_option(url: Url, option: str) -> str:
    options = " ".join((*url.query.get("options", ()), option))
    return replace(url, query={**url.query, "options": (options,)}).render()


def _defaults(dialect: Dialect, table: Table, copy: str) -> Iterator[str]:
    """Defaults that call nothing of which it is not known that it only tells."""
    for column in table.carried:
        if column.default is not None and _TELLING.fullmatch(column.default):
            name = dialect.quote(column.name)
            yield f"ALTER TABLE {copy} ALTER COLUMN {name} SET DEFAULT {column.default}"


@contextmanager
def _blank(url: str) -> Iterator[str]:
    with connect(url) as maker, proof_schema(maker, _DATABASES) as name:
        yield replace(parse_url(url), database=name).render()


SCRATCH = Scratch("a temporary schema on the same server", _blank, _schema)
