"""Two branches that both exported, merged by a real git; then interrupted anywhere."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from faults.test_store_faults import die, fault
from msgspec.structs import replace
from unit.documents.documents import in_format_1
from unit.store.snapshots import content_of, directory_store, files_in, header_of, save

from demo_snapshots.documents.opening import describe
from demo_snapshots.documents.sql.writer import write_document
from demo_snapshots.errors import StoreError
from demo_snapshots.model.snapshots import Version
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store import Store

MANIFEST = "metadata/export_manifest.json"


def export(
    root: Path, day: int, hour: int, rows: int, scenario: str = "general", *, old: bool = False
) -> None:
    """``old``: as a tool of before format 2 did."""
    store = directory_store(root)
    with store.lock():
        version = Version(store.next_number(scenario), date(2025, 1, day))
        moment = datetime(2025, 1, day, hour, tzinfo=UTC)
        header = replace(header_of(scenario, version, rows), generated=moment)
        with store.draft(scenario, version) as draft:
            document = io.BytesIO()
            digest = write_document(document, header, content_of(rows))
            whole = document.getvalue()
            if old:
                whole = in_format_1(whole)
                digest = whole[-200:].partition(b"sha256:")[2][:64].decode()
            draft.file.write(whole)
            store.publish(draft, header, digest)


def git(root: Path, *arguments: str, fails: bool = False) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.hooksPath=")
    done = subprocess.run(["git", "-C", root, *identity, *arguments], capture_output=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr


Branch = Callable[[Path], None]


def merged(root: Path, ours: Branch, theirs: Branch) -> Store:
    """A store in which two branches exported after v1, as git leaves it when it merges them."""
    save(directory_store(root))
    git(root, "init", "-q", "-b", "ours")
    for branch, work in (("base", None), ("theirs", theirs), ("ours", ours)):
        if branch == "theirs":
            git(root, "checkout", "-q", "-b", "theirs")
        elif branch == "ours":
            git(root, "checkout", "-q", "ours")
        if work is not None:
            work(root)
        git(root, "add", "--all")
        git(root, "commit", "-q", "-m", branch)
    git(root, "merge", "theirs", fails=True)
    assert "<<<<<<< " in (root / MANIFEST).read_text("utf-8")
    return directory_store(root)


def days_apart(root: Path) -> Store:
    """v2 and v3 of ours, v2 of theirs: made between them, on a day of its own."""

    def ours(root: Path) -> None:
        export(root, day=20, hour=9, rows=3)
        export(root, day=22, hour=9, rows=4)

    return merged(root, ours, lambda root: export(root, day=21, hour=9, rows=5))


def one_day(root: Path) -> Store:
    """v2 of both on one day, so in one file; ours was generated later."""
    return merged(
        root,
        lambda root: export(root, day=20, hour=12, rows=3),
        lambda root: export(root, day=20, hour=9, rows=5),
    )


def versions(store: Store) -> dict[str, int]:
    return {str(entry.version): entry.statistics.total for entry in store.entries("general")}


@pytest.mark.parametrize(
    ("merge", "after", "change"),
    [
        (
            days_apart,
            {"v4_2025-01-21": 5, "v3_2025-01-22": 4, "v2_2025-01-20": 3, "v1_2025-01-15": 2},
            ("v2_2025-01-21", "v4_2025-01-21", False),
        ),
        (
            one_day,
            {"v3_2025-01-20": 3, "v2_2025-01-20": 5, "v1_2025-01-15": 2},
            ("v2_2025-01-20", "v3_2025-01-20", True),
        ),
    ],
)
def test_both_branches_versions_are_kept(
    tmp_path: Path,
    merge: Callable[[Path], Store],
    after: dict[str, int],
    change: tuple[str, str, bool],
) -> None:
    store = merge(tmp_path)
    digests = {entry.statistics.total: entry.digest for entry in store.entries()}
    before = {path: (tmp_path / path).read_bytes() for path in files_in(tmp_path)}
    planned = repair_store(store, dry_run=True)
    assert before == {path: (tmp_path / path).read_bytes() for path in files_in(tmp_path)}
    assert not verify_exports(store).valid

    result = repair_store(store)
    assert replace(planned, dry_run=False) == result
    assert [(str(r.version), str(r.becomes), r.merged) for r in result.renumbered] == [change]
    assert any("merge-conflict markers" in wrong for wrong in result.reconciled)
    assert result.left == ()
    assert versions(store) == after
    assert list(versions(store)) == list(after), "newest first"
    for entry in store.entries():
        assert digests.get(entry.statistics.total, entry.digest) == entry.digest
        assert describe(store.source(entry)).header.version == entry.version
    verified = verify_exports(store)
    assert verified.valid, verified
    assert repair_store(store).renumbered == ()
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "-q", "-m", "merged")


@pytest.mark.parametrize("day", [20, 21])
def test_a_branch_of_an_older_tool_keeps_its_format(tmp_path: Path, day: int) -> None:
    store = merged(
        tmp_path,
        lambda root: export(root, day=20, hour=9, rows=700),
        lambda root: export(root, day=day, hour=12, rows=800, old=True),
    )
    repair_store(store)
    assert verify_exports(store).valid
    headers = [describe(store.source(entry)).header for entry in store.entries("general")]
    assert [(h.version.number, h.statistics.total, h.format) for h in headers] == [
        *((3, 800, 1), (2, 700, 2), (1, 2, 2))
    ]


def test_a_merged_file_is_an_error_that_leads_here(tmp_path: Path) -> None:
    store = one_day(tmp_path)
    with pytest.raises(StoreError) as raised:
        store.latest("general")
    assert "project.repair()" in (raised.value.hint or "")
    repair_store(store)
    assert store.latest("general") is not None


def test_only_the_version_line_changes(tmp_path: Path) -> None:
    store = days_apart(tmp_path)
    old = (tmp_path / "general/general_v2_2025-01-21.sql").read_bytes()
    repair_store(store)
    new = (tmp_path / "general/general_v4_2025-01-21.sql").read_bytes()
    assert new == old.replace(b"-- Version: v2_2025-01-21\n", b"-- Version: v4_2025-01-21\n")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(("merge", "every"), [(days_apart, 1), (one_day, 3)])
def test_a_repair_that_dies_anywhere_is_finished_by_the_next(
    tmp_path: Path, merge: Callable[[Path], Store], every: int
) -> None:
    prepared = tmp_path / "prepared"
    merge(prepared)
    shutil.rmtree(prepared / ".git")
    fine = tmp_path / "fine"
    shutil.copytree(prepared, fine, symlinks=True)
    with fault(0, die) as seen:
        repair_store(directory_store(fine))
    after = versions(directory_store(fine))
    assert len(seen) > 20
    for at in range(1, len(seen) + 1, every):
        root = tmp_path / str(at)
        shutil.copytree(prepared, root, symlinks=True)
        child = os.fork()
        if child == 0:
            try:
                os.environ["TMPDIR"] = str(tmp_path)
                with fault(at, die):
                    repair_store(directory_store(root))
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 137
        store = directory_store(root)
        lost = set(after.values()) - set(versions(store).values())
        merged_file = root / "general/general_v2_2025-01-20.sql"
        assert not lost or b"<<<<<<< " in merged_file.read_bytes(), at
        repair_store(store)
        assert versions(store) == after, at
        assert verify_exports(store).valid, at
        assert store.next_number("general") == max(int(v[1]) for v in after) + 1


def test_a_lost_manifest_a_dangling_latest_and_litter(tmp_path: Path) -> None:
    store = directory_store(tmp_path)
    save(store)
    save(store, rows=3)
    whole = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / MANIFEST).unlink()
    latest = tmp_path / "general/latest.sql"
    latest.unlink()
    latest.symlink_to("general_v9_2025-01-15.sql")
    stale = tmp_path / "general/.general_v3_2025-01-15.sql.tmp-0123456789abcdef"
    stale.touch()
    result = repair_store(store)
    assert result.reconciled == (
        "there is no export_manifest.json",
        "general/latest.sql is not v2_2025-01-15",
        f"{stale}: a temporary file",
    )
    assert (tmp_path / MANIFEST).read_bytes() == whole
    assert latest.readlink() == Path("general_v2_2025-01-15.sql")
    assert not stale.exists()
    assert repair_store(store).reconciled == ()


def test_what_is_damaged_is_named_and_left(tmp_path: Path) -> None:
    store = days_apart(tmp_path)
    twin = tmp_path / "general/general_v2_2025-01-21.sql"
    repaired = twin.read_bytes()
    with store.lock():
        pass
    twin.write_bytes(repaired.replace(b"(1,'x')", b"(1,'y')"))
    first = tmp_path / "general/general_v1_2025-01-15.sql"
    text = first.read_bytes()
    first.write_bytes(b"<<<<<<< a\n" + text + b"=======\n" + text[:-5] + b">>>>>>> b\n")
    damaged = first.read_bytes()
    result = repair_store(store)
    assert result.renumbered == ()
    assert [left.split(": ")[0] for left in result.left] == [str(first), str(twin)]
    assert first.read_bytes() == damaged
    assert b"(1,'y')" in twin.read_bytes()


def test_an_absent_store_needs_no_repair(tmp_path: Path) -> None:
    root = tmp_path / "nowhere"
    result = repair_store(directory_store(root))
    assert (result.reconciled, result.renumbered, result.left) == ((), (), ())
    assert not root.exists()


def test_what_is_no_file_is_named_and_left(tmp_path: Path) -> None:
    store = directory_store(tmp_path)
    save(store)
    directory = tmp_path / "general/general_v2_2025-01-15.sql"
    directory.mkdir()
    pipe = tmp_path / "general/general_v3_2025-01-15.sql"
    os.mkfifo(pipe)
    result = repair_store(store)
    assert result.left == (f"{pipe}: not a regular file", f"{directory}: not a regular file")
    assert list(versions(store)) == ["v1_2025-01-15"]
