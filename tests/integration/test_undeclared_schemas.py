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

PAGE = (Path(__file__).parents[2] / "docs" / "undeclared.md").read_text("utf-8")

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
    found = run("init")
    written = written_by_hand(Path("demo.toml"))
    assert re.search(rf"(?mi)^\| {kind} \| .* \| {found['looked_at']} \| {written} \|$", PAGE)
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


@engines(*ALL)
def test_content_types_have_other_numbers_elsewhere(database_url, new_database, run):
    live, application = Live(database_url), APPLICATIONS["django"]
    application.migrate(live)
    run("init")
    written_by_hand(Path("demo.toml"))
    exported = run("export", "tour", "--prove")
    other = Live(new_database(live.engine))
    application.migrate(other, rows=False)
    other.run(
        "INSERT INTO django_content_type VALUES (7, 'blog', 'photo'), (21, 'blog', 'post')",
        "INSERT INTO blog_tag VALUES (11, 'notes'), (12, 'news')",
        # A key in use, so that fresh ones are needed.
        "INSERT INTO blog_post VALUES (2, 1, 'theirs')",
    )
    file = exported["path"]
    run("import", "tour", "--new-ids", "--yes", f"--database={other.url}")
    comments = (
        "SELECT c.text, p.title FROM blog_comment c JOIN blog_post p"
        " ON c.content_type_id = 21 AND p.id = c.object_id"
        " UNION SELECT c.text, f.path FROM blog_comment c JOIN blog_photo f"
        " ON c.content_type_id = 7 AND f.id = c.object_id ORDER BY 1"
    )
    assert other.rows(comments) == [("c2", "p2"), ("c3", "f2")]
    other.run("DELETE FROM blog_post", "DELETE FROM blog_comment", "DELETE FROM blog_photo")
    other.run("DELETE FROM blog_post_tags", "DELETE FROM auth_user")
    other.by_client(Path(file))
    assert other.rows(comments) == [("c2", "p2"), ("c3", "f2")]


@engines("sqlite")
def test_content_types_are_carried_by_name(database_url, run):
    live, application = Live(database_url), APPLICATIONS["django"]
    application.migrate(live)
    run("init")
    file = Path("demo.toml")
    file.write_text(file.read_text("utf-8").replace("\ndjango_content_type =", "\n# "), "utf-8")
    result = CliRunner().invoke(demo_command, ["export", "tour"], prog_name="demo")
    assert result.exit_code == 3
    assert "mean another content type in every database" in result.stderr
    assert 'django_content_type = { by-key = ["app_label", "model"] }' in result.stderr


def test_config_shows_foreign_keys_that_are_not_declared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("demo.toml").write_text(
        '[tables.a]\nfollows = { any = ["b_id", { column = "c_id", references = "c.id" }] }\n'
        '[foreign-keys]\n"d.on_id" = { type = "on", references = { A = "a.id" } }\n',
        "utf-8",
    )
    shown = CliRunner().invoke(demo_command, ["config"], prog_name="demo").stdout
    assert "reference a demo row by b_id or c_id" in shown
    assert re.search(r"d\.on_id +a\.id where on is A", shown)
    printed = CliRunner().invoke(demo_command, ["config", "--json"], prog_name="demo").stdout
    document = json.loads(printed)
    assert document["foreign_keys"] == [
        {
            "table": "a",
            "columns": ["c_id"],
            "type": None,
            "references": [{"table": "c", "columns": ["id"], "type": None}],
        },
        {
            "table": "d",
            "columns": ["on_id"],
            "type": "on",
            "references": [{"table": "a", "columns": ["id"], "type": "A"}],
        },
    ]
    way = {"references": "c.id", "columns": ["c_id"]}
    assert document["tables"][0]["follows"] == {"any": [["b_id"], way]}


@engines("postgresql")
def test_tables_in_other_schemas(database_url, run):
    live = Live(database_url)
    live.run(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.tenants (id INTEGER PRIMARY KEY, slug TEXT)",
        "CREATE TABLE crm.notes (id INTEGER PRIMARY KEY, on_type TEXT, on_id INTEGER)",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant_id INTEGER)",
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY, post_id INTEGER)",
        "INSERT INTO crm.tenants VALUES (1, 'acme'), (2, 'demo')",
        "INSERT INTO posts VALUES (1, 1), (2, 2)",
        "INSERT INTO crm.notes VALUES (1, 'Post', 1), (2, 'Tenant', 2), (3, 'Post', 2)",
        "INSERT INTO invoices VALUES (1, 1)",
    )
    before = live.rows("SELECT * FROM crm.notes ORDER BY id")
    run("init")
    text = Path("demo.toml").read_text("utf-8")
    assert 'follows = { column = "tenant_id", references = "crm.tenants.id" }' in text
    records = run("export", "tour", "--prove")["records"]
    assert records["total"] == 4
    live.run("DELETE FROM crm.notes WHERE id = 2")
    run("import", "tour", "--yes")
    assert live.rows("SELECT * FROM crm.notes ORDER BY id") == before
    live.run("INSERT INTO posts VALUES (9, 2)", "INSERT INTO invoices VALUES (2, 9)")
    run("import", "tour", "--yes")
    assert live.rows("SELECT id FROM invoices") == [(1,)], "what hangs on the demo is of it"
