"""Every kind of place. Add one to ``PLACES``, and it is held to all that the others do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from unit.store.memory import MemoryBackend, Place

from demo_snapshots.documents.opening import describe
from demo_snapshots.store import Store
from demo_snapshots.store.backends.base import Backend
from demo_snapshots.store.backends.directory import DirectoryBackend

OpenBackend = Callable[[], Backend]
PLACES: dict[str, Callable[[Path], OpenBackend]] = {
    "directory": lambda path: partial(DirectoryBackend, path / "snapshots"),
    "memory": lambda path: partial(MemoryBackend, Place()),
}


@pytest.fixture(params=PLACES)
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBackend:
    """Opens the same place, as another process would."""
    return PLACES[request.param](tmp_path)


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
