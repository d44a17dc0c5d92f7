"""A row that may reference a demo row in several ways: ``follows = { any = [...] }``."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import ConfigError

SCHEMA = (
    "CREATE TABLE posts (id integer PRIMARY KEY, is_demo integer)",
    "CREATE TABLE pages (id integer PRIMARY KEY, is_demo integer)",
    "CREATE TABLE comments (id integer PRIMARY KEY, post_id integer, page_id integer,"
    " body varchar(40), FOREIGN KEY (post_id) REFERENCES posts (id),"
    " FOREIGN KEY (page_id) REFERENCES pages (id))",
    "INSERT INTO posts VALUES (1, 1), (2, 0)",
    "INSERT INTO pages VALUES (1, 1), (2, 0)",
    "INSERT INTO comments VALUES (1, 1, NULL, 'on a demo post'), (2, NULL, 1, 'on a demo page'),"
    " (3, 1, 1, 'on both'), (4, 2, NULL, 'on a real post'), (5, NULL, NULL, 'on nothing')",
)
CONFIGURATION = """\
[tables.posts]
marker = "is_demo"
[tables.pages]
marker = "is_demo"
[tables.comments]
follows = { any = ["post_id", "page_id"] }
"""


def _demo(directory: Path, configuration: str) -> Demo:
    file = directory / "demo.toml"
    file.write_text(configuration, encoding="utf-8")
    return Demo(directory / "store", file)


@engines("sqlite", "postgresql", "mariadb")
def test_rows_that_reference_a_demo_row_in_any_way_travel(
    database_url: str, tmp_path: Path
) -> None:
    live, demo = Live(database_url), _demo(tmp_path, CONFIGURATION)
    live.run(*SCHEMA)
    before = live.dump()
    saved = demo.export(live, "tour")
    assert saved.statistics.rows("comments") == 3
    live.run(
        "DELETE FROM comments WHERE id IN (1, 3)", "UPDATE comments SET body = 'x' WHERE id = 2"
    )
    assert demo.load(live, saved.path).changed == 3
    assert live.dump() == before
    live.by_client(saved.path)
    assert live.dump() == before


def test_a_circle_of_tables_leads_nowhere(sqlite_url: str, tmp_path: Path) -> None:
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE a (id integer PRIMARY KEY, b_id integer REFERENCES b (id))",
        "CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a (id))",
    )
    demo = _demo(tmp_path, '[tables.a]\nfollows = "b_id"\n[tables.b]\nfollows = "a_id"\n')
    with pytest.raises(ConfigError, match="a -> b -> a leads nowhere"):
        demo.export(live, "tour")
