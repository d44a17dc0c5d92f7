"""Several at once, on real databases: nobody sees half an import, and nothing anyone wrote is
lost."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from safety.fault_injection import injecting
from safety.mixed_database import REAL, MixedDatabase, Snapshots, snapshots

from demo_snapshots.engines.mariadb import session as mariadb
from demo_snapshots.engines.postgresql import session as postgresql
from demo_snapshots.engines.sqlite import session as sqlite
from demo_snapshots.errors import DatabaseBusyError, RealRowsError

EVERY = ("sqlite", "postgresql", "mariadb")
VISIT = "INSERT INTO visits (id, vault_id, who) VALUES ({}, 1, 'late')"
"""Under vault 1, which is a demo row that the new snapshot does not bring back."""


@pytest.fixture
def mixed(database_url: str) -> MixedDatabase:
    return MixedDatabase.built(database_url)


@pytest.fixture
def saved(mixed: MixedDatabase, tmp_path: Path) -> Snapshots:
    return snapshots(mixed, tmp_path)


class Writer(threading.Thread):
    """Runs one statement on a connection of its own; ``error`` if it was refused."""

    def __init__(self, mixed: MixedDatabase, statement: str) -> None:
        super().__init__()
        self._mixed, self._statement = mixed, statement
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._mixed.live.run(self._statement)
        except Exception as error:
            self.error = error


@engines(*EVERY)
def test_a_real_row_added_before_the_check_is_seen(mixed: MixedDatabase, saved: Snapshots) -> None:
    with injecting() as statements:
        saved.demo.load(mixed.live, saved.new)
    saved.demo.load(mixed.live, saved.old)
    for number, at in enumerate((1, statements.begin, statements.writing.start)):

        def visit(raw: Any, number: int = number) -> None:
            mixed.live.run(VISIT.format(5000 + number))

        with injecting(at, visit), pytest.raises(RealRowsError, match="visits"):
            saved.demo.load(mixed.live, saved.new)
        assert mixed.live.value(f"SELECT count(*) FROM visits WHERE id = {5000 + number}") == 1
        mixed.live.run(f"DELETE FROM visits WHERE id = {5000 + number}")


@engines(*EVERY)
def test_a_real_row_added_after_the_check_waits(mixed: MixedDatabase, saved: Snapshots) -> None:
    """The writer is let loose at every seventh statement once the locks are held."""
    saved.demo.load(
        mixed.live, saved.old
    )  # or the first import would set sequences, and later none
    with injecting() as statements:
        saved.demo.load(mixed.live, saved.new)
    after = mixed.image()
    locks = 2 + (4 if mixed.live.engine == "mariadb" else 0)
    for at in range(statements.writing.start + locks, statements.commit, 7):
        saved.demo.load(mixed.live, saved.old)
        writer = Writer(mixed, VISIT.format(5000))

        def let_loose(raw: Any, writer: Writer = writer) -> None:
            writer.start()
            writer.join(0.05)
            assert writer.is_alive(), "the writer did not wait"

        with injecting(at, let_loose):
            saved.demo.load(mixed.live, saved.new)
        assert writer.ident is not None, f"statement {at} was never sent"
        writer.join(20)
        assert not writer.is_alive()
        # Vault 1 was gone by then, and the foreign key refused the visit.
        assert writer.error is not None
        assert mixed.image() == after


@engines(*EVERY)
def test_who_exports_or_writes_meanwhile_sees_one_state(
    mixed: MixedDatabase, saved: Snapshots, tmp_path: Path
) -> None:
    stop, errors = threading.Event(), []
    written: list[int] = []
    digests: set[str] = set()

    def write() -> None:
        with mixed.live.connection() as raw, closing(raw.cursor()) as cursor:
            if mixed.live.engine == "sqlite":
                cursor.execute("PRAGMA busy_timeout = 30000")
            for number in range(2000, 9000):
                if stop.is_set():
                    return
                cursor.execute(
                    "INSERT INTO vaults (id, name, visited, metadata)"
                    f" VALUES ({number}, 'Real {number}', 0, '{REAL}')"
                )
                written.append(number)
                time.sleep(0.01)

    def export() -> None:
        while not stop.is_set():
            result = saved.demo.export(mixed.live, auto_version=True)
            digests.add(result.digest)

    def noted(job: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                job()
            except Exception as error:
                errors.append(error)

        return run

    threads = [threading.Thread(target=noted(job)) for job in (write, export)]
    for thread in threads:
        thread.start()
    try:
        turn = 0
        # Until the writer, who waits for each import, got in between some of them.
        while turn < 12 or (len(written) < 4 and turn < 200):
            saved.demo.load(mixed.live, (saved.new, saved.old)[turn % 2])
            turn += 1
            demo_rows = mixed.demo_image()
            assert len(demo_rows["vaults"]) == 3
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert errors == []
    there = [
        row[0] for row in mixed.live.rows("SELECT id FROM vaults WHERE id >= 2000 ORDER BY id")
    ]
    assert there == written
    assert len(written) > 3
    # A state between the old demo and the new one would have a digest of its own.
    expected = {digest(path) for path in (saved.old, saved.new)}
    assert digests
    assert digests <= expected


def digest(path: Path) -> str:
    return path.read_text("utf-8").rpartition("sha256:")[2].split("\n")[0]


# --- Locks -----------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for locks for one second instead of thirty."""
    monkeypatch.setattr(sqlite, "LOCK_WAIT_SECONDS", 1)
    monkeypatch.setitem(postgresql._SETTINGS, "lock_timeout", "1s")
    monkeypatch.setitem(mariadb._SETTINGS, "innodb_lock_wait_timeout", "1")
    monkeypatch.setitem(mariadb._SETTINGS, "lock_wait_timeout", "1")


@contextmanager
def held(mixed: MixedDatabase) -> Iterator[Callable[[], None]]:
    """Another connection has changed a row and not committed; yields what ends that."""
    with mixed.live.connection() as raw, closing(raw.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE" if mixed.live.engine == "sqlite" else "BEGIN")
        cursor.execute("UPDATE vaults SET visited = 7 WHERE id = 1001")
        yield lambda: cursor.execute("ROLLBACK")


@engines(*EVERY)
@pytest.mark.usefixtures("impatient")
def test_a_lock_is_waited_for_and_then_reported(mixed: MixedDatabase, saved: Snapshots) -> None:
    before = mixed.image()
    with held(mixed):
        began = time.monotonic()
        with pytest.raises(DatabaseBusyError) as caught:
            saved.demo.load(mixed.live, saved.new)
        assert 0.9 < time.monotonic() - began < 15
        assert caught.value.exit_code == 6
    assert mixed.image() == before


@engines(*EVERY)
def test_a_lock_that_is_given_back_in_time_is_no_failure(
    mixed: MixedDatabase, saved: Snapshots
) -> None:
    with held(mixed) as give_back:
        importing = threading.Thread(target=lambda: saved.demo.load(mixed.live, saved.new))
        importing.start()
        importing.join(0.4)
        assert importing.is_alive()
        give_back()
        importing.join(20)
        assert not importing.is_alive()
    assert [row[1] for row in mixed.demo_image()["vaults"]] == ["Demo 1", "Demo 3", "Demo 4"]


# --- Sixteen exports -------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@engines(*EVERY)
def test_sixteen_processes_export_at_once(mixed: MixedDatabase, saved: Snapshots) -> None:
    before = {entry.version.number for entry in saved.demo.store.entries()}
    children = []
    for _ in range(16):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if saved.demo.export(mixed.live, auto_version=True).written else 2
            finally:
                os._exit(status)
        children.append(child)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert statuses == [0] * 16
    listing = saved.demo.store.listing()
    assert listing.notes == ()
    numbers = sorted(entry.version.number for entry in saved.demo.store.entries())
    assert numbers == list(range(1, max(before) + 17))
    manifest = json.loads(
        (saved.demo.directory / "metadata" / "export_manifest.json").read_text("utf-8")
    )
    assert all(f"v{number}_" in json.dumps(manifest) for number in numbers)
