"""A project: configuration, store, clock and guard in one place; its methods are the verbs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from demo_snapshots.errors import UsageError
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.upkeep import Upkeep

if TYPE_CHECKING:
    from demo_snapshots.model.changes import Comparison
    from demo_snapshots.model.merging import MergeResult
    from demo_snapshots.model.results import (
        CopyFound,
        ExportResult,
        ImportResult,
        RemoveResult,
        Undoable,
        UpgradeResult,
        ValidationResult,
    )
    from demo_snapshots.model.snapshots import Statistics
    from demo_snapshots.operations.compare import CompareOptions
    from demo_snapshots.operations.fixture import Fixture
    from demo_snapshots.operations.merge import MergeOptions
    from demo_snapshots.operations.options import ExportOptions, ImportOptions
    from demo_snapshots.operations.remove import RemoveOptions
    from demo_snapshots.operations.replaced import UndoKeeping
    from demo_snapshots.operations.upgrade import UpgradeOptions
    from demo_snapshots.operations.validate import ValidateOptions
    from demo_snapshots.sample.scenario import Scenario
    from demo_snapshots.sample.schema import MigrateResult
    from demo_snapshots.store import UndoLog


class Project(Upkeep, frozen=True, dict=True):
    """One project's demo data. Each method is one operation, which says what it gives, raises
    and keeps whole; errors are of the tree under DemoError. Safe to keep: every call looks at
    database and store anew.

    Where ``config.production`` names why this is production, ``import_``, ``seed`` and
    ``migrate_fresh`` raise ProtectedDatabaseError unless ``force``.
    """

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
        fresh: bool | None = None,
        hooks: bool = True,
        **options: Unpack[ImportOptions],
    ) -> ImportResult:
        """Make the demo rows those of a snapshot: the latest of ``scenario``, its ``version``
        (``v1`` or ``v1_2025-01-15``), or the document or hand-written rows in ``file``, which must
        name it.

        Asks nobody unless ``confirm`` is given. What is replaced is kept, so that ``undo`` can
        put it back, as the configuration says; not on a ``connection`` given, whose owner can
        roll back. Afterwards the configured ``after-import`` commands are run, unless ``hooks`` is
        false, a connection given, which nobody has committed yet, or this a ``dry_run``.

        ``fresh``, or None as the configuration says: evergreen dates are moved, so that they lead
        up to now, or to ``as_of``. As ``import_from_file``; UsageError for both a version and a
        file, HookFailedError.
        """
        from demo_snapshots.operations import import_ as operation

        if options.get("connection") is None and "undo" not in options:
            options["undo"] = self._undo_keeping()
        if fresh is False and options.get("as_of") is not None:
            raise UsageError("a moment for the dates, and dates that are not to move")
        if options.get("as_of") is None and (self.config.fresh if fresh is None else fresh):
            options["as_of"] = self.clock()
        if version is not None and file is not None:
            raise UsageError("a version and a file contradict each other")
        if hooks and options.get("connection") is None:
            self.require_hooks()
        if file is not None:
            from demo_snapshots.store import blobs_beside

            options.setdefault("blobs", blobs_beside(Path(file)) or self.store.blobs)
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

    def fixture(
        self, scenario: str, version: str | None = None, *, fresh: bool | None = None
    ) -> Fixture:
        """A version, the latest if None, that many tests load: ``Fixture``. ``fresh``, or None as
        the configuration says: its evergreen dates lead up to now, each time it is loaded."""
        from demo_snapshots.operations.fixture import Fixture

        moves = self.config.fresh if fresh is None else fresh
        return Fixture(self.config, self.store, scenario, version, self.clock() if moves else None)

    def require_hooks(self) -> None:
        """Raise HookFailedError if what an ``after-import`` command runs is not there: for those
        who call ``after_import`` themselves."""
        if self.config.hooks.after_import:
            from demo_snapshots.operations.hooks import require_after_import

            require_after_import(self.config.hooks.after_import, self.config.directory)

    def after_import(self, result: ImportResult) -> None:
        """Run the configured ``after-import`` commands, if rows went in: ``after_import``."""
        if self.config.hooks.after_import and not result.dry_run:
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

        if hooks and options.get("connection") is None:
            self.require_hooks()
        result = undo_import(
            self.config, self._undo_log, now=self.clock(), number=number, **options
        )
        if hooks and options.get("connection") is None:
            self.after_import(result)
        return result

    def remove(self, scenario: str, **options: Unpack[RemoveOptions]) -> RemoveResult:
        """Take the demo rows of ``scenario`` away, or of its ``copy``: ``remove_scenario``. What is
        removed is kept for ``undo`` as ``import_`` keeps it."""
        from demo_snapshots.operations.remove import remove_scenario

        if options.get("connection") is None and "undo" not in options:
            options["undo"] = self._undo_keeping()
        return remove_scenario(scenario, self.config, self.store, now=self.clock(), **options)

    def copies(
        self, scenario: str | None = None, *, connection: object = None
    ) -> tuple[CopyFound, ...]:
        """The copies that the database holds, of ``scenario`` or of all: ``list_copies``."""
        from demo_snapshots.operations.listing_copies import list_copies

        return list_copies(self.config, self._undo_log, scenario, connection=connection)

    def upgrade(self, scenario: str, **options: Unpack[UpgradeOptions]) -> UpgradeResult:
        """Save a version of ``scenario`` in the tables of today: ``upgrade_scenario``."""
        from demo_snapshots.operations.upgrade import upgrade_scenario

        return upgrade_scenario(scenario, self.config, self.store, now=self.clock(), **options)

    def list_undo(self) -> tuple[Undoable, ...]:
        """What ``undo`` can put back, newest first."""
        from demo_snapshots.operations.undo import list_undo

        return list_undo(self._undo_log)

    def validate(
        self, scenario: str | None = None, **options: Unpack[ValidateOptions]
    ) -> ValidationResult:
        """Compare the database with the latest snapshot: ``validate_scenario``."""
        from demo_snapshots.operations.validate import validate_scenario

        return validate_scenario(self.config, self.store, scenario, **options)

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

        wanted = self.config, self.store, scenario, version
        return compare_with_database(*wanted, connection=connection, progress=progress, **options)

    def compare_files(
        self, old: str | Path, new: str | Path, **options: Unpack[CompareOptions]
    ) -> Comparison:
        """What became of the document in the file ``old`` in ``new``: ``compare_files``."""
        from demo_snapshots.operations.compare import compare_files

        return compare_files(self.config, Path(old), Path(new), **options)

    def merge(
        self, scenario: str, ours: str, theirs: str, **options: Unpack[MergeOptions]
    ) -> MergeResult:
        """Make the next version from two that two branches exported: ``merge_exports``."""
        from demo_snapshots.operations.merge import merge_exports

        return merge_exports(
            self.config, self.store, scenario, ours, theirs, now=self.clock(), **options
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
