"""A backup, or a restore, fails or dies at its n-th file operation: no file or the whole one; each
version whole or not there, and the next restore ends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from faults.test_store_faults import check_latest, die, disk_full, fault
from unit.operations.test_backup import back_up
from unit.operations.test_repair import export
from unit.store.snapshots import directory_store, files_in, save

from demo_snapshots.errors import StoreError
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import verify_exports

STEP = 5
"""Every so many operations one is made to fail."""


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    for day in (20, 21):
        export(root, day=day, hour=9, rows=day)
    return back_up(root, tmp_path / "demo.tar.zst").path


def one_of_its_own(there: Path) -> None:
    """Its v1 is another one, so that the backup's gets another number."""
    save(directory_store(there), rows=3)


def empty(there: Path) -> None:
    there.mkdir()


def restores(
    tmp_path: Path, backup: Path, prepare: Callable[[Path], None]
) -> Iterator[tuple[int, Path]]:
    """Numbers the operations of a restore that succeeds; each comes with a fresh store."""
    prepared = tmp_path / "prepared"
    prepare(prepared)
    shutil.copytree(prepared, tmp_path / "0", symlinks=True)
    with fault(0, die) as seen:
        restore_store(directory_store(tmp_path / "0"), backup)
    assert len(seen) > 40
    for at in range(1, len(seen) + 1, STEP):
        shutil.copytree(prepared, tmp_path / str(at), symlinks=True)
        yield at, tmp_path / str(at)


def check_restored(there: Path, whole: Path, backup: Path) -> int:
    """How many versions there are; afterwards, as in ``whole``."""
    store = directory_store(there)
    with store.lock():
        pass
    entries = store.entries()
    check_latest(store, there)
    assert set(entries) <= set(directory_store(whole).entries())
    assert verify_exports(store).valid
    restore_store(store, backup)
    assert files_in(there) == files_in(whole)
    assert all(
        (there / name).read_bytes() == (whole / name).read_bytes() for name in files_in(there)
    )
    return len(entries)


@pytest.mark.parametrize("prepare", [empty, one_of_its_own])
def test_a_restore_that_fails(
    tmp_path: Path, backup: Path, prepare: Callable[[Path], None]
) -> None:
    for at, there in restores(tmp_path, backup, prepare):
        with fault(at, disk_full), suppress(StoreError):
            restore_store(directory_store(there), backup)
        check_restored(there, tmp_path / "0", backup)


def in_a_child_that_dies(at: int, job: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        try:
            with fault(at, die):
                job()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 137


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("prepare", [empty, one_of_its_own])
def test_a_restore_that_is_killed(
    tmp_path: Path, backup: Path, prepare: Callable[[Path], None]
) -> None:
    found = set()
    for at, there in restores(tmp_path, backup, prepare):
        in_a_child_that_dies(at, partial(restore_store, directory_store(there), backup))
        found.add(check_restored(there, tmp_path / "0", backup))
    before = 0 if prepare is empty else 1
    assert found == {before, before + 1, before + 2}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("killed", [False, True], ids=["fails", "is killed"])
def test_a_backup_that(tmp_path: Path, backup: Path, killed: bool) -> None:
    root, whole, places = tmp_path / "store", backup.read_bytes(), tmp_path / "places"
    before = {name: (root / name).read_bytes() for name in files_in(root)}
    (places / "0").mkdir(parents=True)
    with fault(0, die) as seen:
        back_up(root, places / "0" / "demo.tar.zst")
    outcomes = set()
    for at in range(1, len(seen) + 1, 2):
        path = places / str(at) / "demo.tar.zst"
        path.parent.mkdir()
        lacking = False
        if killed:
            in_a_child_that_dies(at, partial(back_up, root, path))
        else:
            with fault(at, disk_full), suppress(StoreError):
                # Of a version that cannot be read it says so.
                lacking = bool(back_up(root, path).left)
        outcomes.add(path.exists())
        assert lacking or not path.exists() or path.read_bytes() == whole
        assert {name: (root / name).read_bytes() for name in files_in(root)} == before
        if not path.exists():
            back_up(root, path)
            assert list(path.parent.iterdir()) == [path], "nothing stale is left"
    assert outcomes == {False, True}
