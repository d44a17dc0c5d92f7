"""Which copies a database holds."""

from __future__ import annotations

from demo_snapshots.config.settings import Config
from demo_snapshots.engines.connection import connect
from demo_snapshots.model.results import CopyFound, Undoable
from demo_snapshots.model.snapshots import Version, check_scenario_name
from demo_snapshots.operations.undo import list_undo
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import see
from demo_snapshots.store import UndoLog
from demo_snapshots.transfer.extract import RowSource


def list_copies(
    config: Config, log: UndoLog, scenario: str | None = None, *, connection: object = None
) -> tuple[CopyFound, ...]:
    """The copies of ``scenario``, or of all, by scenario and name, as their rows tell. The database
    does not say from which version a copy was made and when; what ``log`` knows of its last import
    is told. Changes nothing."""
    if scenario is not None:
        check_scenario_name(scenario)
    with connect(config.database, connection) as database, database.reading():
        demo = see(database, config)
        require_conditions(demo)
        copies = [copy for copy in demo.copies() if scenario in (None, copy.scenario)]
        counts = [RowSource(demo.of(copy.rows)).statistics() for copy in copies]
    known = _last_imports(log) if copies else {}
    found = []
    for copy, statistics in zip(copies, counts, strict=True):
        last = known.get((copy.scenario, copy.name))
        version = Version.parse(last.replaced_by.partition(" ")[2]) if last else None
        made = last.made if last else None
        found.append(CopyFound(copy.scenario, copy.name, statistics, version, made))
    return tuple(found)


def _last_imports(log: UndoLog) -> dict[tuple[str, str], Undoable]:
    """By scenario and name, the entries that imports of copies left last; none of a copy that
    something else came after."""
    last: dict[tuple[str, str], Undoable] = {}
    for entry in list_undo(log):
        if entry.copy is not None and entry.problem is None:
            last.setdefault((entry.replaced_by.partition(" ")[0], entry.copy), entry)
    return {key: entry for key, entry in last.items() if entry.by == "import" and not entry.removed}
