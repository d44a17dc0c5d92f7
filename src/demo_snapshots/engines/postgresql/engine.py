"""PostgreSQL as an engine."""

from __future__ import annotations

from demo_snapshots.engines.base.engine import Engine
from demo_snapshots.engines.postgresql.catalog import PostgreSQLCatalog
from demo_snapshots.engines.postgresql.connect import open_connection
from demo_snapshots.engines.postgresql.session import PostgreSQLSession

ENGINE = Engine(open_connection, PostgreSQLSession, PostgreSQLCatalog, PostgreSQLSession.error)
