"""Which versions it takes to read one: a whole one, and the deltas on top of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace
from unit.store.snapshots import directory_store, save

from demo_snapshots.errors import StoreError
from demo_snapshots.model.snapshots import DeltaOf, Entry, Parent, Version
from demo_snapshots.store.contents import Contents, newest_first
from demo_snapshots.store.manifest import parse_manifest, recordable, render_manifest


@pytest.fixture
def whole(tmp_path: Path) -> Entry:
    return save(directory_store(tmp_path))


def delta(on: Entry, number: int, digest: str = "", *, named: int = 0) -> Entry:
    """The entry of a delta on top of ``on``, which it says is version ``named``."""
    version = Version(number, date(2025, 1, 15))
    called = Version(named or on.version.number, on.version.day)
    return replace(
        on,
        version=version,
        path=f"general/general_{version}.delta.sql",
        digest=digest or f"{number:064x}",
        delta=DeltaOf(Parent(called, on.digest), 1000),
    )


def chain(entry: Entry, *others: Entry) -> list[int]:
    contents = Contents(newest_first((entry, *others)))
    return [link.version.number for link in contents.chain(entry)]


def test_a_chain_leads_to_a_whole_version(whole: Entry) -> None:
    second = delta(whole, 2)
    third = delta(second, 3)
    assert chain(whole, second, third) == [1]
    assert chain(third, whole, second) == [1, 2, 3]


def test_the_version_below_is_found_by_its_rows(whole: Entry) -> None:
    # Repairing gave the version another number than the delta knows.
    moved = replace(whole, version=replace(whole.version, number=9), path="general/moved")
    assert chain(delta(whole, 2), moved) == [9, 2]
    # The rows returned to what they were: a whole version is nearer than a chain.
    second = delta(whole, 2)
    back = delta(second, 3, whole.digest)
    assert chain(delta(back, 4), back, second, whole) == [1, 4]
    # Without the whole one nothing leads round and round.
    with pytest.raises(StoreError, match="on top of v1_2025-01-15, which is not there"):
        chain(delta(back, 4), back, second)


def test_a_missing_version_is_named(whole: Entry) -> None:
    second = delta(whole, 2)
    third = delta(second, 3)
    with pytest.raises(StoreError, match=r"v3_2025-01-15 is a delta on top of v2_2025-01-15"):
        chain(third, whole)
    with pytest.raises(StoreError, match=r"v2_2025-01-15 is a delta on top of v1_2025-01-15"):
        chain(third, second)


def test_the_manifest_keeps_what_a_delta_is_on_top_of(whole: Entry) -> None:
    second = delta(whole, 2)
    contents = Contents(newest_first((whole, second)), {"general": 2})
    assert set(parse_manifest(render_manifest(contents)).entries.values()) == {whole, second}
    # Name and content say the same, or it is none of ours.
    assert not recordable(replace(second, delta=None))
    assert not recordable(replace(whole, delta=second.delta))


def test_a_store_that_cannot_read_deltas_says_so(tmp_path: Path, whole: Entry) -> None:
    store = directory_store(tmp_path)
    assert store.source(whole).path == store.file(whole).path == tmp_path / whole.path
    assert store.files(whole)[0].path == tmp_path / whole.path
    with pytest.raises(StoreError, match="which is not there"):
        store.source(delta(replace(whole, digest="0" * 64), 2))
