"""Take a scenario's demo rows away, or a copy's, and leave everything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict, Unpack

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.sql.header import fingerprint
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import EmptyScenarioError, NotConfirmedError
from demo_snapshots.model.copies import CopyOf, check_copy_name
from demo_snapshots.model.results import RemoveResult
from demo_snapshots.model.rules import Labelled, Whose
from demo_snapshots.model.snapshots import Header, Statistics, Version, check_scenario_name
from demo_snapshots.operations.replaced import NOTHING, UndoKeeping, keeping, prune
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.store import Store, unknown_scenario
from demo_snapshots.transfer.extract import RowSource
from demo_snapshots.transfer.protect import require_foreign_keys, require_unreferenced
from demo_snapshots.transfer.restore import restore
from demo_snapshots.transfer.stage import Staging

ConfirmRemoval = Callable[[RemoveResult], bool]
"""Asked before rows are removed; False leaves everything as it is. None stands for yes."""


class RemoveOptions(TypedDict, total=False):
    """How to remove; what is not given is false or None."""

    copy: str | None
    """Remove that copy of the scenario, and nothing of the scenario's own."""
    dry_run: bool
    """Check and count, and remove nothing."""
    confirm: ConfirmRemoval | None
    """Asked if any row would be removed."""
    connection: object
    """An open connection to work on, in place of the configured database: see ImportOptions."""
    force: bool
    """Even where the configuration says that this is production."""
    undo: UndoKeeping | None
    """Where to keep what is removed, so that it can be put back; nowhere if not given."""


def remove_scenario(
    scenario: str, config: Config, store: Store, *, now: datetime, **options: Unpack[RemoveOptions]
) -> RemoveResult:
    """Remove the demo rows of ``scenario``, or of its copy. Rows that name no scenario are every
    scenario's: they go with the last one there is. Where no row can name one, the demo is that of
    the scenarios in ``store``.

    One transaction: afterwards these rows are gone and every other row is what it was, or an error
    is raised and every row is as it was. Raises EmptyScenarioError where there are none,
    ExportNotFoundError, RealRowsError where other rows need them, NotConfirmedError,
    ProtectedDatabaseError, DatabaseError, ConfigError.
    """
    config.refuse_production(force=options.get("force", False))
    check_scenario_name(scenario)
    copy = options.get("copy")
    if copy is not None:
        check_copy_name(copy)
    named = any(rule.scenario for rule in config.tables.values())
    if not named and scenario not in store.scenarios():
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    with connect(config.database, options.get("connection")) as database:
        everything = see(database, config)
        with database.reading():
            require_conditions(everything)
            demo = everything.of(_whose(everything, scenario, copy))
            found = _found(demo, everything, scenario, copy)
        if options.get("dry_run"):
            with database.writing((), keep=False):
                _staged(demo)
            return found
        confirm = options.get("confirm")
        if confirm is not None and not confirm(found):
            raise NotConfirmedError("the answer was no; nothing was changed")
        result = _remove(demo, found, now, options.get("undo"))
    prune(options.get("undo"))
    return result


def _whose(demo: DemoSet, scenario: str, copy: str | None) -> Whose:
    """Which rows go."""
    if copy is not None:
        return CopyOf(scenario, copy).rows
    others = set(demo.scenarios()) - {scenario}
    return Labelled(scenario) if others else scenario


def _found(demo: DemoSet, everything: DemoSet, scenario: str, copy: str | None) -> RemoveResult:
    """Raises EmptyScenarioError."""
    statistics = RowSource(demo).statistics()
    named = any(rule.scenario for rule in demo.selection.rules.values())
    is_there = demo.finds() if copy else demo.selection.carries(demo.database, scenario)
    if not statistics.total or (named and not is_there):
        there = everything.scenarios()
        copies = tuple(found.name for found in everything.copies() if found.scenario == scenario)
        listed = ", ".join(copies if copy else there)
        what = f"the copy {copy!r} of {scenario!r}" if copy else f"the scenario {scenario!r}"
        raise EmptyScenarioError(
            f"no demo row in {demo.database.label} carries {what}",
            scenarios=there,
            hint=f"There are: {listed}." if listed else "There are none at all.",
        )
    left = 0
    if isinstance(demo.scenario, Labelled) and copy is None:
        left = RowSource(everything.of(scenario)).statistics().total - statistics.total
    return RemoveResult(scenario, copy, statistics, left, dry_run=True)


def _staged(demo: DemoSet) -> Staging:
    """Nothing beside the rows that go, which no other row needs. Raises RealRowsError."""
    staging = Staging(demo, ())
    staging.create()
    staging.finish()
    require_unreferenced(staging, "that are to be removed")
    return staging


def _remove(
    demo: DemoSet, found: RemoveResult, now: datetime, undo: UndoKeeping | None
) -> RemoveResult:
    tables = [*demo.schema.tables.values(), *demo.schema.referencing]
    with demo.database.writing(tables):
        staging = _staged(demo)
        removed = staging.present()
        with keeping(undo, demo, _header(demo, found.scenario, now), by=NOTHING) as place:
            changed = restore(staging)
            require_foreign_keys(staging, undeclared=True)
            number = place() if changed else None
    return RemoveResult(found.scenario, found.copy, removed, found.left, number)


def _header(demo: DemoSet, scenario: str, now: datetime) -> Header:
    """What stands in the rows' place."""
    return Header(
        scenario=scenario,
        version=Version(1, now.date()),
        generated=now,
        source=demo.database.source,
        schema=fingerprint(demo.order.tables),
        tables=demo.order.tables,
        statistics=Statistics(),
    )
