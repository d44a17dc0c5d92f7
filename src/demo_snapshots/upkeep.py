"""What a project's store is kept in order by: verbs that need no connection to a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from demo_snapshots.model.progress import Progress, no_progress

if TYPE_CHECKING:
    from demo_snapshots.config.settings import Config
    from demo_snapshots.model.results import ConvertResult, Listing
    from demo_snapshots.model.snapshots import DocumentForm
    from demo_snapshots.model.upkeep import (
        BackupResult,
        CleanupResult,
        CopyResult,
        FileCheck,
        RepairResult,
        RestoreResult,
        Verification,
    )
    from demo_snapshots.operations.show import Showing
    from demo_snapshots.store import Store

Clock = Callable[[], datetime]
"""Tells the present moment, aware."""


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class Upkeep(Struct, frozen=True, dict=True):
    """The part of a Project that looks after its store."""

    config: Config
    clock: Clock = utc_now

    @cached_property
    def store(self) -> Store:
        """Where the snapshots are kept. Raises UsageError for a place that cannot be one."""
        from demo_snapshots.documents.opening import describe, folded
        from demo_snapshots.store import open_store

        how = self.config
        return open_store(how.snapshots, describe, folded, latest=how.latest, cache=how.cache)

    def list_exports(self, scenario: str | None = None) -> Listing:
        """What is saved, of all scenarios or of one: ``list_exports``."""
        from demo_snapshots.operations.listing import list_exports

        return list_exports(self.store, scenario)

    def cleanup_exports(
        self, scenario: str | None = None, *, keep: int = 5, dry_run: bool = False
    ) -> CleanupResult:
        """Remove all but the newest ``keep`` versions: ``cleanup_exports``."""
        from demo_snapshots.operations.cleanup import cleanup_exports

        return cleanup_exports(self.store, scenario, keep=keep, dry_run=dry_run)

    def show(
        self, scenario: str, version: str | None = None, *, tables: Iterable[str] = ()
    ) -> AbstractContextManager[Showing]:
        """A version to look at, the latest if None, as a context manager: ``show_export``."""
        from demo_snapshots.operations.show import show_export

        return show_export(self.store, scenario, version, tables=tables)

    def verify(
        self, scenario: str | None = None, *, people: bool = False, progress: Progress = no_progress
    ) -> Verification:
        """Read every saved file again, and if ``people`` for persons too: ``verify_exports``."""
        from demo_snapshots.operations.verify import verify_exports

        rules = self.config.people if people else None
        return verify_exports(self.store, scenario, people=rules, progress=progress)

    def verify_files(
        self, *paths: str | Path, people: bool = False, progress: Progress = no_progress
    ) -> tuple[FileCheck, ...]:
        """Read these files, whether or not they are in the store: ``verify_files``."""
        from demo_snapshots.operations.verify import verify_files

        rules = self.config.people if people else None
        return verify_files(map(Path, paths), people=rules, progress=progress)

    def convert(
        self, file: str | Path, form: DocumentForm | str, output: str | Path
    ) -> ConvertResult:
        """Write the snapshot in ``file`` to the file ``output``, in ``form``: ``convert_file``."""
        from demo_snapshots.operations.convert import convert_file

        return convert_file(Path(file), form, Path(output))

    def repair(self, *, dry_run: bool = False) -> RepairResult:
        """Bring the store in order after a merge or a crash: ``repair_store``."""
        from demo_snapshots.operations.repair import repair_store

        return repair_store(self.store, dry_run=dry_run)

    def backup(
        self,
        path: str | Path,
        *,
        with_database: bool = False,
        progress: Progress = no_progress,
    ) -> BackupResult:
        """Write the whole store into one file: ``backup_store``."""
        from demo_snapshots.operations.backup import backup_store

        return backup_store(
            self.config,
            self.store,
            path,
            now=self.clock(),
            with_database=with_database,
            progress=progress,
        )

    def restore(
        self, path: str | Path, *, dry_run: bool = False, progress: Progress = no_progress
    ) -> RestoreResult:
        """Publish what a backup holds and the store does not: ``restore_store``."""
        from demo_snapshots.operations.restore import restore_store

        return restore_store(self.store, path, dry_run=dry_run, progress=progress)

    def push(
        self,
        scenario: str | None = None,
        *,
        bucket: str | None = None,
        dry_run: bool = False,
        progress: Progress = no_progress,
    ) -> CopyResult:
        """Copy to ``bucket`` (a URL; the configured one if None): ``copy_versions``."""
        from demo_snapshots.operations.copying import copy_versions, open_bucket

        there = open_bucket(self.config, bucket)
        return copy_versions(self.store, there, scenario, dry_run=dry_run, progress=progress)

    def pull(
        self,
        scenario: str | None = None,
        *,
        bucket: str | None = None,
        renumber: bool = False,
        dry_run: bool = False,
        progress: Progress = no_progress,
    ) -> CopyResult:
        """Copy from ``bucket`` (a URL; the configured one if None): ``copy_versions``."""
        from demo_snapshots.operations.copying import copy_versions, open_bucket

        there = open_bucket(self.config, bucket)
        return copy_versions(
            there, self.store, scenario, dry_run=dry_run, renumber=renumber, progress=progress
        )
