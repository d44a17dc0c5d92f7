"""Versions from one store into another, by digest: what ``push`` and ``pull`` are."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext

from msgspec import Struct

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import describe, folded
from demo_snapshots.errors import MergeError, StoreError, UsageError
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import (
    Description,
    DocumentForm,
    Entry,
    Packing,
    Part,
    Version,
)
from demo_snapshots.model.sources import Source, is_bucket
from demo_snapshots.model.upkeep import CopyResult, Renumbered
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.listing import list_exports
from demo_snapshots.operations.renumbering import copy_of, publish_as
from demo_snapshots.operations.uploads.stored import copy_files
from demo_snapshots.store import Store, open_store
from demo_snapshots.store.contents import kept_as

_BUFFER = 1 << 20


def open_bucket(config: Config, url: str | None) -> Store:
    """The store at ``url``, or in the configured bucket if it is None. Raises UsageError where
    there is none, or the snapshots are in a bucket themselves."""
    url = url or config.bucket
    if url is None:
        raise UsageError(
            "no bucket is named",
            hint=Words(
                "Name it in demo.toml (bucket), in DEMO_BUCKET or with ", Call(bucket=...), "."
            ),
        )
    if "://" not in url:
        raise UsageError(
            "what is named is not the URL of a bucket", hint="It looks like s3://bucket/prefix."
        )
    if is_bucket(config.snapshots):
        raise UsageError(
            "the snapshots are in a bucket themselves: versions go between a directory and a"
            " bucket",
            hint=Words("Name the directory with ", Call(snapshots=...), "."),
        )
    return open_store(url, describe, folded, cache=config.cache)


def copy_versions(
    origin: Store,
    target: Store,
    scenario: str | None = None,
    *,
    dry_run: bool = False,
    renumber: bool = False,
    progress: Progress = no_progress,
) -> CopyResult:
    """Copy the versions that ``target`` lacks, of ``scenario`` or of all, oldest first.

    A version keeps its number and its bytes. One whose number was used in ``target`` and is free
    again was removed there, and stays so, unless a delta that is copied is on top of it. Where both
    have a number for other content, MergeError is raised before anything is copied; with
    ``renumber`` the version in ``target`` gets the next number that neither has used, as
    ``repair_store`` gives one, and the other takes its place.

    May be interrupted anywhere and done again. ``dry_run`` only looks, and takes no lock. Raises
    ExportNotFoundError for a scenario without a snapshot in ``origin``, and StoreError.
    ``progress`` counts versions.
    """
    listing = list_exports(origin, scenario)
    with nullcontext() if dry_run else target.lock():
        there = target.entries()
        used = {found.scenario: target.next_number(found.scenario) for found in listing.scenarios}
        plan = [
            _planned(entry, there, used[entry.scenario])
            for found in listing.scenarios
            for entry in reversed(found.entries)
        ]
        clashing = [each for each in plan if each.clash]
        if clashing and not renumber:
            raise _refused(clashing, origin, target)
        moved = tuple(_make_room(clashing, origin, target, dry_run=dry_run))
        wanted = [each.entry for each in plan if each.clash or not (each.is_there or each.was_used)]
        wanted = _with_chains(wanted, origin, there)
        for done, entry in enumerate(wanted if not dry_run else ()):
            progress(f"{entry.scenario} {entry.version}", done, len(wanted))
            _copy(origin, target, entry)
    return CopyResult(
        origin=origin.place,
        target=target.place,
        copied=tuple(wanted),
        present=tuple(each.entry for each in plan if each.is_there),
        removed=tuple(each.entry for each in plan if each.was_used and each.entry not in wanted),
        renumbered=moved,
        dry_run=dry_run,
    )


def _with_chains(wanted: Sequence[Entry], origin: Store, there: Iterable[Entry]) -> list[Entry]:
    """And the versions that deltas among them are on top of, where ``there`` has no such rows."""
    held = {(entry.scenario, entry.digest) for entry in there}
    more: list[Entry] = []
    for entry in wanted:
        for link in origin.chain(entry):
            is_coming = link in wanted or link in more
            if not is_coming and (link.scenario, link.digest) not in held:
                more.append(link)
    return sorted((*more, *wanted), key=lambda entry: (entry.scenario, entry.version))


class _Planned(Struct, frozen=True):
    """What ``target`` has of the number of ``entry``: the same, another, or one that is gone."""

    entry: Entry
    is_there: bool = False
    was_used: bool = False
    clash: Entry | None = None


def _planned(entry: Entry, there: Iterable[Entry], next_number: int) -> _Planned:
    place = (entry.scenario, entry.version.number)
    same = [other for other in there if (other.scenario, other.version.number) == place]
    if any(_is_same(entry, other) for other in same):
        return _Planned(entry, is_there=True)
    if same:
        return _Planned(entry, clash=same[0])
    return _Planned(entry, was_used=entry.version.number < next_number)


def _is_same(one: Entry, other: Entry) -> bool:
    """However each is packed."""
    return (one.version, one.digest, one.files, one.generated, one.source) == (
        other.version,
        other.digest,
        other.files,
        other.generated,
        other.source,
    )


def _refused(clashing: list[_Planned], origin: Store, target: Store) -> MergeError:
    count = len(clashing)
    what = "1 version has" if count == 1 else f"{count} versions have"
    return MergeError(
        f"{what} other content in {origin.place} than in {target.place}; nothing was copied",
        problems=tuple(
            f"{each.entry.scenario} {each.entry.version} is another one than"
            f" {each.clash.version} there"
            for each in clashing
            if each.clash
        ),
        hint=Words(
            Call("pull", renumber=True),
            " gives those in the directory the next numbers; then they can be merged and pushed.",
        ),
    )


def _make_room(
    clashing: list[_Planned], origin: Store, target: Store, *, dry_run: bool
) -> Iterator[Renumbered]:
    """Give the versions that stand in the way the next numbers, in their order."""
    taken: dict[str, int] = {}
    for each in clashing:
        assert each.clash is not None
        old = each.clash
        copy = copy_of(target.entries(old.scenario), old)  # of a run that did not end
        number = taken.get(old.scenario) or max(
            origin.next_number(old.scenario), target.next_number(old.scenario)
        )
        becomes = copy.version if copy else Version(number, old.version.day)
        taken[old.scenario] = number + (copy is None)
        if not dry_run:
            if copy is None:
                source = target.file(old)
                publish_as(target, source, describe(source), becomes)
            target.remove([old])
        yield Renumbered(old.scenario, old.version, becomes, merged=False)


def _place(description: Description) -> tuple[str, Version, Packing, DocumentForm]:
    header = description.header
    return header.scenario, header.version, description.packing, description.form


def _copy(origin: Store, target: Store, entry: Entry) -> None:
    source = origin.file(entry)
    description = describe(source)
    for part in target.missing_parts(entry.scenario, entry.parts) if entry.parts else ():
        assert source.beside is not None
        _copy_part(source.beside(part.name, part.sha256), target, entry.scenario, part)
    copy_files(origin, target, entry.files)
    with (
        source.open() as stream,
        target.draft(*_place(description)) as draft,
    ):
        shutil.copyfileobj(stream, draft.file, _BUFFER)
        draft.file.flush()
        if draft.measured.hash.hexdigest() != entry.sha256:
            raise _altered(source)
        target.publish(draft, description.header, description.digest, parts=entry.parts)


def _copy_part(source: Source, target: Store, scenario: str, part: Part) -> None:
    packing, _ = kept_as(part.name)
    try:
        with source.open() as stream, target.part(scenario, packing) as draft:
            shutil.copyfileobj(stream, draft.file, _BUFFER)
            draft.file.flush()
            if draft.measured.hash.hexdigest() != part.sha256:
                raise _altered(source)
            draft.place()
    except FileNotFoundError as error:
        raise StoreError(f"{source.name}: not there any more") from error


def _altered(source: Source) -> StoreError:
    return StoreError(
        f"{source.name}: was altered since it was saved; it was not copied",
        hint=Words(Call("verify"), " names what is wrong."),
    )
