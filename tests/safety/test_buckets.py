"""Buckets on a real server: connections that break anywhere, processes at once, servers that
cannot be used."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import obstore
import pytest
from click.testing import CliRunner
from object_servers import KEY, SECRET
from obstore.store import MemoryStore
from safety.bucket_proxy import Fault, Proxy, proxy

from demo_snapshots import open_project
from demo_snapshots.cli import demo
from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.operations.export import export_scenario
from demo_snapshots.project import Project
from demo_snapshots.store import open_store
from demo_snapshots.store.backends import lease, locations
from demo_snapshots.store.backends.bucket import BucketBackend
from demo_snapshots.store.backends.cache import Cache
from demo_snapshots.store.backends.objects import PART, Objects, TakenError

EVERY = int(os.environ.get("DEMO_EVERY_REQUEST", "6"))
"""Which requests fail; read here, for the tests themselves run without such variables."""
CONFIGURATION = "[tables.tours]\nwhere = 'demo = 1'\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and leases as ever, only shorter."""
    backoff = {
        "init_backoff": timedelta(milliseconds=1),
        "max_backoff": timedelta(milliseconds=5),
        "base": 2,
    }
    monkeypatch.setitem(locations._RETRY, "backoff", backoff)
    monkeypatch.setattr(lease, "LEASE", 0.5)
    monkeypatch.setattr(lease, "_RENEWAL", 0.1)


@pytest.fixture
def project(bucket_url: str, tmp_path: Path) -> Project:
    path = tmp_path / "tours.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE tours (id INTEGER PRIMARY KEY, name TEXT, demo INTEGER)")
        raw.executemany("INSERT INTO tours VALUES (?, ?, 1)", [(i, f"tour {i}") for i in range(9)])
    raw.close()
    (tmp_path / "demo.toml").write_text(CONFIGURATION, encoding="utf-8")
    return open_project(tmp_path, database=f"sqlite:///{path}", snapshots=bucket_url)


@pytest.fixture
def between(bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What the environment leads to from now on."""
    port = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port
    assert port is not None
    with proxy(port) as passing:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{passing.port}")
        yield passing


def again(project: Project) -> Project:
    """As another process sees it."""
    return Project(project.config)


def numbers(project: Project) -> list[int]:
    (scenario,) = again(project).list_exports().scenarios
    return [entry.version.number for entry in reversed(scenario.entries)]


def test_an_export_whose_requests_fail_leaves_no_version_or_a_whole_one(
    impatient: None, between: Proxy, project: Project
) -> None:
    project.export("general", auto_version=True)
    with between.failing() as requests:
        again(project).export("general", auto_version=True)
    known = numbers(project)
    saved = failed = 0
    faults = [*Fault][:6]
    for turn, at in enumerate(range(1, len(requests) + 1, EVERY)):
        fault = faults[turn % len(faults)]
        lasting = turn // len(faults) % 2 == 1 and fault is not Fault.SLOW
        with between.failing(at, fault, lasting=lasting):
            try:
                result = again(project).export("general", auto_version=True)
            except StoreError:
                failed += 1
                # A listing whose answer breaks off is not asked for again.
                assert lasting or fault is Fault.HALF, requests[at - 1]
            else:
                saved += 1
                assert result.version.number > known[-1]
        found = numbers(project)
        assert found[: len(known)] == known
        assert len(found) <= len(known) + 1
        known = found
    assert saved
    assert failed
    final = again(project).export("general", auto_version=True)
    assert final.version.number > known[-1]
    assert again(project).verify().valid


def test_a_version_that_is_large_goes_up_whole_or_leaves_no_part(
    impatient: None,
    between: Proxy,
    bucket_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    prefix = urlsplit(bucket_url).path[1:]
    content = os.urandom(1 << 20) * 12
    assert len(content) > 2 * PART

    def put(key: str) -> None:
        backend = BucketBackend(*locations.open_bucket(bucket_url), Cache(tmp_path / "cache"))
        with backend.upload(key) as upload:
            upload.write(content)
            upload.finish()
            upload.place()

    with between.failing() as requests:
        put("general/first")
    whole = len(requests)
    assert sum(request.startswith("PUT") for request in requests) == 3
    with pytest.raises(StoreError, match="exists"):
        put("general/first")
    for at in range(1, whole + 1):
        with between.failing(at, Fault.CUT if at % 2 else Fault.UNANSWERED):
            put(f"general/{at}")
    found = client.list_objects_v2(Bucket="demo", Prefix=prefix)["Contents"]
    assert [item["Size"] for item in found] == [len(content)] * (1 + whole)
    # The answer that was lost may have been the name of an upload: it has no parts, then.
    for upload in client.list_multipart_uploads(Bucket="demo", Prefix=prefix).get("Uploads", []):
        name = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
        assert "Parts" not in client.list_parts(Bucket="demo", **name)
    monkeypatch.setitem(locations._RETRY, "max_retries", 0)
    with between.failing(whole, Fault.UNANSWERED):
        put("general/there all the same")
    found = client.list_objects_v2(Bucket="demo", Prefix=prefix)["Contents"]
    with between.failing(4, Fault.FAILED, lasting=True), pytest.raises(StoreError, match="failed"):
        put("general/never")
    assert len(client.list_objects_v2(Bucket="demo", Prefix=prefix)["Contents"]) == len(found)


def test_a_download_goes_on_where_it_broke_and_is_checked(
    impatient: None,
    between: Proxy,
    bucket_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = os.urandom(1 << 20) * 12
    monkeypatch.setitem(locations._RETRY, "max_retries", 0)
    bucket, place = locations.open_bucket(bucket_url)
    obstore.put(bucket, "general/x", content)
    sha256 = hashlib.sha256(content).hexdigest()
    backend = BucketBackend(bucket, place, Cache(tmp_path / "cache"))
    for at in (2, 3, 4):
        with (
            between.failing(at, Fault.HALF) as requests,
            backend.source("general/x").open() as stream,
        ):
            assert stream.read() == content
        assert len(requests) == 5, "the state, three blocks, and one of them again"
    with (
        between.failing() as requests,
        backend.source("general/x", sha256).open() as stream,
    ):
        assert stream.read() == content
    assert requests == []
    cached = tmp_path / "cache" / sha256
    cached.write_bytes(b"altered")
    fresh = BucketBackend(bucket, place, Cache(tmp_path / "cache"))
    with fresh.source("general/x", sha256).open() as stream:
        assert stream.read() == content
    obstore.put(bucket, "general/x", content[:-1] + b"x")
    other = BucketBackend(bucket, place, Cache(None))
    with pytest.raises(StoreError, match="another SHA-256"):
        other.source("general/x", sha256).open()


def test_eight_processes_that_export_at_once_get_consecutive_versions(
    project: Project, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "demo_snapshots", "export", "general", "--auto-version"]
    options = ["--json", f"--database={project.config.database}"]
    options.append(f"--snapshots={project.config.snapshots}")
    processes = [
        subprocess.Popen([*command, *options], cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    versions = [json.loads(process.communicate()[0])["version"] for process in processes]
    assert sorted(int(v.partition("_")[0][1:]) for v in versions) == list(range(1, 9))
    assert numbers(project) == list(range(1, 9))
    assert project.list_exports().notes == ()
    assert project.verify().valid


def test_who_has_lost_the_lease_unnoticed_gets_no_number_of_another(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both hold it, as after one of them stood still: the first to claim has the number."""
    one, other = again(project), again(project)
    monkeypatch.setattr(lease.Lease, "acquire", lambda self, timeout: None)
    with one.store.lock():
        number = one.store.next_number("general")
        theirs = other.export("general")
        assert theirs.version.number == number
        monkeypatch.setattr(one.store, "next_number", lambda scenario: number)
        for later in (timedelta(0), timedelta(days=1)):  # the day is part of the key
            moment = one.clock() + later
            with pytest.raises(StoreError, match="another version has got the number 1"):
                export_scenario("general", one.config, one.store, now=moment, auto_version=True)
    assert numbers(project) == [1]


def test_what_a_dead_process_holds_comes_free(impatient: None, project: Project) -> None:
    project.export("general")
    dead = again(project).store._backend
    assert isinstance(dead, BucketBackend)
    dead._lease.acquire(1)
    dead._lease._over.set()  # it renews no more
    with pytest.raises(StoreBusyError), again(project).store.lock(0.1):
        pass
    assert again(project).export("general", auto_version=True).version.number == 2
    with pytest.raises(StoreBusyError, match="stood still"):
        dead.delete("general/general_v1")


def test_a_number_that_was_claimed_in_vain_is_passed_over(project: Project) -> None:
    project.export("general")
    backend = project.store._backend
    assert backend.claim("general_v2", "a process that died")
    assert again(project).export("general", auto_version=True).version.number == 3
    assert project.verify().valid


def test_what_cannot_be_used_is_told_with_a_status_and_no_secret(
    impatient: None, between: Proxy, project: Project, tmp_path: Path
) -> None:
    project.export("general")
    url = project.config.snapshots
    here = str(tmp_path / "here")
    open_project(tmp_path, database=project.config.database, snapshots=here).export("general")

    def told(
        status: int,
        *command: str,
        snapshots: str = url,
        fault: Fault | None = None,
        **environment: str,
    ) -> str:
        options = [f"--database={project.config.database}", f"--snapshots={snapshots}", "-vv"]
        with between.failing(1 if fault else 0, fault or Fault.CUT, lasting=True):
            result = CliRunner().invoke(
                demo, [*options, *(command or ("list-exports",))], env=environment
            )
        assert result.exit_code == status, result.output
        for secret in (SECRET, "WrongHorse", "SessionSecret"):
            assert secret not in result.output
        return result.output

    assert "no such bucket" in told(34, snapshots="s3://nowhere/x")
    assert "no such bucket" in told(34, "repair", snapshots="s3://nowhere/x")
    nowhere = "s3://nowhere/x"
    for command in ("restore", nowhere), ("backup", f"{nowhere}.tar"):
        assert "no such bucket" in told(34, *command, snapshots=here)
    for name in ("push", "pull"):
        assert "no such bucket" in told(34, name, f"--bucket={nowhere}", snapshots=here)
    assert "no such bucket" in told(34, "import", "general", "--yes", snapshots=nowhere)
    assert "no such bucket" in told(34, "export", "general", snapshots=nowhere)
    for command in ("push", f"--bucket={url}"), ("backup", f"{url}/x.tar"):
        said = told(33, *command, snapshots=here, AWS_ACCESS_KEY_ID="reader")
        assert "permission denied" in said
    said = told(33, "export", "general", "--auto-version", AWS_ACCESS_KEY_ID="reader")
    assert "permission denied" in said
    assert "refused" in told(33, AWS_ACCESS_KEY_ID="nobody")
    assert "refused" in told(33, AWS_SECRET_ACCESS_KEY="WrongHorse")
    assert "general" in told(0, AWS_ACCESS_KEY_ID="reader")
    assert "permission denied" in told(33, "repair", AWS_ACCESS_KEY_ID="reader")
    token = {"AWS_SESSION_TOKEN": "SessionSecret"}
    assert "have expired" in told(33, fault=Fault.EXPIRED, **token)
    assert "clocks" in told(33, fault=Fault.SKEWED, **token)
    # And as the server itself sees it.
    assert "clocks" in told(33, fault=Fault.LATE)
    assert "could not be reached" in told(32, fault=Fault.CUT)
    assert "(503)" in told(32, fault=Fault.THROTTLED)
    assert "could not be reached" in told(32, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert "not a bucket" in told(2, snapshots=f"s3://me:{SECRET}@demo/x?secret={SECRET}")
    assert "demo" in told(0, "config", snapshots=f"s3://me:{SECRET}@demo/x?secret={SECRET}")
    assert "no certificates" in told(30, SSL_CERT_FILE=os.devnull)
    assert numbers(project) == [1]


def test_credentials_may_stand_in_the_usual_files(
    bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = f"aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "credentials").write_text(f"[team]\n{keys}", encoding="utf-8")
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    (tmp_path / "config").write_text(
        f"[profile team]\nregion = us-east-1\nendpoint_url = {endpoint}\n", encoding="utf-8"
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert open_store(bucket_url, describe, cache=False).scenarios() == ()
    (tmp_path / "credentials").write_text(f"[team\n{keys}", encoding="utf-8")
    with pytest.raises(StoreError, match="can be read") as error:
        open_store(bucket_url, describe)
    assert SECRET not in str(error.value)


class Unconditional(Objects):
    """A server that takes every write, as some old ones do."""

    def __init__(self, bucket: MemoryStore) -> None:
        super().__init__(bucket, "s3://old")

    def _put_if(self, key, content, mode):
        return super()._put_if(key, content, "overwrite")


def test_a_server_that_ignores_conditions_is_read_and_not_written() -> None:
    backend = BucketBackend(MemoryStore(), "s3://old", Cache(None))
    backend._objects = Unconditional(MemoryStore())
    backend._lease = lease.Lease(backend._objects, "metadata/.lease")
    with pytest.raises(StoreError, match="ignores the conditions"), backend.lock(1):
        pass
    assert backend.look("general") is None


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=250)
    digests = []
    for number in range(4):
        sha256, file = cache.fetch(iter([bytes([number]) * 100]), lambda sha256: None)
        file.close()
        os.utime(tmp_path / sha256, (number, number))
        digests.append(sha256)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(digests[-2:])
    (tmp_path / "file").write_bytes(b"")
    elsewhere = Cache(tmp_path / "file" / "cannot be made")
    sha256, file = elsewhere.fetch(iter([b"content"]), lambda sha256: None)
    file.close()
    again = elsewhere.open(sha256)
    assert again is not None
    with again:
        assert again.read() == b"content"


def test_a_write_whose_answer_is_lost_is_looked_for(
    impatient: None, between: Proxy, bucket_url: str
) -> None:
    objects = Objects(*locations.open_bucket(bucket_url))
    with between.failing(1, Fault.UNANSWERED):
        tag = objects.create("a", b"1")
    with between.failing(1, Fault.UNANSWERED):
        objects.swap("a", b"2", tag)
    with between.failing(1, Fault.UNANSWERED), pytest.raises(TakenError):
        objects.create("a", b"3")
    with between.failing(1, Fault.UNANSWERED), pytest.raises(TakenError):
        objects.swap("a", b"3", tag)
    held = objects.get("a")
    assert held is not None
    assert held.content == b"2"
