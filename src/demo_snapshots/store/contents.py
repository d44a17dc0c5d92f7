"""What is in a store: pure look-ups over its entries, the same for every kind of store."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from demo_snapshots.errors import ExportNotFoundError, StoreError, UsageError
from demo_snapshots.model.results import Listing, ScenarioListing
from demo_snapshots.model.snapshots import (
    Description,
    DocumentForm,
    Entry,
    Packing,
    Version,
    check_scenario_name,
)
from demo_snapshots.model.words import Call, Words

MAX_NUMBER = 999_999_999
_KEPT = {packing.ending(form): (packing, form) for form in DocumentForm for packing in Packing}
ENDINGS = tuple(sorted(_KEPT, key=len, reverse=True))
"""What snapshots' names end in; of two that a name ends in, the longer one comes first."""
LATEST = tuple(f"latest{ending}" for ending in ENDINGS)
"""What a scenario's newest version may be reached under: only one of them at a time."""


def relative_path(
    scenario: str, version: Version, packing: Packing, form: DocumentForm = DocumentForm.SQL
) -> str:
    """Where the snapshot is kept, relative to the store, with forward slashes."""
    return f"{scenario}/{scenario}_{version}{packing.ending(form)}"


def claim_of(scenario: str, number: int) -> str:
    """What is claimed of a number, whatever the day and the packing."""
    return f"{scenario}_v{number}"


def claim_named(name: str) -> tuple[str, int] | None:
    """The scenario and number that ``claim_of`` wrote, None for any other name."""
    scenario, _, number = name.rpartition("_v")
    if not is_scenario_name(scenario) or not re.fullmatch("[1-9][0-9]{0,8}", number):
        return None
    return scenario, int(number)


def kept_as(name: str) -> tuple[Packing, DocumentForm]:
    """How a snapshot of that name or path is stored, and in which form. Raises ValueError."""
    for ending in ENDINGS:
        if name.endswith(ending):
            return _KEPT[ending]
    raise ValueError(f"not a snapshot's name: {name!r}")


def version_of(scenario: str, name: str) -> Version | None:
    """The version that a snapshot's file name says, None for any other name."""
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), None)
    if ending is None or not name.startswith(f"{scenario}_"):
        return None
    try:
        return Version.parse(name[len(scenario) + 1 : -len(ending)])
    except ValueError:
        return None


def entry_of(description: Description) -> Entry:
    """The entry for a document that is kept where its header says it belongs.

    Headers say seconds, so that an entry made of a header that was read is the same.
    """
    header = description.header
    return Entry(
        scenario=header.scenario,
        version=header.version,
        path=relative_path(header.scenario, header.version, description.packing, description.form),
        size=description.size,
        sha256=description.sha256,
        digest=description.digest,
        generated=header.generated.replace(microsecond=0),
        source=header.source,
        schema=header.schema,
        statistics=header.statistics,
        tool=header.tool,
        migration=header.migration,
        delta=header.delta.of if header.delta else None,
        parts=description.parts,
        included=header.included,
        files=header.files,
    )


def newest_first(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """By scenario, then from the highest version (number, day, name) down."""
    down = sorted(entries, key=lambda entry: (entry.version, entry.path), reverse=True)
    return tuple(sorted(down, key=lambda entry: entry.scenario))


class Unfit(Struct, frozen=True):
    """A file that has a snapshot's name and cannot be used as one. ``path``
    is relative to the store; ``reason`` names the file."""

    path: str
    scenario: str
    version: Version
    reason: str

    def is_called(self, version: str) -> bool:
        return version in (str(self.version), f"v{self.version.number}")

    def error(self) -> StoreError:
        hint = "Restore it from version control, or move it away, or name another version."
        if "conflict markers" in self.reason:
            hint = Words(Call("repair"), " makes of it the two versions that were merged.")
        return StoreError(self.reason, hint=hint)


class Contents(Struct, frozen=True):
    """``entries`` as ``newest_first`` orders them; ``highest`` is the highest number ever used
    by each scenario, as far as manifest and file names tell; ``notes`` say what is amiss;
    ``unfit`` are the files named like a snapshot that are none, and why; ``place`` is where
    the store is, for people."""

    entries: tuple[Entry, ...] = ()
    highest: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    place: str = ""

    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.scenario for entry in self.entries))

    def of(self, scenario: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.scenario == scenario)

    def newest(self, scenario: str) -> Entry | None:
        return next(iter(self.of(scenario)), None)

    def latest(self, scenario: str) -> Entry | None:
        """As ``Store.latest``."""
        newest = self.newest(scenario)
        for unfit in self.unfit:
            if unfit.scenario == scenario and (newest is None or unfit.version > newest.version):
                raise unfit.error()
        return newest

    def listing(self) -> Listing:
        return Listing(
            tuple(ScenarioListing(name, self.of(name)) for name in self.scenarios()), self.notes
        )

    def find(self, scenario: str, version: str) -> Entry:
        """As ``Store.find``."""
        entries = self.of(scenario)
        for unfit in self.unfit:
            if unfit.scenario == scenario and unfit.is_called(version):
                raise unfit.error()
        if not entries:
            raise unknown_scenario(scenario, self.scenarios(), self.place)
        found = [
            entry
            for entry in entries
            if version in (str(entry.version), f"v{entry.version.number}")
        ]
        if len(found) == 1:
            return found[0]
        available = tuple(str(entry.version) for entry in found or entries)
        raise ExportNotFoundError(
            f"scenario {scenario!r} has "
            + (f"{len(found)} versions {version}" if found else f"no version {version!r}"),
            available=available,
            hint=f"There are: {_some(available)}.",
        )

    def next_number(self, scenario: str) -> int:
        number = self.highest.get(scenario, 0) + 1
        if number > MAX_NUMBER:
            raise StoreError(
                f"scenario {scenario!r} has used up its version numbers",
                hint="Put the scenario's highest number right in metadata/export_manifest.json.",
            )
        return number

    def chain(self, entry: Entry) -> tuple[Entry, ...]:
        """The versions that make this one whole: one whose file holds all its rows, then the
        deltas on top of it, the last of which it is. Raises StoreError where one is missing."""
        chain = self._chain(entry, ())
        if chain is None:
            last = self._last_found(entry)
            assert last.delta is not None
            raise StoreError(
                f"{entry.scenario} {last.version} is a delta on top of {last.delta.on.version},"
                " which is not there",
                hint="Restore its file from version control or a backup, or export again.",
            )
        return chain

    def _chain(self, entry: Entry, above: tuple[str, ...]) -> tuple[Entry, ...] | None:
        if entry.delta is None:
            return (entry,)
        for below in self._below(entry, (*above, entry.path)):
            chain = self._chain(below, (*above, entry.path))
            if chain is not None:
                return (*chain, entry)
        return None

    def _below(self, entry: Entry, above: Collection[str] = ()) -> list[Entry]:
        """The versions that hold the rows that a delta is on top of: by digest, for a version may
        get another number. Whole ones come first, then the one of the name that the delta says."""
        assert entry.delta is not None
        on = entry.delta.on
        alike = [e for e in self.of(entry.scenario) if e.digest == on.digest]
        there = [e for e in alike if e.path not in above and e.path != entry.path]
        return sorted(there, key=lambda e: (e.delta is not None, e.version != on.version))

    def _last_found(self, entry: Entry) -> Entry:
        """The delta that the chain of ``entry`` leads down to, and no further."""
        seen = [entry.path]
        while entry.delta is not None and (below := self._below(entry, seen)):
            entry = below[0]
            seen.append(entry.path)
        return entry

    def needed_by(self, entries: Iterable[Entry]) -> set[str]:
        """The paths of all versions that it takes to read these, as far as they are there."""
        needed: set[str] = set()
        for entry in entries:
            try:
                needed |= {link.path for link in self.chain(entry)}
            except StoreError:
                # What is left of a broken chain may be made whole again by who has the rest.
                needed.add(entry.path)
                while entry.delta is not None and (below := self._below(entry, needed)):
                    entry = below[0]
                    needed.add(entry.path)
        return needed

    def having(self, entry: Entry) -> Contents:
        """With one more entry, its number used."""
        more = replace(self, entries=newest_first((*self.entries, entry)))
        return more.using({entry.scenario: entry.version.number})

    def using(self, highest: Mapping[str, int]) -> Contents:
        """With those numbers used as well, and all below them."""
        used = {name: max(number, self.highest.get(name, 0)) for name, number in highest.items()}
        return replace(self, highest={**self.highest, **used})

    def without(self, gone: Iterable[Entry]) -> Contents:
        """With those entries gone, their numbers still used."""
        paths = {entry.path for entry in gone}
        return replace(
            self, entries=tuple(entry for entry in self.entries if entry.path not in paths)
        )


def unknown_scenario(
    scenario: str, available: tuple[str, ...], place: object
) -> ExportNotFoundError:
    """The error for a scenario that has no snapshot in the store at ``place``."""
    return ExportNotFoundError(
        f"no snapshot of scenario {scenario!r} in {place}",
        available=available,
        hint=f"There are: {_some(available)}."
        if available
        else Words("There are none at all yet: ", Call("export", scenario), " makes the first."),
    )


def is_scenario_name(name: str) -> bool:
    try:
        return check_scenario_name(name) == name
    except UsageError:
        return False


def _some(names: tuple[str, ...], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
