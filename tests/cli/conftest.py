"""The ``demo`` command, run in this process (``demo``) or in one of its own (``run_demo``)."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from warm_demo import WarmDemo

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
def run_demo(workplace: Path, warm_demo: WarmDemo) -> Demo:
    """As ``demo``, but in a process of its own."""

    def run(*arguments: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [*warm_demo.words(environment), *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding=environment.get("PYTHONIOENCODING", "utf-8"),
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


SEED = ("seed-enhanced", "--scenario=general", "--as-of=2025-01-20T12:00")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which ``general`` was seeded and exported once."""
    place = tmp_path_factory.mktemp("template")
    options = (f"--database=sqlite:///{place}/demo.sqlite", f"--snapshots={place}/demo-snapshots")
    for command in (["migrate-fresh"], [*SEED], ["export", "general"]):
        result = CliRunner().invoke(demo_command, [*options, *command])
        assert result.exit_code == 0, result.stderr
    return place


@pytest.fixture
def seeded(template: Path, workplace: Path) -> Place:
    """The workplace, with the database and the one version of ``general`` in it."""
    shutil.copytree(template, workplace / "database")
    return Place(workplace)


@dataclass(frozen=True)
class Place:
    """A working directory: its database and its snapshots where the defaults have them."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "database" / "demo.sqlite"

    @property
    def store(self) -> Path:
        return self.path / "database" / "demo-snapshots"

    @property
    def documents(self) -> list[Path]:
        return sorted(p for p in self.store.rglob("*_v*.sql") if not p.is_symlink())

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.database)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def state(self) -> tuple[list[str], dict[str, bytes]]:
        """Every row of the database and every byte of the store, to compare."""
        connection = sqlite3.connect(self.database)
        try:
            rows = list(connection.iterdump())
        finally:
            connection.close()
        files = {
            str(p): p.read_bytes()
            for p in self.store.rglob("*")
            if p.suffix != ".lock" and p.is_file()
        }
        return rows, files
