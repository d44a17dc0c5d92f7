"""Commands of the project's own, before an export and after an import.

They come from the configuration alone, which is as much the project's as its Makefile; nothing in
a snapshot is ever run.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from demo_snapshots.errors import HookFailedError
from demo_snapshots.model.results import ImportResult

logger = logging.getLogger(__name__)

_STDERR = 2


def before_export(commands: Sequence[str], scenario: str, directory: Path) -> None:
    """Run the commands, with the shell, in ``directory``; DEMO_SCENARIO names the scenario.

    What they print goes to stderr. Raises HookFailedError for the first that fails, and runs no
    further one.
    """
    hint = "Nothing was exported."
    _run("before-export", commands, {"DEMO_SCENARIO": scenario}, directory, hint)


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
