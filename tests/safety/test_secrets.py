"""A password in a database URL is in nothing that any command prints, logs or writes."""

from __future__ import annotations

import re
from pathlib import Path

import pymysql
import pytest
from click.testing import CliRunner
from database_engines import engines
from integration.live import Live
from safety.mixed_database import CONFIGURATION, MixedDatabase
from sqlalchemy.engine import make_url

from demo_snapshots.cli import demo

PASSWORD = "Tr0ub4dor"
COMMANDS = [
    ["export", "general"],
    ["export", "general", "--auto-version", "--prove"],
    ["export", "nobody"],
    ["list-exports"],
    ["validate"],
    ["validate", "general"],
    ["import", "general", "--yes"],
    ["import", "general"],
    ["import", "general", "--yes", "--new-ids"],
    ["import", "general", "--yes", "--copy", "acme"],
    ["validate", "general", "--copy", "acme"],
    ["copies"],
    ["remove", "general", "--copy", "acme", "--yes"],
    ["upgrade", "general", "--dry-run"],
    ["undo", "--list"],
    ["undo", "--yes"],
    ["show", "general"],
    ["compare-exports", "general", "--with-database"],
    ["merge", "general", "v1", "v2"],
    ["push"],
    ["pull", "--dry-run"],
    ["verify"],
    ["convert", "none.sql", "--to=json"],
    ["repair"],
    ["backup", "b.tar", "--with-database"],
    ["restore", "b.tar"],
    ["config"],
    ["init"],
    ["init", "--force"],
    ["seed-enhanced", "--scenario=general"],
    ["migrate-fresh"],
    ["cleanup-exports", "--keep=1", "--yes"],
]


def test_every_command_is_tried() -> None:
    assert {command[0] for command in COMMANDS} == set(demo.commands)


def protected(live: Live) -> str:
    """The URL of the same database for a user with a password (PostgreSQL asks nobody here)."""
    url = make_url(live.url)
    user = "postgres"
    if live.engine == "mariadb":
        user = "guarded"
        live.run(
            f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON *.* TO {user}",
        )
    return f"{url.drivername}://{user}:{PASSWORD}@{url.host}:{url.port}/{url.database}"


def everything(place: Path, url: str, *, reachable: bool) -> list[int]:
    """Run every command, the URL as an option and in the environment, telling all it can, and
    look through all they print and all that lies in ``place`` afterwards."""
    statuses = []
    for command in COMMANDS:
        for options, environment in (
            ([f"--database={url}", "-vv"], {}),
            ([f"--database={url}", "--json"], {}),
            ([], {"DATABASE_URL": url}),
        ):
            result = CliRunner().invoke(
                demo, [*options, *command], env=environment, prog_name="demo"
            )
            assert isinstance(result.exception, SystemExit | None), (command, result.exception)
            assert PASSWORD not in result.output, command
            statuses.append(result.exit_code)
    for path in place.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert (0 in statuses) or not reachable
    return statuses


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.toml").write_text(CONFIGURATION, encoding="utf-8")
    return tmp_path


@engines("postgresql", "mariadb")
def test_a_server_that_answers(place: Path, database_url: str) -> None:
    mixed = MixedDatabase.built(database_url)
    mixed.settle()
    mixed.furnish()
    everything(place, protected(mixed.live), reachable=True)
    manifest = (place / "database/demo-snapshots/metadata/export_manifest.json").read_text("utf-8")
    assert re.search(r"general_v1", manifest) or "general" in manifest


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:1/app",
        f"postgresql://me:{PASSWORD}@no-such-host.invalid/app",
        f"postgresql://127.0.0.1:1/app?user=me&password={PASSWORD}",
        f"mariadb://me:{PASSWORD}@127.0.0.1:1/app",
        f"mysql://me:{PASSWORD}@127.0.0.1:1/app?no_such_option=1",
        f"oracle://me:{PASSWORD}@127.0.0.1/app",
        f"me:{PASSWORD}@127.0.0.1/app",
        f"postgresql://me:{PASSWORD}@127.0.0.1:port/app",
    ],
    ids=lambda url: url.replace(PASSWORD, "…"),
)
def test_a_server_that_does_not(place: Path, url: str) -> None:
    everything(place, url, reachable=False)


@engines("mariadb")
def test_a_password_that_is_refused(place: Path, database_url: str) -> None:
    live = Live(database_url)
    url = protected(live).replace("guarded", "nobody_known")
    everything(place, url, reachable=False)
    with pytest.raises(pymysql.OperationalError):
        Live(url).rows("SELECT 1")


@pytest.mark.parametrize(
    "words",
    [
        ["import", "general", "--yes", "--file", "URL"],
        ["verify", "URL"],
        ["convert", "URL", "--to", "json"],
        ["diff", "--files", "URL", "URL"],
        ["backup", "URL"],
        ["restore", "URL"],
        ["list-exports", "--snapshots", "URL"],
        ["push", "--bucket", "URL"],
    ],
)
def test_a_url_in_the_place_of_a_file_is_not_shown(words: list[str]) -> None:
    url = "s3://key:s3cr3t@bucket/general.sql"
    result = CliRunner().invoke(demo, [url if word == "URL" else word for word in words])
    assert result.exit_code == 2
    assert "s3cr3t" not in result.output
