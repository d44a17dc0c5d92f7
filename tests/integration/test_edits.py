"""What people did to the demo rows is told before it is replaced, and nothing is locked by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo
from integration.warehouse import CONFIGURATION, build

from demo_snapshots.errors import NotConfirmedError
from demo_snapshots.model.results import Edits, ImportPlan

ALL = ("sqlite", "postgresql", "mariadb")


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)


@engines(*ALL)
def test_edits_are_counted_before_the_question(database_url: str, demo: Demo) -> None:
    live = build(database_url)
    path = demo.export(live, allow_empty=True).path
    whole = live.dump()
    plans: list[ImportPlan] = []

    def yes(plan: ImportPlan) -> bool:
        plans.append(plan)
        # Whoever is asked may take a while: others write meanwhile.
        live.run("UPDATE country SET name = 'Meanwhile' WHERE code = 'de'")
        return True

    same = demo.load(live, path, confirm=yes)
    assert plans == [], "there was nothing to ask"
    assert same.edited == Edits(0, 0, 0)
    assert same.changed == 0

    live.run(
        "UPDATE country SET name = 'Edited' WHERE code = 'x-b'",
        "DELETE FROM country WHERE code = 'x-B'",
        "INSERT INTO country VALUES ('x-new', 'New')",
        "INSERT INTO log VALUES ('by hand', NULL, 'true')",
    )
    edited = live.dump()
    tried = demo.load(live, path, dry_run=True, confirm=None)
    assert (tried.dry_run, tried.edited, tried.changed) == (True, Edits(1, 2, 1), 4)
    assert tried.statistics.total == same.statistics.total
    assert live.dump() == edited

    def no(plan: ImportPlan) -> bool:
        plans.append(plan)
        return False

    with pytest.raises(NotConfirmedError):
        demo.load(live, path, confirm=no)
    assert plans[0].edited == Edits(changed=1, added=2, deleted=1)
    assert live.dump() == edited
    assert demo.load(live, path, confirm=yes).edited == Edits(1, 2, 1)
    live.run("UPDATE country SET name = 'Real' WHERE code = 'de'")
    assert live.dump() == whole
    assert demo.load(live, path, confirm=None).edited is None
