"""A project from Python: the verbs, the clock, and the guard that stands in the operations."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import demo_snapshots
from demo_snapshots import sample
from demo_snapshots.errors import UsageError
from demo_snapshots.model.results import ImportPlan

NOW = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> demo_snapshots.Project:
    """The sample application, seeded, in a database and a store of its own."""
    project = demo_snapshots.open_project(
        tmp_path,
        database=f"sqlite:///{tmp_path}/app.sqlite",
        snapshots=tmp_path / "snapshots",
        environment={},
        clock=lambda: NOW,
    )
    project.migrate_fresh()
    project.seed("general")
    return project


def test_a_day_with_a_project(project: demo_snapshots.Project) -> None:
    saved = project.export("general")
    assert (str(saved.version), saved.written) == ("v1_2025-01-15", True)
    assert not project.export("general").written
    assert project.export("general", auto_version=True).version.number == 2
    project.seed("general", seed=2)
    assert not project.validate("general").valid
    assert project.import_("general").changed > 0
    assert project.import_("general", version="v1").changed == 0
    assert project.import_("general", file=saved.path).total == 324
    assert project.validate("general").valid
    assert project.verify().valid
    assert project.repair().renumbered == ()
    assert [entry.version.number for entry in project.list_exports().scenarios[0].entries] == [2, 1]
    assert [entry.version.number for entry in project.cleanup_exports(keep=1).removed] == [1]


def test_a_question_is_asked_only_of_who_wants_it(project: demo_snapshots.Project) -> None:
    project.export("general")
    plans: list[ImportPlan] = []

    def confirm(plan: ImportPlan) -> bool:
        plans.append(plan)
        return False

    project.import_("general", confirm=confirm)
    assert plans == [], "the rows are the snapshot's already"
    project.seed("general", seed=2)
    with pytest.raises(demo_snapshots.NotConfirmedError):
        project.import_("general", confirm=confirm)
    assert [plan.replaces.total for plan in plans] == [324]


def test_a_version_and_a_file_contradict_each_other(project: demo_snapshots.Project) -> None:
    with pytest.raises(demo_snapshots.DemoError, match="contradict"):
        project.import_("general", version="v1", file="x.sql")


def test_production_is_refused_by_the_operations(
    project: demo_snapshots.Project, tmp_path: Path
) -> None:
    project.export("general")
    (tmp_path / ".env").write_text("APP_ENV=production\n", "utf-8")
    there = demo_snapshots.open_project(
        tmp_path,
        database=project.config.database,
        snapshots=project.config.snapshots,
        environment={},
    )
    for verb in (
        lambda: there.import_("general"),
        lambda: there.import_("general", version="v1"),
        lambda: there.import_("general", file=tmp_path / "no such file"),
        lambda: there.seed("general"),
        lambda: there.migrate_fresh(),
        lambda: demo_snapshots.import_latest_scenario("general", there.config, there.store),
    ):
        with pytest.raises(demo_snapshots.ProtectedDatabaseError, match=r"APP_ENV in .*\.env"):
            verb()
    assert there.validate("general").valid, "nothing was changed"
    assert there.import_("general", force=True).changed == 0


def test_a_scenario_file_of_ones_own(project: demo_snapshots.Project, tmp_path: Path) -> None:
    shipped = Path(sample.__file__).parent / "scenarios" / "writer.yaml"
    own = tmp_path / "mine.yaml"
    own.write_text(shipped.read_text("utf-8").replace(": writer\n", ": mine\n"), "utf-8")
    seeded = project.seed(scenario_file=own)
    assert project.export("mine").statistics.total == seeded.total > 0
    with pytest.raises(UsageError, match="one of scenario and scenario_file"):
        project.seed("general", scenario_file=own)
    with pytest.raises(UsageError, match="one of scenario and scenario_file"):
        project.seed()


def test_errors_speak_python(project: demo_snapshots.Project) -> None:
    with pytest.raises(demo_snapshots.ExportNotFoundError) as caught:
        project.import_("general")
    hint = "There are none at all yet: project.export('general') makes the first."
    assert caught.value.hint == hint
