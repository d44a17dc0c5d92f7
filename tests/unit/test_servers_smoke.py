"""The test servers themselves: up, of the version they claim, and separate per test."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
from database_engines import engines, missing, stock_client
from server_engines import SERVERS
from servers import Run


def _mariadb(url: str) -> pymysql.Connection:
    parts = urlsplit(url)
    database = parts.path.removeprefix("/")
    return pymysql.connect(
        host=parts.hostname, port=parts.port or 3306, user="root", database=database
    )


def _ask(url: str, question: str) -> object:
    scheme, rest = url.split("://")
    connection: Any
    if scheme == "sqlite":
        connection = sqlite3.connect(rest.removeprefix("/"))
    elif scheme == "postgresql":
        connection = psycopg.connect(url)
    else:
        connection = _mariadb(url)
    try:
        cursor = connection.cursor()
        cursor.execute(question)
        connection.commit()
        return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


@engines("postgresql", "postgresql15", "mariadb")
def test_every_server_is_the_one_asked_for(database_url, request):
    version = _ask(database_url, "SELECT version()")
    expected = {"postgresql": "PostgreSQL 18.", "postgresql15": "PostgreSQL 15."}
    engine = request.node.callspec.params["database_url"]
    assert expected.get(engine, "MariaDB") in str(version)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_an_empty_database(database_url, turn):
    _ask(database_url, "CREATE TABLE t (id INTEGER)")


def test_two_databases_of_one_engine_are_separate(database_url, new_database, request):
    second = new_database(request.node.callspec.params["database_url"])
    assert second != database_url
    for url in (database_url, second):
        _ask(url, "CREATE TABLE t (id INTEGER)")


def test_text_is_whole_unicode(database_url):
    assert _ask(database_url, "SELECT 'Grüße 🐘'") == "Grüße 🐘"


def test_the_old_postgresql_sorts_and_shows_in_its_own_way(postgresql15_url):
    assert _ask(postgresql15_url, "SELECT 'a' < 'B'") is True
    assert _ask(postgresql15_url, "SELECT CAST(CAST(0.1 + 0.2e0 AS float8) AS text)") == "0.3"
    assert _ask(postgresql15_url, "SELECT CAST(date '2025-01-15' AS text)") == "15/01/2025"


@pytest.mark.parametrize("name", ["sqlite3", "psql", "mariadb"])
def test_stock_clients_run(name):
    shown = subprocess.run([stock_client(name), "--version"], capture_output=True, check=True)
    assert shown.stdout


def test_what_is_missing_skips_here_and_fails_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such server"):
        missing("no such server")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="no such server"):
        missing("no such server")


@pytest.mark.parametrize("name", list(SERVERS))
def test_a_database_with_open_connections_is_dropped(servers, name, request):
    request.getfixturevalue(f"{name}_url")
    with servers.database(name) as url:
        _ask(url, "CREATE TABLE t (id INTEGER)")
        open_one = _mariadb(url) if name == "mariadb" else psycopg.connect(url)
        open_one.cursor().execute("SELECT * FROM t")
    with pytest.raises((psycopg.OperationalError, pymysql.OperationalError)):
        _ask(url, "SELECT 1")
    open_one.close()


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_server_that_runs_already_is_used(servers, name, request, monkeypatch, tmp_path):
    running = urlsplit(request.getfixturevalue(f"{name}_url")).port
    monkeypatch.setenv(f"TEST_{name.upper()}_PORT", str(running))
    with Run(tmp_path, f"{servers.worker}_beside").database(name) as url:
        assert urlsplit(url).port == running
        _ask(url, "CREATE TABLE t (id INTEGER)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there are no servers on Windows")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_no_server_outlives_the_run(ending, tmp_path):
    if SERVERS["postgresql"].program() is None:
        missing(SERVERS["postgresql"].obtain)
    program = (
        "import time, servers\n"
        "run = servers.Run()\n"
        "try:\n"
        "    with run.database('postgresql') as url:\n"
        "        print(run.directory, url, flush=True)\n"
        "        time.sleep(60)\n"
        "finally:\n"
        "    run.close()\n"
    )
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tests,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        directory, url = process.stdout.readline().split()
        assert _ask(url.rpartition("/")[0] + "/postgres", "SELECT 1") == 1
        process.send_signal(ending)
        process.wait(20)
    end = time.monotonic() + 20
    while Path(directory).exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(directory).exists()
    with pytest.raises(psycopg.OperationalError):
        _ask(url.rpartition("/")[0] + "/postgres", "SELECT 1")
