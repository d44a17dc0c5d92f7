"""URL -> the driver's own connection, in autocommit mode. Each driver is imported for its URLs.

What an option after the question mark means is what it means in SQLAlchemy's URLs: those are
what an application beside this tool is configured with.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo_snapshots.database.urls import Url
from demo_snapshots.errors import ConfigError

if TYPE_CHECKING:
    import sqlite3

    import psycopg
    import pymysql

logger = logging.getLogger(__name__)


def open_connection(url: Url) -> Any:
    """Connect. Raises ConfigError for options that make no sense, and what the driver raises:
    its own errors, TypeError for options that it does not know, ValueError for bad values."""
    match url.backend:
        case "sqlite":
            return _open_sqlite(url)
        case "postgresql":
            return _open_postgresql(url)
        case _:
            return _open_mariadb(url)


# --- SQLite ----------------------------------------------------------------------------------

# Our sessions set these, or need none of them.
_OF_NO_MATTER = {
    *("uri", "timeout", "isolation_level", "detect_types", "check_same_thread"),
    "cached_statements",
}


def _open_sqlite(url: Url) -> sqlite3.Connection:
    import sqlite3

    for name in sorted(url.query.keys() - _OF_NO_MATTER):
        logger.warning("SQLite has no option %s: it is ignored", name)
    path = url.database or ":memory:"
    raw = sqlite3.connect(
        path if path == ":memory:" else Path(path).absolute(),
        isolation_level=None,
    )
    # SQLAlchemy brings these along, so conditions, checks and indexes may be written with them.
    raw.create_function("regexp", 2, _regexp, deterministic=True)
    raw.create_function("floor", 1, _floor, deterministic=True)
    return raw


def _regexp(pattern: str, text: str | None) -> bool | None:
    return None if text is None else re.search(pattern, text) is not None


def _floor(number: float | None) -> int | None:
    return None if number is None else math.floor(number)


# --- PostgreSQL ------------------------------------------------------------------------------

_HOST_AND_PORT = r"[A-Za-z0-9.-]*:[0-9]*"


def _open_postgresql(url: Url) -> psycopg.Connection[Any]:
    import psycopg
    from psycopg.conninfo import make_conninfo

    return psycopg.connect(make_conninfo(**libpq_options(url)), autocommit=True)


def libpq_options(url: Url) -> dict[str, Any]:
    """The URL as libpq's connection parameters. Several hosts are written
    ``?host=a:1&host=b:2`` or ``?host=a,b&port=1,2``."""
    parts = {
        "host": url.host,
        "port": url.port,
        "user": url.user,
        "password": url.password,
        "dbname": url.database,
    }
    options: dict[str, Any] = {name: value for name, value in parts.items() if value}
    rest = {name: values for name, values in url.query.items() if name not in ("host", "port")}
    # Settings of the session add up; what else is given twice has no meaning.
    rest["options"] = tuple(filter(None, [" ".join(rest.get("options", ()))]))
    return {**options, **_single(rest), **_hosts(url.query)}


def _hosts(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    hosts, ports = query.get("host", ()), query.get("port", ())
    paired = len(hosts) > 1 or (
        len(hosts) == 1 and not ports and re.fullmatch(_HOST_AND_PORT, hosts[0]) is not None
    )
    if paired and ports:
        raise ConfigError(
            "several hosts in the database URL, and a port beside them",
            hint="Write ?host=a:5432&host=b:5433, or ?host=a,b&port=5432,5433.",
        )
    if paired:
        pairs = [host.partition(":") for host in hosts]
        hosts, ports = [name for name, _, _ in pairs], [port for _, _, port in pairs]
    else:
        hosts = hosts[0].split(",") if hosts else ()
        ports = ports[0].split(",") if len(ports) == 1 else ports or [""] * len(hosts)
    if not all(re.fullmatch(r"[0-9]*", port) for port in ports):
        raise ConfigError("a port in the database URL is no number")
    if ports and len(ports) != max(len(hosts), 1):
        raise ConfigError("the database URL has not as many hosts as ports")
    given = {"host": ",".join(hosts), "port": ",".join(ports)}
    return {name: value for name, value in given.items() if value}


# --- MariaDB and MySQL -----------------------------------------------------------------------


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in _WORDS:
        raise ValueError(text)
    return _WORDS[word]


_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), False),
}
_TYPES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("port", "connect_timeout", "read_timeout", "write_timeout"), int),
    **dict.fromkeys(("client_flag", "max_allowed_packet"), int),
    **dict.fromkeys(("compress", "local_infile", "use_unicode"), _flag),
    **dict.fromkeys(("ssl_disabled", "ssl_verify_identity", "ssl_check_hostname"), _flag),
}
_TLS = ("ca", "key", "cert", "capath", "cipher", "check_hostname")


def _open_mariadb(url: Url) -> pymysql.Connection[Any]:
    import pymysql

    return pymysql.connect(**pymysql_options(url))


def pymysql_options(url: Url) -> dict[str, Any]:
    """The URL as arguments of PyMySQL. Raises ConfigError for values of the wrong type."""
    from pymysql.constants import CLIENT

    parts = {
        "host": url.host,
        "port": url.port,
        "user": url.user,
        "password": url.password,
        "database": url.database,
    }
    options: dict[str, Any] = {name: value for name, value in parts.items() if value}
    for name, text in _single(url.query).items():
        try:
            options[name] = _TYPES.get(name, str)(text)
        except ValueError:
            raise ConfigError(f"the database URL: {name}={text} is not of the right kind") from None
    return {
        **_with_tls(options),
        # As our sessions speak, whatever the application's do.
        "charset": "utf8mb4",
        "autocommit": True,
        # An UPDATE counts the rows it found, also those that were so before.
        "client_flag": options.get("client_flag", 0) | CLIENT.FOUND_ROWS,
    }


def _with_tls(options: dict[str, Any]) -> dict[str, Any]:
    """A certificate alone means, as in SQLAlchemy's URLs, that the server's is checked against
    it; PyMySQL's own arguments of the same names would not look at it."""
    if "ssl_verify_cert" in options or "ssl_verify_identity" in options:
        return options
    rest = dict(options)
    tls = {name: rest.pop(f"ssl_{name}") for name in _TLS if f"ssl_{name}" in options}
    return {**rest, "ssl": tls} if tls else rest


# --- All -------------------------------------------------------------------------------------


def _single(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    for name, values in query.items():
        if len(values) > 1:
            raise ConfigError(f"the database URL says {name} twice")
    return {name: values[0] for name, values in query.items() if values}
