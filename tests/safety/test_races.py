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
from safety.stumbling import stumbling
from safety.town import REAL, Snapshots, Town, snapshots

from demo_snapshots.database.dialects import mariadb, postgresql, sqlite
from demo_snapshots.errors import DatabaseBusyError, RealRowsError

EVERY = ("sqlite", "postgresql", "mariadb")
VISIT = "INSERT INTO visits (id, vault_id, who) VALUES ({}, 1, 'late')"
"""Under vault 1, which is a demo row that the new snapshot does not bring back."""


@pytest.fixture
def town(database_url: str) -> Town:
    return Town.built(database_url)


@pytest.fixture
def saved(town: Town, tmp_path: Path) -> Snapshots:
    return snapshots(town, tmp_path)


class Writer(threading.Thread):
    """Runs one statement on a connection of its own; ``error`` if it was refused."""

    def __init__(self, town: Town, statement: str) -> None:
        super().__init__()
        self._town, self._statement = town, statement
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._town.live.run(self._statement)
        except Exception as error:
            self.error = error


@engines(*EVERY)
def test_a_real_row_added_before_the_check_is_seen(town: Town, saved: Snapshots) -> None:
    with stumbling() as statements:
        saved.demo.load(town.live, saved.new)
    saved.demo.load(town.live, saved.old)
    for number, at in enumerate((1, statements.begin, statements.writing.start)):

        def visit(raw: Any, number: int = number) -> None:
            town.live.run(VISIT.format(5000 + number))

        with stumbling(at, visit), pytest.raises(RealRowsError, match="visits"):
            saved.demo.load(town.live, saved.new)
        assert town.live.value(f"SELECT count(*) FROM visits WHERE id = {5000 + number}") == 1
        town.live.run(f"DELETE FROM visits WHERE id = {5000 + number}")


@engines(*EVERY)
def test_a_real_row_added_after_the_check_waits(town: Town, saved: Snapshots) -> None:
    """The writer is let loose at every seventh statement once the locks are held."""
    with stumbling() as statements:
        saved.demo.load(town.live, saved.new)
    after = town.image()
    locks = 2 + (4 if town.live.engine == "mariadb" else 0)
    for at in range(statements.writing.start + locks, statements.commit, 7):
        saved.demo.load(town.live, saved.old)
        writer = Writer(town, VISIT.format(5000))

        def let_loose(raw: Any, writer: Writer = writer) -> None:
            writer.start()
            writer.join(0.05)
            assert writer.is_alive(), "the writer did not wait"

        with stumbling(at, let_loose):
            saved.demo.load(town.live, saved.new)
        writer.join(20)
        assert not writer.is_alive()
        # Vault 1 was gone by then, and the foreign key refused the visit.
        assert writer.error is not None
        assert town.image() == after


@engines(*EVERY)
def test_who_exports_or_writes_meanwhile_sees_one_state(
    town: Town, saved: Snapshots, tmp_path: Path
) -> None:
    stop, errors = threading.Event(), []
    written: list[int] = []
    digests: set[str] = set()

    def write() -> None:
        with town.live.connection() as raw, closing(raw.cursor()) as cursor:
            if town.live.engine == "sqlite":
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
            result = saved.demo.export(town.live, auto_version=True)
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
            saved.demo.load(town.live, (saved.new, saved.old)[turn % 2])
            turn += 1
            town_rows = town.demo_image()
            assert len(town_rows["vaults"]) == 3
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert errors == []
    there = [row[0] for row in town.live.rows("SELECT id FROM vaults WHERE id >= 2000 ORDER BY id")]
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
    limit = "SET lock_timeout = '1s'"
    monkeypatch.setattr(postgresql, "_SESSION", (*postgresql._SESSION, limit))
    limit = "SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"
    monkeypatch.setattr(mariadb, "_SESSION", (*mariadb._SESSION, limit))


@contextmanager
def held(town: Town) -> Iterator[Callable[[], None]]:
    """Another connection has changed a row and not committed; yields what ends that."""
    with town.live.connection() as raw, closing(raw.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE" if town.live.engine == "sqlite" else "BEGIN")
        cursor.execute("UPDATE vaults SET visited = 7 WHERE id = 1001")
        yield lambda: cursor.execute("ROLLBACK")


@engines(*EVERY)
@pytest.mark.usefixtures("impatient")
def test_a_lock_is_waited_for_and_then_reported(town: Town, saved: Snapshots) -> None:
    before = town.image()
    with held(town):
        began = time.monotonic()
        with pytest.raises(DatabaseBusyError) as caught:
            saved.demo.load(town.live, saved.new)
        assert 0.9 < time.monotonic() - began < 15
        assert caught.value.exit_code == 6
    assert town.image() == before


@engines(*EVERY)
def test_a_lock_that_is_given_back_in_time_is_no_failure(town: Town, saved: Snapshots) -> None:
    with held(town) as give_back:
        importing = threading.Thread(target=lambda: saved.demo.load(town.live, saved.new))
        importing.start()
        importing.join(0.4)
        assert importing.is_alive()
        give_back()
        importing.join(20)
        assert not importing.is_alive()
    assert [row[1] for row in town.demo_image()["vaults"]] == ["Demo 1", "Demo 3", "Demo 4"]


# --- Sixteen exports -------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@engines(*EVERY)
def test_sixteen_processes_export_at_once(town: Town, saved: Snapshots) -> None:
    before = {entry.version.number for entry in saved.demo.store.entries()}
    children = []
    for _ in range(16):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if saved.demo.export(town.live, auto_version=True).written else 2
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
