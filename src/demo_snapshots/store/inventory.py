"""What is there: the objects of a backend, each as the manifest describes it or, where the
manifest does not know it, as it describes itself. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct, field

from demo_snapshots.errors import DemoError, StoreDeniedError, StoreUnreachableError
from demo_snapshots.model.snapshots import Description, Entry, Stored, is_part_name
from demo_snapshots.model.sources import Source
from demo_snapshots.model.words import Call, Words
from demo_snapshots.store.backends.base import Backend, Form, Item
from demo_snapshots.store.blobs import FOLDER as BLOBS
from demo_snapshots.store.blobs import Blobs, files_in
from demo_snapshots.store.contents import (
    LATEST,
    Contents,
    Unfit,
    claim_named,
    entry_of,
    is_scenario_name,
    newest_first,
    version_of,
)
from demo_snapshots.store.manifest import Recorded, parse_manifest, recordable
from demo_snapshots.store.undo import FOLDER as UNDO

METADATA = "metadata"
MANIFEST = f"{METADATA}/export_manifest.json"
SCHEMAS = f"{METADATA}/schema_versions.json"
_MANIFEST_NAME = MANIFEST.rpartition("/")[2]
_NUMBER = re.compile(r"_v([1-9][0-9]{0,8})_")
MAX_MANIFEST = 64 << 20

Describe = Callable[[Source], Description]
"""Reads what a document says of itself; a DemoError if it is no whole one."""


class _Findings(Struct):
    entries: list[Entry] = field(default_factory=list)
    highest: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)

    def used(self, scenario: str, number: int) -> None:
        self.highest[scenario] = max(number, self.highest.get(scenario, 0))


class Inventory:
    """What is in ``backend``; each call looks anew."""

    def __init__(self, backend: Backend, describe: Describe) -> None:
        self._backend = backend
        self._describe = describe

    def contents(self, scenario: str | None = None) -> Contents:
        """What there is, of one scenario or of all."""
        recorded = self.recorded()
        found = _Findings()
        if recorded is not None and recorded.damage:
            found.notes.append(
                f"{_MANIFEST_NAME} is damaged ({'; '.join(recorded.damage)}); "
                "what it lacks is read from the files"
            )
        for name in self._scenario_names(found) if scenario is None else (scenario,):
            self._read_scenario(name, recorded, found)
        if recorded is None and found.entries:
            found.notes.insert(0, f"there is no {_MANIFEST_NAME}; the files were read")
        for name, number in (recorded.highest if recorded else {}).items():
            if scenario in (None, name):
                found.used(name, number)
        for claim in filter(None, map(claim_named, self._backend.claimed())):
            if scenario in (None, claim[0]):
                found.used(*claim)
        return Contents(
            newest_first(found.entries),
            found.highest,
            tuple(found.notes),
            tuple(found.unfit),
            self._backend.place,
        )

    def stored(self, scenario: str | None = None) -> tuple[Stored, ...]:
        """As ``Store.inventory``."""
        recorded = self.recorded()
        known = dict(recorded.entries) if recorded else {}
        found: list[Stored] = []
        for name in self._scenario_names(_Findings()) if scenario is None else (scenario,):
            for item in self._backend.list(name):
                version = version_of(name, item.name)
                if version is not None:
                    key = f"{name}/{item.name}"
                    size = item.size if item.form is Form.OBJECT else None
                    source = self._backend.source(key)
                    found.append(Stored(name, version, source, True, size, known.pop(key, None)))
        for key, entry in known.items():
            if scenario in (None, entry.scenario):
                source = self._backend.source(key)
                found.append(Stored(entry.scenario, entry.version, source, False, None, entry))
        found.sort(key=lambda stored: (stored.version, stored.source.name), reverse=True)
        return tuple(sorted(found, key=lambda stored: stored.scenario))

    def stale(self) -> tuple[str, ...]:
        """Keys of temporary objects: of processes that died, or of one that is writing now."""
        scenarios = tuple(self._scenario_names(_Findings()))
        folders = ["", METADATA, UNDO, BLOBS, *scenarios]
        temporary = [key for folder in folders for key in self._backend.stale(folder)]
        return (*temporary, *(key for name in scenarios for key in self.unused_parts(name)))

    def unused_parts(self, scenario: str) -> tuple[str, ...]:
        """Keys of parts that no version names: of an export that never ended, or of one under way.
        None where a version is damaged, which may name them."""
        there = [
            item.name
            for item in self._backend.list(scenario)
            if item.form is Form.OBJECT and is_part_name(scenario, item.name)
        ]
        if not there:
            return ()
        contents = self.contents(scenario)
        if contents.unfit:
            return ()
        used = {part.name for entry in contents.entries for part in entry.parts}
        return tuple(f"{scenario}/{name}" for name in there if name not in used)

    def unused_blobs(self, gone: Collection[str]) -> dict[str, int]:
        """As ``Store.unused_blobs``, without the versions of these paths."""
        blobs = Blobs(self._backend)
        unused = blobs.sizes()
        contents = self.contents() if unused else Contents()
        if contents.unfit:
            return {}
        try:
            for files in {e.files for e in contents.entries if e.files and e.path not in gone}:
                unused.pop(files.sha256, None)
                for file in files_in(blobs, files):
                    unused.pop(file.sha256, None)
        except DemoError:
            return {}
        return unused

    # --- The books ---------------------------------------------------------------------------

    def recorded(self) -> Recorded | None:
        """What the manifest says, None where there is none."""
        text = self.text(MANIFEST)
        return None if text is None else parse_manifest(text)

    def text(self, key: str) -> str | None:
        """The text of manifest or list of schemas, None where there is none; a link is as good
        as a damaged one, and so is one that is too large to be ours."""
        folder = self._backend.look(METADATA) if self._backend.has_links else None
        if folder is not None and folder.form is Form.LINK:
            return None if folder.dangling else ""
        item = self._backend.look(key)
        if item is None:
            return None
        if item.form is not Form.OBJECT or item.size > MAX_MANIFEST:
            return ""
        return self._backend.get(key).decode("utf-8", "replace")

    def latest(self, scenario: str) -> dict[str, Item]:
        """What stands under the names of ``LATEST``, by key."""
        folder = self._backend.look(scenario) if self._backend.has_links else None
        if folder is not None and folder.form is Form.LINK:
            return {}
        if not self._backend.has_links:
            there = self._backend.list(scenario)
            return {f"{scenario}/{item.name}": item for item in there if item.name in LATEST}
        keys = [f"{scenario}/{name}" for name in LATEST]
        return {key: item for key in keys if (item := self._backend.look(key)) is not None}

    # --- The snapshots -----------------------------------------------------------------------

    def _scenario_names(self, found: _Findings) -> Iterator[str]:
        for item in self._backend.list():
            name = item.name
            if name.startswith(".") or name in (METADATA, BLOBS) or item.form is Form.OBJECT:
                continue
            if is_scenario_name(name) and item.form is Form.FOLDER:
                yield name
            else:
                found.notes.append(f"{name!r} is not a scenario's directory and was left alone")

    def _read_scenario(self, scenario: str, recorded: Recorded | None, found: _Findings) -> None:
        known = {
            path: entry
            for path, entry in (recorded.entries if recorded else {}).items()
            if entry.scenario == scenario
        }
        for item in self._snapshots(scenario, found):
            path = f"{scenario}/{item.name}"
            version = version_of(scenario, item.name)
            if version is None:
                found.notes.append(f"{path!r} is not named like a snapshot and was left alone")
                continue
            reason = self._read_object(path, item, known.pop(path, None), recorded, found)
            if reason is not None:
                found.unfit.append(Unfit(path, scenario, version, f"{path!r} {reason}"))
                found.notes.append(f"{path!r} {reason}; it was left alone")
        for path, entry in sorted(known.items()):
            found.used(scenario, entry.version.number)
            found.notes.append(f"{path!r} is in {_MANIFEST_NAME} but not in the store")
        _note_twins(scenario, found)

    def _snapshots(self, scenario: str, found: _Findings) -> Sequence[Item]:
        """What should be snapshots; the numbers in their names are used, whatever they are."""
        folder = self._backend.look(scenario) if self._backend.has_links else None
        if folder is not None and folder.form is Form.LINK:
            found.notes.append(f"{scenario!r} is a link, which the store does not follow")
            return ()
        items = [
            item
            for item in self._backend.list(scenario)
            if not (
                item.name.startswith(".")
                or item.name in LATEST
                or is_part_name(scenario, item.name)
            )
        ]
        for name in (item.name for item in items):
            number = _NUMBER.match(name[len(scenario) :]) if name.startswith(scenario) else None
            if number is not None:
                found.used(scenario, int(number[1]))
        return items

    def _read_object(
        self,
        path: str,
        item: Item,
        known: Entry | None,
        recorded: Recorded | None,
        found: _Findings,
    ) -> str | None:
        """Add its entry, or return why it is not a snapshot."""
        if item.form is not Form.OBJECT:
            return "is not a regular file"
        if known is not None and known.size == item.size:
            found.entries.append(known)
            return None
        source = self._backend.source(path)
        try:
            entry = entry_of(self._describe(source))
        except (StoreUnreachableError, StoreDeniedError):
            raise  # says nothing of the document
        except (DemoError, OSError) as error:
            reason = error.message if isinstance(error, DemoError) else str(error.strerror)
            return f"is not a whole snapshot: {reason.removeprefix(f'{source.name}: ')}"
        if entry.path != path or not recordable(entry):
            return "is not what its name says"
        found.entries.append(entry)
        if known is not None:
            found.notes.append(
                f"{path!r} has {item.size} bytes and not the {known.size} that were exported; "
                "it is listed as it describes itself"
            )
        elif recorded is not None and not recorded.damage:
            found.notes.append(f"{path!r} was not in {_MANIFEST_NAME}; it was read")
        return None


def _note_twins(scenario: str, found: _Findings) -> None:
    entries = [entry for entry in found.entries if entry.scenario == scenario]
    for number in sorted({entry.version.number for entry in entries}):
        twins = [str(e.version) for e in entries if e.version.number == number]
        if len(twins) > 1:
            found.notes.append(
                Words(
                    f"{scenario!r} has {len(twins)} versions {number}: "
                    f"{', '.join(sorted(twins))}; ",
                    Call("repair"),
                    " gives the later one the next number",
                )
            )
