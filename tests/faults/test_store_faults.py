"""The n-th file operation fails, or the process dies there, for every n.

Afterwards there is the whole new state or the whole old one, whoever looks next finds it, and
the next writer leaves the store as if nothing had happened.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from unit.store.snapshots import DAY, directory_store, files_in, header_of, save

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.model.snapshots import Packing, Version
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.store import Store

TESTS = Path(__file__).parents[1]
MANIFEST = "metadata/export_manifest.json"

# Whatever changes something on disk; os.open makes files, the lock's among them.
WRITING = (
    *("open", "write", "fsync", "link", "unlink", "rename", "replace"),
    *("mkdir", "rmdir", "symlink"),
)

Job = Callable[[Store], object]


@contextmanager
def fault(at: int, happen: Callable[[], None], *, lasting: bool = False) -> Iterator[list[str]]:
    """Let ``happen`` come before the ``at``-th operation (and every later one, if lasting).
    Yields the operations seen."""
    seen: list[str] = []

    def counted(name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            seen.append(name)
            if len(seen) == at or (lasting and len(seen) > at):
                happen()
            return operation(*arguments, **options)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITING:
            patch.setattr(os, name, counted(name, getattr(os, name)))
        yield seen


def disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die() -> None:
    os._exit(137)


# --- The jobs, and what the store holds before and after -----------------------------------------


def first_export(store: Store) -> object:
    return save(store)


def next_export(store: Store) -> object:
    return save(store, rows=5)


def compressed_export(store: Store) -> object:
    """The latest changes its name, from latest.sql to latest.sql.zst."""
    return save(store, rows=5, packing=Packing.ZSTD)


def clean_up(store: Store) -> object:
    return cleanup_exports(store, keep=1)


def none(root: Path) -> None:
    pass


def three(root: Path) -> None:
    for _ in range(3):
        save(directory_store(root))


def three_of_seven(root: Path) -> None:
    """The manifest is in conflict, and one side of it alone knows that there was a v7."""
    three(root)
    text = (root / MANIFEST).read_text("utf-8")
    conflict = text.replace(
        '"highest": 3,', '\n<<<<<<< HEAD\n"highest": 3,\n=======\n"highest": 7,\n>>>>>>> other\n'
    )
    (root / MANIFEST).write_text(conflict, "utf-8")


def three_without_links(root: Path) -> None:
    """latest.sql is a copy, and links cannot be made."""
    three(root)
    latest = root / "general" / "latest.sql"
    content = latest.read_bytes()
    latest.unlink()
    latest.write_bytes(content)


# job -> preparation, job, versions before, versions after, highest number used before
JOBS: dict[str, tuple[Callable[[Path], None], Job, list[int], list[int], int]] = {
    "first export": (none, first_export, [], [1], 0),
    "next export": (three, next_export, [3, 2, 1], [4, 3, 2, 1], 3),
    "export over a conflict": (three_of_seven, next_export, [3, 2, 1], [8, 3, 2, 1], 7),
    "export beside a copy": (three_without_links, next_export, [3, 2, 1], [4, 3, 2, 1], 3),
    "compressed export": (three, compressed_export, [3, 2, 1], [4, 3, 2, 1], 3),
    "clean-up": (three, clean_up, [3, 2, 1], [3], 3),
    "clean-up over a conflict": (three_of_seven, clean_up, [3, 2, 1], [3], 7),
}


def numbers(store: Store) -> list[int]:
    return [entry.version.number for entry in store.entries()]


def check(root: Path, before: list[int], after: list[int], used: int = 0) -> list[int]:
    """Look as the next reader, then as the next writer. Returns the versions there are;
    ``used`` is the highest number that was used before."""
    store = directory_store(root)
    found = numbers(store)
    if after > before:
        assert found in (before, after)
    else:
        # A clean-up goes file by file, from the newest it removes; the latest always stays.
        assert set(after) <= set(found) <= set(before)
    check_latest(store, root)
    for entry in store.entries():
        described = describe(root / entry.path)
        assert (described.size, described.sha256) == (entry.size, entry.sha256)
    highest = store.next_number("general") - 1
    assert highest >= used
    with store.lock():
        pass
    assert numbers(store) == found
    assert store.listing().notes == ()
    assert store.inconsistencies() == ()
    assert store.next_number("general") == highest + 1
    check_latest(store, root)
    assert not any(".tmp-" in path for path in files_in(root) if root.exists())
    if found:
        rebuilt = (root / MANIFEST).read_bytes()
        assert f'"highest": {highest},'.encode() in rebuilt
    return found


def check_latest(store: Store, root: Path) -> None:
    latest = store.latest("general")
    links = list((root / "general").glob("latest.*"))
    for link in links:
        assert link.exists(), f"{link.name} dangles"
    if latest is not None and latest.version.number > 1:
        assert links


def each_operation(directory: Path, name: str) -> Iterator[tuple[int, Path]]:
    """Numbers the operations of a job that succeeds; each comes with a fresh store."""
    prepare, job, before, after, used = JOBS[name]
    prepared = directory / "prepared"
    prepare(prepared)
    prepared.mkdir(exist_ok=True)

    def fresh(at: int) -> Path:
        root = directory / str(at)
        if any(prepared.iterdir()):
            shutil.copytree(prepared, root, symlinks=True)
        return root

    root = fresh(0)
    with fault(0, die) as seen:
        job(directory_store(root))
    assert check(root, before, after, used) == after
    assert len(seen) > 20
    for at in range(1, len(seen) + 1):
        yield at, fresh(at)


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_failing_operation_leaves_all_or_nothing(
    tmp_path: Path, name: str, lasting: bool
) -> None:
    _, job, before, after, used = JOBS[name]
    for at, root in each_operation(tmp_path, name):
        error: StoreError | None = None
        with fault(at, disk_full, lasting=lasting):
            try:
                job(directory_store(root))
            except StoreError as raised:
                error = raised
        found = check(root, before, after, used)
        if error is None:
            assert found == after, at
        elif "was saved" in error.message or after < before:
            assert str(root) in error.message
        else:
            assert found == before, (at, error)
            assert str(root) in error.message
        if after == [1] and not found:
            # Only what could not be removed is left of a store that never was.
            assert lasting or files_in(root) == set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", JOBS)
def test_a_process_that_dies_leaves_all_or_nothing(tmp_path: Path, name: str) -> None:
    _, job, before, after, used = JOBS[name]
    outcomes = set()
    for at, root in each_operation(tmp_path, name):
        child = os.fork()
        if child == 0:
            try:
                with fault(at, die):
                    job(directory_store(root))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 137
        outcomes.add(tuple(check(root, before, after, used)))
    assert {tuple(before), tuple(after)} <= outcomes


# --- File systems that cannot do everything --------------------------------------------------


def refuse(code: int) -> Callable[..., None]:
    def operation(*arguments: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    return operation


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    store = directory_store(tmp_path)
    entry = save(store)
    save(store)
    # Somebody else's file under the very name is neither replaced nor hidden.
    (tmp_path / entry.path).write_bytes(b"another")
    with store.draft("general", entry.version) as draft:
        header = header_of("general", entry.version)
        with pytest.raises(StoreError, match="exists"):
            store.publish(draft, header, "0" * 64)
    assert (tmp_path / entry.path).read_bytes() == b"another"


def test_without_symlinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "symlink", refuse(errno.EPERM))
    store = directory_store(tmp_path)
    for rows in (2, 5):
        entry = save(store, rows=rows)
        latest = tmp_path / "general" / "latest.sql"
        assert not latest.is_symlink()
        assert latest.read_bytes() == (tmp_path / entry.path).read_bytes()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", refuse(code))
    with pytest.raises(StoreError, match="cannot lock") as error:
        save(directory_store(tmp_path / "store"))
    assert not isinstance(error.value, StoreBusyError)
    assert not (tmp_path / "store" / "general").exists()


def test_a_read_only_store_is_listed(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b"<<<<<<< damaged")
    reading = os.open
    with pytest.MonkeyPatch.context() as patch:
        for name in set(WRITING) - {"open"}:
            patch.setattr(os, name, refuse(errno.EROFS))

        def open_read_only(path: str, flags: int, *rest: Any, **options: Any) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return reading(path, flags, *rest, **options)

        patch.setattr(os, "open", open_read_only)
        store = directory_store(tmp_path)
        assert numbers(store) == [3, 2, 1]
        with pytest.raises(StoreError, match="Read-only") as error:
            save(store)
        assert str(tmp_path) in error.value.message


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_without_permission(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / "general").chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied"):
            save(directory_store(tmp_path))
        with pytest.raises(StoreError, match="Permission denied"):
            cleanup_exports(directory_store(tmp_path), keep=1)
    finally:
        (tmp_path / "general").chmod(0o700)
    assert numbers(directory_store(tmp_path)) == [3, 2, 1]


def test_one_file_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(tmp_path)
    unlink = os.unlink

    def refuse_first(path: str, **options: Any) -> None:
        if "general_v1" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse_first)
    store = directory_store(tmp_path)
    with pytest.raises(StoreError, match=r"general_v1_2025-01-15\.sql: cannot remove"):
        cleanup_exports(store, keep=1)
    assert numbers(store) == [3, 1]
    assert store.listing().notes == ()


# --- Several at once -------------------------------------------------------------------------

_EXPORT = """
import sys
from pathlib import Path
from unit.store.snapshots import directory_store, save
for _ in range(3):
    print(save(directory_store(Path(sys.argv[1]))).version.number)
"""


def start(script: str, root: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, str(root)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_eight_processes_get_consecutive_versions(tmp_path: Path) -> None:
    processes = [start(_EXPORT, tmp_path / "store") for _ in range(8)]
    results = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in results if errors] == []
    got = sorted(int(line) for output, _ in results for line in output.split())
    assert got == list(range(1, 25))
    assert check(tmp_path / "store", [], list(range(24, 0, -1)))[0] == 24


_HOLD = """
import sys
from pathlib import Path
from unit.store.snapshots import directory_store
with directory_store(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_holder_gives_the_lock_back(tmp_path: Path) -> None:
    holder = start(_HOLD.replace("sys.stdin.read()", "import time; time.sleep(60)"), tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    store = directory_store(tmp_path)
    with pytest.raises(StoreBusyError, match=r"0\.1 seconds"), store.lock(timeout=0.1):
        pass
    holder.kill()
    holder.communicate()
    with store.lock(timeout=5):
        assert store.next_number("general") == 1


def test_a_waiting_process_survives_that_the_holder_takes_an_empty_store_away(
    tmp_path: Path,
) -> None:
    root = tmp_path / "store"
    with directory_store(root).lock():
        waiting = start(_EXPORT.replace("for", "print(flush=True)\nfor", 1), root)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "\n"
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=0.5)
    output, errors = waiting.communicate(timeout=60)
    assert (output.split(), errors) == (["1", "2", "3"], "")


def test_litter_of_dead_processes_is_removed_and_nothing_else(tmp_path: Path) -> None:
    three(tmp_path)
    stale = [
        tmp_path / "general" / ".general_v4_2025-01-15.sql.tmp-0123456789abcdef",
        tmp_path / "metadata" / ".export_manifest.json.tmp-0123456789abcdef",
        tmp_path / ".gitattributes.tmp-0123456789abcdef",
    ]
    kept = tmp_path / "general" / ".general_v4.swp"
    for path in (*stale, kept):
        path.touch()
    (tmp_path / "..gitattributes.tmp-0123456789abcdef").touch()
    with directory_store(tmp_path).draft("general", Version(4, DAY)):
        assert not stale[0].exists()
    assert not stale[1].exists()
    assert kept.exists()
    assert not (tmp_path / "..gitattributes.tmp-0123456789abcdef").exists()
