"""The hostile corpus through ``demo import`` on every engine: refused, and nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from database_engines import engines
from hostile.corpus import BASE, CASES
from integration.live import Live

from demo_snapshots.cli import demo
from demo_snapshots.errors import UnfitValueError

CONFIGURATION = """\
[tables.vaults]
where = "id < 100"

[tables.todos]
follows = "vault_id"
"""
SECRET = "s3nsitive"


@pytest.fixture
def live(database_url: str, tmp_path: Path) -> Live:
    """The tables of the corpus, with real rows whose values must not be told."""
    live = Live(database_url)
    binary = "BYTEA" if live.engine == "postgresql" else "BLOB"
    live.run(
        f"CREATE TABLE vaults (id INTEGER PRIMARY KEY, name TEXT, data {binary}, bio TEXT)",
        "CREATE TABLE todos (id INTEGER PRIMARY KEY, vault_id INTEGER, title VARCHAR(20),"
        " CONSTRAINT todo_vault FOREIGN KEY (vault_id) REFERENCES vaults (id))",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
    )
    live.insert("vaults", (1, "old", None, None), (1001, SECRET, None, None))
    live.insert("todos", (1, 1, "old"), (1001, 1001, SECRET))
    live.insert("users", (1, SECRET))
    (tmp_path / "demo.toml").write_text(CONFIGURATION, encoding="utf-8")
    return live


def run(live: Live, place: Path, document: bytes) -> tuple[int, str]:
    path = place / "hostile.sql"
    path.write_bytes(document)
    options = [f"--config={place / 'demo.toml'}", f"--database={live.url}"]
    result = CliRunner().invoke(
        demo, [*options, "import", "general", f"--file={path}", "--yes"], prog_name="demo"
    )
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.output


@engines("sqlite", "postgresql", "mariadb")
def test_each_is_refused_and_changes_nothing(live: Live, tmp_path: Path) -> None:
    before = live.dump("vaults", "todos", "users")
    for case in CASES:
        if live.engine == "sqlite" and case.error is UnfitValueError:
            continue  # its columns keep values of any type and length as they are
        status, output = run(live, tmp_path, case.document())
        assert 20 <= status < 30, (case.name, status, output)
        assert SECRET not in output, case.name
        assert "Traceback" not in output
        assert live.dump("vaults", "todos", "users") == before, case.name
    # The corpus is of this very document, so each was refused for what was done to it.
    status, output = run(live, tmp_path, BASE)
    assert status == 0, output
    assert live.dump("vaults", "todos", "users") != before
