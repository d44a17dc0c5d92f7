"""The contenders from PyPI, in a virtual environment of their own."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

WANTED = Path(__file__).with_name("contenders.txt")
PLACE = Path(__file__).with_name(".venv")
OBTAIN = "make bench installs it into benchmarks/.venv"


def install(told: Callable[[str], None]) -> str | None:
    """Bring the contenders of ``contenders.txt``, once; why not, if it cannot be done."""
    stamp = PLACE / "installed.txt"
    wanted = WANTED.read_text("utf-8")
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return None
    told("installing the contenders from PyPI into benchmarks/.venv")
    venv.create(PLACE, clear=True, with_pip=True)
    pip: list[str | Path] = [program("python"), "-m", "pip", "install"]
    quiet = ["--disable-pip-version-check", "--quiet", "--no-input"]
    command = [*pip, *quiet, "--requirement", WANTED]
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return f"pip install failed: {done.stderr.strip().splitlines()[-1]}"
    stamp.write_text(wanted, encoding="utf-8", newline="\n")
    return None


def program(name: str) -> Path:
    return PLACE / "bin" / name


def missing(name: str) -> str | None:
    """Why a program is not there, and how to get it."""
    return None if program(name).exists() else f"{name} is not installed: {OBTAIN}"


def versions() -> dict[str, str]:
    """The pinned versions of the contenders, if they are installed."""
    if not (PLACE / "installed.txt").exists():
        return {}
    lines = (line for line in WANTED.read_text("utf-8").splitlines() if "==" in line)
    return dict(line.split("==") for line in lines)
