"""Parts written by the workers of a Dask cluster: the same rows, and a worker that dies costs only
its part."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.live import NOW, Demo, Live
from object_servers import CERTIFICATES

from demo_snapshots.documents.opening import describe, reading
from demo_snapshots.errors import ExportError, UsageError
from demo_snapshots.operations import workers
from demo_snapshots.operations.export import export_scenario
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store import open_store

distributed = pytest.importorskip("distributed")

# What Dask and its event loops warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = 60_000
PASSWORD = "very-secret-word"


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(
        '[tables.papers]\nmarker = "is_demo"\n\n[tables.pages]\nfollows = "paper"\n',
        encoding="utf-8",
    )
    return Demo(tmp_path / "snapshots", configuration)


@pytest.fixture
def live(postgresql_url: str) -> Live:
    live = Live(postgresql_url)
    live.run(
        "CREATE TABLE papers (name TEXT PRIMARY KEY, is_demo BOOLEAN, title TEXT)",
        "CREATE TABLE pages (paper TEXT NOT NULL REFERENCES papers, page INTEGER,"
        " PRIMARY KEY (paper, page))",
        "INSERT INTO papers SELECT md5(n::text), TRUE, repeat(n::text, 9)"
        f" FROM generate_series(1, {ROWS // 2}) n",
        f"INSERT INTO pages SELECT md5(n::text), n % 7 FROM generate_series(1, {ROWS // 2}) n",
    )
    return live


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers, each a process."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=False
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client


def _lead(client: Any, url: str) -> None:
    """Have the workers know the database by their own environment."""
    client.run(lambda: os.environ.update(DATABASE_URL=url))


def _whole(path: Path) -> bytes:
    with reading(path) as stream:
        return stream.read()


def test_the_parts_are_a_single_export_though_a_worker_is_killed(
    client, live, demo, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", live.url)  # for the worker that is started anew
    _lead(client, live.url)
    single = Demo(tmp_path / "single", demo.configuration).export(live)
    address = client.scheduler.address
    first = demo.export(live, dask=address)
    assert (first.parts, first.digest) == (4, single.digest)
    assert _whole(first.path) == single.path.read_bytes()
    assert verify_exports(demo.store).valid

    told = 3
    there_then: dict[Path, int] = {}

    def kill(what: str, done: int, total: int) -> None:
        if done == told:
            there_then.update((p, p.stat().st_mtime_ns) for p in there.glob("*_part_*"))
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

    again = Demo(tmp_path / "again", demo.configuration)
    there = again.directory / "general"
    second = again.export(live, dask=address, parts=12, progress=kill)
    assert (second.parts, second.digest) == (12, single.digest)
    assert _whole(second.path) == single.path.read_bytes()
    written_once = [path for path, when in there_then.items() if path.stat().st_mtime_ns == when]
    assert len(written_once) >= told, "what had been told of is not made again"
    with again.store.lock():
        pass
    assert again.store.stale() == ()


def test_they_are_written_into_a_bucket(client, live, demo, bucket_url):
    known = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

    def lead() -> None:
        os.environ.update(known, DATABASE_URL=live.url)
        for name in CERTIFICATES:
            os.environ.pop(name, None)

    client.run(lead)
    bucket, address = open_store(bucket_url, describe), client.scheduler.address
    saved = export_scenario("general", demo.config(live), bucket, now=NOW, dask=address)
    assert saved.parts == 4
    assert saved.digest == demo.export(live).digest
    assert verify_exports(bucket).valid


def test_what_fails_elsewhere_is_told_and_leaves_nothing(client, live, demo):
    address = client.scheduler.address
    _lead(client, f"{live.url.replace('postgres@', f'postgres:{PASSWORD}@')}_not_there")
    with pytest.raises(ExportError, match=r"part \d: .*_not_there") as caught:
        demo.export(live, dask=address)
    logs = f"{client.get_worker_logs()} {client.get_scheduler_logs()}"
    assert PASSWORD not in f"{caught.value} {caught.value.hint} {logs}"
    _lead(client, "sqlite:///:memory:")
    with pytest.raises(ExportError, match="which is not the one exported") as caught:
        demo.export(live, dask=address)
    assert "Set DATABASE_URL where the workers run" in str(caught.value.hint)
    assert not list(demo.directory.rglob("*.sql*"))


def test_what_cannot_be_done_with_workers_is_refused(demo, live, sqlite_url):
    Live(sqlite_url).run(
        "CREATE TABLE papers (name TEXT PRIMARY KEY, is_demo BOOLEAN)",
        "CREATE TABLE pages (paper TEXT REFERENCES papers, page INTEGER)",
        "INSERT INTO papers VALUES ('a', TRUE)",
    )
    with pytest.raises(UsageError, match="no other connection can see the state"):
        demo.export(Live(sqlite_url), dask="tcp://127.0.0.1:1")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, processes=False) as empty,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(workers, "_WAIT", 1.0)
        with pytest.raises(ExportError, match="has no worker"):
            demo.export(live, dask=empty.scheduler_address, parts=3)
        patch.setattr(workers, "_WAIT", 0.2)
        with pytest.raises(ExportError, match="no Dask scheduler answers"):
            demo.export(live, dask="tcp://127.0.0.1:1")
    with pytest.raises(UsageError, match="not the address of a Dask scheduler") as caught:
        demo.export(live, dask=f"tcp://me:{PASSWORD}@scheduler:8786")
    assert PASSWORD not in str(caught.value)
