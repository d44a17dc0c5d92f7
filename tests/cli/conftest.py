"""The ``demo`` command, run in this process (``demo``) or in one of its own (``run_demo``)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from demo_snapshots.cli import demo as demo_command


@dataclass(frozen=True)
class Outcome:
    """What a run of the command left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if line.startswith("error: ")]


Demo = Callable[..., Outcome]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    place = tmp_path / "work place"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def demo(workplace: Path) -> Demo:
    """Run ``demo`` with these arguments in the workplace; neither stream is a terminal."""

    def run(*arguments: str, **environment: str) -> Outcome:
        result = CliRunner().invoke(demo_command, arguments, env=environment, prog_name="demo")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def run_demo(workplace: Path) -> Demo:
    """As ``demo``, but ``python -m demo_snapshots`` in a process of its own."""

    def run(*arguments: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "demo_snapshots", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
