"""The whole store in one file, and what the database holds now."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct, field

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.compression import Packable, packed
from demo_snapshots.documents.converting import in_form
from demo_snapshots.documents.opening import describe, describe_whole
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import (
    EmptyScenarioError,
    ExportError,
    ExportNotFoundError,
    StoreError,
    UsageError,
)
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import Entry, Packing, Parent, Version
from demo_snapshots.model.sources import Source
from demo_snapshots.model.upkeep import BackupResult
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.export import holds, whole_latest, with_files
from demo_snapshots.operations.snapshot import snapshot_of
from demo_snapshots.operations.uploads.stored import FilesCheck
from demo_snapshots.operations.verify import check_version
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.store import Store, open_object
from demo_snapshots.store.archive import RESTORE, write_archive
from demo_snapshots.store.backends.base import Backend, Upload
from demo_snapshots.store.contents import Contents, entry_of, is_scenario_name, newest_first
from demo_snapshots.store.measured import Measured

# Versions that are alike but for their headers reached 2,334; zeros reach 32,656.
BACKUP = Packable("backup", 5_000, RESTORE)

_PACKINGS = {".tar.zst": Packing.ZSTD, ".tar.gz": Packing.GZIP, ".tar": Packing.PLAIN}
_BUFFER = 1 << 20
_ELSEWHERE = "Name a file in a directory that can be written to."


def backup_store(
    config: Config,
    store: Store,
    location: str | Path,
    *,
    now: datetime,
    with_database: bool = False,
    progress: Progress = no_progress,
) -> BackupResult:
    """Write every version of the store, as it is under its lock, into the archive at ``location``,
    a file or an object in a bucket, which is named FILE.tar.zst, FILE.tar.gz or FILE.tar.

    Each version is read first; one that is not what was saved is left out and named in the result.
    ``with_database`` adds the demo rows that the database holds now: of each scenario, as its next
    version, unless they are those of the latest. The store does not get it; ``now`` (aware) is the
    moment in it. The same store gives the same bytes. The file, which may not be there yet, appears
    whole at once or not at all. ``progress`` counts versions.

    Raises UsageError for another name, ExportNotFoundError where there is nothing to
    back up, StoreError; with the database what ``export_scenario`` raises.
    """
    backend, key = open_object(location)  # first: no message shows a URL that may hold a secret
    packing = _packing(str(location))
    with ExitStack() as stack:
        stack.enter_context(store.lock())
        upload = stack.enter_context(_upload(backend, key, location))
        content = _Content(store)
        content.take_versions(progress)
        if with_database:
            content.take_rows(config, now.astimezone(UTC).replace(microsecond=0), stack)
        if not content.entries:
            raise ExportNotFoundError(
                f"nothing to back up in {store.place}",
                hint=Words(Call("list_exports"), " shows what is there."),
            )
        measured = Measured(upload)
        with io.BufferedWriter(measured, _BUFFER) as file:
            content.write(file, packing, progress)
        upload.finish()
        upload.place()
        upload.settle()
    return BackupResult(
        str(location),
        size=measured.size,
        sha256=measured.hash.hexdigest(),
        entries=newest_first(content.entries),
        present=tuple(content.present),
        left=tuple(content.left),
    )


def _packing(name: str) -> Packing:
    for suffix, packing in _PACKINGS.items():
        if name.endswith(suffix):
            return packing
    raise UsageError(
        f"{name}: a backup is a tar archive, and its name says so", hint="Name a FILE.tar.zst."
    )


@contextmanager
def _upload(backend: Backend, key: str, location: str | Path) -> Iterator[Upload]:
    """A new file for ``key``, once what a process that died left of one is gone."""
    if backend.look(key) is not None:
        raise StoreError(
            f"{location}: is there already",
            hint="A backup never takes the place of another: name a new file.",
        )
    path = backend.source(key).path
    if path is not None and not path.parent.is_dir():
        raise StoreError(f"{path}: cannot write: {path.parent} is no directory", hint=_ELSEWHERE)
    with ExitStack() as stack:
        try:
            for stale in backend.stale():
                if stale.startswith(f".{key}.tmp-"):
                    backend.delete(stale)
            upload = stack.enter_context(backend.upload(key))
        except StoreError as error:
            raise type(error)(error.message, hint=error.hint or _ELSEWHERE) from error
        yield upload


class _Content(Struct):
    """What goes into the backup of ``store``, whose lock is held; ``present`` are the entries that
    hold the database's rows, ``left`` says what was left out and why."""

    store: Store
    entries: list[Entry] = field(default_factory=list)
    present: list[Entry] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    _sources: dict[str, Source] = field(default_factory=dict)

    def _take(self, entry: Entry, source: Source) -> None:
        self.entries.append(entry)
        self._sources[entry.path] = source

    def take_versions(self, progress: Progress) -> None:
        """Every version that is still what was saved."""
        files = [stored for stored in self.store.inventory() if stored.present]
        named = Counter((stored.scenario, stored.version) for stored in files)
        files_check = FilesCheck(self.store)
        for done, stored in enumerate(files):
            name = f"{stored.scenario} {stored.version}"
            progress(name, done, len(files))
            problems = check_version(stored, describe_whole).problems
            if stored.recorded is not None and not problems:
                problems = files_check.problems(stored.recorded.files)
            if stored.recorded is not None and not problems:
                self._take(stored.recorded, stored.source)
                continue
            if stored.recorded is None and named[stored.scenario, stored.version] > 1:
                # The manifest has room for one version of that name.
                repair = Words("is there twice: ", Call("repair"), " gives one the next number")
                problems = (repair,)
            self.left += [Words(f"{name}: ", problem) for problem in problems]
        self._leave_out_broken_chains()

    def _leave_out_broken_chains(self) -> None:
        """A delta without what it is on top of is of no use."""
        contents = Contents(newest_first(self.entries))
        for entry in list(self.entries):
            try:
                contents.chain(entry)
            except StoreError as error:
                self.entries.remove(entry)
                self.left.append(f"{entry.scenario} {entry.version}: {error.message}")

    def take_rows(self, config: Config, now: datetime, stack: ExitStack) -> None:
        """The demo rows of one consistent read of the database. What is written of them lasts as
        long as ``stack``."""
        with connect(config.database) as database, database.reading():
            demo = see(database, config)
            for scenario in self._scenarios(demo):
                if not is_scenario_name(scenario):
                    self.left.append(f"the rows of {scenario!r}, which cannot be a scenario name")
                    continue
                try:
                    self._take_scenario(demo.of(scenario), config, now, stack)
                except EmptyScenarioError:
                    continue  # nothing says which of its rows are whose, and there are none

    def _scenarios(self, demo: DemoSet) -> tuple[str, ...]:
        """Those that rows carry; where none can, every row is each scenario's."""
        is_told = any(rule.scenario for rule in demo.selection.rules.values())
        return demo.scenarios() if is_told else self.store.scenarios()

    def _take_scenario(
        self, demo: DemoSet, config: Config, now: datetime, stack: ExitStack
    ) -> None:
        packing, form = config.compress, config.format
        assert isinstance(demo.scenario, str)
        version = Version(self.store.next_number(demo.scenario), now.date())
        latest, _ = whole_latest(self.store, demo.scenario)
        base = Parent(latest.version, latest.digest) if latest else None
        with snapshot_of(demo, version, now, base=base) as snapshot:
            # The store is to be as it was: files that are new are there until all is written.
            files = with_files(snapshot, demo, config, self.store, keep=False)
            snapshot, _ = stack.enter_context(files)
            draft = stack.enter_context(self.store.draft(demo.scenario, version, packing, form))
            with packed(draft.file, packing) as file, in_form(file, form) as sql:
                digest = snapshot.write(sql)
            draft.file.flush()
        # A latest that was left out holds no rows of the backup.
        if (
            latest is not None
            and latest in self.entries
            and holds(self.store, latest, draft, snapshot.header, digest)
        ):
            self.present.append(latest)
            return
        entry = entry_of(describe(draft.source))
        self.present.append(entry)
        self._take(entry, draft.source)

    def write(self, file: BinaryIO, packing: Packing, progress: Progress) -> None:
        contents = Contents(newest_first(self.entries), self.store.highest())
        used = {entry.scenario: entry.version.number for entry in self.present}
        try:
            with packed(file, packing, BACKUP) as stream:
                contents = contents.using(used)
                write_archive(stream, contents, self._sources, progress, self.store.blobs)
        except ExportError as error:
            raise ExportError(
                f"the versions compress to less than 1/{BACKUP.ratio}, which nothing would unpack",
                hint="Name a FILE.tar, and compress that by other means.",
            ) from error
