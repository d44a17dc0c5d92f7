"""DATABASES -> the URL of a database, or the connection that Django itself has to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from demo_snapshots.engines.urls import Url
from demo_snapshots.errors import ConfigError, UsageError

_NOT_OF_A_URL = {
    # What tells Django's driver how Django likes its values: our sessions speak as they like.
    "postgresql": ("cursor_factory", "context", "prepare_threshold", "client_encoding"),
    "mysql": ("conv", "charset", "client_flag", "use_unicode", "cursorclass", "init_command"),
}
_LOGIN = {
    "postgresql": ("user", "password", "host", "port", "dbname"),
    "mysql": ("user", "password", "host", "port", "database"),
}


def connection_of(alias: str) -> Any:
    """Django's connection wrapper of that alias. Raises UsageError where there is none."""
    try:
        return connections[alias]
    except ConnectionDoesNotExist:
        known = ", ".join(sorted(connections))
        raise UsageError(
            f"DATABASES has no {alias!r}", hint=f"The aliases there are: {known}."
        ) from None


def only_there(connection: Any) -> bool:
    """Whether the rows can be seen through Django's own connection alone: it is in a transaction,
    or its database is in memory or a ``file:`` URI of SQLite."""
    if connection.in_atomic_block:
        return True
    if connection.connection is not None and not connection.autocommit:
        return True
    return connection.vendor == "sqlite" and (
        connection.is_in_memory_db() or str(connection.settings_dict["NAME"]).startswith("file:")
    )


def driver_connection(connection: Any) -> object:
    """The driver's own connection beneath Django's, opened if need be."""
    connection.ensure_connection()
    return connection.connection


def database_url(connection: Any) -> str:
    """The database as a URL, password and all; ``TEST`` databases while tests run. Raises
    ConfigError for an engine or an option that a URL cannot tell."""
    vendor, alias = connection.vendor, connection.alias
    parameters: dict[str, Any] = connection.get_connection_params()
    if vendor == "sqlite":
        if only_there(connection):
            return "sqlite:///:memory:"
        path = Path(parameters["database"]).absolute()
        return Url("sqlite", database=path.as_posix()).render()
    if vendor not in _LOGIN:
        raise ConfigError(
            f"DATABASES[{alias!r}]: {vendor} is no engine this tool speaks",
            hint="SQLite, PostgreSQL, MariaDB and MySQL are.",
        )
    login = {name: parameters.pop(name, None) for name in _LOGIN[vendor]}
    for name in _NOT_OF_A_URL[vendor]:
        parameters.pop(name, None)
    if role := connection.settings_dict["OPTIONS"].get("assume_role"):
        parameters["options"] = f"{parameters.get('options', '')} -c role={role}".strip()
    return _server_url(vendor, login, _options(alias, parameters)).render()


def _server_url(vendor: str, login: Mapping[str, Any], options: dict[str, tuple[str, ...]]) -> Url:
    user, password, host, port, name = (None if it is None else str(it) for it in login.values())
    if host and not re.fullmatch(r"[\w.-]+", host):
        # A directory of sockets, several hosts, an address of IPv6.
        options["host"] = (host,)
        host = None
    if port and not port.isdecimal():
        options["port"] = (port,)
        port = None
    number = int(port) if port else None
    return Url(vendor, user, password, host, number, name, options)


def _options(alias: str, parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in parameters.items():
        if name == "ssl" and isinstance(value, Mapping):
            found |= {f"ssl_{key}": (str(file),) for key, file in value.items()}
        elif isinstance(value, str | int | float | Path):
            found[name] = (str(value),)
        elif value is not None:
            raise ConfigError(
                f"DATABASES[{alias!r}]: OPTIONS: {name} is no option that this tool can pass on"
            )
    return found
