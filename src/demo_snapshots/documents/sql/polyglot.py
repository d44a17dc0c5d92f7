"""How one text speaks to three engines.

PostgreSQL nests comments, SQLite and MySQL/MariaDB do not; MySQL and MariaDB execute what
stands in ``/*! … */``. (PostgreSQL manual, 4.1.5; MySQL manual, 9.7; sqlite.org/lang_comment.)
"""

from __future__ import annotations

PREAMBLE_MYSQL = (
    "/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,"
    "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;"
)
BEGIN = "BEGIN;"
PREAMBLE_POSTGRESQL = (
    "/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on;"
    " SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';"
)
FOREIGN_KEYS_OFF = "/*!40014 SET FOREIGN_KEY_CHECKS=0 */;"
FOREIGN_KEYS_ON = "/*!40014 SET FOREIGN_KEY_CHECKS=1 */;"
POSTGRESQL_ONLY = "/* /* */ -- */ "
OVERRIDING = POSTGRESQL_ONLY + "OVERRIDING SYSTEM VALUE"
ONLY = POSTGRESQL_ONLY + "ONLY"
COMMIT = "COMMIT;"
COMPLETE = "-- Export completed successfully"
DIGEST_PREFIX = "-- Content digest: sha256:"


def postgresql_only(sql: str) -> str:
    """A line that PostgreSQL executes and the others read as comments. ``sql`` has no LF."""
    return POSTGRESQL_ONLY + sql


def either(others: str, postgresql: str) -> str:
    """``postgresql`` for PostgreSQL, ``others`` for the rest, and the line break that ends it."""
    return f"/* /* */ {others} -- */ {postgresql}\n"
