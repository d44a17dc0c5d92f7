"""Is a copy what importing it anew would make of it?"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import open_document, read_tail, reading
from demo_snapshots.engines.connection import Database
from demo_snapshots.errors import EmptyScenarioError, Words
from demo_snapshots.model.copies import CopyOf
from demo_snapshots.model.progress import Progress
from demo_snapshots.model.results import ValidationResult
from demo_snapshots.model.snapshots import Entry
from demo_snapshots.model.sources import Source
from demo_snapshots.operations.compatibility import fit
from demo_snapshots.operations.copies import copy_wanted
from demo_snapshots.operations.drift import drifted_for
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.transfer.compare import compare
from demo_snapshots.transfer.copies import stage_copy
from demo_snapshots.transfer.extract import RowSource
from demo_snapshots.transfer.load import load_document
from demo_snapshots.transfer.stage import Staging


def validate_copy(
    config: Config,
    database: Database,
    latest: Entry,
    source: Source,
    copy: str,
    templates: Mapping[str, str],
    progress: Progress,
) -> ValidationResult:
    """Compare a copy with what the ``latest`` snapshot, in ``source``, would make of it: counts,
    references and every cell, keys included. Changes nothing. Raises EmptyScenarioError where no
    row is the copy's."""
    everything = see(database, config)
    options = {"copy": copy, "templates": templates}
    wanted = copy_wanted(everything, config, latest.scenario, options)
    assert wanted is not None
    demo = everything.of(wanted.rows)
    with database.writing((), keep=False):
        require_conditions(demo)
        if not demo.finds():
            raise _none(everything, wanted)
        result = ValidationResult(
            scenario=latest.scenario,
            version=latest.version,
            statistics=RowSource(demo).statistics(),
            copy=copy,
        )
        return _compared(config, result, demo, wanted, source, progress)


def _none(demo: DemoSet, copy: CopyOf) -> EmptyScenarioError:
    there = [found.name for found in demo.copies() if found.scenario == copy.scenario]
    return EmptyScenarioError(
        f"no demo row in {demo.database.label} carries the copy {copy.name!r} of {copy.scenario!r}",
        scenarios=demo.scenarios(),
        hint=f"There are: {', '.join(there)}." if there else "There are no copies of it.",
    )


def _compared(
    config: Config,
    result: ValidationResult,
    demo: DemoSet,
    copy: CopyOf,
    source: Source,
    progress: Progress,
) -> ValidationResult:
    size = read_tail(source).size
    with reading(source) as stream:
        header, document = drifted_for(open_document(stream), demo, config)
        found = fit(header, demo.schema.tables, demo.schema.external)
        if found.problems:
            unfit = tuple(Words(f"{result.version}: ", problem) for problem in found.problems)
            return replace(result, problems=(*result.problems, *unfit))
        staging = Staging(demo, header.tables, [table for table, _ in header.includes])
        staging.create()
        load_document(document, staging, size, progress, include=False)
        stage_copy(staging, copy)
        comparison = tuple(compare(staging))
    return replace(result, comparison=comparison)
