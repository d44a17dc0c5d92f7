"""The workflow names what there is: it cannot be run here, so at least that is held."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from server_engines import SERVERS

ROOT = Path(__file__).parents[1]
WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(
    ROOT / ".github" / "workflows" / "tests.yml"
)
JOBS = WORKFLOW["jobs"].values()
STEPS = [step for job in JOBS for step in job["steps"]]
COMMANDS = "\n".join(step["run"] for step in STEPS if "run" in step)


def test_it_runs_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    asked = set(re.findall(r"\bmake ([a-z]+)", COMMANDS))
    assert asked >= {"check", "test", "dist"}
    assert asked <= targets


def test_it_names_files_that_exist() -> None:
    named = set(re.findall(r"-r (\S+)", COMMANDS)) | set(re.findall(r"pytest .*?(\S+)$", COMMANDS))
    named |= {step["with"].get("cache-dependency-path") for step in STEPS if "with" in step}
    assert "requirements/dev.lock" in named
    assert [name for name in named if name and not (ROOT / name).exists()] == []


def test_it_runs_the_oldest_python_supported_and_the_newest_tested() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    oldest = re.search(r'requires-python = ">=([0-9.]+)"', project)
    status = (ROOT / "README.md").read_text("utf-8").partition("## Status")[2]
    tested = re.findall(r"Python (3\.[0-9]+)", status)
    assert oldest is not None
    assert tested[0] == oldest[1]
    assert len(tested) == 2
    for job in JOBS:
        assert job["strategy"]["matrix"]["python"] == tested


def test_its_services_are_servers_that_the_tests_know() -> None:
    linux = WORKFLOW["jobs"]["linux"]
    assert set(linux["services"]) < set(SERVERS)
    for name, service in linux["services"].items():
        published = service["ports"][0].partition(":")[0]
        assert linux["env"][f"TEST_{name.upper()}_PORT"] == published
