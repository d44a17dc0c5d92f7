"""The workflow that comments on pull requests: its scripts, run as GitHub would on a real clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.live import Live
from integration.test_git_review import git, project_of
from ruamel.yaml import YAML
from warm_demo import WarmDemo

from demo_snapshots.model.snapshots import Packing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.name == "nt" or shutil.which("git") is None, reason="needs git and a POSIX shell"
    ),
]
ROOT = Path(__file__).parents[2]
WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "examples" / "demo-review.yml")
[JOB] = WORKFLOW["jobs"].values()
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in JOB["steps"] if "name" in step}
STORE = "database/demo-snapshots"
MARK = "<!-- demo review -->\n"
FORGE_TAKES = 65_536


@dataclass(frozen=True)
class Review:
    status: int
    text: str
    said: str
    changed: bool


class Clone:
    """A clone whose branch ``work`` is the pull request; its base is the origin's ``main``."""

    def __init__(self, place: Path, warm: WarmDemo) -> None:
        self.place = place
        self.path = place / "clone"
        git(place, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
        git(place, "clone", "-q", "origin.git", "clone")
        git(self.path, "checkout", "-q", "-b", "main")
        self.programs = place / "bin"
        self.program("demo", warm.script().partition("\n")[2])

    def program(self, name: str, script: str) -> None:
        self.programs.mkdir(exist_ok=True)
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        file.chmod(0o755)

    def commit(self) -> None:
        git(self.path, "add", "--all")
        git(self.path, "commit", "-qm", "demo")

    def branch(self) -> None:
        """Everything until now is on main; the pull request begins."""
        self.commit()
        git(self.path, "push", "-q", "origin", "main")
        git(self.path, "checkout", "-q", "-b", "work")

    def run(self, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step as the runner does: its text in a file, for its shell."""
        script = self.place / "step"
        script.write_text(STEPS[step]["run"], "utf-8")
        shell = [sys.executable] if STEPS[step].get("shell") == "python" else ["bash", "-e"]
        return subprocess.run(
            [*shell, str(script)],
            cwd=self.path,
            env={
                **{name: text for name, text in os.environ.items() if not name.startswith("GIT_")},
                **JOB["env"],
                "GITHUB_BASE_REF": "main",
                "GITHUB_OUTPUT": str(self.place / "output"),
                "GITHUB_REPOSITORY": "shop/demo",
                "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
                "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                "RUNNER_TEMP": str(self.place / "temp"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    def review(self) -> Review:
        """What the step ``compare`` makes of the branch."""
        self.commit()
        temporary = self.place / "temp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        for name in ("output", "summary.md"):
            (self.place / name).unlink(missing_ok=True)
        done = self.run("compare")
        text = (temporary / "review.md").read_text("utf-8")
        assert (self.place / "summary.md").read_text("utf-8") == text
        assert text.startswith(MARK)
        assert len(text) <= FORGE_TAKES
        outputs = dict(
            line.split("=") for line in (self.place / "output").read_text("utf-8").splitlines()
        )
        return Review(done.returncode, text, done.stderr, outputs == {"changed": "true"})


@pytest.fixture
def clone(tmp_path: Path, warm_demo: WarmDemo) -> Clone:
    place = tmp_path / "git"
    place.mkdir()
    return Clone(place, warm_demo)


@pytest.fixture
def live(sqlite_url: str) -> Live:
    live = Live(sqlite_url)
    live.run("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, is_demo BOOLEAN)")
    live.run("INSERT INTO notes VALUES (1, 'one', 1), (2, 'two', 1), (3, 'three', 1)")
    return live


def export(
    clone: Clone, live: Live, scenario: str = "tour", store: str = STORE, **more: Any
) -> Path:
    """The next version of a scenario in one of the clone's stores."""
    (clone.path / store).mkdir(parents=True, exist_ok=True)
    layout = more.pop("layout", "")
    project = project_of(live, clone.path, layout, store)
    saved = project.export(scenario, **more)
    assert saved.written
    return saved.path


@pytest.mark.parametrize("kind", ["copy", "link"])
def test_a_new_version_is_compared_in_either_layout(clone: Clone, live: Live, kind: str) -> None:
    layout = f'[demo]\nlatest = "{kind}"\n'
    export(clone, live, layout=layout)
    clone.branch()
    live.run("UPDATE notes SET body = 'second' WHERE id = 2")
    export(clone, live, layout=layout)
    latest = clone.path / STORE / "tour" / "latest.sql"
    assert latest.is_symlink() == (kind == "link")
    found = clone.review()
    assert (found.status, found.said, found.changed) == (0, "", True)
    assert "### `tour_v1_2025-01-20` → `tour_v2_2025-01-20`\n" in found.text
    assert '! id=2\n-   body: "two"\n+   body: "second"\n' in found.text
    assert "1 changed in 1 table." in found.text
    assert str(clone.place) not in found.text


def test_a_delta_is_compared_as_the_version_that_it_is(clone: Clone, live: Live) -> None:
    live.run(
        "WITH RECURSIVE n (i) AS (SELECT 10 UNION SELECT i + 1 FROM n WHERE i < 200)"
        " INSERT INTO notes SELECT i, 'note ' || i, 1 FROM n"
    )
    export(clone, live)
    clone.branch()
    live.run("UPDATE notes SET body = 'second' WHERE id = 2")
    assert export(clone, live, delta=True).name == "tour_v2_2025-01-20.delta.sql"
    found = clone.review()
    assert (found.status, found.said, found.changed) == (0, "", True)
    assert "### `tour_v1_2025-01-20` → `tour_v2_2025-01-20`\n" in found.text
    assert "1 changed in 1 table." in found.text


def test_every_scenario_that_the_branch_changed_and_no_other(clone: Clone, live: Live) -> None:
    odd = "team's/*n@me* <b>\n`x`"
    packings = {"packed": Packing.ZSTD}
    for scenario in ("gone", "kept", "packed", "theirs"):
        export(clone, live, scenario, compress=packings.get(scenario, Packing.PLAIN))
    export(clone, live, "tour", odd)
    clone.branch()

    # What goes on meanwhile on main is no business of the pull request.
    live.run("UPDATE notes SET body = 'not ours'")
    git(clone.path, "checkout", "-q", "main")
    export(clone, live, "theirs")
    clone.commit()
    git(clone.path, "push", "-q", "origin", "main")
    git(clone.path, "checkout", "-q", "work")

    live.run("UPDATE notes SET body = '@here <img> ``` | [x](y)' WHERE id = 1")
    export(clone, live, "packed", compress=Packing.ZSTD)
    export(clone, live, "fresh")
    export(clone, live, "tour", odd)
    shutil.rmtree(clone.path / STORE / "gone")
    (clone.path / "other.sql").write_text("SELECT 1;\n", "utf-8")
    found = clone.review()
    assert (found.status, found.said, found.changed) == (0, "", True)
    headings = re.findall("^### (.*)", found.text, re.M)
    assert headings == [
        "`fresh_v1_2025-01-20`",
        "`gone_v1_2025-01-20`",
        "`packed_v1_2025-01-20` → `packed_v2_2025-01-20`",
        "`tour_v1_2025-01-20` → `tour_v2_2025-01-20`",
    ]
    assert "A new scenario of 3 records." in found.text
    assert "The scenario was removed." in found.text
    outside = re.sub(r"^```diff\n.*?^```\n", "", found.text, flags=re.M | re.S)
    assert "here" not in outside
    assert "<b>" not in outside
    assert "n@me" not in outside


def test_versions_that_were_only_cleaned_up_or_given_back_are_no_change(
    clone: Clone, live: Live
) -> None:
    first = export(clone, live)
    export(clone, live, auto_version=True)
    clone.branch()
    first.unlink()
    found = clone.review()
    assert (found.status, found.changed) == (0, False)
    assert "The newest version of every scenario is what it was." in found.text


def test_what_cannot_be_read_fails_the_job_and_hides_nothing_else(clone: Clone, live: Live) -> None:
    for scenario in ("broken", "whole"):
        export(clone, live, scenario)
    clone.branch()
    live.run("UPDATE notes SET body = 'edited'")
    for scenario in ("broken", "fresh", "whole"):
        path = export(clone, live, scenario)
        if scenario != "whole":
            path.write_bytes(path.read_bytes().replace(b"'edited'", b"'forged'"))
    found = clone.review()
    assert (found.status, found.changed) == (1, True)
    assert found.text.count("This cannot be read:") == 2
    assert "the file was altered" in found.text.replace("&#32;", " ")
    assert "forged" not in found.text
    assert '+   body: "edited"' in found.text
    assert str(clone.place) not in found.text


def test_large_changes_share_the_room_there_is(clone: Clone, live: Live) -> None:
    live.run("DELETE FROM notes")
    rows = ", ".join(f"({number}, '{'long ' * 20}{number}', 1)" for number in range(700))
    live.run(f"INSERT INTO notes VALUES {rows}")
    for scenario in ("first", "second", "small"):
        export(clone, live, scenario)
    clone.branch()
    export(clone, live, "small", auto_version=True)
    live.run("UPDATE notes SET body = replace(body, 'long', 'länger')")
    for scenario in ("first", "second"):
        export(clone, live, scenario)
    found = clone.review()
    assert (found.status, found.changed) == (0, True)
    assert found.text.count("700 changed in 1 table.") == 2
    assert found.text.count("</details>") == 2
    assert "small_v1" in found.text
    assert len(found.text) > FORGE_TAKES // 3


FORGE = """\
echo "$@" >> "$CALLS"
case "$*" in *--paginate*) printf '%s' "$THERE" ;; esac
case "$*" in *--field*) cat "$RUNNER_TEMP/review.md" >> "$CALLS" ;; esac
"""
"""Stands for GitHub's own ``gh``: notes how it is called, and says which comment there is."""


@pytest.mark.parametrize(
    ("there", "changed", "called"),
    [
        ("", "true", "api --silent repos/shop/demo/issues/7/comments --field body=@"),
        ("12\n15\n", "true", "api --silent --method PATCH repos/shop/demo/issues/comments/12 "),
        ("12\n", "false", "api --silent --method PATCH repos/shop/demo/issues/comments/12 "),
        ("", "false", None),
    ],
)
def test_there_is_one_comment(clone: Clone, there: str, changed: str, called: str | None) -> None:
    clone.program("gh", FORGE)
    temporary = clone.place / "temp"
    temporary.mkdir()
    (temporary / "review.md").write_text(f"{MARK}text\n", "utf-8")
    calls = clone.place / "calls"
    done = clone.run("comment", CALLS=str(calls), THERE=there, NUMBER="7", CHANGED=changed)
    assert done.returncode == 0, done.stderr
    first, *then = calls.read_text("utf-8").splitlines()
    assert first.startswith("api --paginate repos/shop/demo/issues/7/comments --jq .[] | select(")
    assert MARK.strip() in first
    if called is None:
        assert then == []
    else:
        assert then[0].startswith(called)
        assert then[1:] == [MARK.strip(), "text"]


def test_the_workflow_may_do_little_and_takes_no_text_into_its_scripts() -> None:
    assert WORKFLOW["on"] == "pull_request"
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert [step["run"] for step in JOB["steps"] if "${{" in step.get("run", "")] == []
    assert "head.repo.full_name == github.repository" in STEPS["comment"]["if"]
