"""Databases without declared foreign keys: from ``demo init`` to a restored demo."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from database_engines import engines
from integration.live import Live
from integration.undeclared_schemas import APPLICATIONS

from demo_snapshots.cli import demo as demo_command

ALL = ("sqlite", "postgresql", "mariadb")

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Run:
    """Run ``demo`` with these arguments in a directory of its own; gives its JSON."""
    place = tmp_path / "app"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("DATABASE_URL", database_url)

    def invoke(*arguments: str, status: int = 0) -> Any:
        result = CliRunner().invoke(demo_command, [*arguments, "--json"], prog_name="demo")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        return json.loads(result.stdout or "{}")

    return invoke


def written_by_hand(file: Path) -> int:
    """Take the proposals beneath [references] that stand there as comments; how many lines."""
    text = file.read_text("utf-8")
    head, mark, section = text.partition("[references]")
    taken, lines = re.subn(r"(?m)^# (\w+ = )", r"\1", section)
    file.write_text(head + mark + taken, "utf-8")
    return lines


@pytest.mark.parametrize("kind", APPLICATIONS)
@engines(*ALL)
def test_from_init_to_a_restored_demo(database_url, run, kind):
    live, application = Live(database_url), APPLICATIONS[kind]
    application.migrate(live)
    before = live.dump()
    run("init")
    assert written_by_hand(Path("demo.toml")) == application.by_hand
    exported = run("export", "tour")
    records = {table["table"]: table["records"] for table in exported["records"]["tables"]}

    assert records == application.records
    live.run(*application.visitors)
    assert live.dump() != before
    run("import", "tour", "--yes")
    assert live.dump() == before
    assert run("validate", "tour")["valid"]
    assert run("export", "tour")["written"] is False
    tomllib.loads(Path("demo.toml").read_text("utf-8"))
