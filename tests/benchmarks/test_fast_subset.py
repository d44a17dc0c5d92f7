"""The benchmarks at a small size. Nothing is said about time; everything about the rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from database_engines import missing
from server_engines import SERVERS, client

ROOT = Path(__file__).parents[2]
FRAGMENTS = 3_500
"""Seven statements of 500 rows: batches, windows of the reader and statements all end somewhere
inside."""


def bench(results: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks", "--no-install", "--results", str(results)]
    done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads((results / "benchmarks.json").read_text("utf-8"))
    return report


def entries(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{job['name']}: {entry['name']}": entry
        for job in report["jobs"]
        for entry in job["contenders"]
    }


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_many_rows_arrive_whole_by_every_tool(engine: str, tmp_path: Path) -> None:
    if engine in SERVERS and SERVERS[engine].program() is None:
        missing(f"no {engine} server")
    if client({"sqlite": "sqlite3", "postgresql": "psql", "mariadb": "mariadb"}[engine]) is None:
        missing(f"no client of {engine}")
    size = ("--fragments", str(FRAGMENTS), "--quick")
    report = bench(tmp_path, *size, "--only", f"{engine}-")

    found = entries(report)
    assert len(found) >= 4
    for name, entry in found.items():
        assert entry["failure"] is None, name
        assert entry["checked"], name
    assert report["settings"]["fragments"] == FRAGMENTS


def test_rows_that_did_not_arrive_are_a_failure(tmp_path: Path) -> None:
    # The check itself has to be able to fail, or all of the above says nothing.
    code = (
        "from benchmarks.databases import *; from benchmarks.measuring import ContenderError\n"
        f"url = Url('sqlite:///{(tmp_path / 'a.sqlite').as_posix()}')\n"
        "execute(url, 'CREATE TABLE t (a)', \"INSERT INTO t VALUES (1), ('x')\")\n"
        "before = fingerprint(url, ['t'])\n"
        "require_same(fingerprint(url, ['t']), before)\n"
        "execute(url, \"UPDATE t SET a = '1' WHERE a = 1\")\n"
        "try: require_same(fingerprint(url, ['t']), before)\n"
        "except ContenderError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "not the same rows arrived: t: 2 rows of 2, values differ\n", done.stderr


def test_a_contender_that_fails_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    code = """if True:
        from contextlib import contextmanager
        import sys
        from benchmarks.measuring import Contender, Step, Turn, run

        @contextmanager
        def good():
            yield Turn([Step([sys.executable, "-c", "pass"])], lambda: None)

        @contextmanager
        def bad():
            step = Step([sys.executable, "-c", "raise SystemExit('it broke')"])
            yield Turn([step], lambda: None)

        result = run("j", "t", [Contender("ours", good), Contender("bad", bad)],
                     turns=2, told=lambda text: None)
        ours, theirs = result.outcomes
        print(len(ours.samples), ours.checked, ours.peak > 1_000_000, theirs.failure)
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "2 True True exit status 1: it broke\n", done.stderr


def test_every_planted_edit_is_found_by_the_comparison(tmp_path: Path) -> None:
    """Contenders that are not installed are skipped; ours is judged as they are."""
    found = entries(bench(tmp_path, "--quick", "--only", "compare-small"))
    assert found["compare-small: demo compare-exports"]["checked"]
    assert [name for name, entry in found.items() if entry["failure"]] == []
    assert all(entry["checked"] or entry["missing"] for entry in found.values())


def test_an_edit_that_was_not_found_or_not_made_is_a_failure() -> None:
    code = """if True:
        from benchmarks.jobs.comparisons import Edits, require_found
        from benchmarks.measuring import ContenderError

        planted = Edits(frozenset({(1, "a", "x"), (2, "a", None)}), frozenset({3}), frozenset())
        require_found(planted, planted)
        for found in (
            Edits(frozenset({(1, "a", "y"), (2, "a", None)}), planted.added, planted.removed),
            Edits(planted.changed, frozenset(), frozenset({3})),
        ):
            try: require_found(found, planted)
            except ContenderError as error: print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "not the edits that were made: 1 of 2 changed, 1 invented",
        "not the edits that were made: 0 of 1 added, 0 invented; 0 of 0 removed, 1 invented",
    ], done.stderr


def test_what_is_measured_again_takes_its_place_beside_what_was(tmp_path: Path) -> None:
    before = json.loads((ROOT / "docs" / "benchmarks.json").read_text("utf-8"))
    earlier = {**before, "jobs": [{**job, "date": "2026-01-02"} for job in before["jobs"]]}
    (tmp_path / "benchmarks.json").write_text(json.dumps(earlier), "utf-8")
    page = tmp_path / "benchmarks.md"
    page.write_bytes((ROOT / "docs" / "benchmarks.md").read_bytes())

    bench(tmp_path / "own", "--quick", "--only", "undo-small", "--docs", str(tmp_path))

    report = json.loads((tmp_path / "benchmarks.json").read_text("utf-8"))
    assert [job["name"] for job in report["jobs"]] == [job["name"] for job in before["jobs"]]
    again = [job["name"] for job in report["jobs"] if job["date"] == report["date"]]
    assert again == ["undo-small"]
    assert page.read_text("utf-8").count("Measured on 2026-01-02.") == len(before["jobs"]) - 1
