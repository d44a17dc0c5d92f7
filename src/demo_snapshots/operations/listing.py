"""What is saved, and where."""

from __future__ import annotations

from pathlib import Path

from demo_snapshots.model.results import Listing
from demo_snapshots.store import Store, unknown_scenario


def list_exports(store: Store, scenario: str | None = None) -> Listing:
    """All scenarios' snapshots, or one scenario's, newest first; nothing is written.

    An empty or absent store is an empty listing. Raises ExportNotFoundError, naming those
    there are, for a scenario without a snapshot, UsageError for what cannot be one's name, and
    StoreError where the store cannot be read.
    """
    listing = store.listing(scenario)
    if scenario is not None and not listing.scenarios:
        store.latest(scenario)  # raises where there is one, but damaged
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    return listing


def get_latest_export_path(store: Store, scenario: str) -> Path:
    """The file of the scenario's latest snapshot. Raises as ``list_exports`` does, and
    StoreError where the file has just gone or the store keeps no files."""
    latest = store.latest(scenario)
    if latest is None:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    return store.file(latest).on_disk()
