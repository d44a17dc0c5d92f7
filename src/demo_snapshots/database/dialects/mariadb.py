"""MariaDB and MySQL."""

from __future__ import annotations

from demo_snapshots.database.dialects.base import Dialect


class MariaDB(Dialect):
    name = "mariadb"
