"""A project is found from anywhere inside its repository, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_snapshots.config.location import upwards, url_from_here
from demo_snapshots.config.settings import load_config

FILE = """
[demo]
database = 'sqlite:///data/app.sqlite'
snapshots = 'demos'
[tables.a]
marker = 'm'
"""


@pytest.fixture
def deep(tmp_path: Path, monkeypatch) -> Path:
    """A directory two below a repository's root; the working directory."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    place = tmp_path / "repository" / "app" / "models"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    return place


def origin(config, name: str) -> str:
    return next(str(each.origin) for each in config.settings if each.name == name)


def test_the_file_above_is_found_and_its_paths_begin_there(deep):
    (deep / "../../demo.toml").write_text(FILE, "utf-8")
    config = load_config()
    assert config.database == "sqlite:///../../data/app.sqlite"
    assert config.snapshots == str(Path("../../demos"))
    assert origin(config, "tables") == str(Path("../../demo.toml"))
    assert config.undo_directory == config.snapshots


def test_the_nearest_file_wins(deep):
    (deep / "../../demo.toml").write_text(FILE, "utf-8")
    (deep / "../pyproject.toml").write_text(
        "[tool.demo-snapshots.tables.b]\nmarker = 'm'\n", "utf-8"
    )
    config = load_config()
    assert [*config.tables] == ["b"]
    assert config.database == "sqlite:///../database/demo.sqlite"
    assert config.snapshots == str(Path("../database/demo-snapshots"))


def test_a_pyproject_of_something_else_is_passed_by(deep):
    (deep / "../../demo.toml").write_text(FILE, "utf-8")
    (deep / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf-8")
    assert [*load_config().tables] == ["a"]


def test_nothing_above_the_repository_is_read(deep):
    (deep / "../../../demo.toml").write_text(FILE, "utf-8")
    assert origin(load_config(), "tables").startswith("default")


def test_outside_of_a_repository_the_working_directory_is_all(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    (tmp_path / "demo.toml").write_text(FILE, "utf-8")
    monkeypatch.chdir(tmp_path / "below")
    assert origin(load_config(), "tables").startswith("default")
    monkeypatch.chdir(tmp_path)
    assert load_config().database == "sqlite:///data/app.sqlite"


def test_a_worktree_has_a_file_called_git(deep):
    (deep / "../../.git").rmdir()
    (deep / "../../.git").write_text("gitdir: elsewhere\n", "utf-8")
    (deep / "../../demo.toml").write_text(FILE, "utf-8")
    assert [*load_config().tables] == ["a"]


def test_env_files_are_those_of_the_project(deep):
    (deep / "../../demo.toml").write_text(FILE, "utf-8")
    (deep / "../../.env").write_text(
        "DATABASE_URL=sqlite:///x.sqlite\nDEMO_SNAPSHOTS=here\nAPP_ENV=production\n", "utf-8"
    )
    config = load_config()
    assert config.database == "sqlite:///../../x.sqlite"
    assert config.snapshots == str(Path("../../here"))
    assert config.production == f"APP_ENV in {Path('../../.env')}"
    (deep / ".env").write_text("DATABASE_URL=sqlite:///y.sqlite\n", "utf-8")
    assert load_config().database == "sqlite:///y.sqlite", "the nearest one"
    assert load_config(environment={"DATABASE_URL": "sqlite:///z"}).database == "sqlite:///z"


def test_a_file_that_is_named_has_paths_from_the_working_directory(deep):
    (deep / "../../demo.toml").write_text(FILE, "utf-8")
    config = load_config(file="../../demo.toml")
    assert config.database == "sqlite:///data/app.sqlite"
    assert config.snapshots == "demos"


def test_another_directory_s_project(tmp_path, monkeypatch, deep):
    (deep / "demo.toml").write_text(FILE, "utf-8")
    monkeypatch.chdir(tmp_path)
    config = load_config(directory=deep)
    assert config.database == "sqlite:///repository/app/models/data/app.sqlite"
    (tmp_path / "beside").mkdir()
    monkeypatch.chdir(tmp_path / "beside")
    assert load_config(directory=deep).snapshots == str(deep / "demos")


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("sqlite:///a.sqlite?x=1", "sqlite:///../a%20b/a.sqlite?x=1"),
        ("sqlite+pysqlite:///a", "sqlite+pysqlite:///../a%20b/a"),
        ("sqlite:////srv/a.sqlite", None),
        ("sqlite:///C:/a.sqlite", None),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("postgresql:///app", None),
        ("mariadb://u:p@h/a.sqlite", None),
    ],
)
def test_only_a_file_of_sqlite_is_a_path(url, seen):
    assert url_from_here(url, Path("../a b")) == (seen or url)


def test_upwards_ends_at_the_root_of_the_repository(deep):
    assert list(upwards(Path())) == [Path(), Path(".."), Path("../..")]
