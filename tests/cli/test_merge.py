"""``demo merge`` after a real ``git merge`` of two branches that both exported."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo_snapshots import open_project

IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "a" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "a@example.org" for who in ("AUTHOR", "COMMITTER")},
}
PAGE = Path(__file__).parents[2] / "docs" / "merging.md"


def git(*arguments: str, fails: bool = False) -> str:
    done = subprocess.run(
        ["git", *arguments],
        env={**os.environ, **IDENTITY},
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout


def edit(place, script: str) -> None:
    with closing(sqlite3.connect(place.database)) as connection, connection:
        connection.executescript(script)


def export(day: int) -> None:
    open_project(clock=lambda: datetime(2031, 1, day, 12, tzinfo=UTC)).export("general")


def commit(message: str) -> None:
    git("add", "--all")
    git("commit", "-q", "-m", message)


OURS = """
UPDATE todos SET title = 'Ours' WHERE id = 4;
INSERT INTO todos (id, fragment_id, title, state, created_at, updated_at)
SELECT 101, fragment_id, 'New of ours', state, created_at, updated_at FROM todos WHERE id = 1;
"""
THEIRS = """
UPDATE todos SET state = 'cancelled' WHERE id = 4;
INSERT INTO todos (id, fragment_id, title, state, created_at, updated_at)
SELECT 101, fragment_id, 'New of theirs', state, created_at, updated_at FROM todos WHERE id = 1;
"""


@pytest.fixture
def branches(seeded):
    """The branches ours (checked out) and theirs, each with another v2."""
    Path(".gitignore").write_text("*.sqlite\n", "utf-8")
    git("init", "-q", "-b", "ours")
    commit("v1")
    whole = seeded.database.read_bytes()
    git("checkout", "-q", "-b", "theirs")
    edit(seeded, THEIRS)
    export(day=21)
    commit("theirs")
    git("checkout", "-q", "ours")
    seeded.database.write_bytes(whole)
    edit(seeded, OURS)
    export(day=20)
    commit("ours")
    return seeded


def unmerged() -> set[str]:
    return {Path(line).name for line in git("diff", "--name-only", "--diff-filter=U").splitlines()}


def driver() -> tuple[str, list[list[str]]]:
    """The lines for ``.gitattributes`` and the commands that docs/merging.md gives."""
    text = PAGE.read_text("utf-8")
    attributes = text.split("```gitattributes\n")[1].split("```")[0]
    commands = [
        line.replace('"', "").split(" ", 4)[1:]
        for line in text.splitlines()
        if line.startswith("git config merge.")
    ]
    return attributes, commands


@pytest.mark.slow
@pytest.mark.parametrize("installed", [None, False, True])
def test_after_a_merge_repair_and_merge_make_one_version(branches, demo, installed) -> None:
    """Without a merge driver; with it only named in ``.gitattributes``; and with it set up."""
    attributes, commands = driver()
    if installed is not None:
        Path(".gitattributes").write_text(attributes, "utf-8")
        commit("attributes")
    if installed:
        assert len(commands) == 2
        for command in commands:
            git(*command)
    git("merge", "-q", "theirs", fails=not installed)
    books = {"export_manifest.json", "schema_versions.json"}
    assert unmerged() == (set() if installed else {"latest.sql", *books})
    assert demo("verify").status == 50

    repaired = demo("repair")
    assert repaired.status == 0
    assert "hint: demo merge general v2 v3 makes one of both." in repaired.stdout
    merged = demo("merge", "general", "v2", "v3")
    assert merged.status == 0, merged.stderr
    assert demo("verify").status == 0
    assert demo("import", "general", "--yes").status == 0
    with closing(sqlite3.connect(branches.database)) as connection:
        rows = connection.execute("SELECT id, title, state FROM todos WHERE id IN (4, 101, 102)")
        four, *new = rows.fetchall()
    assert four == (4, "Ours", "cancelled")
    assert [row[:2] for row in new] == [(101, "New of ours"), (102, "New of theirs")]
    commit("merged")
    assert git("status", "--porcelain") == ""


def test_repair_tells_programs_too(branches, demo) -> None:
    git("merge", "-q", "theirs", fails=True)
    planned, done = demo("repair", "--dry-run", "--json").json, demo("repair", "--json").json
    offered = [{"scenario": "general", "ours": "v2_2031-01-20", "theirs": "v3_2031-01-21"}]
    assert planned["to_merge"] == done["to_merge"] == offered
    assert demo("repair", "--json").json["to_merge"] == []


def test_conflicts_have_a_status_and_name_no_value(branches, demo) -> None:
    edit(branches, "UPDATE todos SET state = 'secret words' WHERE id = 4")
    open_project(clock=lambda: datetime(2031, 1, 20, 13, tzinfo=UTC)).export("general")
    commit("more of ours")
    git("merge", "-q", "theirs", fails=True)
    assert demo("repair").status == 0
    refused = demo("merge", "general", "v3", "v4", "--json")
    assert refused.status == 61
    error = refused.json["error"]
    assert (error["type"], error["conflicts"]) == ("MergeConflictError", 1)
    assert error["problems"] == ["todos id=4: both changed state"]
    assert "secret" not in refused.stdout + refused.stderr
    assert "  - todos id=4: both changed state" in refused.stderr

    decided = demo("merge", "general", "v3", "v4", "--theirs", "--json").json
    assert (decided["written"], decided["base"]) == (True, "v1_" + decided["base"][3:])
    [todos] = [table for table in decided["tables"] if table["table"] == "todos"]
    assert (todos["rows"], todos["decided"], todos["renewed"]) == (102, 1, 1)


def test_ways_to_decide_contradict_one_another(demo) -> None:
    for options in (("--ours", "--theirs"), ("--ours", "--answers=a.toml")):
        refused = demo("merge", "general", "v1", "v2", *options)
        assert refused.status == 2
        assert "contradict" in refused.stderr


def test_every_export_names_the_version_before_it(branches) -> None:
    first, *later = branches.documents
    assert "-- Base: " not in first.read_text("utf-8")
    digest = first.read_text("utf-8").split("-- Content digest: ")[1].split("\n")[0]
    version = first.stem.removeprefix("general_")
    for document in later:
        assert f"\n-- Base: {version} {digest}\n" in document.read_text("utf-8")
    assert later
