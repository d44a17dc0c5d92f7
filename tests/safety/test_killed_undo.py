"""The process dies at the n-th statement of an import that keeps what it replaces, for all n.

Afterwards either the import did not happen, or undoing it gives back exactly the rows there were.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import NOW
from safety.fault_injection import injecting
from safety.mixed_database import MixedDatabase, Snapshots, snapshots
from safety.test_killed_imports import places

from demo_snapshots.operations.replaced import UndoKeeping
from demo_snapshots.operations.undo import undo_import
from demo_snapshots.store import UndoLog, open_undo


def kept(saved: Snapshots) -> UndoLog:
    return open_undo(saved.demo.directory, "mixed")


def load(mixed: MixedDatabase, saved: Snapshots, path: Path) -> None:
    undo = UndoKeeping(kept(saved), NOW)
    assert saved.demo.load(mixed.live, path, undo=undo).undo is not None


def undo(mixed: MixedDatabase, saved: Snapshots, number: int | None = None) -> None:
    log = kept(saved)
    undo_import(saved.demo.config(mixed.live), log, now=NOW, number=number)
    for entry in log.entries():
        log.remove(entry)


def die(raw: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@engines("sqlite", "postgresql", "mariadb")
def test_a_killed_import_did_not_happen_or_can_be_undone(database_url: str, tmp_path: Path) -> None:
    mixed = MixedDatabase.built(database_url)
    saved = snapshots(mixed, tmp_path)
    before = mixed.image()
    for _ in range(2):  # counters are brought forward only once
        with injecting() as statements:
            load(mixed, saved, saved.new)
        after = mixed.image()
        undo(mixed, saved)
        assert mixed.image() == before != after
    outcomes = []
    for at, answered in places(statements):
        child = os.fork()
        if child == 0:
            try:
                with injecting(at, die, after=answered):
                    load(mixed, saved, saved.new)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, (at, answered)
        found = mixed.image()
        assert found in (before, after), statements.seen[at - 1]
        outcomes.append(found == after)
        entries = kept(saved).entries()
        assert entries or found == before
        if entries:  # also where the import was rolled back: then there is nothing to do
            undo(mixed, saved)
        assert mixed.image() == before, statements.seen[at - 1]
    assert {True, False} == set(outcomes)
