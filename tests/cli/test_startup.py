"""Help and listings start fast: what they do not need is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from demo_snapshots.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["import", "--help"], ["seed-enhanced", "--help"], ["--version"]]
)
def test_help_imports_nothing_but_click(workplace, arguments):
    heavy = {"sqlalchemy", "alembic", "pydantic", "rich", "ruamel", "psycopg", "pymysql", "sqlite3"}
    modules = imported(*arguments)
    assert "click" in modules
    assert not modules & heavy


@pytest.mark.parametrize(
    "arguments", [["list-exports"], ["list-exports", "--json"], ["verify"], ["repair"]]
)
def test_listing_imports_no_database(workplace, arguments):
    modules = imported(*arguments)
    assert "pydantic" in modules, "the configuration was read"
    assert not modules & {"sqlalchemy", "alembic", "psycopg", "pymysql", "sqlite3", "ruamel"}
