"""What a killed ``export --prove`` leaves behind, a later one removes: once it is old enough to be
nobody's, and nothing else."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live
from safety.fault_injection import injecting
from safety.test_killed_imports import die

# MariaDB's scratch databases are the whole server's: other tests make some at the same time.
TABLE = f"notes_{os.getpid()}"
EVERY = ("sqlite", "postgresql", "mariadb")
OLD = "demo_proof_20250119t115959_0123abcd"
# Of somebody else, or of nobody that can be told; the last is of the future.
OTHERS = (
    "demo_proof_notes",
    "demo_proof_20250119",
    "xdemo_proof_20250119t115959_0123abcd",
    "demo_proof_20250119t115959_0123abcde",
    "demo_proof_29990119t115959_0123abcd",
)


@pytest.fixture(autouse=True)
def scratch_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "scratch"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(f'[tables.{TABLE}]\nmarker = "demo"\n', encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(
        f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, demo BOOLEAN, body TEXT)",
        f"INSERT INTO {TABLE} VALUES (1, TRUE, 'one'), (2, FALSE, 'real')",
    )
    return live


def there(live: Live, scratch: Path) -> set[str]:
    found = {path.name for path in scratch.iterdir()}
    if live.engine == "postgresql":
        query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%demo_proof%'"
        found |= {row[0] for row in live.rows(query)}
    elif live.engine == "mariadb":
        query = f"SELECT table_schema FROM information_schema.tables WHERE table_name = '{TABLE}'"
        found |= {row[0] for row in live.rows(query)}
    return found


def leave(live: Live, scratch: Path, name: str) -> None:
    if live.engine == "sqlite":
        (scratch / name).mkdir()
        (scratch / name / "scratch.sqlite").touch()
    else:
        kind = "SCHEMA" if live.engine == "postgresql" else "DATABASE"
        live.run(
            f'CREATE {kind} "{name}"', f'CREATE TABLE "{name}".{TABLE} (id INTEGER PRIMARY KEY)'
        )


def remove(live: Live, names: set[str]) -> None:
    for name in names if live.engine == "mariadb" else ():
        live.run(f'DROP DATABASE IF EXISTS "{name}"')


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@engines(*EVERY)
def test_what_a_killed_proof_leaves_is_named_by_its_moment(
    live: Live, demo: Demo, scratch_directory: Path
) -> None:
    before = there(live, scratch_directory)
    with injecting() as statements:
        demo.export(live, prove=True)
    # The import into the scratch database is at work.
    at = statements.writing[1]
    child = os.fork()
    if child == 0:
        try:
            with injecting(at, die):
                demo.export(live, prove=True, auto_version=True)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = there(live, scratch_directory) - before
    try:
        assert left
        for name in left:
            assert re.fullmatch(r"demo_proof_\d{8}t\d{6}_[0-9a-z_]{8}", name)
        # It might be at work still.
        assert demo.export(live, prove=True, auto_version=True).proof is not None
        assert left <= there(live, scratch_directory)
    finally:
        remove(live, left)


@engines(*EVERY)
def test_what_is_older_than_a_day_is_removed_and_nothing_else(
    live: Live, demo: Demo, scratch_directory: Path
) -> None:
    leave(live, scratch_directory, OLD)
    for name in OTHERS:
        leave(live, scratch_directory, name)
    try:
        assert demo.export(live, prove=True).proof is not None
        found = there(live, scratch_directory)
        assert OLD not in found
        assert set(OTHERS) <= found
    finally:
        remove(live, {OLD, *OTHERS})


@engines("sqlite")
def test_a_link_of_such_a_name_is_not_followed(
    live: Live, demo: Demo, scratch_directory: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    (scratch_directory / OLD).symlink_to(kept)
    (scratch_directory / OLD.replace("abcd", "abce")).touch()
    demo.export(live, prove=True)
    assert (kept / "file").exists()
    assert len(list(scratch_directory.iterdir())) == 2


@engines("postgresql", "mariadb")
def test_what_may_not_be_removed_keeps_nobody_from_proving(live: Live, demo: Demo) -> None:
    from sqlalchemy.engine import make_url

    url = make_url(live.url)
    user = f"prover_{url.database}"[:30]
    name = OLD.replace("abcd", f"{os.getpid() % 10000:04}")
    if live.engine == "postgresql":
        live.run(
            f'CREATE USER "{user}"',
            f'GRANT CREATE ON DATABASE "{url.database}" TO "{user}"',
            f'GRANT SELECT ON {TABLE} TO "{user}"',
            f'CREATE SCHEMA "{name}"',
            f'GRANT ALL ON SCHEMA "{name}" TO "{user}"',
        )
    else:
        live.run(
            f"CREATE USER '{user}'@'%'",
            f"GRANT SELECT, CREATE TEMPORARY TABLES ON `{url.database}`.* TO '{user}'@'%'",
            f"GRANT ALL ON `demo\\_proof\\_2%`.* TO '{user}'@'%'",
            f'CREATE DATABASE "{name}"',
            f"GRANT SELECT ON `{name}`.* TO '{user}'@'%'",
        )
    prover = Live(url.set(username=user, password=None).render_as_string(hide_password=False))
    try:
        assert demo.export(prover, prove=True).proof is not None
        if live.engine == "postgresql":
            query = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{name}'"
            assert live.value(query) == 1
    finally:
        if live.engine == "postgresql":
            live.run(f'DROP SCHEMA "{name}"', f'DROP OWNED BY "{user}"', f'DROP USER "{user}"')
        else:
            live.run(f'DROP DATABASE IF EXISTS "{name}"', f"DROP USER '{user}'@'%'")


@engines(*EVERY)
def test_proofs_at_once_leave_one_another_alone(live: Live, demo: Demo, tmp_path: Path) -> None:
    demos = [Demo(tmp_path / f"store{n}", demo.configuration) for n in range(4)]
    with ThreadPoolExecutor(len(demos)) as threads:
        results = list(threads.map(lambda each: each.export(live, prove=True), demos))
    assert all(result.proof is not None for result in results)
