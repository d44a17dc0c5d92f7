"""What any store must do, wherever it keeps its snapshots. Add a store to ``STORES``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from unit.store.snapshots import DAY, content_of, directory_store, header_of, save

from demo_snapshots.documents.opening import describe
from demo_snapshots.documents.sql.writer import write_document
from demo_snapshots.errors import ExportNotFoundError, StoreBusyError, StoreError, UsageError
from demo_snapshots.model.results import Listing, ScenarioListing
from demo_snapshots.model.snapshots import Version
from demo_snapshots.store import Store

Open = Callable[[], Store]
STORES: dict[str, Callable[[Path], Store]] = {
    "directory": lambda path: directory_store(path / "snapshots")
}


@pytest.fixture(params=STORES)
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same store, as another process would."""
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
def store(open_again: Open) -> Store:
    return open_again()


def versions(store: Store, scenario: str = "general") -> list[str]:
    return [str(entry.version) for entry in store.entries(scenario)]


def test_an_absent_store_is_an_empty_one(store: Store) -> None:
    assert store.listing() == Listing(())
    assert store.scenarios() == ()
    assert store.entries() == ()
    assert store.latest("general") is None
    assert store.next_number("general") == 1


def test_what_was_published_is_found_and_read(store: Store, open_again: Open) -> None:
    entry = save(store)
    again = open_again()
    assert again.entries() == (entry,)
    assert again.latest("general") == entry
    assert again.find("general", "v1") == again.find("general", "v1_2025-01-15") == entry
    with again.open(entry) as stream:
        data = stream.read()
    assert data == again.path(entry).read_bytes()
    assert len(data) == entry.size


def test_the_entry_is_what_the_document_says(store: Store) -> None:
    entry = save(store, rows=7)
    described = describe(store.path(entry))
    assert (entry.sha256, entry.size, entry.digest) == (
        described.sha256,
        described.size,
        described.digest,
    )
    assert (entry.statistics, entry.schema, entry.source, entry.tool, entry.migration) == (
        described.header.statistics,
        described.header.schema,
        described.header.source,
        described.header.tool,
        described.header.migration,
    )
    assert entry.statistics.total == 7


def test_newest_is_by_number_and_scenarios_are_sorted(store: Store) -> None:
    for _ in range(10):
        save(store)
    save(store, "writer")
    # An earlier day does not make a later number older.
    save(store, day=date(2024, 12, 31))
    assert versions(store)[:3] == ["v11_2024-12-31", "v10_2025-01-15", "v9_2025-01-15"]
    latest = store.latest("general")
    assert latest is not None
    assert latest.version.number == 11
    assert store.scenarios() == ("general", "writer")
    assert store.listing() == Listing(
        (
            ScenarioListing("general", store.entries("general")),
            ScenarioListing("writer", store.entries("writer")),
        )
    )
    assert store.listing("writer").scenarios == store.listing().scenarios[1:]


def test_what_is_not_there_is_answered_with_what_is(store: Store) -> None:
    with pytest.raises(ExportNotFoundError) as none:
        store.find("general", "v1")
    assert none.value.available == ()
    save(store)
    save(store)
    save(store, "writer")
    with pytest.raises(ExportNotFoundError, match="'genral'") as unknown:
        store.find("genral", "v1")
    assert unknown.value.available == ("general", "writer")
    with pytest.raises(ExportNotFoundError, match="no version 'v9'") as missing:
        store.find("general", "v9")
    assert missing.value.available == ("v2_2025-01-15", "v1_2025-01-15")
    for odd in ("1", "v01", "v1_2025-01-16", "latest", "../v1", ""):
        with pytest.raises(ExportNotFoundError):
            store.find("general", odd)


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc", "metadata", "Général", "a\\b", "a\0"])
def test_names_that_no_scenario_can_have_are_refused(store: Store, name: str) -> None:
    save(store)
    before = store.listing()
    with pytest.raises(UsageError):
        store.find(name, "v1")
    with pytest.raises(UsageError), store.draft(name, Version(1, DAY)):
        pass
    with pytest.raises(UsageError):
        store.listing(name)
    assert store.listing() == before


def test_a_draft_that_is_not_published_never_was(store: Store) -> None:
    with store.draft("general", Version(1, DAY)) as draft:
        draft.file.write(b"unfinished")
        assert store.listing() == Listing(())
    with suppress(ZeroDivisionError), store.draft("general", Version(1, DAY)) as draft:
        draft.file.write(b"unfinished")
        raise ZeroDivisionError
    assert store.listing() == Listing(())
    assert store.next_number("general") == 1


def test_a_version_is_never_replaced(store: Store) -> None:
    entry = save(store)
    header = header_of("general", entry.version, 3)
    with store.draft("general", entry.version) as draft:
        digest = write_document(draft.file, header, content_of(3))
        with pytest.raises(StoreError, match="v1_2025-01-15"):
            store.publish(draft, header, digest)
    assert store.listing() == Listing((ScenarioListing("general", (entry,)),))
    with store.open(entry) as stream:
        assert len(stream.read()) == entry.size


def test_a_draft_is_published_as_what_it_is_or_not_at_all(store: Store) -> None:
    other = header_of("general", Version(2, DAY))
    with store.draft("general", Version(1, DAY)) as draft, pytest.raises(ValueError, match="names"):
        store.publish(draft, other, "0" * 64)
    with store.draft("general", Version(1, DAY)) as draft, pytest.raises(ValueError, match="unfit"):
        store.publish(draft, header_of("general", Version(1, DAY)), "no digest")
    with pytest.raises(ValueError, match="open"):
        store.publish(draft, header_of("general", Version(1, DAY)), "0" * 64)
    assert store.listing() == Listing(())


def test_removed_is_removed_and_its_number_stays_used(store: Store, open_again: Open) -> None:
    first, second, third = save(store), save(store), save(store)
    store.remove([first, second])
    store.remove([first])
    assert open_again().entries() == (third,)
    with pytest.raises(StoreError):
        store.open(first)
    with pytest.raises(StoreError):
        store.path(first)
    assert open_again().next_number("general") == 4
    assert open_again().listing().notes == ()


def test_the_latest_is_never_removed(store: Store) -> None:
    first, second = save(store), save(store)
    with pytest.raises(StoreError, match="never removed"):
        store.remove([first, second])
    assert store.entries() == (second, first)


def test_the_lock_keeps_others_out_for_a_bounded_time(store: Store, open_again: Open) -> None:
    errors: list[BaseException] = []

    def other() -> None:
        try:
            with open_again().lock(timeout=0.1):
                pass
        except BaseException as error:
            errors.append(error)

    with store.lock(), store.lock():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert [type(error) for error in errors] == [StoreBusyError]
    with open_again().lock(timeout=0.1):
        pass


def test_reading_waits_for_no_lock(store: Store, open_again: Open) -> None:
    entry = save(store)
    with store.draft("general", Version(2, DAY)):
        assert open_again().entries() == (entry,)
