"""The directory store's books: compared with the files at every reading, brought in line with
them under the lock."""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo_snapshots.errors import DemoError
from demo_snapshots.model.snapshots import Description, Entry, Header, Packing, Stored
from demo_snapshots.store.contents import (
    Contents,
    Unfit,
    entry_of,
    is_scenario_name,
    newest_first,
    packing_named,
    version_of,
)
from demo_snapshots.store.files import (
    Staging,
    discard,
    is_directory,
    is_file,
    is_stand_in,
    is_temporary,
    open_for_reading,
    reporting,
)
from demo_snapshots.store.manifest import (
    Recorded,
    parse_manifest,
    parse_schemas,
    recordable,
    render_manifest,
    render_schemas,
    table_line,
)

LATEST = tuple(f"latest{packing.suffix}" for packing in Packing)
"""What a scenario's newest version may be reached under: only one of them at a time."""
_NUMBER = re.compile(r"_v([1-9][0-9]{0,8})_")
_MAX_MANIFEST = 64 << 20

Drafts = Mapping[str, tuple[Path, Header]]
"""Documents that have an entry but not their final name yet: path in the store -> where it is."""


@dataclass(slots=True)
class _Findings:
    entries: list[Entry] = field(default_factory=list)
    highest: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)

    def used(self, scenario: str, number: int) -> None:
        self.highest[scenario] = max(number, self.highest.get(scenario, 0))


class Upkeep:
    """Manifest, list of schemas and latest links of the store in ``root``."""

    def __init__(self, root: Path, describe: Callable[[Path], Description]) -> None:
        self._root = root
        self._describe = describe
        self.manifest = root / "metadata" / "export_manifest.json"
        self.schemas = root / "metadata" / "schema_versions.json"

    # --- Reading -----------------------------------------------------------------------------

    def contents(self, scenario: str | None = None) -> Contents:
        """What there is, of one scenario or of all: the files, each as the manifest describes
        it or, where the manifest does not know it, as it describes itself."""
        with reporting("read", self._root):
            recorded = self._recorded()
            found = _Findings()
            if recorded is not None and recorded.damage:
                found.notes.append(
                    f"{self.manifest.name} is damaged ({'; '.join(recorded.damage)}); "
                    "what it lacks is read from the files"
                )
            for name in self._scenario_names(found) if scenario is None else (scenario,):
                with reporting("read", self._root / name):
                    self._read_scenario(name, recorded, found)
        if recorded is None and found.entries:
            found.notes.insert(0, f"there is no {self.manifest.name}; the files were read")
        for name, number in (recorded.highest if recorded else {}).items():
            if scenario in (None, name):
                found.used(name, number)
        return Contents(
            newest_first(found.entries),
            found.highest,
            tuple(found.notes),
            tuple(found.unfit),
            str(self._root),
        )

    def _recorded(self) -> Recorded | None:
        """What the manifest says, None where there is none."""
        text = self._text(self.manifest)
        return None if text is None else parse_manifest(text)

    def _text(self, path: Path) -> str | None:
        """A metadata file's text, None where there is none; a link is as good as a damaged
        file, and so is one that is too large to be ours."""
        if not os.path.lexists(path):
            return None
        if not is_directory(path.parent) or not is_file(path):
            return ""
        if path.stat().st_size > _MAX_MANIFEST:
            return ""
        with open_for_reading(path) as file:
            return file.read().decode("utf-8", "replace")

    def _scenario_names(self, found: _Findings) -> Iterator[str]:
        try:
            names = sorted(path.name for path in self._root.iterdir())
        except FileNotFoundError:
            return
        for name in names:
            path = self._root / name
            if name.startswith(".") or name == "metadata" or is_file(path):
                continue
            if is_scenario_name(name) and is_directory(path):
                yield name
            else:
                found.notes.append(f"{name!r} is not a scenario's directory and was left alone")

    def _read_scenario(self, scenario: str, recorded: Recorded | None, found: _Findings) -> None:
        directory = self._root / scenario
        known = {
            path: entry
            for path, entry in (recorded.entries if recorded else {}).items()
            if entry.scenario == scenario
        }
        names = []
        if directory.is_symlink():
            found.notes.append(f"{scenario!r} is a link, which the store does not follow")
        elif is_directory(directory):
            names = sorted(path.name for path in directory.iterdir())
        for name in names:
            path = f"{scenario}/{name}"
            if name.startswith(".") or name in LATEST:
                continue
            number = _NUMBER.match(name[len(scenario) :]) if name.startswith(scenario) else None
            if number is not None:
                found.used(scenario, int(number[1]))
            version = version_of(scenario, name)
            if version is None:
                found.notes.append(f"{path!r} is not named like a snapshot and was left alone")
                continue
            reason = self._read_file(path, known.pop(path, None), recorded, found)
            if reason is not None:
                found.unfit.append(Unfit(path, scenario, version, f"{path!r} {reason}"))
                found.notes.append(f"{path!r} {reason}; it was left alone")
        for path, entry in sorted(known.items()):
            found.used(scenario, entry.version.number)
            found.notes.append(f"{path!r} is in {self.manifest.name} but not in the store")
        self._note_twins(scenario, found)

    def _read_file(
        self, path: str, known: Entry | None, recorded: Recorded | None, found: _Findings
    ) -> str | None:
        """Add its entry, or return why it is not a snapshot."""
        if not is_file(self._root / path):
            return "is not a regular file"
        size = (self._root / path).stat().st_size
        if known is not None and known.size == size:
            found.entries.append(known)
            return None
        try:
            entry = entry_of(self._describe(self._root / path))
        except (DemoError, OSError) as error:
            reason = error.message if isinstance(error, DemoError) else str(error.strerror)
            reason = reason.removeprefix(f"{self._root / path}: ")
            return f"is not a whole snapshot: {reason}"
        if entry.path != path or not recordable(entry):
            return "is not what its name says"
        found.entries.append(entry)
        if known is not None:
            found.notes.append(
                f"{path!r} has {size} bytes and not the {known.size} that were exported; "
                "it is listed as it describes itself"
            )
        elif recorded is not None and not recorded.damage:
            found.notes.append(f"{path!r} was not in {self.manifest.name}; it was read")
        return None

    def _note_twins(self, scenario: str, found: _Findings) -> None:
        entries = [entry for entry in found.entries if entry.scenario == scenario]
        for number in sorted({entry.version.number for entry in entries}):
            twins = [str(e.version) for e in entries if e.version.number == number]
            if len(twins) > 1:
                found.notes.append(
                    f"{scenario!r} has {len(twins)} versions {number}: "
                    f"{', '.join(sorted(twins))}; demo repair gives the later one the next number"
                )

    def inventory(self, scenario: str | None = None) -> tuple[Stored, ...]:
        """Every file that is named like a snapshot, and every one the manifest knows, of one
        scenario or of all; by scenario, newest first. No file is read but the manifest."""
        with reporting("read", self._root):
            recorded = self._recorded()
            known = dict(recorded.entries) if recorded else {}
            names = set(self._scenario_names(_Findings())) if scenario is None else {scenario}
            found: list[Stored] = []
            for name in names:
                directory = self._root / name
                for path in directory.iterdir() if is_directory(directory) else ():
                    version = version_of(name, path.name)
                    if version is not None:
                        entry = known.pop(f"{name}/{path.name}", None)
                        found.append(Stored(name, version, path, True, entry))
        for path_in_store, entry in known.items():
            if scenario in (None, entry.scenario):
                path = self._root / path_in_store
                found.append(Stored(entry.scenario, entry.version, path, False, entry))
        found.sort(key=lambda stored: (stored.version, stored.path), reverse=True)
        return tuple(sorted(found, key=lambda stored: stored.scenario))

    def inconsistencies(self, scenario: str | None = None) -> tuple[str, ...]:
        """What is wrong with manifest, list of schemas and latest, as clauses that name them:
        what taking the lock puts right. Of one scenario, or of all."""
        contents = self.contents(scenario)
        with reporting("read", self.manifest.parent):
            recorded = self._recorded()
            wrong: list[str] = []
            if recorded is None:
                wrong += [f"there is no {self.manifest.name}"] if contents.entries else []
            elif recorded.damage:
                wrong.append(f"{self.manifest.name} is damaged: {'; '.join(recorded.damage)}")
            elif scenario is None:
                if self._text(self.manifest) != render_manifest(contents):
                    wrong.append(f"{self.manifest.name} is not in line with the files")
                if self._text(self.schemas) != self._schemas_text(contents, {}):
                    wrong.append(f"{self.schemas.name} is not in line with the files")
            for name in contents.scenarios() if scenario is None else (scenario,):
                wrong += self._latest_inconsistencies(name, contents.newest(name))
        return tuple(wrong)

    def _latest_inconsistencies(self, scenario: str, entry: Entry | None) -> list[str]:
        links = [self._root / scenario / name for name in LATEST]
        if entry is None:
            return [f"{scenario}/{link.name} leads nowhere" for link in links if _dangles(link)]
        file = self._root / entry.path
        right = self._latest(entry)
        wrong = [
            f"{scenario}/{link.name} is left over"
            for link in links
            if link != right and os.path.lexists(link)
        ]
        if not _is_latest(right, file.name, file):
            wrong.append(f"{scenario}/{right.name} is not {entry.version}")
        return wrong

    def _latest(self, entry: Entry) -> Path:
        packing = packing_named(entry.path) or Packing.PLAIN
        return self._root / entry.scenario / f"latest{packing.suffix}"

    def stale(self) -> tuple[Path, ...]:
        """Temporary files: of processes that died, or of one that is writing now."""
        with reporting("read", self._root):
            return tuple(self._stale())

    # --- Writing, under the lock ---------------------------------------------------------------

    def reconcile(self) -> tuple[str, ...]:
        """Remove what dead processes left, bring manifest, schemas and latest in line with the
        files, keep a damaged manifest aside. Returns what was amiss."""
        with reporting("read", self._root):
            self._remove_stale()
            contents = self.contents()
        with Staging() as staging:
            self._keep_aside(staging)
            self.stage(staging, contents)
            staging.commit()
        return contents.notes

    def stage(self, staging: Staging, contents: Contents, drafts: Drafts | None = None) -> None:
        """Prepare whatever has to change for the books to say ``contents``."""
        drafts = drafts or {}
        with reporting("write", self.manifest.parent):
            self._stage_books(staging, contents, drafts)
            for scenario in contents.highest:
                self._stage_latest(staging, scenario, contents.newest(scenario), drafts)

    def _stage_books(self, staging: Staging, contents: Contents, drafts: Drafts) -> None:
        if not contents.highest and self._text(self.manifest) is None:
            return
        manifest = render_manifest(contents)
        if self._text(self.manifest) != manifest:
            staging.write(self.manifest, manifest.encode())
        schemas = self._schemas_text(contents, drafts)
        if self._text(self.schemas) != schemas:
            staging.write(self.schemas, schemas.encode())

    def _schemas_text(self, contents: Contents, drafts: Drafts) -> str:
        known = parse_schemas(self._text(self.schemas) or "")
        return render_schemas(
            contents, lambda schema: known.get(schema) or self._tables(schema, contents, drafts)
        )

    def _tables(self, schema: str, contents: Contents, drafts: Drafts) -> tuple[str, ...]:
        entry = next(entry for entry in contents.entries if entry.schema == schema)
        if entry.path in drafts:
            header = drafts[entry.path][1]
        else:
            try:
                header = self._describe(self._root / entry.path).header
            except DemoError:
                # Damaged since it was listed; the next run finds that out for itself.
                return ()
        return tuple(table_line(table) for table in header.tables)

    def _stage_latest(
        self, staging: Staging, scenario: str, entry: Entry | None, drafts: Drafts
    ) -> None:
        directory = self._root / scenario
        links = [directory / name for name in LATEST]
        if entry is None:
            # A copy may be all that is left of a snapshot; a dangling link is nothing.
            for link in () if directory.is_symlink() else links:
                if _dangles(link):
                    link.unlink()
            return
        link = self._latest(entry)
        name = entry.path.rpartition("/")[2]
        file = drafts[entry.path][0] if entry.path in drafts else self._root / entry.path
        if not _is_latest(link, name, file):
            staging.link(link, name, file)
        for other in links:
            if other != link and os.path.lexists(other):
                staging.remove(other)

    def _remove_stale(self) -> None:
        for path in self._stale():
            discard(path)

    def _stale(self) -> list[Path]:
        if not self._root.is_dir():
            return []
        directories = [self._root, self.manifest.parent]
        directories += [path for path in self._root.iterdir() if is_scenario_name(path.name)]
        return [
            path
            for directory in directories
            if is_directory(directory) or directory == self._root
            for path in directory.iterdir()
            if is_temporary(path.name)
        ]

    def _keep_aside(self, staging: Staging) -> None:
        """Keep a damaged manifest beside the one that is about to replace it. It stays under
        its own name until then: it may hold highest numbers that no file tells."""
        with reporting("keep aside", self.manifest):
            recorded = self._recorded()
            if recorded is None or not recorded.damage:
                return
            number = 1
            while os.path.lexists(aside := self._aside(number)):
                number += 1
            if is_file(self.manifest):
                with open_for_reading(self.manifest) as file:
                    staging.write(aside, file.read())
            else:
                self.manifest.rename(aside)

    def _aside(self, number: int) -> Path:
        return self.manifest.with_name(f"{self.manifest.name}.damaged-{number}")


def _dangles(link: Path) -> bool:
    return link.is_symlink() and not link.exists()


def _is_latest(link: Path, name: str, file: Path) -> bool:
    """Whether ``link`` leads to, stands for or is a copy of ``file``, whose name is ``name``."""
    if link.is_symlink():
        return link.readlink() == Path(name)
    if is_stand_in(link):
        with open_for_reading(link) as stand_in:
            return stand_in.read() == name.encode()
    return is_file(link) and filecmp.cmp(link, file, shallow=False)
