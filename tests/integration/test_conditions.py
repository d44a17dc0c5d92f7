"""A ``where`` that the engine does not understand is an error of the configuration."""

from __future__ import annotations

import pytest
from database_engines import engines
from integration.live import Live

from demo_snapshots.config.settings import load_config
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import ConfigError
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import see

ALL = ("sqlite", "postgresql", "mariadb")


def check(live: Live, tmp_path, condition: str) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(f"[tables.t]\nwhere = '{condition}'\n", "utf-8")
    config = load_config(database=live.url, file=path)
    with connect(config.database) as database, database.reading():
        require_conditions(see(database, config))


@engines(*ALL)
def test_what_is_understood(database_url, tmp_path):
    live = Live(database_url)
    live.run('CREATE TABLE t ("Id" INTEGER PRIMARY KEY)', "INSERT INTO t VALUES (1)")
    check(live, tmp_path, '"Id" IN (1, 2)')
    with pytest.raises(ConfigError, match=r"^tables\.t\.where: .*nonsense"):
        check(live, tmp_path, "nonsense = 1")
    with pytest.raises(ConfigError, match=r"^tables\.t\.where: "):
        check(live, tmp_path, '"Id" IN')


@engines("postgresql")
def test_mixed_case_without_quotes(database_url, tmp_path):
    live = Live(database_url)
    live.run('CREATE TABLE t ("Id" INTEGER PRIMARY KEY)')
    with pytest.raises(ConfigError, match=r'^tables\.t\.where: .*"id"') as caught:
        check(live, tmp_path, "Id = 1")
    assert "double quotes" in (caught.value.hint or "")
