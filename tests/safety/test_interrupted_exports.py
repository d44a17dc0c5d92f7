"""The process or the connection dies at the n-th statement of an export: no version appears, or
all of one. (tests/faults does the same at every operation on files.)"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from database_engines import engines
from safety.fault_injection import injecting
from safety.mixed_database import MixedDatabase, Snapshots, snapshots
from safety.test_killed_imports import die, hang_up

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import DemoError


@pytest.fixture
def mixed(database_url: str) -> MixedDatabase:
    return MixedDatabase.built(database_url)


@pytest.fixture
def saved(mixed: MixedDatabase, tmp_path: Path) -> Snapshots:
    saved = snapshots(mixed, tmp_path)
    mixed.live.run("UPDATE notes SET body = 'edited' WHERE id = 1")
    return saved


def files(saved: Snapshots) -> set[str]:
    return {str(path) for path in saved.demo.directory.rglob("*")}


def statements_of_an_export(mixed: MixedDatabase, saved: Snapshots) -> int:
    with injecting() as statements:
        saved.demo.export(mixed.live, auto_version=True)
    rows = {
        "postgresql": "COPY (",
        "mariadb": "SELECT CAST(CONCAT(",
        "sqlite": "SELECT CASE WHEN (",
    }
    assert any(text.startswith(rows[mixed.live.engine]) for text in statements.seen)
    return len(statements.seen)


@engines("postgresql", "mariadb")
def test_a_connection_lost_leaves_no_version_and_nothing_stale(
    mixed: MixedDatabase, saved: Snapshots
) -> None:
    count = statements_of_an_export(mixed, saved)
    before = files(saved)
    for at in range(1, count + 1, 2):
        with injecting(at, lambda raw: hang_up(mixed, raw)):
            try:
                saved.demo.export(mixed.live, auto_version=True)
            except DemoError as error:
                failure = error
            else:
                # Nothing was asked of the database any more but to end.
                assert at > count - 6, at
                before = files(saved)
                continue
        assert "\n" not in failure.message
        assert files(saved) == before, at
    assert saved.demo.store.listing().notes == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@engines("sqlite", "postgresql", "mariadb")
def test_a_killed_export_leaves_none_or_the_whole_version(
    mixed: MixedDatabase, saved: Snapshots
) -> None:
    count = statements_of_an_export(mixed, saved)
    numbers = [entry.version.number for entry in saved.demo.store.entries()]
    for at in range(1, count + 1, 2):
        child = os.fork()
        if child == 0:
            try:
                with injecting(at, die):
                    saved.demo.export(mixed.live, auto_version=True)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        store = saved.demo.store
        found = [entry.version.number for entry in store.entries()]
        assert found in (numbers, [numbers[0] + 1, *numbers])
        numbers = found
        for entry in store.entries():
            assert describe(store.source(entry)).sha256 == entry.sha256
    # The next export removes what the dead ones left.
    saved.demo.export(mixed.live, auto_version=True)
    assert not [path for path in files(saved) if ".tmp-" in path]
