"""MariaDB as an engine."""

from __future__ import annotations

from demo_snapshots.engines.base.engine import Engine
from demo_snapshots.engines.mariadb.catalog import MariaDBCatalog
from demo_snapshots.engines.mariadb.connect import open_connection
from demo_snapshots.engines.mariadb.session import MariaDBSession

ENGINE = Engine(open_connection, MariaDBSession, MariaDBCatalog, MariaDBSession.error)
