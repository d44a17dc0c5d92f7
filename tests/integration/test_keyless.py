"""Tables without a primary key whose demo rows real rows reference by a unique column: deleting
and inserting them again would take real rows along, where foreign keys act."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import RealRowsError

CONFIGURATION = """\
[tables.plans]
marker = "demo"

[tables.offers]
marker = "demo"

[tables.notes]
marker = "demo"
"""


def build(url: str, action: str) -> Live:
    """Real users reference demo plans, and real clicks demo offers, which reference plans."""
    live = Live(url)
    live.run(
        "CREATE TABLE plans (code VARCHAR(20) NOT NULL UNIQUE, demo BOOLEAN, name VARCHAR(20))",
        "CREATE TABLE offers (id INTEGER PRIMARY KEY, demo BOOLEAN, plan VARCHAR(20),"
        f" FOREIGN KEY (plan) REFERENCES plans (code) ON DELETE {action})",
        "CREATE TABLE notes (body VARCHAR(20), demo BOOLEAN)",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, plan VARCHAR(20),"
        f" FOREIGN KEY (plan) REFERENCES plans (code) ON DELETE {action})",
        "CREATE TABLE clicks (id INTEGER PRIMARY KEY, offer INTEGER,"
        f" FOREIGN KEY (offer) REFERENCES offers (id) ON DELETE {action})",
        "INSERT INTO plans VALUES ('a', TRUE, 'one'), ('b', TRUE, 'two'), ('c', FALSE, 'real')",
        "INSERT INTO offers VALUES (1, TRUE, 'a')",
        "INSERT INTO notes VALUES ('x', TRUE)",
    )
    return live


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


REFERENCED = {
    "by a real row": "INSERT INTO users VALUES (1, 'a'), (2, 'c')",
    "by a demo row that a real row needs": "INSERT INTO clicks VALUES (1, 1)",
}


@engines("postgresql", "postgresql15", "mariadb", "sqlite")
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "NO ACTION"])
@pytest.mark.parametrize("referenced", REFERENCED)
def test_real_rows_stay(database_url: str, demo: Demo, action: str, referenced: str) -> None:
    live = build(database_url, action)
    saved = demo.export(live)
    live.run(REFERENCED[referenced], "UPDATE plans SET name = 'edited' WHERE code = 'b'")
    before = live.dump()
    if live.engine == "postgresql":
        with pytest.raises(RealRowsError, match="plans"):
            demo.load(live, saved.path)
        assert live.dump() == before
    else:
        demo.load(live, saved.path)
        assert live.dump("users", "clicks") == {t: before[t] for t in ("users", "clicks")}


@engines("postgresql", "mariadb", "sqlite")
def test_what_need_not_be_written_hinders_nobody(database_url: str, demo: Demo) -> None:
    """The plans are as they were; another table without a key is not."""
    live = build(database_url, "CASCADE")
    saved = demo.export(live)
    live.run(*REFERENCED.values(), "UPDATE notes SET body = 'edited'")
    before = live.dump("users", "clicks", "plans", "offers")
    assert demo.load(live, saved.path).changed == 2
    assert live.dump("users", "clicks", "plans", "offers") == before
    assert live.rows("SELECT body FROM notes") == [("x",)]
