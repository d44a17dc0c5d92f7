"""What the store does, wherever it keeps its snapshots."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date

import pytest
from contract.test_backends import put
from unit.store.snapshots import DAY, content_of, document, header_of, save

from demo_snapshots.documents.opening import describe
from demo_snapshots.documents.sql.writer import write_document
from demo_snapshots.errors import ExportNotFoundError, StoreBusyError, StoreError, UsageError
from demo_snapshots.model.results import Listing, ScenarioListing
from demo_snapshots.model.snapshots import Packing, Version
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store import Store
from demo_snapshots.store.backends.base import Backend
from demo_snapshots.store.inventory import MANIFEST

Open = Callable[[], Store]
LATER = date(2025, 1, 16)


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
    source = again.source(entry)
    for _ in range(2):
        with source.open() as stream:
            assert len(stream.read()) == entry.size
            assert stream.seek(0) == 0
            assert stream.readline().startswith(b"-- ")
    assert entry.path.rpartition("/")[2] in source.name
    assert source.path is None or source.path.stat().st_size == entry.size


def test_the_entry_is_what_the_document_says(store: Store) -> None:
    entry = save(store, rows=7)
    described = describe(store.source(entry))
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
    with store.source(entry).open() as stream:
        assert len(stream.read()) == entry.size


def test_not_even_over_a_damaged_one_is_a_whole_one_replaced(store: Store) -> None:
    entry = save(store)
    header = header_of("general", entry.version, 3)
    with store.draft("general", entry.version) as draft:
        digest = write_document(draft.file, header, content_of(3))
        with pytest.raises(StoreError, match="v1_2025-01-15"):
            store.publish(draft, header, digest, over_damaged=True)
    assert store.entries() == (entry,)
    assert verify_exports(store).valid


def test_what_belongs_beside_the_snapshots_is_written_once(backend: Backend, store: Store) -> None:
    save(store)
    for key, (content, *_) in backend.companions.items():
        assert backend.get(key) == content
        put(backend, key, b"changed by people\n", over=True)
    save(store)
    assert {backend.get(key) for key in backend.companions} <= {b"changed by people\n"}


def test_what_once_was_ours_beside_the_snapshots_is_brought_up_to_date(
    backend: Backend, store: Store
) -> None:
    for key, (content, *once) in backend.companions.items():
        for earlier in once:
            put(backend, key, earlier, over=True)
            save(store)
            assert backend.get(key) == content


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
        store.source(first)
    assert open_again().next_number("general") == 4
    assert open_again().listing().notes == ()


def test_numbers_can_be_used_without_a_version(store: Store, open_again: Open) -> None:
    save(store)
    store.use_numbers({"general": 7, "tour": 2})
    store.use_numbers({"general": 3})
    again = open_again()
    assert again.highest() == {"general": 7, "tour": 2}
    assert (again.next_number("general"), again.next_number("tour")) == (8, 3)
    assert (versions(again), again.inconsistencies()) == (["v1_2025-01-15"], ())


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


# --- What others did to the place ------------------------------------------------------------


def test_a_document_that_appeared_is_found(backend: Backend, store: Store) -> None:
    first = save(store)
    put(backend, "general/general_v4_2025-01-16.sql", document("general", Version(4, LATER)))
    assert versions(store) == ["v4_2025-01-16", "v1_2025-01-15"]
    assert "was not in export_manifest.json" in store.listing().notes[0]
    assert store.inconsistencies() != ()
    with store.lock():
        pass
    assert (store.listing().notes, store.inconsistencies()) == ((), ())
    assert (store.entries()[1], store.next_number("general")) == (first, 5)
    assert verify_exports(store).valid


def test_a_lost_manifest_loses_nothing(backend: Backend, store: Store) -> None:
    entries = (save(store), save(store, packing=Packing.ZSTD))[::-1]
    whole = backend.get(MANIFEST)
    backend.delete(MANIFEST)
    assert store.entries() == entries
    assert backend.look(MANIFEST) is None
    with store.lock():
        pass
    assert backend.get(MANIFEST) == whole


def test_a_damaged_manifest_is_kept_aside(backend: Backend, store: Store) -> None:
    entry = save(store)
    whole = backend.get(MANIFEST)
    for number in (1, 2):
        put(backend, MANIFEST, b"{%d" % number, over=True)
        assert store.entries() == (entry,)
        with store.lock():
            pass
        assert backend.get(MANIFEST) == whole
        assert backend.get(f"{MANIFEST}.damaged-{number}") == b"{%d" % number


def test_what_is_damaged_is_named(backend: Backend, store: Store) -> None:
    save(store)
    entry = save(store)
    put(backend, entry.path, document("general", entry.version)[:-30], over=True)
    with pytest.raises(StoreError, match="cut short"):
        store.latest("general")
    (check,) = verify_exports(store).damaged
    assert (check.version, check.size) == (entry.version, entry.size - 30)
    assert check.problems == ("the file was cut short: its last line is missing",)
    assert repair_store(store).left != ()
    header = header_of("general", entry.version)
    with store.draft("general", entry.version) as draft:
        digest = write_document(draft.file, header, content_of(2))
        assert store.publish(draft, header, digest, over_damaged=True) == entry
    assert verify_exports(store).valid


def test_a_number_used_twice_is_repaired(backend: Backend, store: Store) -> None:
    save(store)
    put(backend, "general/general_v1_2025-01-16.sql", document("general", Version(1, LATER)))
    (change,) = repair_store(store).renumbered
    assert change.becomes == Version(2, change.version.day)
    assert len(versions(store)) == 2
    assert verify_exports(store).valid


def test_what_a_dead_process_left_is_removed(backend: Backend, store: Store) -> None:
    save(store)
    left = [f"{folder}.one.tmp-0123456789abcdef" for folder in ("", "general/", "metadata/")]
    for key in left:
        put(backend, key, b"half")
    assert len(store.stale()) == 3
    with store.lock():
        assert store.stale() == ()
    assert [backend.look(key) for key in left] == [None, None, None]


def test_blobs_are_there_once_and_whole_or_not(store: Store, open_again: Open) -> None:
    content, other = b"x" * 100_000, b""
    names = [hashlib.sha256(each).hexdigest() for each in (content, other)]
    for name, each in zip(names, (content, other), strict=True):
        store.blobs.add([each[:7], each[7:]], name, "a file")
        store.blobs.add([each], name, "the same again")
    with pytest.raises(StoreError, match="a file: was altered"):
        store.blobs.add([b"y"], "0" * 64, "a file")
    again = open_again()
    assert again.blobs.sizes() == dict(zip(names, (100_000, 0), strict=True))
    assert again.blobs.has(names[0], 100_000)
    assert not again.blobs.has(names[0], 1)
    assert not again.blobs.has("0" * 64, 1)
    with again.blobs.source(names[0]).open() as stream:
        assert stream.read() == content
    # They are no scenario, and no version names them.
    save(again)
    assert (again.scenarios(), again.listing().notes) == (("general",), ())
    assert again.unused_blobs() == again.blobs.sizes()
    again.blobs.remove(names)
    assert store.blobs.sizes() == {}
