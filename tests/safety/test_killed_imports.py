"""The process, the connection or the server dies at the n-th statement of an import, for all n.

Afterwards the database holds exactly the demo rows there were or exactly the snapshot's, every
real row, and every definition; and the next import does what it always does.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from safety.fault_injection import Statements, injecting
from safety.mixed_database import Image, MixedDatabase, Snapshots, snapshots

from demo_snapshots.errors import CommitInDoubtError, DatabaseError

EVERY = ("sqlite", "postgresql", "mariadb")
SERVERS = ("postgresql", "mariadb")


@pytest.fixture
def mixed(database_url: str) -> MixedDatabase:
    return MixedDatabase.built(database_url)


@pytest.fixture
def saved(mixed: MixedDatabase, tmp_path: Path) -> Snapshots:
    return snapshots(mixed, tmp_path)


@pytest.fixture(params=["over demo rows", "where there are none"])
def before(request: pytest.FixtureRequest, mixed: MixedDatabase, saved: Snapshots) -> Image:
    """The merging route, and the direct one."""
    if request.param != "over demo rows":
        mixed.clear()
    return mixed.image()


def rehearse(mixed: MixedDatabase, saved: Snapshots, before: Image) -> tuple[Image, Statements]:
    """The whole import: what it leaves, and the statements it takes. Undone again."""
    for _ in range(2):  # counters are brought forward only once
        with injecting() as statements:
            saved.demo.load(mixed.live, saved.new)
        after = mixed.image()
        assert after != before
        restore(mixed, saved, before)
    return after, statements


def restore(mixed: MixedDatabase, saved: Snapshots, before: Image) -> None:
    mixed.clear()
    if len(before["vaults"]) > 2:
        saved.demo.load(mixed.live, saved.old)
    assert mixed.image() == before


def places(statements: Statements) -> list[tuple[int, bool]]:
    """Before every statement of the writing transaction, and after its COMMIT; of those before
    it, which only look, every ninth."""
    looking = range(1, statements.writing.start, 9)
    found = [(n, False) for n in (*looking, *statements.writing)]
    assert statements.commit in statements.writing
    return [*found, (statements.commit, True)]


def attempt(
    mixed: MixedDatabase, saved: Snapshots, at: int, happen: Callable[[Any], None], *, after: bool
) -> DatabaseError | None:
    with injecting(at, happen, after=after):
        try:
            saved.demo.load(mixed.live, saved.new)
        except DatabaseError as error:
            return error
    return None


def die(raw: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@engines(*EVERY)
def test_a_killed_process_leaves_the_old_rows_or_the_new(
    mixed: MixedDatabase, saved: Snapshots, before: Image
) -> None:
    after, statements = rehearse(mixed, saved, before)
    outcomes = []
    for at, answered in places(statements):
        child = os.fork()
        if child == 0:
            try:
                attempt(mixed, saved, at, die, after=answered)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, (at, answered)
        found = mixed.image()
        assert found in (before, after), statements.seen[at - 1]
        outcomes.append(found == after)
        assert (found == after) == (at > statements.commit or answered)
        if found == after:
            restore(mixed, saved, before)
    assert {True, False} == set(outcomes)
    assert len(outcomes) > 10
    saved.demo.load(mixed.live, saved.new)
    assert mixed.image() == after


def hang_up(mixed: MixedDatabase, raw: Any) -> None:
    """End the session from the server's side, as an administrator or a failing network would."""
    if mixed.live.engine == "postgresql":
        mixed.live.run(f"SELECT pg_terminate_backend({raw.info.backend_pid}, 5000)")
    else:
        mixed.live.run(f"KILL CONNECTION {raw.thread_id()}")


@engines(*SERVERS)
def test_a_lost_connection_leaves_the_old_rows_and_is_told(
    mixed: MixedDatabase, saved: Snapshots, before: Image
) -> None:
    after, statements = rehearse(mixed, saved, before)
    for at, answered in places(statements):
        if at < statements.writing.start or at > statements.commit or answered:
            continue
        if (statements.commit - at) % 2:  # every second one, COMMIT among them
            continue
        error = attempt(mixed, saved, at, lambda raw: hang_up(mixed, raw), after=False)
        assert error is not None, statements.seen[at - 1]
        assert error.message.count("\n") == 0
        if at == statements.commit:
            # From here nobody can tell whether the server had heard it.
            assert isinstance(error, CommitInDoubtError)
        else:
            assert not isinstance(error, CommitInDoubtError)
            assert "Nothing was changed" in (error.hint or ""), statements.seen[at - 1]
        assert mixed.image() == before, statements.seen[at - 1]
    saved.demo.load(mixed.live, saved.new)
    assert mixed.image() == after


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a server of its own")
@pytest.mark.parametrize("engine", SERVERS)
def test_a_killed_server_comes_back_with_the_old_rows_or_the_new(
    engine: str, tmp_path: Path, own_server: Callable[[str], Any]
) -> None:
    server = own_server(engine)
    mixed = MixedDatabase.built(server.url)
    saved = snapshots(mixed, tmp_path)
    before = mixed.image()
    after, statements = rehearse(mixed, saved, before)
    writing = list(statements.writing)
    chosen = [(n, False) for n in writing[:: max(1, len(writing) // 5)]]
    outcomes = set()
    for at, answered in [*chosen, (statements.commit, False), (statements.commit, True)]:
        error = attempt(mixed, saved, at, lambda raw: server.kill(), after=answered)
        server.start()
        found = mixed.image()
        assert found in (before, after), statements.seen[at - 1]
        if error is None:
            assert found == after
        outcomes.add(found == after)
        if found == after:
            restore(mixed, saved, before)
    assert outcomes == {True, False}


@pytest.fixture
def own_server() -> Iterator[Callable[[str], Any]]:
    from safety.own_server import OwnServer

    started: list[OwnServer] = []

    def start(engine: str) -> OwnServer:
        started.append(OwnServer(engine))
        return started[-1]

    yield start
    for server in started:
        server.close()
