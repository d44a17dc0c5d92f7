"""A project: configuration, store, clock and guard in one place; its methods are the verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from demo_snapshots.errors import UsageError
from demo_snapshots.model.progress import Progress, no_progress

if TYPE_CHECKING:
    from demo_snapshots.config.settings import Config
    from demo_snapshots.model.changes import Comparison
    from demo_snapshots.model.merging import MergeResult
    from demo_snapshots.model.results import (
        ConvertResult,
        ExportResult,
        ImportResult,
        Listing,
        Undoable,
        ValidationResult,
    )
    from demo_snapshots.model.snapshots import DocumentForm, Statistics
    from demo_snapshots.model.upkeep import (
        BackupResult,
        CleanupResult,
        CopyResult,
        FileCheck,
        RepairResult,
        RestoreResult,
        Verification,
    )
    from demo_snapshots.operations.compare import CompareOptions
    from demo_snapshots.operations.export import ExportOptions
    from demo_snapshots.operations.import_ import ImportOptions
    from demo_snapshots.operations.merge import MergeOptions
    from demo_snapshots.operations.replaced import UndoKeeping
    from demo_snapshots.operations.show import Showing
    from demo_snapshots.sample.scenario import Scenario
    from demo_snapshots.sample.schema import MigrateResult
    from demo_snapshots.store import Store, UndoLog

Clock = Callable[[], datetime]
"""Tells the present moment, aware."""


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Project:
    """One project's demo data. Each method is one operation, which says what it gives, raises
    and keeps whole; errors are of the tree under DemoError. Safe to keep: every call looks at
    database and store anew.

    Where ``config.production`` names why this is production, ``import_``, ``seed`` and
    ``migrate_fresh`` raise ProtectedDatabaseError unless ``force``.
    """

    config: Config
    clock: Clock = utc_now

    @cached_property
    def store(self) -> Store:
        """Where the snapshots are kept. Raises UsageError for a place that cannot be one."""
        from demo_snapshots.documents.opening import describe, folded
        from demo_snapshots.store import open_store

        how = self.config
        return open_store(how.snapshots, describe, folded, latest=how.latest, cache=how.cache)

    def export(
        self, scenario: str, *, hooks: bool = True, **options: Unpack[ExportOptions]
    ) -> ExportResult:
        """Save the demo rows of ``scenario`` as its next version: ``export_scenario``, after the
        configured ``before-export`` commands unless ``hooks`` is false or a connection given."""
        from demo_snapshots.operations.export import export_scenario

        commands = self.config.hooks.before_export
        if commands and hooks and options.get("connection") is None:
            from demo_snapshots.operations.hooks import before_export

            before_export(commands, scenario, self.config.directory)
        return export_scenario(scenario, self.config, self.store, now=self.clock(), **options)

    def import_(
        self,
        scenario: str,
        *,
        version: str | None = None,
        file: str | Path | None = None,
        hooks: bool = True,
        **options: Unpack[ImportOptions],
    ) -> ImportResult:
        """Make the demo rows those of a snapshot: the latest of ``scenario``, its ``version``
        (``v1`` or ``v1_2025-01-15``), or the document or hand-written rows in ``file``, which must
        name it.

        Asks nobody unless ``confirm`` is given. What is replaced is kept, so that ``undo`` can
        put it back, as the configuration says; not on a ``connection`` given, whose owner can
        roll back. Afterwards the configured ``after-import`` commands are run, unless ``hooks`` is
        false or a connection given, which nobody has committed yet. As ``import_from_file``;
        UsageError for both a version and a file, HookFailedError.
        """
        from demo_snapshots.operations import import_ as operation

        if options.get("connection") is None and "undo" not in options:
            options["undo"] = self._undo_keeping()
        if version is not None and file is not None:
            raise UsageError("a version and a file contradict each other")
        if file is not None:
            result = operation.import_from_file(
                Path(file), self.config, scenario=scenario, **options
            )
        elif version is not None:
            result = operation.import_scenario_version(
                scenario, version, self.config, self.store, **options
            )
        else:
            result = operation.import_latest_scenario(scenario, self.config, self.store, **options)
        if hooks and options.get("connection") is None:
            self.after_import(result)
        return result

    def after_import(self, result: ImportResult) -> None:
        """Run the configured ``after-import`` commands: ``after_import``."""
        if self.config.hooks.after_import:
            from demo_snapshots.operations.hooks import after_import

            after_import(self.config.hooks.after_import, result, self.config.directory)

    def _undo_keeping(self) -> UndoKeeping | None:
        from demo_snapshots.operations.replaced import UndoKeeping

        if not self.config.undo:
            return None
        return UndoKeeping(self._undo_log, self.clock(), self.config.undo, self.config.compress)

    @property
    def _undo_log(self) -> UndoLog:
        from demo_snapshots.config.masking import masked_url
        from demo_snapshots.store import open_undo

        return open_undo(self.config.undo_directory, masked_url(self.config.database))

    def undo(
        self, number: int | None = None, *, hooks: bool = True, **options: Unpack[ImportOptions]
    ) -> ImportResult:
        """Put back what the last import replaced, or that of entry ``number``: ``undo_import``.
        Commands are run as ``import_`` runs them."""
        from demo_snapshots.operations.undo import undo_import

        result = undo_import(
            self.config, self._undo_log, now=self.clock(), number=number, **options
        )
        if hooks and options.get("connection") is None:
            self.after_import(result)
        return result

    def list_undo(self) -> tuple[Undoable, ...]:
        """What ``undo`` can put back, newest first."""
        from demo_snapshots.operations.undo import list_undo

        return list_undo(self._undo_log)

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

    def validate(
        self,
        scenario: str | None = None,
        *,
        schema_only: bool = False,
        connection: object = None,
        progress: Progress = no_progress,
    ) -> ValidationResult:
        """Compare the database with the latest snapshot: ``validate_scenario``."""
        from demo_snapshots.operations.validate import validate_scenario

        return validate_scenario(
            self.config,
            self.store,
            scenario,
            schema_only=schema_only,
            connection=connection,
            progress=progress,
        )

    def compare(
        self,
        scenario: str,
        old: str | None = None,
        new: str | None = None,
        **options: Unpack[CompareOptions],
    ) -> Comparison:
        """What became of version ``old`` in version ``new``: ``compare_exports``."""
        from demo_snapshots.operations.compare import compare_exports

        return compare_exports(self.config, self.store, scenario, old, new, **options)

    def compare_with_database(
        self,
        scenario: str,
        version: str | None = None,
        *,
        connection: object = None,
        progress: Progress = no_progress,
        **options: Unpack[CompareOptions],
    ) -> Comparison:
        """What became of a version, or the latest, in the database: ``compare_with_database``."""
        from demo_snapshots.operations.compare import compare_with_database

        return compare_with_database(
            self.config,
            self.store,
            scenario,
            version,
            connection=connection,
            progress=progress,
            **options,
        )

    def compare_files(
        self, old: str | Path, new: str | Path, **options: Unpack[CompareOptions]
    ) -> Comparison:
        """What became of the document in the file ``old`` in ``new``: ``compare_files``."""
        from demo_snapshots.operations.compare import compare_files

        return compare_files(self.config, Path(old), Path(new), **options)

    def show(
        self, scenario: str, version: str | None = None, *, tables: Iterable[str] = ()
    ) -> AbstractContextManager[Showing]:
        """A version to look at, the latest if None, as a context manager: ``show_export``."""
        from demo_snapshots.operations.show import show_export

        return show_export(self.store, scenario, version, tables=tables)

    def verify(
        self, scenario: str | None = None, *, progress: Progress = no_progress
    ) -> Verification:
        """Read every saved file again: ``verify_exports``."""
        from demo_snapshots.operations.verify import verify_exports

        return verify_exports(self.store, scenario, progress=progress)

    def verify_files(
        self, *paths: str | Path, progress: Progress = no_progress
    ) -> tuple[FileCheck, ...]:
        """Read these files, whether or not they are in the store: ``verify_files``."""
        from demo_snapshots.operations.verify import verify_files

        return verify_files(map(Path, paths), progress=progress)

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

    def merge(
        self, scenario: str, ours: str, theirs: str, **options: Unpack[MergeOptions]
    ) -> MergeResult:
        """Make the next version from two that two branches exported: ``merge_exports``."""
        from demo_snapshots.operations.merge import merge_exports

        return merge_exports(
            self.config, self.store, scenario, ours, theirs, now=self.clock(), **options
        )

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

    def migrate_fresh(self, *, force: bool = False) -> MigrateResult:
        """Drop and recreate the sample application's tables.

        ``force`` goes ahead in production, and over other tables and rows that are no demo data.
        """
        self.config.refuse_production(force=force)
        from demo_snapshots.sample.engine import make_engine
        from demo_snapshots.sample.schema import migrate_fresh

        return migrate_fresh(make_engine(self.config.database), force=force)

    def seed(
        self,
        scenario: str | Scenario | None = None,
        *,
        scenario_file: str | Path | None = None,
        seed: int = 1,
        as_of: datetime | None = None,
        scale: int = 1,
        force: bool = False,
        progress: Progress = no_progress,
    ) -> Statistics:
        """Replace a scenario's demo rows in the sample application by newly made ones; what was
        inserted. ``scenario`` is the name of a shipped one, or one that was loaded, and
        ``scenario_file`` a YAML file of one's own: UsageError unless just one of them is given.
        ``as_of`` is the moment the demo leads up to, now if None."""
        self.config.refuse_production(force=force)
        from demo_snapshots.sample.engine import make_engine
        from demo_snapshots.sample.scenario import load_scenario, load_scenario_file
        from demo_snapshots.sample.seeding import seed as seed_rows

        if (scenario is None) == (scenario_file is None):
            raise UsageError("one of scenario and scenario_file is wanted, and not both")
        if scenario_file is not None:
            scenario = load_scenario_file(scenario_file)
        elif isinstance(scenario, str):
            scenario = load_scenario(scenario)
        assert scenario is not None
        return seed_rows(
            make_engine(self.config.database),
            scenario,
            seed=seed,
            as_of=as_of or self.clock().replace(microsecond=0),
            scale=scale,
            progress=progress,
        )
