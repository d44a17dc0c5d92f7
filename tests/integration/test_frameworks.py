"""Databases as Laravel and Django make them: from ``demo init`` to ``demo import``, with no hand
on the file in between."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from database_engines import engines
from integration import laravel
from integration.live import Dump, Live

from demo_snapshots.cli import demo as demo_command

ALL = ("sqlite", "postgresql", "mariadb")

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``demo`` with these arguments in the application's directory; gives its JSON."""
    place = tmp_path / "app"
    place.mkdir()
    monkeypatch.chdir(place)

    def invoke(*arguments: str) -> Any:
        result = CliRunner().invoke(demo_command, [*arguments, "--json"], prog_name="demo")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return invoke


STAMPS = {"evergreen": ["created_at", "updated_at"]}


def round_trip(run: Run, live: Live, wipe: tuple[str, ...]) -> dict[str, Any]:
    """Init, export, wipe, import: every row of every table is as it was. Gives the rules that
    were written and what was exported."""
    before: Dump = live.dump()
    run("init")
    exported = run("export", "general")
    live.run(*wipe)
    assert live.dump() != before
    imported = run("import", "general", "--yes")
    assert imported["imported"] == exported["records"]
    assert live.dump() == before
    again = run("import", "general", "--yes")
    assert (again["changed"], again["route"]) == (0, "merge")
    assert run("export", "general")["written"] is False
    assert run("validate", "general")["valid"]
    tables = tomllib.loads(Path("demo.toml").read_text("utf-8"))["tables"]
    records = {table["table"]: table["records"] for table in exported["records"]["tables"]}
    assert run("import", "general", "--yes")["changed"] == 0
    return {"tables": tables, "records": records}


@engines(*ALL)
def test_laravel(database_url, run):
    live = Live(database_url)
    laravel.migrate(live)
    Path(".env").write_text(laravel.environment_file(live), "utf-8")
    done = round_trip(run, live, laravel.WIPE)
    assert done["tables"] == {
        "users": {"marker": "is_demo", "evergreen": ["email_verified_at", *STAMPS["evergreen"]]},
        "workspaces": {
            "marker": "metadata.demo_seed",
            "scenario": "metadata.scenario",
            **STAMPS,
        },
        "projects": {
            "follows": "workspace_id",
            "evergreen": ["starts_on", "deleted_at", *STAMPS["evergreen"]],
        },
        "tasks": {"follows": "project_id", **STAMPS},
        "task_user": {"follows": "user_id"},
        "comments": {"follows": "task_id", **STAMPS},
    }
    assert done["records"] == {
        "users": 2,
        "workspaces": 1,
        "projects": 2,
        "tasks": 2,
        "task_user": 2,
        "comments": 2,
    }
    live.run(
        "INSERT INTO workspaces (uuid, name) VALUES ('6f1c9b7e-0d0e-4b61-9a6b-0a4f4b1f2a03', '')"
    )
    assert live.value("SELECT max(id) FROM workspaces") == 3
    sources = {setting["name"]: setting["from"] for setting in run("config")["settings"]}
    assert sources["database"] == "DB_CONNECTION in .env"


@pytest.mark.slow
@engines(*ALL)
def test_django(database_url, run):
    live = Live(database_url)
    site = Path(__file__).with_name("django_site.py")
    made = subprocess.run(
        [sys.executable, "-B", str(site), database_url, "site"], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    Path(".env").write_text(f"DEBUG=on\nDATABASE_URL={database_url}\n", "utf-8")
    wipe = (
        "DELETE FROM shop_orderline WHERE id > 2",
        "DELETE FROM order_tags WHERE id > 1",
        "DELETE FROM shop_product WHERE category_id > 2",
        "DELETE FROM shop_tag WHERE id > 1",
        'DELETE FROM "order" WHERE id > 2',
        "DELETE FROM shop_category WHERE id = 4",
        "DELETE FROM shop_category WHERE id = 3",
    )
    done = round_trip(run, live, wipe)
    assert done["tables"] == {
        "order": {
            "marker": "is_demo",
            "scenario": "scenario",
            "breakdown": "kind",
            "evergreen": "placed_at",
        },
        "shop_category": {"marker": "meta.demo_seed", "scenario": "meta.scenario"},
        "shop_tag": {"marker": "is_demo"},
        "order_tags": {"follows": "order_id"},
        "shop_orderline": {"follows": "order_id"},
        "shop_product": {"follows": "category_id"},
    }
    assert done["records"] == {
        "order": 2,
        "shop_category": 2,
        "shop_tag": 1,
        "order_tags": 1,
        "shop_orderline": 2,
        "shop_product": 2,
    }
    live.run("INSERT INTO shop_tag (name, is_demo) VALUES ('next', '0')")
    assert live.value("SELECT max(id) FROM shop_tag") == 3
