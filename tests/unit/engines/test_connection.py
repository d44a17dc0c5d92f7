"""Connections as the drivers make them, and what is said where they cannot."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Live

from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import ConfigError, DatabaseUnreachableError


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER)", "INSERT INTO t VALUES (1, 1)")
    return live


def test_every_statement_commits_by_itself(live: Live) -> None:
    with connect(live.url) as database:
        database.execute("INSERT INTO t VALUES (2, 2)")
        assert live.value("SELECT count(*) FROM t") == 2


def test_an_update_counts_the_rows_it_found(live: Live) -> None:
    with connect(live.url) as database:
        assert database.execute("UPDATE t SET x = 1") == 1


@engines("postgresql", "mariadb")
def test_a_connection_that_was_lost_is_closed_without_a_word(live: Live) -> None:
    own, kill = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mariadb": ("SELECT connection_id()", "KILL {}"),
    }[live.engine]
    with connect(live.url) as database:
        live.run(kill.format(database.scalar(own)))


@engines("sqlite")
def test_conditions_find_the_functions_that_sqlalchemy_brings(live: Live) -> None:
    with connect(live.url) as database:
        query = "SELECT 'a1' REGEXP '[0-9]', NULL REGEXP 'x', floor(-1.5), floor(NULL)"
        assert database.rows(query) == [(1, None, -2, None)]


@engines("sqlite")
def test_an_option_that_sqlite_does_not_have(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), connect(f"{live.url}?timeout=3&mode=ro"):
        pass
    assert [record.getMessage() for record in caplog.records] == [
        "SQLite has no option mode: it is ignored"
    ]


@engines("sqlite")
def test_a_file_is_found_whatever_its_name(live: Live, tmp_path: Path) -> None:
    odd = tmp_path / "a b?c#d%20e.sqlite"
    Path(live.url.removeprefix("sqlite:///")).rename(odd)
    with connect(f"sqlite:///{str(odd).replace('%', '%25').replace('?', '%3F')}") as database:
        assert database.scalar("SELECT x FROM t") == 1


@engines("postgresql")
def test_session_settings_in_the_url(live: Live) -> None:
    options = "options=-csearch_path%3Dpg_temp&options=-cstatement_timeout%3D7000"
    with connect(f"{live.url}?{options}&application_name=a+b") as database:
        assert database.scalar("SHOW search_path") == "pg_temp"
        assert database.scalar("SHOW statement_timeout") == "7s"
        assert database.scalar("SHOW application_name") == "a b"


@engines("postgresql")
def test_the_first_of_several_hosts_that_answers(live: Live) -> None:
    address, _, name = live.url.rpartition("@")[2].partition("/")
    with connect(f"postgresql://postgres@/{name}?host=127.0.0.1:1&host={address}") as database:
        assert database.scalar("SELECT x FROM t") == 1


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("what=ever", "what is no option"),
        ("connect_timeout=soon", "connect_timeout=soon"),
        ("connect_timeout=0", "cannot work with a part"),
        ("compress=1", "cannot work with a part"),
        ("ssl_ca=missing.pem", "No such file"),
    ],
)
def test_options_that_mariadb_cannot_be_given(query: str, says: str) -> None:
    with (
        pytest.raises(ConfigError, match=says) as caught,
        connect(f"mysql://root:s3cret@127.0.0.1:1/d?{query}"),
    ):
        pass
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:s3cret@127.0.0.1:1/d", "Connection refused"),
        ("mariadb://u:s3cret@127.0.0.1:1/d", "Can't connect"),
        ("sqlite:///no/such/file", "no database file no/such/file"),
    ],
)
def test_what_cannot_be_reached(url: str, says: str) -> None:
    with pytest.raises(DatabaseUnreachableError, match=says) as caught, connect(url):
        pass
    assert "s3cret" not in str(caught.value)
