"""The corpus of planted leaks, small: everything but names alone is found, and nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.sqlite
def test_planted_leaks_are_found() -> None:
    command = [sys.executable, "-m", "benchmarks.people", "--json", "--real=400", "--demo=400"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    figures = json.loads(done.stdout)
    planted, found = figures["planted"], figures["found"]
    assert sum(planted.values()) == 40
    assert [what for what, count in planted.items() if found.get(what) != count] == ["name alone"]
    assert figures["false_alarms"] == 0
