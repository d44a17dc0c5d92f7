"""The store that is a directory tree people can read and commit::

general/general_v1_2025-01-15.sql
general/general_v2_2025-01-20.sql.gz
general/latest.sql.gz -> general_v2_2025-01-20.sql.gz
metadata/export_manifest.json
metadata/schema_versions.json
.gitattributes
"""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.model.results import Listing
from demo_snapshots.model.snapshots import (
    Description,
    Entry,
    Header,
    Packing,
    Stored,
    Version,
    check_scenario_name,
)
from demo_snapshots.store.contents import Contents, entry_of, file_name, packing_named
from demo_snapshots.store.files import (
    NewFile,
    Staging,
    buffered,
    discard,
    finish,
    is_file,
    open_for_reading,
    place,
    reporting,
    sync_directory,
    temporary_name,
)
from demo_snapshots.store.manifest import recordable
from demo_snapshots.store.protocol import Draft
from demo_snapshots.store.upkeep import Upkeep

if TYPE_CHECKING:
    from filelock import FileLock

_logger = logging.getLogger(__name__)

_ATTRIBUTES = (
    "# Documents stay byte for byte as exported, whatever core.autocrlf says.\n"
    "*.sql -text\n"
    "*.sql.gz binary\n"
    "*.sql.zst binary\n"
    "*.json text eol=lf\n"
)
_IGNORE = "/metadata/.lock\n/metadata/*.damaged-*\n.*.tmp-*\n"


@dataclass(slots=True)
class DirectoryDraft:
    """A temporary file beside the name it will be published under."""

    scenario: str
    version: Version
    packing: Packing
    file: io.BufferedWriter
    path: Path
    new: NewFile


class DirectoryStore:
    """``protocol.Store`` in the directory ``root``, which need not exist.

    ``root`` itself may be a symlink; nothing below it is followed if it is one. Instances hold
    no state but the lock: each call looks at the directory anew.
    """

    def __init__(self, root: Path, describe: Callable[[Path], Description]) -> None:
        self._root = root
        self._upkeep = Upkeep(root, describe)

    @property
    def place(self) -> str:
        return str(self._root)

    # --- Reading -----------------------------------------------------------------------------

    def listing(self, scenario: str | None = None) -> Listing:
        return self._contents(scenario).listing()

    def scenarios(self) -> tuple[str, ...]:
        return self._contents().scenarios()

    def entries(self, scenario: str | None = None) -> tuple[Entry, ...]:
        return self._contents(scenario).entries

    def latest(self, scenario: str) -> Entry | None:
        return self._contents(scenario).latest(scenario)

    def find(self, scenario: str, version: str) -> Entry:
        contents = self._contents(scenario)
        # Only the error for an unknown scenario needs to know the others.
        return (contents if contents.entries else self._contents()).find(scenario, version)

    def next_number(self, scenario: str) -> int:
        return self._contents(scenario).next_number(scenario)

    def path(self, entry: Entry) -> Path:
        path = self._entry_file(entry)
        with reporting("read", path):
            if not is_file(path):
                raise StoreError(f"{path}: not there any more, or not a regular file")
        return path

    def open(self, entry: Entry) -> BinaryIO:
        path = self._entry_file(entry)
        with reporting("read", path):
            return open_for_reading(path)

    def inventory(self, scenario: str | None = None) -> tuple[Stored, ...]:
        return self._upkeep.inventory(None if scenario is None else check_scenario_name(scenario))

    def inconsistencies(self, scenario: str | None = None) -> tuple[str, ...]:
        return self._upkeep.inconsistencies(
            None if scenario is None else check_scenario_name(scenario)
        )

    def stale(self) -> tuple[Path, ...]:
        return self._upkeep.stale()

    def _contents(self, scenario: str | None = None) -> Contents:
        if scenario is not None:
            check_scenario_name(scenario)
        return self._upkeep.contents(scenario)

    def _entry_file(self, entry: Entry) -> Path:
        packing = packing_named(entry.path) or Packing.PLAIN
        return self._file(entry.scenario, entry.version, packing)

    def _file(self, scenario: str, version: Version, packing: Packing) -> Path:
        directory = self._root / check_scenario_name(scenario)
        if directory.is_symlink():
            raise StoreError(f"{directory}: a link, which the store does not follow")
        return directory / file_name(scenario, version, packing)

    # --- The lock ----------------------------------------------------------------------------

    @contextmanager
    def lock(self, timeout: float = 60.0) -> Iterator[None]:
        if self._filelock.is_locked:
            yield
            return
        made = self._acquire(timeout)
        try:
            for note in self._upkeep.reconcile():
                _logger.info("%s", note)
            yield
        finally:
            try:
                self._unmake(made)
            finally:
                self._filelock.release()

    @cached_property
    def _filelock(self) -> FileLock:
        # Imported late: it takes longer to import than a listing takes in all.
        from filelock import FileLock

        # Its substitute for file systems without locks stays locked when a process dies.
        return FileLock(self._root / "metadata" / ".lock", fallback_to_soft=False)

    def _acquire(self, timeout: float) -> tuple[Path, ...]:
        from filelock import Timeout

        metadata = self._root / "metadata"
        deadline = time.monotonic() + timeout
        while True:
            made = self._make_directories(metadata)
            try:
                self._filelock.acquire(timeout=max(0.0, deadline - time.monotonic()))
            except Timeout as error:
                raise StoreBusyError(
                    f"{self._root}: another process has been writing for {timeout:g} seconds",
                    hint="Wait for it to finish and try again.",
                ) from error
            except FileNotFoundError as error:
                # The holder before us wrote nothing and took the directories it had made away.
                if time.monotonic() >= deadline:
                    raise StoreError(f"{metadata}: cannot lock: it keeps vanishing") from error
            except (OSError, NotImplementedError) as error:
                _remove_empty(made)
                reason = getattr(error, "strerror", None) or str(error)
                raise StoreError(
                    f"{metadata}: cannot lock: {reason}",
                    hint="Snapshots are written only where the file system can lock files "
                    "and the directory may be written to.",
                ) from error
            else:
                return made

    def _make_directories(self, directory: Path) -> tuple[Path, ...]:
        """Make it and what it lies in; returns what was missing, innermost first."""
        with reporting("make", directory):
            if directory.is_symlink():
                raise StoreError(f"{directory}: a link, which the store does not follow")
            made = tuple(path for path in (directory, *directory.parents) if not path.exists())
            for path in reversed(made):
                path.mkdir(exist_ok=True)
                sync_directory(path.parent)
            return made

    def _unmake(self, made: tuple[Path, ...]) -> None:
        """Leave no empty store behind where nothing has been published."""
        with suppress(OSError):
            if self._root in made and [path.name for path in made[0].iterdir()] == [".lock"]:
                # Under the lock, so that a waiting process sees that its file has lost its name.
                (made[0] / ".lock").unlink()
                _remove_empty(made)

    # --- Writing -----------------------------------------------------------------------------

    @contextmanager
    def draft(
        self, scenario: str, version: Version, packing: Packing = Packing.PLAIN
    ) -> Iterator[Draft]:
        final = self._file(scenario, version, packing)
        with self.lock(), ExitStack() as undo:
            undo.callback(_remove_empty, self._make_directories(final.parent))
            temporary = temporary_name(final)
            new = NewFile(temporary)
            undo.callback(discard, temporary)
            file = buffered(new)
            undo.callback(_close, file)
            yield DirectoryDraft(scenario, version, packing, file, temporary, new)

    def publish(
        self, draft: Draft, header: Header, digest: str, *, over_damaged: bool = False
    ) -> Entry:
        if not isinstance(draft, DirectoryDraft) or draft.file.closed:
            raise ValueError("not a draft of this store that is still open")
        final = self._file(draft.scenario, draft.version, draft.packing)
        with reporting("write", final):
            draft.file.flush()
        description = Description(
            header, digest, draft.new.size, draft.new.hash.hexdigest(), draft.packing
        )
        entry = entry_of(description)
        if (entry.scenario, entry.version) != (draft.scenario, draft.version):
            raise ValueError(f"the draft of {draft.scenario} {draft.version} names another")
        if not recordable(entry):
            raise ValueError(f"the draft of {draft.scenario} {draft.version} has unfit values")
        with reporting("write", final):
            finish(draft.file)
        contents = self._contents()
        over_damaged = over_damaged and any(unfit.path == entry.path for unfit in contents.unfit)
        contents = contents.having(entry)
        with Staging() as staging:
            self._upkeep.stage(staging, contents, {entry.path: (draft.path, header)})
            self._stage_git_files(staging)
            with reporting("write", final):
                if over_damaged:
                    draft.path.replace(final)
                else:
                    place(draft.path, final)
            try:
                with reporting("write", final):
                    sync_directory(final.parent)
                staging.commit()
            except StoreError as error:
                raise StoreError(
                    f"{entry.scenario} {entry.version} was saved, but {error.message}",
                    hint="The next export or clean-up puts the store right.",
                ) from error
        return entry

    def _stage_git_files(self, staging: Staging) -> None:
        for name, content in ((".gitattributes", _ATTRIBUTES), (".gitignore", _IGNORE)):
            final = self._root / name
            if not os.path.lexists(final):
                staging.write(final, content.encode())

    def remove(self, entries: Sequence[Entry]) -> None:
        with self.lock():
            contents = self._contents()
            for entry in entries:
                latest = contents.newest(entry.scenario)
                if latest is not None and latest.path == entry.path:
                    raise StoreError(f"{entry.path}: the latest snapshot is never removed")
            gone: list[Entry] = []
            try:
                for entry in entries:
                    path = self._entry_file(entry)
                    with reporting("remove", path):
                        path.unlink(missing_ok=True)
                    gone.append(entry)
            finally:
                with Staging() as staging:
                    self._upkeep.stage(staging, contents.without(gone))
                    staging.commit()


def _close(file: io.BufferedWriter) -> None:
    # What could not be written is being discarded.
    with suppress(OSError, StoreError):
        file.close()


def _remove_empty(directories: tuple[Path, ...]) -> None:
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()
