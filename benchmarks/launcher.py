"""Runs one command and prints what it cost: wall, user and system seconds, peak memory in
bytes, exit status.

    python -I -S launcher.py STDIN STDOUT STDERR COMMAND...

Small on purpose: Linux counts the memory of the process that forked towards the peak of the one
it started, so a runner with drivers loaded would show its own size as everybody's.
"""

import os
import sys
import time


def main() -> None:
    stdin, stdout, stderr, *command = sys.argv[1:]
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(stdin, os.O_RDONLY), (stdout, writing), (stderr, writing)]
    actions = [
        (os.POSIX_SPAWN_OPEN, number, path, mode, 0o644)
        for number, (path, mode) in enumerate(files)
    ]
    begun = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - begun
    # getrusage(2): kibibytes, but bytes on macOS.
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    print(wall, usage.ru_utime, usage.ru_stime, peak, os.waitstatus_to_exitcode(status))  # noqa: T201


if __name__ == "__main__":
    main()
