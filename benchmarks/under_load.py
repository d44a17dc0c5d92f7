"""Imports while others read and write, beside what one would use instead.

``python -m benchmarks.under_load [--seconds N] [--readers N] [--writers N] [--engine NAME]``

Two versions of the sample's demo are put in by turns, in a process of their own, while readers ask
in one statement for rows of two tables and writers add and change rows that are no demo data. The
two versions differ in every row asked for, so an answer with rows of both, or with too few, is
torn. The others: Django's loaddata, ``psql`` with a script that empties the tables and fills
them, in one transaction, and DSLR, where ``make bench`` has installed it, which puts back the whole
database and ends every connection to it: whoever lost theirs connects again.
What is printed is a table for ``docs/benchmarks.md``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks import contenders
from benchmarks.databases import Databases, Url
from benchmarks.jobs.djangos import MODELS
from demo_snapshots.opening import open_project
from demo_snapshots.project import Project

_TABLES = ("vaults", "projects", "fragments", "todos", "contacts", "chat_sessions")
_READ = """SELECT (SELECT count(*) FROM todos),
    (SELECT count(*) FROM todos WHERE title LIKE '%(2)'),
    (SELECT count(*) FROM projects),
    (SELECT count(*) FROM projects WHERE name LIKE '%(2)')"""
_WHOLE = {(100, 0, 8, 0), (100, 100, 8, 8)}
_REAL = 90_000
_NOW = "2025-01-20 10:00:00"

_DJANGO = """
import os, sys
sys.path.insert(0, {place!r})
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["sample"], DATABASES={{"default": {database!r}}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=False)
django.setup()
from django.core.management import call_command
call_command({command}, verbosity=0)
"""

Load = Callable[[int], None]
"""Puts the version 1 or 2 in."""


@dataclass(slots=True)
class Seen:
    """What readers or writers met: seconds of each statement, those that were torn, those that
    failed; ``added`` are rows of writers."""

    seconds: list[float] = field(default_factory=list)
    torn: int = 0
    failed: int = 0
    added: int = 0
    messages: set[str] = field(default_factory=set)


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="For each tool.")
@click.option("--readers", default=50, show_default=True)
@click.option("--writers", default=5, show_default=True)
@click.option(
    "--engine",
    "names",
    multiple=True,
    default=("sqlite", "postgresql", "mariadb"),
    show_default=True,
)
def main(seconds: float, readers: int, writers: int, names: tuple[str, ...]) -> None:
    """Print the table."""
    click.echo(
        "| engine | tool | loads | a load, s | reads | torn | failed | longest read, ms |"
        " longest write, ms | writes failed | written rows lost |"
    )
    click.echo(f"| --- | --- |{' ---: |' * 9}")
    with tempfile.TemporaryDirectory() as directory, Databases(Path(directory)) as databases:
        for name in names:
            if databases.missing(name):
                continue
            with databases.empty(name) as url:
                for row in _measured(
                    url, Path(directory) / name, databases, seconds, readers, writers
                ):
                    click.echo(f"| {' | '.join(row)} |")


def _measured(
    url: Url, place: Path, databases: Databases, seconds: float, readers: int, writers: int
) -> Iterator[tuple[str, ...]]:
    place.mkdir()
    project = open_project(place, database=url.text, snapshots=place / "s", environment={})
    project.migrate_fresh()
    project.seed("general")
    tools = _tools(url, place, project, databases)
    for tool, load in tools.items():
        load(1)
        with closing(connect(url)) as connection:
            _run(connection, f"DELETE FROM contacts WHERE id >= {_REAL}")
        stop = threading.Event()
        reading = [Seen() for _ in range(readers)]
        writing = [Seen() for _ in range(writers)]
        threads = [
            *(threading.Thread(target=_reads, args=(url, stop, seen)) for seen in reading),
            *(
                threading.Thread(target=_writes, args=(url, stop, seen, _REAL + n * 1_000))
                for n, seen in enumerate(writing)
            ),
        ]
        for thread in threads:
            thread.start()
        taken = list(_loads(load, seconds))
        stop.set()
        for thread in threads:
            thread.join()
        yield _row(url, tool, taken, reading, writing)


def _tools(url: Url, place: Path, project: Project, databases: Databases) -> dict[str, Load]:
    """Of each tool what puts a version in; all versions are saved before."""
    files: dict[int, Path] = {}
    scripts: dict[int, Path] = {}
    fixtures: dict[int, Path] = {}
    (place / "sample").mkdir()
    (place / "sample" / "__init__.py").touch()
    (place / "sample" / "models.py").write_text(MODELS, "utf-8")
    for version in (1, 2):
        if version == 2:
            with closing(connect(url)) as connection:
                _run(connection, "UPDATE todos SET title = concat(title, ' (2)')", url)
                _run(connection, "UPDATE projects SET name = concat(name, ' (2)')", url)
        files[version] = project.export("general").path
        if url.engine == "postgresql" and not contenders.missing("dslr"):
            _dslr(url, "snapshot", f"v{version}")
        fixtures[version] = place / f"{version}.json"
        _django(url, place, f'"dumpdata", "sample", output={str(fixtures[version])!r}')
        if dump := url.engine == "postgresql" and databases.program("pg_dump"):
            scripts[version] = place / f"{version}.sql"
            text = subprocess.run(
                [dump, "--data-only", *(f"--table={name}" for name in _TABLES)],
                env={**os.environ, **url.libpq},
                check=True,
                capture_output=True,
            ).stdout
            emptied = "".join(f"DELETE FROM {name};\n" for name in reversed(_TABLES))
            scripts[version].write_bytes(emptied.encode() + text)

    def ours(version: int) -> None:
        _succeeds(
            [
                sys.executable,
                "-m",
                "demo_snapshots",
                "import",
                "general",
                "--yes",
                "--quiet",
                f"--file={files[version]}",
                f"--database={url.text}",
                f"--snapshots={place / 's'}",
            ]
        )

    def loaddata(version: int) -> None:
        _django(url, place, f'"loaddata", {str(fixtures[version])!r}')

    tools: dict[str, Load] = {
        "nothing": lambda version: time.sleep(0.1),
        "demo import": ours,
        "Django loaddata": loaddata,
    }
    if psql := scripts and databases.program("psql"):

        def script(version: int) -> None:
            _succeeds(
                [
                    str(psql),
                    "--single-transaction",
                    "--quiet",
                    "--set=ON_ERROR_STOP=1",
                    f"--file={scripts[version]}",
                ],
                **url.libpq,
            )

        tools["psql of a dump"] = script
    if url.engine == "postgresql" and not contenders.missing("dslr"):
        tools["DSLR"] = lambda version: _dslr(url, "restore", f"v{version}")
    return tools


def _dslr(url: Url, *words: str) -> None:
    _succeeds([str(contenders.program("dslr")), "--url", url.text, *words])


def _succeeds(command: list[str], **environment: str) -> None:
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)


def _django(url: Url, place: Path, command: str) -> None:
    backend: dict[str, dict[str, object]] = {
        "sqlite": {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 60}},
        "postgresql": {"ENGINE": "django.db.backends.postgresql", "USER": "postgres"},
        "mariadb": {"ENGINE": "django.db.backends.mysql", "USER": "root"},
    }
    database = backend[url.engine]
    database |= {"NAME": url.name}
    if url.engine != "sqlite":
        database |= {"HOST": "127.0.0.1", "PORT": url.port}
    program = _DJANGO.format(place=str(place), database=database, command=command)
    if url.engine == "mariadb":
        program = (
            "import pymysql; pymysql.version_info = (2, 2, 1, 'final', 0);"
            f" pymysql.install_as_MySQLdb()\n{program}"
        )
    _succeeds([sys.executable, "-c", program])


class Client:
    """A connection, and another one where it was lost."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self._connection = connect(url)

    def run(self, statement: str) -> Any:
        if getattr(self._connection, "closed", False):
            self._connection = connect(self._url)
        return _run(self._connection, statement)

    def close(self) -> None:
        self._connection.close()


def connect(url: Url) -> Any:
    """A connection that commits each statement."""
    if url.engine == "sqlite":
        import sqlite3

        return sqlite3.connect(url.file, timeout=60, isolation_level=None)
    if url.engine == "postgresql":
        import psycopg

        return psycopg.connect(url.text, autocommit=True)
    import pymysql

    return pymysql.connect(
        host="127.0.0.1", port=url.port, user="root", database=url.name, autocommit=True
    )


def _run(connection: Any, statement: str, url: Url | None = None) -> Any:
    if url is not None and url.engine == "sqlite":
        statement = statement.replace("concat(title, ", "(title || ").replace(
            "concat(name, ", "(name || "
        )
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None
    finally:
        cursor.close()


def _loads(load: Load, seconds: float) -> Iterator[float]:
    ends = time.perf_counter() + seconds
    for version in cycle((2, 1)):
        start = time.perf_counter()
        if start > ends:
            return
        load(version)
        yield time.perf_counter() - start


def _reads(url: Url, stop: threading.Event, seen: Seen) -> None:
    with closing(Client(url)) as client:
        for found in _watched(client, _READ, stop, seen):
            seen.torn += tuple(found) not in _WHOLE


def _writes(url: Url, stop: threading.Event, seen: Seen, number: int) -> None:
    """Add a row that is no demo data, then change it."""
    with closing(Client(url)) as client:
        while not stop.is_set():
            number += 1
            added = (
                "INSERT INTO contacts (id, name, created_at, updated_at)"
                f" VALUES ({number}, 'Ana', '{_NOW}', '{_NOW}')"
            )
            changed = f"UPDATE contacts SET name = 'Bea' WHERE id = {number}"
            for statement in (added, changed):
                failed = seen.failed
                list(_watched(client, statement, stop, seen, once=True))
                seen.added += statement is added and seen.failed == failed
            time.sleep(0.02)


def _watched(
    client: Client, statement: str, stop: threading.Event, seen: Seen, *, once: bool = False
) -> Iterator[Any]:
    while not stop.is_set() or once:
        start = time.perf_counter()
        try:
            found = client.run(statement)
        except Exception as error:  # whatever the driver raises is what an application would meet
            seen.failed += 1
            seen.messages.add(f"{type(error).__name__}: {str(error)[:80]}")
            found = None
        seen.seconds.append(time.perf_counter() - start)
        if found is not None:
            yield found
        if once:
            return
        time.sleep(0.01)


def _row(
    url: Url, tool: str, taken: list[float], reading: list[Seen], writing: list[Seen]
) -> tuple[str, ...]:
    added = sum(seen.added for seen in writing)
    with closing(connect(url)) as connection:
        kept = _run(connection, f"SELECT count(*) FROM contacts WHERE id >= {_REAL}")[0]
    for message in {m for seen in (*reading, *writing) for m in seen.messages}:
        click.echo(f"{url.engine}, {tool}: {message}", err=True)
    reads = [one for seen in reading for one in seen.seconds]
    return (
        url.engine,
        tool,
        "" if tool == "nothing" else str(len(taken)),
        "" if tool == "nothing" else f"{median(taken):.2f}",
        f"{len(reads):,}",
        str(sum(seen.torn for seen in reading)),
        str(sum(seen.failed for seen in reading)),
        f"{1000 * max(reads):.0f}",
        f"{1000 * max(one for seen in writing for one in seen.seconds):.0f}",
        str(sum(seen.failed for seen in writing)),
        str(added - kept),
    )


if __name__ == "__main__":
    main()
