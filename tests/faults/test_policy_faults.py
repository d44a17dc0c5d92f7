"""The n-th step of a place in memory fails, or its process dies there, for every n: what the
store promises, it promises on any place, not by what directories happen to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import copy

import pytest
from unit.store.memory import Died, MemoryBackend, Place
from unit.store.snapshots import save, save_in_parts

from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import StoreError
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.operations.cleanup import cleanup_exports
from demo_snapshots.operations.verify import verify_exports
from demo_snapshots.store import Store
from demo_snapshots.store.inventory import MANIFEST

Job = Callable[[Store], object]


def opened(place: Place) -> Store:
    return Store(MemoryBackend(place), describe)


def empty() -> Place:
    return Place()


def three() -> Place:
    place = Place()
    for _ in range(3):
        save(opened(place))
    return place


def three_of_seven() -> Place:
    """The manifest is in conflict, and one side of it alone knows that there was a v7."""
    place = three()
    sides = b'\n<<<<<<< HEAD\n"highest": 3,\n=======\n"highest": 7,\n>>>>>>> other\n'
    place.objects[MANIFEST] = place.objects[MANIFEST].replace(b'"highest": 3,', sides)
    return place


def next_export(store: Store) -> object:
    return save(store, rows=5)


def compressed_export(store: Store) -> object:
    return save(store, rows=5, packing=Packing.ZSTD)


def three_and_parts() -> Place:
    place = three()
    save_in_parts(opened(place))
    save(opened(place))
    return place


def export_in_parts(store: Store) -> object:
    return save_in_parts(store)


def clean_up(store: Store) -> object:
    return cleanup_exports(store, keep=1)


# preparation, job, versions before, versions after, highest number used before
JOBS: dict[str, tuple[Callable[[], Place], Job, list[int], list[int], int]] = {
    "first export": (empty, next_export, [], [1], 0),
    "next export": (three, next_export, [3, 2, 1], [4, 3, 2, 1], 3),
    "export over a conflict": (three_of_seven, next_export, [3, 2, 1], [8, 3, 2, 1], 7),
    "compressed export": (three, compressed_export, [3, 2, 1], [4, 3, 2, 1], 3),
    "export in parts": (three, export_in_parts, [3, 2, 1], [4, 3, 2, 1], 3),
    "clean-up of parts": (three_and_parts, clean_up, [5, 4, 3, 2, 1], [5], 5),
    "clean-up": (three, clean_up, [3, 2, 1], [3], 3),
    "clean-up over a conflict": (three_of_seven, clean_up, [3, 2, 1], [3], 7),
}


def check(place: Place, before: list[int], after: list[int], used: int) -> list[int]:
    """Look as the next reader, then as the next writer. Returns the versions there are."""
    place.unsettled.clear()  # the power stayed on
    store = opened(place)
    entries = store.entries()
    saved = {place.objects[entry.path] for entry in entries}
    assert {kept for key, kept in place.objects.items() if "/latest." in key} <= saved
    found = [entry.version.number for entry in entries]
    if after > before:
        assert found in (before, after)
    else:
        # A clean-up goes one by one, from the newest it removes; the latest always stays.
        assert set(after) <= set(found) <= set(before)
    for entry in entries:
        described = describe(store.source(entry))
        assert (described.size, described.sha256) == (entry.size, entry.sha256)
    highest = store.next_number("general") - 1
    assert highest == max(used, *found, 0), "a number is used by what was published"
    with store.lock():
        pass
    assert store.entries() == entries
    assert (store.listing().notes, store.inconsistencies(), store.stale()) == ((), (), ())
    assert store.next_number("general") == highest + 1
    assert verify_exports(store).valid
    return found


def fresh(name: str) -> Place:
    place = JOBS[name][0]()
    return Place(objects=copy(place.objects), numbers=place.numbers)


def steps(name: str) -> int:
    """How many steps the job takes where none fails."""
    place = fresh(name)
    _, job, before, after, used = JOBS[name]
    with place.failing(0):
        job(opened(place))
        count = len(place.steps)
    assert check(place, before, after, used) == after
    assert count >= 6
    return count


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_failing_step_leaves_all_or_nothing(name: str, lasting: bool) -> None:
    _, job, before, after, used = JOBS[name]
    for at in range(1, steps(name) + 1):
        place = fresh(name)
        error: StoreError | None = None
        with place.failing(at, lasting=lasting):
            try:
                job(opened(place))
            except StoreError as raised:
                error = raised
        found = check(place, before, after, used)
        if error is None:
            assert found == after, at
        else:
            assert "told to fail" in error.message
            if after > before:
                assert found == (after if "was saved" in error.message else before), at


@pytest.mark.parametrize("name", JOBS)
def test_a_process_that_dies_leaves_all_or_nothing(name: str) -> None:
    _, job, before, after, used = JOBS[name]
    outcomes = set()
    for at in range(1, steps(name) + 1):
        place = fresh(name)
        with place.failing(at, deadly=True), suppress(Died):
            job(opened(place))
        outcomes.add(tuple(check(place, before, after, used)))
    assert {tuple(before), tuple(after)} <= outcomes
