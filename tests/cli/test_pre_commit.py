"""The hook for pre-commit: which files it takes, and what becomes of a commit."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
[HOOK] = YAML(typ="safe", pure=True).load(ROOT / ".pre-commit-hooks.yaml")
STORE = "database/demo-snapshots"


@pytest.mark.parametrize(
    "path",
    [
        "general/general_v1_2025-01-15.sql",
        "general/general_v12_2025-01-15.sql.gz",
        "a-b_c/a-b_c_v1_2025-01-15.sql.zst",
        "general/latest.sql",
        "general/latest.sql.gz",
        "general/general_v3_2025-01-15.parts.sql.zst",
        "general/general_v1_2025-01-15.json",
        "general/latest.yaml.zst",
    ],
)
def test_it_takes_snapshots_wherever_the_store_is(path):
    for store in (STORE, "demo-snapshots", "apps/shop ü/demo-snapshots"):
        assert re.search(HOOK["files"], f"{store}/{path}")


@pytest.mark.parametrize(
    "path",
    [
        "schema.sql",
        "migrations/general_v1_2025-01-15.sql",
        f"{STORE}/schema.sql",
        f"{STORE}/general/other.sql",
        f"{STORE}/general/general_part_0123456789abcdef0123456789abcdef.sql",
        f"{STORE}/general/general_v1_2025-01-15.yml",
        f"{STORE}/general/writer_v1_2025-01-15.sql",
        f"{STORE}/general/general_v1_2025-01-15.sql.orig",
        f"{STORE}/.undo/1.sql",
        f"{STORE}/metadata/export_manifest.json",
        "not-demo-snapshots/general/latest.sql",
    ],
)
def test_it_takes_no_other_files(path):
    assert not re.search(HOOK["files"], path)


@pytest.mark.slow
def test_a_commit_with_a_damaged_snapshot_is_stopped(run_demo, seeded, workplace):
    """As pre-commit does: the entry with the names of the files, some at a time."""
    assert HOOK["language"] == "python"
    program, *words = shlex.split(HOOK["entry"])
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'{program} = "demo_snapshots.__main__:main"' in project
    for how in ("gzip", "zstd"):
        assert run_demo("export", "general", "--auto-version", f"--compress={how}").status == 0
    names = [
        name
        for path in sorted(seeded.store.rglob("*"))
        if re.search(HOOK["files"], name := path.relative_to(workplace).as_posix())
    ]
    assert len(names) == 4
    for some in (names[:3], names[3:]):
        assert run_demo(*words, *some).status == 0

    damaged = workplace / names[0]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    outcome = run_demo(*words, *names)
    assert outcome.status == 50
    assert outcome.stdout.startswith(f"4 files: 1 problem\n  - {names[0]}: ")
    assert outcome.errors == ["error: verifying found 1 problem"]
    assert run_demo(*words, *names[1:]).status == 0
