"""Every kind of place. Add one to ``PLACES``, and it is held to all that the others do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from unit.store.memory import MemoryBackend, Place

from demo_snapshots.documents.opening import describe
from demo_snapshots.store import Store
from demo_snapshots.store.backends.base import Backend
from demo_snapshots.store.backends.bucket import BucketBackend
from demo_snapshots.store.backends.cache import Cache
from demo_snapshots.store.backends.directory import DirectoryBackend
from demo_snapshots.store.backends.locations import open_bucket

OpenBackend = Callable[[], Backend]
OpenPlace = Callable[[pytest.FixtureRequest, Path], OpenBackend]


def _bucket_in_memory(request: pytest.FixtureRequest, path: Path) -> OpenBackend:
    kept = MemoryStore()
    return lambda: BucketBackend(kept, "memory://bucket", Cache(path / "cache"))


def _bucket_of(fixture: str) -> OpenPlace:
    def opening(request: pytest.FixtureRequest, path: Path) -> OpenBackend:
        url: str = request.getfixturevalue(fixture)
        return lambda: BucketBackend(*open_bucket(url), Cache(path / "cache"))

    return opening


PLACES: dict[str, OpenPlace] = {
    "directory": lambda _, path: partial(DirectoryBackend, path / "snapshots"),
    "memory": lambda _, path: partial(MemoryBackend, Place()),
    "bucket": _bucket_in_memory,
    "seaweedfs": _bucket_of("bucket_url"),
    "moto": _bucket_of("moto_url"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "open_backend" in metafunc.fixturenames:
        # A second opinion on what servers do is none on the store.
        left_out = {"moto"} if metafunc.module.__name__.endswith("test_store") else set()
        places = [place for place in PLACES if place not in left_out]
        metafunc.parametrize("open_backend", places, indirect=True)


@pytest.fixture
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBackend:
    """Opens the same place, as another process would."""
    return PLACES[request.param](request, tmp_path)


@pytest.fixture
def backend(open_backend: OpenBackend) -> Backend:
    return open_backend()


@pytest.fixture
def open_again(open_backend: OpenBackend) -> Callable[[], Store]:
    """Opens the same store, as another process would."""
    return lambda: Store(open_backend(), describe)


@pytest.fixture
def store(open_again: Callable[[], Store]) -> Store:
    return open_again()
