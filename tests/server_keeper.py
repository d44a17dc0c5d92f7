"""The process that keeps one server of a test run: starts it, and stops it with the run.

The run holds a lock, which the operating system frees however the run ends. The keeper waits
for it, so Ctrl-C, SIGTERM and kill -9 leave no server behind.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from object_servers import OBJECT_SERVERS
from server_engines import SERVERS, Engine

ANSWER_SECONDS = 20


def state_file(run: Path, name: str) -> Path:
    """Written by the keeper: ``port`` or ``error``. Removed once the server has stopped."""
    return run / f"{name}.json"


class Keeper:
    def __init__(self, engine: Engine, run: Path) -> None:
        self.engine = engine
        self.run = run
        self.directory = run / engine.name
        self.log = run / f"{engine.name}.log"
        self.account: dict[str, Any] = {}
        self.directory.mkdir(mode=0o700)
        if os.geteuid() == 0 and engine.name in SERVERS:
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
        state_file(self.run, self.engine.name).unlink()
        # A run that was killed cannot remove its files; the last of its keepers does.
        with suppress(FileNotFoundError):
            if not any(path.is_dir() or path.suffix == ".json" for path in self.run.iterdir()):
                shutil.rmtree(self.run, ignore_errors=True)

    def _tell(self, state: dict[str, object]) -> None:
        written = self.run / f"{self.engine.name}.new"
        written.write_text(json.dumps(state), encoding="utf-8")
        written.replace(state_file(self.run, self.engine.name))

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
        environment = os.environ | {"LC_ALL": "C", "GOMEMLIMIT": "300MiB"}
        return {"cwd": self.directory, "env": environment, **self.account}

    def _answers(self, process: subprocess.Popen[bytes], port: int) -> bool:
        end = time.monotonic() + ANSWER_SECONDS
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
        if not self.account:
            return program
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
    Keeper((SERVERS | OBJECT_SERVERS)[sys.argv[1]], Path(sys.argv[2])).keep()
