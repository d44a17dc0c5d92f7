"""The ``demo`` command in a process of its own, without the third of a second that an interpreter
takes to import it.

A parent has imported everything, and forks for each command. What starts a command is a client: it
hands its arguments, directory, environment and streams over, and ends as the command has ended.
Where nothing can be forked, or the interpreter itself is told something else, ``python -m
demo_snapshots`` is started, as it is by what is about start-up or about being killed.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

_CLIENT = """\
import _socket, marshal, os, sys
there = _socket.socket(_socket.AF_UNIX)
there.connect(sys.argv[1])
given = marshal.dumps((sys.argv[2:], os.getcwd(), dict(os.environ)))
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
sent = there.sendmsg([given], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
there.sendall(given[sent:])
there.shutdown(_socket.SHUT_WR)
status = int(there.recv(9) or b"-9")
os.kill(os.getpid(), -status) if status < 0 else os._exit(status)
"""
_OF_THE_INTERPRETER = ("PYTHON", "LANG", "LC_")


class WarmDemo:
    """``python -W error -m demo_snapshots``, again and again."""

    def __init__(self) -> None:
        self._plain = [sys.executable, "-W", "error", "-m", "demo_snapshots"]
        self._parent: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._words = self._plain

    def words(self, environment: Mapping[str, str] | None = None) -> list[str]:
        """What starts a command, before its arguments. ``environment``: what it is given beside
        this process's."""
        if not hasattr(os, "fork") or any(
            name.startswith(_OF_THE_INTERPRETER) for name in environment or ()
        ):
            return self._plain
        if self._parent is None:
            self._start()
        return self._words

    def script(self) -> str:
        """A program for a POSIX shell."""
        return f'#!/bin/sh\nexec {shlex.join(self.words())} "$@"\n'

    def _start(self) -> None:
        # Not below pytest's own directory: the name of a socket may have a hundred bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="demo-"))
        client, place = self._directory / "client.py", self._directory / "socket"
        client.write_text(_CLIENT, "utf-8")
        self._words = [sys.executable, "-I", "-S", str(client), str(place)]
        # Ends with its standard input, thus with this process, however that ends.
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "error", __file__, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._parent.stdout is not None
        assert self._parent.stdout.readline() == b"ready\n"

    def close(self) -> None:
        if self._parent is not None and self._directory is not None:
            assert self._parent.stdin is not None
            assert self._parent.stdout is not None
            self._parent.stdin.close()
            self._parent.stdout.close()
            self._parent.wait()
            shutil.rmtree(self._directory)


# --- The parent ------------------------------------------------------------------------------


def serve(place: str) -> None:
    """Returns in the process that is to run a command, which is set up for it."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(place)
    listening.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        found, _, _ = select.select([listening.fileno(), 0], [], [])
        if 0 in found:
            os._exit(0)
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            return _attend(asking)
        asking.close()
        _reap()


def _reap() -> None:
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def _attend(asking: socket.socket) -> None:
    """Returns in the process of the command; its parent tells the client how it ended."""
    given, streams, _, _ = socket.recv_fds(asking, 1 << 20, 3)
    while block := asking.recv(1 << 20):
        given += block
    command = os.fork()
    if command:
        status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        asking.sendall(str(status).encode())
        os._exit(0)
    asking.close()
    arguments, directory, environment = marshal.loads(given)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _open_streams()
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[1:] = arguments


def _open_streams() -> None:
    """As an interpreter does that starts with these streams."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        new = open(  # noqa: SIM115
            number,
            "w" if number else "r",
            encoding=old.encoding,
            errors=old.errors,
            closefd=False,
        )
        if number:
            new.reconfigure(
                line_buffering=number == 2 or new.isatty(), write_through=old.write_through
            )
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def _run() -> int:
    """The exit status, as the interpreter finds it."""
    from demo_snapshots.__main__ import main

    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> None:
    """What was left open is told, as at the end of an interpreter; its own memory stays."""
    import atexit

    atexit._run_exitfuncs()
    gc.collect()
    try:
        sys.stdout.flush()
    except OSError:
        status = 120
    sys.stderr.flush()
    os._exit(status)


def _import_everything() -> None:
    import pkgutil

    import demo_snapshots

    left_out = ("__main__", "migrations.env")
    for module in pkgutil.walk_packages(demo_snapshots.__path__, "demo_snapshots."):
        foreign = module.name.startswith("demo_snapshots.integrations.")
        if not foreign and not module.name.endswith(left_out):
            __import__(module.name)
    for driver in ("sqlite3", "psycopg", "pymysql"):
        __import__(driver)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    # The directory of the tests is no part of what a command sees.
    sys.path.pop(0)
    _import_everything()
    serve(sys.argv.pop(1))
    _end(_run())
