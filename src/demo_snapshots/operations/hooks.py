"""Commands of the project's own, before an export and after an import.

They come from the configuration alone, which is as much the project's as its Makefile; nothing in
a snapshot is ever run.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from demo_snapshots.errors import HookFailedError
from demo_snapshots.model.results import ImportResult

logger = logging.getLogger(__name__)

_STDERR = 2
# The first word, where it can be nothing but a program; in quotes, as paths with spaces are.
_PROGRAM = re.compile(r"""\s*(?:([\w./+-]+)(?=\s|$)|["']([\w ./+-]+)["'](?=\s|$))""")


def before_export(commands: Sequence[str], scenario: str, directory: Path) -> None:
    """Run the commands, with the shell, in ``directory``; DEMO_SCENARIO names the scenario.

    What they print goes to stderr. Raises HookFailedError for the first that fails, and runs no
    further one.
    """
    hint = "Nothing was exported."
    _require_found("before-export", commands, directory, hint)
    _run("before-export", commands, {"DEMO_SCENARIO": scenario}, directory, hint)


def require_after_import(commands: Sequence[str], directory: Path) -> None:
    """Raise HookFailedError for a command whose program is not there, before anything is done."""
    _require_found("after-import", commands, directory, "Nothing was imported.")


def after_import(commands: Sequence[str], result: ImportResult, directory: Path) -> None:
    """Run the commands as ``before_export`` does, after the rows were committed. DEMO_VERSION is
    the version, DEMO_TOTAL how many demo rows there are now, DEMO_TABLES the same as a JSON object
    by table, DEMO_CHANGED how many rows were written or removed."""
    tables = {count.table: count.rows for count in result.statistics.tables}
    facts = {
        "DEMO_SCENARIO": result.scenario,
        "DEMO_VERSION": str(result.version),
        "DEMO_TOTAL": str(result.total),
        "DEMO_TABLES": json.dumps(tables),
        "DEMO_CHANGED": str(result.changed),
    }
    hint = "The demo rows are in. Run what is left by hand, or import again."
    _run("after-import", commands, facts, directory, hint)


def _require_found(name: str, commands: Sequence[str], directory: Path, hint: str) -> None:
    for number, command in enumerate(commands, start=1):
        program = _PROGRAM.match(command)
        if os.name == "posix" and program is not None:
            asked = ["/bin/sh", "-c", 'command -v "$1"', "sh", program[1] or program[2]]
            found = subprocess.run(
                asked,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if found.returncode:
                raise HookFailedError(
                    f"{name}: command {number} of {len(commands)}: what it runs is not there",
                    hint=f"{hint} It is looked for as the shell does, from the directory of the"
                    " configuration file.",
                )


def _run(
    name: str, commands: Sequence[str], facts: dict[str, str], directory: Path, hint: str
) -> None:
    # A command may hold a password, so it is told by its number.
    for number, command in enumerate(commands, start=1):
        told = f"{name}: command {number} of {len(commands)}"
        logger.info("%s", told)
        done = subprocess.run(
            command,
            shell=True,
            cwd=directory,
            env={**os.environ, **facts},
            stdin=subprocess.DEVNULL,
            stdout=_STDERR,
        )
        if done.returncode:
            raise HookFailedError(f"{told} {_ended(done.returncode)}", hint=hint)


def _ended(status: int) -> str:
    return f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
