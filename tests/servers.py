"""Real database servers for the tests: started once per run, stopped whatever happens.

Every server runs on a free port of 127.0.0.1, as an ordinary user (PostgreSQL refuses root; as
root everything is run as ``nobody``), on data that is thrown away. It is started by the first
test that wants it, in whichever process of the run, and shared by all of them.

``TEST_POSTGRESQL_PORT``, ``TEST_MARIADB_PORT`` name a server on 127.0.0.1 that runs already (a
service of a CI job), which lets ``postgres`` or ``root`` in without a password.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import server_keeper
from filelock import FileLock
from object_servers import OBJECT_SERVERS, environment
from server_engines import SERVERS
from server_keeper import state_file

_KEPT = SERVERS | OBJECT_SERVERS
START_SECONDS = 60
STOP_SECONDS = 15


class ServerError(Exception):
    """A server that is installed did not start; the message ends with its log."""


class Run:
    """The servers of one test run, as one of its processes sees them.

    The process that began the run gives no ``directory`` and must ``close``; xdist's workers
    are given the first one's.
    """

    def __init__(self, directory: Path | None = None, worker: str = "main") -> None:
        self.worker = worker
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
        name = f"demo_{self.worker}_{next(self._numbers)}"
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

    def bucket(self) -> tuple[str, dict[str, str]]:
        """An empty prefix of a bucket: its URL, and what in the environment leads to its server.
        Raises LookupError as ``database`` does."""
        port = self._port("seaweedfs")
        return OBJECT_SERVERS["seaweedfs"].url(
            port, f"{self.worker}/{next(self._numbers)}"
        ), environment(port)

    def _port(self, name: str) -> int:
        if given := os.environ.get(f"TEST_{name.upper()}_PORT"):
            return int(given)
        if _KEPT[name].program() is None:
            raise LookupError(f"no {name} server here: {_KEPT[name].obtain}")
        if name not in self._ports:
            state = self._started(name)
            if "error" in state:
                raise ServerError(state["error"])
            self._ports[name] = state["port"]
        return self._ports[name]

    def _started(self, name: str) -> dict[str, Any]:
        path = state_file(self.directory, name)
        with FileLock(self.directory / f"{name}.lock"):
            if not path.exists():
                # A session of its own, so that Ctrl-C on the tests does not reach the keeper.
                command = [sys.executable, server_keeper.__file__, name, str(self.directory)]
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
        states = [state_file(self.directory, name) for name in _KEPT]
        failed = any(path.exists() and "error" in path.read_text("utf-8") for path in states)
        _wait(lambda: failed or not any(path.exists() for path in states), STOP_SECONDS)
        for keeper in self._keepers:
            keeper.wait(STOP_SECONDS)
        if not failed:
            shutil.rmtree(self.directory, ignore_errors=True)


def _wait(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)
