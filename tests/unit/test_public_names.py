"""The public names: one table, each of them there, documented, and known to type checkers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import demo_snapshots

NAMES: list[str] = vars(demo_snapshots)["__all__"]
"""Made from the stub, which type checkers read without it."""

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
PROGRAM = Path(__file__).with_name("public_program.py")
# Of its own, since the program is checked under other settings than the project; and kept, since
# most of what is looked at is of others.
CACHE = Path(__file__).parents[2] / ".mypy_cache" / "public"


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(demo_snapshots, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        demo_snapshots.no_such_name  # type: ignore[attr-defined] # noqa: B018


def test_every_public_name_is_documented() -> None:
    """By a row of its own in a table, or a paragraph that begins with it."""
    documented = re.findall(r"^(?:\| |\*\*)`([A-Za-z_]+)[`(]", PAGE.read_text("utf-8"), re.M)
    assert [name for name in NAMES if name not in documented] == []


def test_every_method_of_a_project_is_documented() -> None:
    page = PAGE.read_text("utf-8")
    methods = [name for name in dir(demo_snapshots.Project) if not name.startswith("_")]
    assert "export" in methods
    assert [name for name in methods if f"`{name}" not in page] == []


def test_the_program_uses_each_name() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(PROGRAM.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "demo_snapshots"
    }
    assert used == set(NAMES)


@pytest.mark.slow
def test_the_program_type_checks(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    known = "".join(f"reveal_type(demo_snapshots.{name})\n" for name in NAMES)
    program.write_text(f"{PROGRAM.read_text('utf-8')}\n\n{known}", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={CACHE}", str(program)],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Revealed type") == len(NAMES)
    assert '"Any"' not in done.stdout
