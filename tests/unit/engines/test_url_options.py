"""Whatever stands after the question mark of a URL: it works, or one clear error says why not."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterator

import psycopg
import pymysql
import pytest
from conftest import NewDatabase
from psycopg import pq

from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import ConfigError, DatabaseUnreachableError, DemoError

ODD = ("x", "99999999999999999999", "/etc/passwd")

# Where an option makes it fail while it connects, PyMySQL leaves its socket to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What a driver left behind is told here, and in no other test."""
    yield
    gc.collect()


def _keywords(engine: str) -> Iterator[str]:
    if engine == "mariadb":
        yield from list(inspect.signature(pymysql.Connection.__init__).parameters)[1:]
        yield from ("ssl_capath", "ssl_cipher", "ssl_check_hostname", "nonsense")
    else:
        yield from inspect.signature(psycopg.connect).parameters
        yield from (option.keyword.decode() for option in pq.Conninfo.get_defaults())
        yield "nonsense"


def _outcome(url: str) -> type[DemoError] | None:
    """What was raised; the tree's other errors, and anything else, fail the test."""
    try:
        with connect(url) as database:
            assert database.rows("SELECT 1") == [(1,)]
    except (ConfigError, DatabaseUnreachableError) as raised:
        error = raised
    else:
        return None
    assert "\n" not in error.message
    return type(error)


# PyMySQL leaves the sockets of failed connections to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["mariadb", "postgresql"])
def test_every_keyword_of_the_driver_with_odd_values(
    engine: str, new_database: NewDatabase
) -> None:
    url = new_database(engine)
    for keyword in _keywords(engine):
        for value in ODD:
            _outcome(f"{url}?{keyword}={value}")


OBJECTS = {
    "mariadb": (
        *("cursorclass", "conv", "defer_connect", "auth_plugin_map", "server_public_key"),
        *("ssl", "named_pipe", "nonsense"),
    ),
    "postgresql": (
        *("conninfo", "autocommit", "prepare_threshold", "context", "row_factory"),
        *("cursor_factory", "kwargs", "replication", "nonsense"),
    ),
}


@pytest.mark.parametrize("engine", OBJECTS)
def test_what_makes_no_sense_in_a_url(engine: str, new_database: NewDatabase) -> None:
    url = new_database(engine)
    for keyword in OBJECTS[engine]:
        with (
            pytest.raises(ConfigError, match=f"{keyword} is no option"),
            connect(f"{url}?{keyword}=1"),
        ):
            pass


@pytest.mark.parametrize(
    ("engine", "query"),
    [
        ("mariadb", "port=99999999999999999999"),
        ("mariadb", "read_timeout=99999999999999999999"),
        ("mariadb", "read_default_file=/etc/passwd"),
        ("mariadb", "client_flag=32"),
        ("mariadb", "client_flag=-1"),
        ("mariadb", "client_flag=4294967296"),
        ("mariadb", "ssl_cipher=x"),
        ("postgresql", "connect_timeout=x"),
        ("postgresql", "sslmode=x"),
        ("postgresql", "keepalives=x"),
        ("postgresql", "client_encoding=x"),
        ("postgresql", "options=x"),
        ("postgresql", "dbname=a%00b"),
    ],
)
def test_values_that_no_server_can_take(engine: str, query: str, new_database: NewDatabase) -> None:
    assert _outcome(f"{new_database(engine)}?{query}") is ConfigError


@pytest.mark.parametrize(
    "query", ["use_unicode=0", "passwd=", "db=mysql", "autocommit=x", "charset=x", "client_flag=8"]
)
def test_what_our_sessions_set_themselves_is_of_no_matter(query: str, mariadb_url: str) -> None:
    assert _outcome(f"{mariadb_url}?{query}") is None
