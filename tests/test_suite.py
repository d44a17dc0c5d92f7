"""The test run itself: it works where signals are ignored, no test may hang, and `-m` tells which
tests need a server."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from warm_demo import WarmDemo

TESTS = Path(__file__).parent
INTERRUPTING = "tests/cli/test_terminal.py::test_interrupt"


def run_pytest(*arguments: str, before: str = "", cwd: Path = TESTS.parent) -> tuple[int, str]:
    """Status and output of another run, started by a shell that did ``before``."""
    command = shlex.join(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            *arguments,
        ]
    )
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        ["/bin/sh", "-c", f"{before} exec {command}"],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=100,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_interrupts_arrive_in_a_run_that_ignores_them() -> None:
    """As ``nohup make test &`` does, and some CI runners."""
    ignoring = "trap '' INT HUP TERM QUIT;"
    status, output = run_pytest(INTERRUPTING, "--timeout=60", before=ignoring)
    assert status == 0, output
    assert "2 passed" in output


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_test_that_hangs_is_ended_and_the_next_ones_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import time\ndef test_hangs():\n    time.sleep(90)\ndef test_next():\n    pass\n", "utf-8"
    )
    status, output = run_pytest("--timeout=1", str(tmp_path), cwd=tmp_path)
    assert status == 1, output
    assert "1 failed, 1 passed" in output
    assert "Timeout" in output


def test_every_test_has_a_time_limit(pytestconfig: pytest.Config) -> None:
    assert 0 < float(pytestconfig.getini("timeout")) <= 300


@pytest.mark.slow
@pytest.mark.parametrize("words", ["list-exports", "export nothing", "no-such-command --json"])
def test_a_forked_command_ends_as_one_that_python_starts(
    tmp_path: Path, warm_demo: WarmDemo, words: str
) -> None:
    ends: list[tuple[int, str, str]] = []
    for start in (warm_demo.words(), [sys.executable, "-W", "error", "-m", "demo_snapshots"]):
        place = tmp_path / str(len(ends))
        place.mkdir()
        (place / "demo.toml").write_text('[tables.t]\nmarker = "m"\n', "utf-8")
        environment = {**os.environ, "DATABASE_URL": "sqlite:///there.sqlite"}
        done = subprocess.run(
            [*start, *words.split()], cwd=place, env=environment, capture_output=True, text=True
        )
        ends.append((done.returncode, done.stdout, done.stderr))
    assert ends[0] == ends[1]
    assert ends[0][1] + ends[0][2]


SAMPLE = """
import pytest

@pytest.fixture
def servers(): ...
@pytest.fixture
def new_database(servers): ...
@pytest.fixture
def postgresql15_url(new_database): ...
@pytest.fixture(params=["mariadb"])
def database_url(request, new_database): ...

def test_none(): ...
def test_old(postgresql15_url): ...
def test_two(postgresql15_url, database_url): ...
def test_unknown(new_database): ...
@pytest.mark.parametrize("name", ["mariadb"])
def test_without_a_server(name): ...
@pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)
def test_each(database_url): ...
"""
SHOWING = """
import engine_markers

def pytest_collection_modifyitems(items):
    for item in items:
        engine_markers.mark_engines(item)
        print("::", item.name, *sorted({mark.name for mark in item.own_markers} - {"parametrize"}))
"""


@pytest.mark.slow
def test_tests_are_marked_by_their_fixtures_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SAMPLE, "utf-8")
    (tmp_path / "conftest.py").write_text(SHOWING, "utf-8")
    status, output = run_pytest("--co", f"--override-ini=pythonpath={TESTS}", cwd=tmp_path)
    assert status == 0, output
    assert [line[3:] for line in output.splitlines() if line.startswith(":: ")] == [
        "test_none",
        "test_old postgresql",
        "test_two[mariadb] mariadb postgresql",
        "test_unknown mariadb postgresql sqlite",
        "test_without_a_server[mariadb]",
        "test_each[sqlite] sqlite",
        "test_each[mariadb] mariadb",
    ]
