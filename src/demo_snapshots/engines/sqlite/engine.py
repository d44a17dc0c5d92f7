"""SQLite as an engine."""

from __future__ import annotations

from demo_snapshots.engines.base.engine import Engine
from demo_snapshots.engines.sqlite.catalog import SQLiteCatalog
from demo_snapshots.engines.sqlite.connect import open_connection
from demo_snapshots.engines.sqlite.session import SQLiteSession

ENGINE = Engine(open_connection, SQLiteSession, SQLiteCatalog, SQLiteSession.error)
