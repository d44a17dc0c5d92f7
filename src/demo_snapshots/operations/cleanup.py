"""Retention: which snapshots go, and then their removal."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext

from demo_snapshots.errors import UsageError
from demo_snapshots.model.results import Listing
from demo_snapshots.model.snapshots import Entry
from demo_snapshots.model.upkeep import CleanupResult
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.listing import list_exports
from demo_snapshots.store import Store
from demo_snapshots.store.contents import Contents


def cleanup_exports(
    store: Store, scenario: str | None = None, *, keep: int = 5, dry_run: bool = False
) -> CleanupResult:
    """Remove all but the newest ``keep`` snapshots of the scenario, or of each one, and those that
    deltas among these are on top of; and the contents of uploaded files that no version names.

    Never removes a scenario's latest; numbers that were used stay used. Plans and removes
    under the store's lock, so that an export in between is counted; ``dry_run`` only plans,
    and writes nothing. ``freed`` is in bytes, also where it would be.

    Raises UsageError for ``keep`` below 1, ExportNotFoundError for a scenario without a
    snapshot, and StoreError where one cannot be removed: those before it are gone then, and
    doing it again goes on from there.
    """
    if keep < 1:
        raise UsageError(
            Words(Call(keep=keep), ": at least the latest version of a scenario is kept"),
            hint="Give 1 or more.",
        )
    going = plan(list_exports(store, scenario), keep)[0]
    nothing_to_do = not going and not store.unused_blobs()
    with nullcontext() if dry_run or nothing_to_do else store.lock():
        removed, kept = plan(list_exports(store, scenario), keep)
        blobs = store.unused_blobs(removed)
        if not dry_run:
            store.remove(removed)
            store.blobs.remove(blobs)
    newest: Counter[str] = Counter()
    needed: list[Entry] = []
    for entry in kept:
        newest[entry.scenario] += 1
        if newest[entry.scenario] > keep:
            needed.append(entry)
    freed = sum(entry.total_size for entry in removed) + sum(blobs.values())
    return CleanupResult(removed, kept, freed, dry_run, tuple(needed), len(blobs))


def plan(listing: Listing, keep: int) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Which entries go and which stay: of each scenario the first ``keep`` stay, newest first, and
    what it takes to read them. Both are by scenario, newest first; ``keep`` is at least 1."""
    removed: list[Entry] = []
    kept: list[Entry] = []
    for scenario in listing.scenarios:
        needed = Contents(scenario.entries).needed_by(scenario.entries[:keep])
        kept += (entry for entry in scenario.entries if entry.path in needed)
        removed += (entry for entry in scenario.entries if entry.path not in needed)
    return tuple(removed), tuple(kept)
