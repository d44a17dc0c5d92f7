"""URL -> a connection of psycopg, in autocommit mode.

What an option after the question mark means is what it means in SQLAlchemy's URLs: those are
what an application beside this tool is configured with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from demo_snapshots.engines.urls import Url, single
from demo_snapshots.errors import ConfigError

_INVALID = re.compile(r"\binvalid (?:\S+ )*?(?:value|port number|command-line argument)\b")
_HOST_AND_PORT = r"[A-Za-z0-9.-]*:[0-9]*"


def open_connection(url: Url) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(make_conninfo(**libpq_options(url)), autocommit=True)
    except psycopg.Error as error:
        # psycopg, libpq and the server each look at some of the options.
        if not isinstance(error, psycopg.ProgrammingError) and not _INVALID.search(str(error)):
            raise
        text = str(error).strip().splitlines()[0]
        raise ConfigError(f"the database URL: {text.removeprefix('connection is bad: ')}") from None


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
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - {"replication"}
    for name in url.query.keys() - known:
        raise ConfigError(f"the database URL: {name} is no option that a URL can give PostgreSQL")
    rest = {name: values for name, values in url.query.items() if name not in ("host", "port")}
    # Settings of the session add up; what else is given twice has no meaning.
    rest["options"] = tuple(filter(None, [" ".join(rest.get("options", ()))]))
    options |= single(rest) | _hosts(url.query)
    if any("\0" in str(value) for value in options.values()):
        # libpq would take what stands before it.
        raise ConfigError("the database URL holds a NUL")
    return options


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
