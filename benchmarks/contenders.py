"""The contenders from PyPI, and one from npm, in a virtual environment of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

WANTED = Path(__file__).with_name("contenders.txt")
PLACE = Path(__file__).with_name(".venv")
FROM_NPM = ("daff", "1.4.2")
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
    _install_from_npm()
    stamp.write_text(wanted, encoding="utf-8", newline="\n")
    return None


def _install_from_npm() -> None:
    """Not all have npm: whoever asks for the program is told by ``node_missing``."""
    npm = shutil.which("npm")
    if npm is not None:
        package = "@".join(FROM_NPM)
        quiet = ("--silent", "--no-audit", "--no-fund", "--prefix", PLACE)
        subprocess.run([npm, "install", *quiet, package], stdout=sys.stderr)


def program(name: str) -> Path:
    return PLACE / "bin" / name


def missing(name: str) -> str | None:
    """Why a program is not there, and how to get it."""
    return None if program(name).exists() else f"{name} is not installed: {OBTAIN}"


def node_program(name: str) -> Path:
    return PLACE / "node_modules" / ".bin" / name


def node_missing(name: str) -> str | None:
    """As ``missing``, of a program from npm."""
    there = node_program(name).exists()
    return None if there else f"{name} of Node is not installed: {OBTAIN} where npm is there"


def versions() -> dict[str, str]:
    """The pinned versions of the contenders, if they are installed."""
    if not (PLACE / "installed.txt").exists():
        return {}
    lines = (line for line in WANTED.read_text("utf-8").splitlines() if "==" in line)
    return dict(line.split("==") for line in lines)
