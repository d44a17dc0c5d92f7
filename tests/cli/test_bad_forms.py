"""Files in JSON and YAML, rows written by hand and backups that cannot be used: one clear line with
its status, and nothing changed."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BY_HAND = b"""\
demo_rows: 1
scenario: general
rows:
  contacts:
    - {id: &a 900, name: Ada}
    - {id: new, name: Bob}
"""
FILES = ["x.sql", "x.json", "x.yaml", "hand.yaml", "b.tar.zst"]


@pytest.fixture
def files(demo, seeded) -> None:
    """The one version in every form, rows by hand, and a backup."""
    (document,) = seeded.documents
    Path("x.sql").write_bytes(document.read_bytes())
    for form in ("json", "yaml"):
        assert demo("convert", "x.sql", f"--to={form}", "-o", f"x.{form}").status == 0
    Path("hand.yaml").write_bytes(BY_HAND)
    assert demo("backup", "b.tar.zst").status == 0


@pytest.fixture
def use(demo, seeded, files) -> Callable[[str, str], tuple[int, str]]:
    """Import or restore a file, as what it was made from says; its status and its one error."""

    def used(path: str, like: str) -> tuple[int, str]:
        before = seeded.state()
        if like.startswith("b."):
            outcome = demo("restore", str(path), "--snapshots=other")
        else:
            outcome = demo("import", "general", f"--file={path}", "--yes")
        if outcome.status:
            assert seeded.state() == before
            assert not Path("other").exists()
            assert outcome.stdout == ""
            assert len(outcome.errors) == 1
        return outcome.status, "".join(outcome.errors)

    return used


@pytest.mark.parametrize("like", ["import", "restore"])
def test_what_is_no_file(use, like):
    Path("directory").mkdir()
    os.mkfifo("pipe")
    reading, writing = os.pipe()
    os.write(writing, BY_HAND)
    os.close(writing)
    for path, says in {
        "directory": "directory: cannot be read: not a regular file",
        "pipe": "pipe: cannot be read: not a regular file",
        f"/dev/fd/{reading}": f"/dev/fd/{reading}: cannot be read: not a regular file",
        "none": "none: cannot be read: No such file",
    }.items():
        status, told = use(path, like="b.tar" if like == "restore" else "x.sql")
        assert (status, says in told) == (14, True), told
    os.close(reading)


def test_what_it_is_called_says_nothing(use):
    for name, other in (
        ("x.sql", "a.yaml"),
        ("x.json", "a.sql"),
        ("x.yaml", "a.json"),
        ("hand.yaml", "a.sql.gz"),
        ("b.tar.zst", "a.sql"),
    ):
        Path(other).write_bytes(Path(name).read_bytes())
        assert use(other, like=name)[0] == 0, name


def test_what_is_mixed_up(use):
    sql, in_json, in_yaml, by_hand, backup = (Path(name).read_bytes() for name in FILES)
    cut, conflict = in_json[: len(in_json) // 2], b"<<<<<<< HEAD\n"
    half = in_yaml.index(b"\n", len(in_yaml) // 2) + 1
    for like, content, says in (
        ("x.json", sql + in_json, "cut short"),
        ("x.json", in_json + sql, "cut short"),
        ("x.json", cut + in_yaml, "cut short"),
        ("x.json", cut + in_json, "line "),
        ("x.json", gzip.compress(gzip.compress(in_json)), "not a demo snapshot"),
        ("x.json", backup, "not a demo snapshot"),
        ("x.json", conflict + in_json, "conflict markers"),
        ("x.sql", conflict + sql, "conflict markers"),
        ("x.json", cut, "cut short"),
        ("x.yaml", in_yaml + in_json, "cut short"),
        ("x.yaml", in_yaml + in_yaml, "line "),
        ("x.yaml", in_yaml[:half] + conflict + in_yaml[half:], "line "),
        ("x.yaml", in_yaml + by_hand, "cut short"),
        ("hand.yaml", by_hand + in_yaml, "line 7: a member 'demo_snapshot'"),
        ("hand.yaml", by_hand + by_hand, "line 7: the member 'demo_rows' is there twice"),
        ("hand.yaml", by_hand + conflict, "line 8: not YAML"),
        ("hand.yaml", by_hand[:30], "line 3: scenario and rows are wanted"),
        ("hand.yaml", gzip.compress(by_hand)[:-9], "cut short"),
        ("b.tar", sql, "not a backup"),
        ("b.tar", in_yaml, "not a backup"),
        ("b.tar", by_hand, "not a backup"),
        ("b.tar", gzip.compress(backup), "not a backup"),
        ("b.tar", backup + backup, "something follows"),
    ):
        Path("mixed").write_bytes(content)
        status, told = use("mixed", like=like)
        assert (status, says in told) == (21, True), (like, told)
