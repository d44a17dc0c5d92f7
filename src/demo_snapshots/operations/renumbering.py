"""A version under another number: a copy of which one header line differs."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.converting import renumber
from demo_snapshots.documents.opening import reading_file
from demo_snapshots.model.snapshots import Description, Entry, Version
from demo_snapshots.model.sources import Source
from demo_snapshots.store import Store


def publish_as(
    store: Store,
    source: Source,
    description: Description,
    version: Version,
    *,
    over_damaged: bool = False,
) -> None:
    """Publish the document in ``source``, which is as ``description`` says, as that version: its
    header names it, all else stays, byte for byte. The parts that a head names are in ``store``.
    ``over_damaged`` as ``Store.publish``."""
    header = replace(description.header, version=version)
    with (
        reading_file(source) as stream,
        store.draft(header.scenario, version, description.packing, description.form) as draft,
    ):
        with packed(draft.file, description.packing) as file:
            renumber(stream, file, version)
        store.publish(
            draft,
            header,
            description.digest,
            parts=description.parts,
            over_damaged=over_damaged,
        )


def copy_of(entries: Iterable[Entry], entry: Entry) -> Entry | None:
    """What ``publish_as`` made of a version before, under a higher number; None if nothing."""
    for other in entries:
        if (
            other.scenario == entry.scenario
            and other.version.number > entry.version.number
            and (other.version.day, other.digest) == (entry.version.day, entry.digest)
            and (other.generated, other.source) == (entry.generated, entry.source)
            and other.files == entry.files
        ):
            return other
    return None
