"""What drivers, SQLAlchemy and Python itself have to say reaches no terminal: it may hold values.

The command line owns its process; whoever imports the package keeps logging as they set it up.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live
from safety.mixed_database import CONFIGURATION, SECRET, MixedDatabase, snapshots
from warm_demo import WarmDemo

OWN = re.compile(r"(?:error|hint|warning|info|debug): |  - ")
WAYS: tuple[list[str], ...] = ([], ["-vv", "--json"])


def run(place: Path, warm: WarmDemo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in which every warning is to be shown. That which tells
    most starts from nothing, so that what is said while something is imported is seen as well."""
    whole = [sys.executable, "-W", "default", "-m", "demo_snapshots"]
    return subprocess.run(
        [*(whole if "-vv" in arguments else warm.words()), *arguments],
        env={**os.environ, "PYTHONUTF8": "1"},
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def require_quiet(done: subprocess.CompletedProcess[str], secret: str) -> None:
    assert secret not in done.stdout + done.stderr
    foreign = [line for line in done.stderr.splitlines() if not OWN.match(line)]
    assert foreign == [], done.args


@engines("postgresql", "postgresql15", "mariadb", "sqlite")
def test_no_value_of_a_refused_row_is_shown(
    database_url: str, sqlite_url: str, tmp_path: Path, warm_demo: WarmDemo
) -> None:
    """Refused by the server, and by us while the server has refused it already."""
    secret = "TROUBADOUR"
    source, live = Live(sqlite_url), Live(database_url)
    takes_it = live.engine != "postgresql"
    kind = "JSONB" if live.engine == "postgresql" else "JSON"
    (tmp_path / "demo.toml").write_text('[tables.t]\nmarker = "demo"\n', encoding="utf-8")
    for there, json in ((source, "JSON"), (live, kind)):
        there.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, demo BOOLEAN, doc {json})")
    source.insert("t", (1, 1, f'{{"{secret}\\u0000":"{secret}"}}'))
    path = Demo(tmp_path / "snapshots", tmp_path / "demo.toml").export(source).path
    altered = tmp_path / "altered.sql"
    altered.write_bytes(re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + b"0" * 64, path.read_bytes()))
    for rows in ([], ["INSERT INTO t VALUES (2, TRUE, '{}')"]):
        live.run(*rows)
        for way in WAYS:
            for file, status in ((path, 22), (altered, 21)):
                url = f"--database={live.url}"
                options = (f"--file={file}", url, "--yes", *way)
                done = run(tmp_path, warm_demo, "import", "general", *options)
                assert done.returncode == (0 if takes_it and status == 22 else status)
                require_quiet(done, secret)


@engines("postgresql", "mariadb", "sqlite")
def test_every_day_s_work_is_quiet(database_url: str, tmp_path: Path, warm_demo: WarmDemo) -> None:
    mixed = MixedDatabase.built(database_url)
    saved = snapshots(mixed, tmp_path / "saved")
    (tmp_path / "demo.toml").write_text(CONFIGURATION, encoding="utf-8")
    if mixed.live.engine == "postgresql":
        mixed.live.run(
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE WARNING '%', NEW.body; RETURN NEW; END $$",
            "CREATE TRIGGER telling BEFORE INSERT OR UPDATE ON notes"
            " FOR EACH ROW EXECUTE FUNCTION tell()",
        )
    for way in WAYS:
        for command in (
            ["export", "general", "--auto-version", "--prove"],
            ["import", "general", f"--file={saved.new}", "--yes"],
            ["import", "general", f"--file={saved.old}", "--yes", "--new-ids"],
            ["validate", "general"],
            ["verify"],
        ):
            done = run(tmp_path, warm_demo, *command, f"--database={database_url}", *way)
            assert done.returncode in (0, 50), done.stderr
            require_quiet(done, SECRET)


def test_the_sample_application_is_quiet(tmp_path: Path, warm_demo: WarmDemo) -> None:
    for way in WAYS:
        for command in (
            ["migrate-fresh", "--yes"],
            ["seed-enhanced", "--scenario=general", "--export"],
        ):
            done = run(tmp_path, warm_demo, *command, *way)
            assert done.returncode == 0, done.stderr
            require_quiet(done, SECRET)


_AS_A_LIBRARY = """\
import logging, pkgutil, sys, warnings
shown = warnings.showwarning
import demo_snapshots
for module in pkgutil.walk_packages(demo_snapshots.__path__, "demo_snapshots."):
    if not module.name.endswith(("__main__", "migrations.env")):
        __import__(module.name)
project = demo_snapshots.open_project()
project.migrate_fresh()
project.seed("general")
project.export("general")
assert warnings.showwarning is shown
assert logging.getLogger().handlers == []
assert logging.getLogger().level == logging.WARNING
for name in ("demo_snapshots", "psycopg", "pymysql", "sqlalchemy", "py.warnings"):
    logger = logging.getLogger(name)
    assert logger.propagate and not logger.disabled, name
    assert all(isinstance(h, logging.NullHandler) for h in logger.handlers), name
"""


def test_importing_the_package_leaves_logging_as_it_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AS_A_LIBRARY], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", ["-W", "-X"])
def test_warnings_as_errors_and_developers_modes_still_work(tmp_path: Path, option: str) -> None:
    value = {"-W": "error", "-X": "dev"}[option]
    done = subprocess.run(
        [sys.executable, option, value, "-m", "demo_snapshots", "list-exports"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
