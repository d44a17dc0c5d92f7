"""A backup -> the store: what is in it beside what is there, by version and digest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from demo_snapshots.documents.opening import describe_whole, reading
from demo_snapshots.errors import DemoError, DocumentError, ExportNotFoundError, StoreError
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import Description, Entry, Version
from demo_snapshots.model.sources import Source, source_of
from demo_snapshots.model.upkeep import Restored, RestoreResult
from demo_snapshots.operations.backup import BACKUP
from demo_snapshots.operations.renumbering import copy_of, publish_as
from demo_snapshots.store import Store, open_object
from demo_snapshots.store.archive import RESTORE, Archive
from demo_snapshots.store.contents import MAX_NUMBER, Contents, entry_of, kept_as, newest_first
from demo_snapshots.store.file_list import read_list
from demo_snapshots.store.manifest import Recorded, recordable


def restore_store(
    store: Store,
    location: str | Path,
    *,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> RestoreResult:
    """Publish what the backup at ``location`` holds and the store does not.

    A version with the number and the digest of one in the store is there already. One whose number
    another version has gets the next that nobody used, as ``repair_store`` gives it. One whose file
    is damaged in the store takes its place. No other version is touched; the numbers that the
    backup knows as used are used afterwards.

    The backup is read whole and every document in it checked before anything is changed, and again
    before it is published: size, SHA-256 and content digest. May be interrupted anywhere, which
    leaves each version whole or not there, and done again. ``dry_run`` reads and checks the whole
    backup, and changes nothing. ``progress`` counts versions, at both readings.

    Raises ExportNotFoundError where there is no such file, DocumentError,
    naming the member, for what ``backup_store`` did not write, and StoreError, also where a version
    that is there already is damaged.
    """
    with _opened(location) as stream:
        archive = Archive(stream)
        _check(archive, progress)
        _require_chains(archive.recorded, store)
        with nullcontext() if dry_run else store.lock():
            versions = tuple(_plan(store, archive.recorded))
            if not dry_run:
                store.use_numbers(archive.recorded.highest)
                stream.seek(0)
                _publish(store, Archive(stream), versions, progress)
    return RestoreResult(str(location), versions, dry_run)


@contextmanager
def _opened(location: str | Path) -> Iterator[BinaryIO]:
    backend, key = open_object(location)
    source = backend.source(key)
    if source.path is not None:
        source = source_of(source.path)  # a link of the user's own is followed
    elif backend.look(key) is None:
        raise ExportNotFoundError(f"{location}: cannot be read: not there")
    with reading(source, BACKUP) as stream:
        yield stream


def _check(archive: Archive, progress: Progress) -> None:
    """Raise DocumentError unless every document in it is a whole one, and the manifest's."""
    total = len(archive.recorded.entries)
    try:
        with tempfile.TemporaryDirectory() as directory:
            _check_blobs(archive, Path(directory))
            spool = Path(directory) / "document"
            for done, (entry, files) in enumerate(archive.documents()):
                progress(f"{entry.scenario} {entry.version}", done, total)
                spooled = []
                for part, blocks in files:
                    spooled.append(spool if part is None else spool.with_name(part.name))
                    with spooled[-1].open("wb") as file:
                        file.writelines(blocks)
                _described(source_of(spool), entry)
                for path in spooled:
                    path.unlink()
    except OSError as error:
        raise StoreError(
            f"a backup cannot be unpacked to be checked: {error.strerror}",
            hint="It is done in the directory for temporary files: make room there, or name "
            "another in TMPDIR.",
        ) from error


def _check_blobs(archive: Archive, directory: Path) -> None:
    """Raise DocumentError unless the blobs in it are those that its versions name."""
    lists = {e.files.sha256: e.files for e in archive.recorded.entries.values() if e.files}
    sizes: dict[str, int] = {}
    for blob, blocks in archive.blobs():
        sizes[blob.name] = blob.size
        if blob.name in lists:
            with (directory / blob.name).open("wb") as spool:
                spool.writelines(blocks)
    named = dict.fromkeys(lists)
    for sha256, files in lists.items():
        if sha256 not in sizes:
            raise DocumentError("a list of uploaded files is not in the backup", hint=RESTORE)
        with (directory / sha256).open("rb") as stream:
            for file in read_list(stream, files):
                if sizes.get(file.sha256) != file.size:
                    raise DocumentError("an uploaded file is not in the backup", hint=RESTORE)
                named[file.sha256] = None
    if sizes.keys() != named.keys():
        raise DocumentError("the backup holds blobs that no version names", hint=RESTORE)


def _require_chains(recorded: Recorded, store: Store) -> None:
    """Raise DocumentError for a delta whose versions below are neither in it nor in the store."""
    contents = Contents(newest_first((*recorded.entries.values(), *store.entries())))
    for entry in recorded.entries.values():
        try:
            contents.chain(entry)
        except StoreError as error:
            hint = "Take another backup, one that holds that version too."
            raise DocumentError(f"{entry.path}: {error.message}", hint=hint) from error


def _described(source: Source, entry: Entry) -> Description:
    """What a document whose size and SHA-256 are the entry's says of itself. Raises DocumentError,
    naming it, unless it is whole and the version that the entry says."""
    description = describe_whole(replace(source, name=entry.path))
    itself = entry_of(description)
    said = (entry.path, entry.digest, entry.delta, entry.parts, entry.files)
    says = (itself.path, itself.digest, itself.delta, itself.parts, itself.files)
    if says != said or not recordable(itself):
        raise DocumentError(f"{entry.path}: is not what the manifest of the backup says")
    return description


def _publish(
    store: Store, archive: Archive, versions: Sequence[Restored], progress: Progress
) -> None:
    if list(archive.recorded.entries.values()) != [restored.entry for restored in versions]:
        raise DocumentError("it was changed while it was read")
    for blob, blocks in archive.blobs():
        if not store.blobs.has(blob.name, blob.size):
            store.blobs.add(blocks, blob.name, f"a blob {blob.name}")
    documents = zip(versions, archive.documents(), strict=True)
    for done, (restored, (entry, files)) in enumerate(documents):
        progress(f"{entry.scenario} {entry.version}", done, len(versions))
        if not restored.written:
            continue
        packing, form = kept_as(entry.path)
        with store.draft(entry.scenario, entry.version, packing, form) as draft:
            for part, blocks in files:
                if part is None:
                    draft.file.writelines(blocks)
                    draft.file.flush()
                    continue
                with store.part(entry.scenario, kept_as(part.name)[0]) as part_draft:
                    part_draft.file.writelines(blocks)
                    part_draft.place()
            found = _described(draft.source, entry)
            if restored.becomes == entry.version:
                store.publish(
                    draft, found.header, found.digest, parts=found.parts, over_damaged=True
                )
            else:
                publish_as(store, draft.source, found, restored.becomes)


# --- What becomes of each version ------------------------------------------------------------


def _plan(store: Store, recorded: Recorded) -> Iterator[Restored]:
    """Raises StoreError where a version that is there already is damaged."""
    entries = store.entries()
    there = {(e.scenario, e.version.number, e.digest, e.files): e for e in entries}
    held = _numbers_held(store, recorded)
    used = _numbers_used(store, recorded)
    for entry in recorded.entries.values():
        scenario, number = entry.scenario, entry.version.number
        place = (scenario, number, entry.digest, entry.files)
        same = there.get(place) or copy_of(entries, entry)
        if same is not None:
            _require_whole(store, same)
            yield Restored(entry, same.version, written=False)
        elif (scenario, number) not in held:
            yield Restored(entry, entry.version, written=True)
        else:
            used[scenario] += 1
            if used[scenario] > MAX_NUMBER:
                raise StoreError(f"scenario {scenario!r} has used up its version numbers")
            yield Restored(entry, Version(used[scenario], entry.version.day), written=True)


def _numbers_held(store: Store, recorded: Recorded) -> set[tuple[str, int]]:
    """The numbers that versions in the store have, and files that are named like one. A damaged
    file of a version in the backup holds none: it is to be replaced."""
    whole = {(entry.scenario, entry.version) for entry in store.entries()}
    coming = {(entry.scenario, entry.version) for entry in recorded.entries.values()}
    return {
        (stored.scenario, stored.version.number)
        for stored in store.inventory()
        if stored.present and (stored.scenario, stored.version) not in coming - whole
    }


def _numbers_used(store: Store, recorded: Recorded) -> dict[str, int]:
    """The highest number that store or backup know of each scenario."""
    used = dict(store.highest())
    numbers = [*recorded.highest.items()]
    numbers += [(entry.scenario, entry.version.number) for entry in recorded.entries.values()]
    for scenario, number in numbers:
        used[scenario] = max(number, used.get(scenario, 0))
    return used


def _require_whole(store: Store, entry: Entry) -> None:
    source = store.file(entry)
    try:
        altered = describe_whole(source).sha256 != entry.sha256
        problem = f"{source.name}: was altered since it was saved"
    except DemoError as error:
        altered, problem = True, error.message
    except OSError as error:
        altered, problem = True, f"{source.name}: cannot be read: {error.strerror}"
    if altered:
        hint = "It is in the backup: move it away, and restore again."
        raise StoreError(problem, hint=hint)
