"""Help and listings start fast: what they do not need is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from database_engines import engines

from demo_snapshots import cli
from demo_snapshots.cli import demo

pytestmark = pytest.mark.slow

SAMPLE_APPLICATION = {"sqlalchemy", "alembic", "ruamel"}
"""What only migrating and seeding need."""

PEOPLE = {"phonenumbers", "stdnum", "email_validator", "faker"}
"""What only a person in the rows needs."""

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
    """The packages that a run of the command imports; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout or "--quiet" in arguments
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["import", "--help"], ["seed-enhanced", "--help"], ["--version"]]
)
def test_help_imports_only_click_and_msgspec(workplace, arguments):
    heavy = {"sqlalchemy", "alembic", "rich", "ruamel", "psycopg", "pymysql", "sqlite3"}
    modules = imported(*arguments)
    assert "click" in modules
    assert not modules & heavy


@pytest.mark.parametrize(
    "arguments", [["list-exports"], ["list-exports", "--json"], ["verify"], ["repair"]]
)
def test_listing_imports_no_database(workplace, arguments):
    modules = imported(*arguments)
    assert "msgspec" in modules, "the configuration was read"
    assert not modules & {*SAMPLE_APPLICATION, "psycopg", "pymysql", "sqlite3"}


@pytest.fixture
def filled(demo, database_url):
    """The sample application's database, and the option that names it."""
    option = f"--database={database_url}"
    assert demo("migrate-fresh", option).status == 0
    assert demo("seed-enhanced", "--scenario=general", option).status == 0
    return option


@engines("sqlite", "postgresql", "mariadb")
def test_export_and_import_know_one_driver(filled):
    engine = filled.partition("=")[2].partition(":")[0]
    drivers = {"sqlite": "sqlite3", "postgresql": "psycopg", "mariadb": "pymysql"}
    strangers = SAMPLE_APPLICATION | {*drivers.values()} - {drivers[engine]}
    for command in (
        ["export", "general", "--quiet"],
        ["export", "general", "--quiet", "--auto-version", "--prove"],
        ["import", "general", "--quiet", "--yes"],
        ["validate", "general", "--json"],
    ):
        modules = imported(*command, filled)
        assert drivers[engine] in modules
        assert not modules & {*strangers, *PEOPLE, "rich"}, command


@engines("sqlite")
def test_what_is_drawn_needs_no_more_than_rich(filled):
    assert not imported("export", "general", filled) & SAMPLE_APPLICATION
    modules = imported("import", "general", "--yes", filled)
    assert "rich" in modules
    assert not modules & SAMPLE_APPLICATION


@engines("sqlite")
def test_an_env_file_is_parsed_where_there_is_one(filled, workplace):
    assert "dotenv" not in imported("export", "general", "--quiet", filled)
    (workplace / ".env").write_text("APP_ENV=local\n", "utf-8")
    assert "dotenv" in imported("export", "general", "--quiet", filled)


def test_only_the_command_that_runs_is_imported(workplace):
    program = PROGRAM.replace('{name.partition(".")[0] for name in sys.modules}', "sys.modules")
    done = subprocess.run(
        [sys.executable, "-c", program, "list-exports"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    modules = set(done.stderr.split())
    assert "demo_snapshots.cli.list_exports" in modules
    assert "demo_snapshots.cli.repair" not in modules


def test_every_module_of_a_command_is_a_command_under_its_name():
    modules = {
        path.stem
        for path in Path(cli.__file__).parent.glob("*.py")
        if "\n@click.command(" in path.read_text("utf-8")
    }
    assert modules == {
        name.replace("-", "_").replace("import", "import_") for name in demo.commands
    }
    assert {command.name for command in demo.commands.values()} == {*demo.commands}
