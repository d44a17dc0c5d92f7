"""Fixtures for tests on real databases.

``sqlite_url``, ``postgresql_url``, ``postgresql15_url``, ``mariadb_url``: an empty database.
``database_url``: the test runs once per engine; ``@engines("sqlite", "postgresql")`` chooses
which, and ``@engines(..., fixture="target_url")`` does the same for a second database.
``new_database("postgresql")``: as many more as a test likes.
``servers.database("postgresql")``: a context manager, for fixtures of wider scope.

A server that is not installed: the test is skipped, but fails where CI is set.

Each test is marked with the engines it opens databases on (``engine_markers.py``).
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sqlite3
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from database_engines import ENGINES, missing
from engine_markers import check_marked, mark_engines
from hypothesis import HealthCheck, settings
from object_servers import CERTIFICATES, environment
from server_engines import SERVERS, version
from servers import Run
from warm_demo import WarmDemo

SLOW_SECONDS = 900
# Each takes many processes or thousands of cases.
SLOW_PLACES = ("benchmarks", "browser", "faults", "safety", "test_docs.py")

_ROOM = 6 << 30


def _spare_the_machine() -> None:
    """Temporary files, those of the servers too, into memory where there is room: bringing them to
    the disk took half of the time. And no certificate authorities: PyMySQL loads them all for
    every connection, which takes longer than most of the tests' queries."""
    memory = Path("/dev/shm")
    is_there = "TMPDIR" not in os.environ and os.access(memory, os.W_OK)
    if is_there and shutil.disk_usage(memory).free > _ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)
    os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull


_spare_the_machine()

NewDatabase = Callable[[str], str]
_NUMBERS = count(1)
_RUN = pytest.StashKey[Run]()

# What would lead a test, or a client it starts, to another database or another kind of output.
_FOREIGN = (
    *("DATABASE_URL", "DEMO_", "APP_ENV", "PG", "MYSQL", "MARIADB", "NO_COLOR", "FORCE_COLOR"),
    *("AWS_", "AZURE_", "GOOGLE_", "XDG_CACHE_HOME"),
)


# A busy machine is no fault. `make fast`: enough to notice a slip; `make test` looks closer.
settings.register_profile("whole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("whole"), max_examples=15)
settings.load_profile("whole")


def pytest_configure(config: pytest.Config) -> None:
    _give_children_default_signals()
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.stash[_RUN] = Run()
    else:
        config.stash[_RUN] = Run(Path(given["servers"]), given["workerid"])


def _give_children_default_signals() -> None:
    """A signal that is ignored (SIGINT in a job of the background, SIGHUP under nohup) stays
    ignored in every program that is started; one that is handled is the default one there, says
    execve(2). So what this process was told to ignore is handled from now on: by doing nothing.
    SIGPIPE, which Python ignores, ``subprocess`` restores by itself.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        mark_engines(item)
        if item.path.relative_to(Path(__file__).parent).parts[0] in SLOW_PLACES:
            item.add_marker("slow")
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = str(node.config.stash[_RUN].directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_RUN].close()


def pytest_collection_finish() -> None:
    """What is there by now stays: the collector need not look at it again and again, and a forked
    process shares it."""
    gc.collect()
    gc.freeze()


def pytest_report_header(config: pytest.Config) -> str:
    found = [f"sqlite {sqlite3.sqlite_version}"]
    for name, engine in SERVERS.items():
        program = engine.program()
        found.append(f"{name} {version(program) if program else 'missing'}")
    return "databases: " + ", ".join(found)


@pytest.fixture(scope="session", autouse=True)
def _no_foreign_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Run:
    return pytestconfig.stash[_RUN]


@pytest.fixture
def new_database(
    request: pytest.FixtureRequest, servers: Run, tmp_path: Path
) -> Iterator[NewDatabase]:
    with ExitStack() as databases:

        def create(engine: str) -> str:
            check_marked(request.node, engine)
            try:
                return databases.enter_context(servers.database(engine, tmp_path))
            except LookupError as error:
                reason = str(error)
            return missing(reason)

        yield create


@pytest.fixture
def bucket_url(pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty prefix of a bucket on a real server, which the environment leads to."""
    try:
        url, leading = pytestconfig.stash[_RUN].bucket()
    except LookupError as error:
        missing(str(error))
    for name in CERTIFICATES:
        monkeypatch.delenv(name)
    for name, value in {**leading, "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    return url


@pytest.fixture(scope="session")
def warm_demo() -> Iterator[WarmDemo]:
    """Starts the ``demo`` command in a process of its own, in a hundredth of a second."""
    warm = WarmDemo()
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def _moto() -> Iterator[int]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    port = server.get_host_and_port()[1]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/demo", method="PUT")
    urllib.request.urlopen(request).close()
    yield port
    server.stop()


@pytest.fixture
def moto_url(_moto: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """As ``bucket_url``, by another maker."""
    for name in CERTIFICATES:
        monkeypatch.delenv(name)
    for name, value in environment(_moto).items():
        monkeypatch.setenv(name, value)
    return f"s3://demo/{next(_NUMBERS)}"


@pytest.fixture
def sqlite_url(new_database: NewDatabase) -> str:
    return new_database("sqlite")


@pytest.fixture
def postgresql_url(new_database: NewDatabase) -> str:
    return new_database("postgresql")


@pytest.fixture
def postgresql15_url(new_database: NewDatabase) -> str:
    return new_database("postgresql15")


@pytest.fixture
def mariadb_url(new_database: NewDatabase) -> str:
    return new_database("mariadb")


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> str:
    return new_database(request.param)


@pytest.fixture(params=ENGINES)
def target_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> str:
    return new_database(request.param)
