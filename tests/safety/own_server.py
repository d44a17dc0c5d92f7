"""A server of one test alone, which may be killed and started again on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from database_engines import missing
from server_engines import SERVERS
from server_keeper import Keeper, _free_port


class OwnServer:
    """Running from the beginning; ``kill`` is SIGKILL to each of its processes."""

    def __init__(self, engine: str) -> None:
        self.engine = SERVERS[engine]
        program = self.engine.program()
        if program is None:
            missing(f"no {engine} server here: {self.engine.obtain}")
        self._root = Path(tempfile.mkdtemp(prefix="demo-"))
        self._root.chmod(0o755)
        self._keeper = Keeper(self.engine, self._root)
        program = self._keeper._reachable_program()
        install = self.engine.install(program, self._keeper.directory)
        subprocess.run(install, check=True, capture_output=True, **self._keeper._how())
        self.port = _free_port()
        self._command = self.engine.serve(program, self._keeper.directory, self.port)
        if engine == "mariadb":
            # What was committed must be there after a crash: the shared servers do without.
            self._command.append("--innodb-flush-log-at-trx-commit=1")
        self.start()
        self.engine.create(self.port, "own")
        self.url = self.engine.url(self.port, "own")

    def kill(self) -> None:
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True
        ).stdout.split()
        for process in [self._process.pid, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait()

    def start(self) -> None:
        for _ in range(20):
            self._process = subprocess.Popen(
                self._command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **self._keeper._how(),
            )
            # The drivers leave their socket open where nobody listens yet.
            while self._process.poll() is None and not self._listens():
                time.sleep(0.05)
            if self._keeper._answers(self._process, self.port):
                return
            self._process.kill()
            self._process.wait()
            time.sleep(0.3)
        raise RuntimeError(f"{self.engine.name} does not come back")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._root, ignore_errors=True)
