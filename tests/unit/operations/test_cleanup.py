"""Retention: golden results, properties, and clean-ups of a real store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.store.snapshots import directory_store, files_in, save

from demo_snapshots.errors import ExportNotFoundError, UsageError
from demo_snapshots.model.results import Listing, ScenarioListing
from demo_snapshots.model.snapshots import Entry, Packing, Statistics, Version
from demo_snapshots.operations.cleanup import cleanup_exports, plan
from demo_snapshots.operations.listing import get_latest_export_path, list_exports
from demo_snapshots.store import Store
from demo_snapshots.store.contents import Contents, newest_first, relative_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return directory_store(tmp_path / "snapshots")


def entry(scenario: str, number: int, day: date = date(2025, 1, 15)) -> Entry:
    version = Version(number, day)
    path = relative_path(scenario, version, Packing.PLAIN)
    when = datetime(2025, 1, 15, tzinfo=UTC)
    return Entry(scenario, version, path, number, "", "", when, "", "", Statistics())


GOLDEN = [
    # scenario -> versions, keep, what goes
    ({"general": [3, 2, 1]}, 1, "general v2, general v1"),
    ({"general": [3, 2, 1]}, 2, "general v1"),
    ({"general": [3, 2, 1]}, 3, ""),
    ({"general": [3, 2, 1]}, 99, ""),
    ({"general": [12, 9, 4, 1]}, 2, "general v4, general v1"),
    ({"developer": [2, 1], "general": [1], "writer": [3, 2, 1]}, 1,
     "developer v1, writer v2, writer v1"),
    ({}, 5, ""),
]  # fmt: skip


@pytest.mark.parametrize(("versions", "keep", "gone"), GOLDEN)
def test_what_goes(versions: dict[str, list[int]], keep: int, gone: str) -> None:
    listing = Listing(
        tuple(
            ScenarioListing(name, tuple(entry(name, number) for number in numbers))
            for name, numbers in versions.items()
        )
    )
    removed, _ = plan(listing, keep)
    assert ", ".join(f"{e.scenario} v{e.version.number}" for e in removed) == gone


entries = st.builds(
    entry,
    st.sampled_from(["developer", "general", "writer"]),
    st.integers(1, 30),
    st.dates(date(2024, 1, 1), date(2026, 12, 31)),
)


@given(st.lists(entries, unique_by=lambda e: e.path), st.integers(1, 12))
def test_the_newest_stay_and_the_latest_always(stored: list[Entry], keep: int) -> None:
    contents = Contents(newest_first(stored))
    removed, kept = plan(contents.listing(), keep)
    assert sorted(e.path for e in removed + kept) == sorted(e.path for e in stored)
    for scenario in contents.scenarios():
        stay = [e for e in kept if e.scenario == scenario]
        go = [e for e in removed if e.scenario == scenario]
        assert len(stay) == min(keep, len(stay) + len(go))
        assert contents.latest(scenario) in stay
        assert all(old.version <= new.version for old in go for new in stay)
    assert plan(Contents(kept).listing(), keep) == ((), kept)


def test_the_next_export_after_a_clean_up_is_v4(tmp_path: Path, store: Store) -> None:
    first, second, third = (save(store) for _ in range(3))
    result = cleanup_exports(store, "general", keep=1)
    assert (result.removed, result.kept) == ((second, first), (third,))
    assert result.freed == first.size + second.size
    assert store.entries() == (third,)
    assert (tmp_path / "snapshots" / "general" / "latest.sql").resolve() == store.source(
        third
    ).on_disk()
    assert save(store).version.number == 4


def test_a_dry_run_touches_nothing(tmp_path: Path, store: Store) -> None:
    for _ in range(3):
        save(store)
    (tmp_path / "snapshots" / "metadata" / "export_manifest.json").unlink()
    before = files_in(tmp_path)
    result = cleanup_exports(store, keep=1, dry_run=True)
    assert result.dry_run
    assert len(result.removed) == 2
    assert files_in(tmp_path) == before


def test_one_scenario_leaves_the_others_alone(store: Store) -> None:
    for _ in range(3):
        save(store)
        save(store, "writer")
    cleanup_exports(store, "writer", keep=1)
    assert len(store.entries("general")) == 3
    assert len(store.entries("writer")) == 1
    assert len(cleanup_exports(store, keep=2).removed) == 1


@pytest.mark.parametrize("keep", [0, -1])
def test_nothing_kept_is_an_error(store: Store, keep: int) -> None:
    saved = save(store)
    with pytest.raises(UsageError, match=f"^keep={keep}:"):
        cleanup_exports(store, keep=keep)
    assert store.entries() == (saved,)


def test_an_empty_store_has_nothing_to_list_or_remove(tmp_path: Path, store: Store) -> None:
    assert list_exports(store) == Listing(())
    assert cleanup_exports(store).removed == ()
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scenario_is_answered_with_those_there_are(store: Store) -> None:
    save(store)
    save(store, "writer")
    for ask in (list_exports, get_latest_export_path, cleanup_exports):
        with pytest.raises(ExportNotFoundError, match="'genral'") as error:
            ask(store, "genral")
        assert error.value.available == ("general", "writer")
        assert error.value.hint == "There are: general, writer."


def test_the_latest_path_is_the_file_and_not_the_link(tmp_path: Path, store: Store) -> None:
    save(store)
    latest = save(store)
    assert get_latest_export_path(store, "general") == tmp_path / "snapshots" / latest.path


def test_listing_one_scenario(store: Store) -> None:
    save(store, "writer")
    saved = save(store)
    assert list_exports(store, "general").scenarios == (ScenarioListing("general", (saved,)),)
