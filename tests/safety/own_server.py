"""A server of one test alone, which may be killed and started again on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from database_engines import missing
from server_engines import SERVERS
from server_keeper import Keeper


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
        self._process, self.port = self._keeper._start()
        self._command = self.engine.serve(
            self._keeper._reachable_program() if engine == "mariadb" else Path(self._executable()),
            self._keeper.directory,
            self.port,
        )
        # What was committed must be there after a crash: the shared servers do without.
        if engine == "mariadb":
            self._command.append("--innodb-flush-log-at-trx-commit=1")
            self.kill()
            self.start()
        self.engine.create(self.port, "own")
        self.url = self.engine.url(self.port, "own")

    def _executable(self) -> str:
        return os.readlink(f"/proc/{self._process.pid}/exe")

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
            self._process = subprocess.Popen(self._command, **self._keeper._how())
            if self._keeper._answers(self._process, self.port):
                return
            self._process.kill()
            self._process.wait()
            time.sleep(0.3)
        raise RuntimeError(f"{self.engine.name} does not come back")

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._root, ignore_errors=True)
