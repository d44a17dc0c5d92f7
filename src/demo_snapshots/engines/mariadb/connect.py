"""URL -> a connection of PyMySQL, in autocommit mode.

What an option after the question mark means is what it means in SQLAlchemy's URLs: those are
what an application beside this tool is configured with.
"""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, cast

import pymysql
from pymysql.constants import CLIENT

from demo_snapshots.engines.urls import Url, single
from demo_snapshots.errors import ConfigError


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in _WORDS:
        raise ValueError(text)
    return _WORDS[word]


_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), False),
}


def _client_flag(text: str) -> int:
    flag = int(text)
    # What PyMySQL does not speak (compression) would have both sides wait for ever.
    if flag & ~reduce(or_, _FLAGS):
        raise ValueError(text)
    return flag


def _port(text: str) -> int:
    # A number that is no port is one error or another, by the version of Python.
    if not 0 < int(text) < 65536:
        raise ValueError("no port")
    return int(text)


_TYPES: dict[str, Callable[[str], object]] = {
    "port": _port,
    **dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), int),
    "max_allowed_packet": int,
    "client_flag": _client_flag,
    **dict.fromkeys(("compress", "local_infile", "use_unicode"), _flag),
    **dict.fromkeys(("ssl_disabled", "ssl_verify_identity", "ssl_check_hostname"), _flag),
}
_FLAGS = (
    *(CLIENT.CAPABILITIES, CLIENT.CONNECT_WITH_DB, CLIENT.FOUND_ROWS, CLIENT.IGNORE_SIGPIPE),
    *(CLIENT.IGNORE_SPACE, CLIENT.INTERACTIVE, CLIENT.LOCAL_FILES, CLIENT.MULTI_STATEMENTS),
    *(CLIENT.NO_SCHEMA, CLIENT.ODBC),
)
_OBJECTS = {
    *("auth_plugin_map", "conv", "cursorclass", "defer_connect", "named_pipe"),
    *("server_public_key", "ssl"),
}
"""Arguments of PyMySQL that are no text, or mean nothing any more."""
_KNOWN = {
    *inspect.signature(pymysql.Connection).parameters,
    *("ssl_capath", "ssl_cipher", "ssl_check_hostname"),
}
_OLD_NAMES = {"db": "database", "passwd": "password"}
_TLS = ("ca", "key", "cert", "capath", "cipher", "check_hostname")


class _Connection(pymysql.Connection):
    """Where no certificate is to be checked, none is loaded: reading all that the system trusts
    takes longer than the rest of connecting."""

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if sslp:
            return cast(ssl.SSLContext, super()._create_ssl_ctx(sslp))  # type: ignore[misc]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def open_connection(url: Url) -> pymysql.Connection[Any]:
    return _Connection(**pymysql_options(url))


def pymysql_options(url: Url) -> dict[str, Any]:
    """The URL as arguments of PyMySQL. Raises ConfigError for values of the wrong type."""
    parts = {
        "host": url.host,
        "port": url.port,
        "user": url.user,
        "password": url.password,
        "database": url.database,
    }
    options: dict[str, Any] = {name: value for name, value in parts.items() if value}
    for name, text in single(url.query).items():
        if name in _OBJECTS or name not in _KNOWN:
            raise ConfigError(f"the database URL: {name} is no option that a URL can give MariaDB")
        try:
            options[_OLD_NAMES.get(name, name)] = _TYPES.get(name, str)(text)
        except ValueError:
            raise ConfigError(f"the database URL: {name}={text} is not of the right kind") from None
    return {
        **_with_tls(options),
        # As our sessions speak, whatever the application's do.
        "charset": "utf8mb4",
        "use_unicode": True,
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
