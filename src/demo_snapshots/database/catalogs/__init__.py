"""What there is in a database, read from the engine's own catalog; one file an engine."""

from __future__ import annotations

from typing import Any

from demo_snapshots.database.catalogs.base import Catalog
from demo_snapshots.database.dialects.base import Dialect


def catalog_for(dialect: Dialect, raw: Any) -> Catalog:
    """The catalog of the database that ``raw``, the driver's own connection, leads to."""
    match dialect.name:
        case "sqlite":
            from demo_snapshots.database.catalogs.sqlite import SQLiteCatalog

            return SQLiteCatalog(dialect, raw)
        case "postgresql":
            from demo_snapshots.database.catalogs.postgresql import PostgreSQLCatalog

            return PostgreSQLCatalog(dialect, raw)
        case _:
            from demo_snapshots.database.catalogs.mariadb import MariaDBCatalog

            return MariaDBCatalog(dialect, raw)
