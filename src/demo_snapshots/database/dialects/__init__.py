"""Every difference between engines, one file an engine, nowhere else."""

from __future__ import annotations

from demo_snapshots.database.dialects.base import Dialect


def dialect_for(name: str) -> Dialect:
    """The dialect of a backend name. Raises KeyError for an engine we do not speak."""
    match name:
        case "sqlite":
            from demo_snapshots.database.dialects.sqlite import SQLite

            return SQLite()
        case "postgresql":
            from demo_snapshots.database.dialects.postgresql import PostgreSQL

            return PostgreSQL()
        case "mysql" | "mariadb":
            from demo_snapshots.database.dialects.mariadb import MariaDB

            return MariaDB()
        case _:
            raise KeyError(name)
