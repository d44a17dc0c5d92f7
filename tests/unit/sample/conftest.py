from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from unit.sample.world import fresh, small_scenario

from demo_snapshots.sample.scenario import Scenario


@pytest.fixture
def small() -> Scenario:
    return small_scenario()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A migrated SQLite database whose directory did not exist before."""
    return fresh(f"sqlite:///{tmp_path}/database/demo.sqlite")
