"""The public names: one table, each of them there, documented, and known to type checkers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import demo_snapshots

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.mark.parametrize("name", demo_snapshots.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(demo_snapshots, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        demo_snapshots.no_such_name  # type: ignore[attr-defined] # noqa: B018


def test_every_public_name_is_documented() -> None:
    documented = set(re.findall(r"`([A-Za-z_]+)[`(]", PAGE.read_text("utf-8")))
    assert set(demo_snapshots.__all__) <= documented


def test_every_method_of_a_project_is_documented() -> None:
    page = PAGE.read_text("utf-8")
    methods = [name for name in vars(demo_snapshots.Project) if not name.startswith("_")]
    assert "export" in methods
    assert [name for name in methods if f"`{name}" not in page] == []


def test_a_program_that_uses_each_name_type_checks(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    uses = "\n".join(f"reveal_type(demo_snapshots.{name})" for name in demo_snapshots.__all__)
    program.write_text(
        "import demo_snapshots\n"
        "project = demo_snapshots.open_project()\n"
        "saved: demo_snapshots.ExportResult = project.export('general', prove=True)\n"
        "back: demo_snapshots.ImportResult = project.import_('general', confirm=None)\n"
        "plan: demo_snapshots.ImportPlan | None = None\n"
        "number: int = saved.version.number + back.changed\n" + uses,
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(program)],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Revealed type") == len(demo_snapshots.__all__)
    assert '"Any"' not in done.stdout
