"""A database URL -> a SQLAlchemy engine, for the sample application alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from demo_snapshots.engines.urls import Url, parse_url
from demo_snapshots.errors import ConfigError

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_QUOTED_LIKE_OURS = "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'"


def make_engine(url: str) -> sa.Engine:
    """A SQLAlchemy engine for ``url``. Connects to nothing yet. ConfigError for a bad URL."""
    parsed = parse_url(url)
    settings: dict[str, object] = {}
    if _is_mysql(parsed):
        # SQLAlchemy learns how the server quotes names when it connects: no time to be lost.
        settings["init_command"] = _QUOTED_LIKE_OURS
    try:
        return sa.create_engine(
            _as_sqlalchemy_has_it(parsed), poolclass=sa.pool.NullPool, connect_args=settings
        )
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise ConfigError(f"the database URL: {error}") from error


def _is_mysql(url: Url) -> bool:
    return url.backend in ("mysql", "mariadb")


def _as_sqlalchemy_has_it(url: Url) -> sa.URL:
    query: dict[str, Any] = {
        name: values if len(values) > 1 else values[0] for name, values in url.query.items()
    }
    if _is_mysql(url):
        query.setdefault("charset", "utf8mb4")
    return sa.URL.create(
        _DRIVERS[url.backend], url.user, url.password, url.host, url.port, url.database, query
    )
