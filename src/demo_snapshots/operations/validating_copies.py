"""Is a copy what importing it anew would make of it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import open_document, read_tail, reading
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import EmptyScenarioError
from demo_snapshots.model.copies import CopyOf
from demo_snapshots.model.progress import Progress
from demo_snapshots.model.results import TableComparison, ValidationResult
from demo_snapshots.model.snapshots import Entry
from demo_snapshots.model.sources import Source
from demo_snapshots.model.words import Words
from demo_snapshots.operations.compare import Scope
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

if TYPE_CHECKING:
    from demo_snapshots.transfer.evergreen import Shifted


def validate_copy(
    config: Config,
    database: Database,
    latest: Entry,
    source: Source,
    copy: str,
    templates: Mapping[str, str],
    scope: Scope,
    progress: Progress,
) -> ValidationResult:
    """Compare a copy with what the ``latest`` snapshot, in ``source``, would make of it: counts,
    references and every cell in ``scope``, keys included. Changes nothing. Raises
    EmptyScenarioError where no row is the copy's, and UsageError as ``Scope.require``."""
    everything = see(database, config)
    options = {"copy": copy, "templates": templates}
    wanted = copy_wanted(everything, config, latest.scenario, options)
    assert wanted is not None
    demo = everything.of(wanted.rows)
    with database.reading():
        require_conditions(demo)
        if not demo.finds():
            raise _none(everything, wanted)
        result = ValidationResult(
            scenario=latest.scenario,
            version=latest.version,
            statistics=RowSource(demo).statistics(),
            copy=copy,
        )
    return _Validation(config, demo, wanted, source, scope, progress).of(result)


def _none(demo: DemoSet, copy: CopyOf) -> EmptyScenarioError:
    there = [found.name for found in demo.copies() if found.scenario == copy.scenario]
    return EmptyScenarioError(
        f"no demo row in {demo.database.label} carries the copy {copy.name!r} of {copy.scenario!r}",
        scenarios=demo.scenarios(),
        hint=f"There are: {', '.join(there)}." if there else "There are no copies of it.",
    )


class _Validation(Struct, frozen=True):
    config: Config
    demo: DemoSet
    copy: CopyOf
    source: Source
    scope: Scope
    progress: Progress

    def of(self, result: ValidationResult) -> ValidationResult:
        """The result with the problems, or with each row compared."""
        with reading(self.source) as stream:
            header, _ = drifted_for(open_document(stream), self.demo, self.config)
        self.scope.require(header)
        found = fit(header, self.demo.schema.tables, self.demo.schema.external)
        if found.problems:
            unfit = tuple(Words(f"{result.version}: ", problem) for problem in found.problems)
            return replace(result, problems=(*result.problems, *unfit))
        if not self.config.has_evergreen:
            with self._staged(None) as staging:
                return replace(result, comparison=self._compared(staging))
        from demo_snapshots.operations.fresh import Fresh, compared_as_if_not

        fresh = Fresh.of(self.demo, self.config)
        with self._staged(None) as staging:
            offset = fresh.staged(staging)
            if not offset.seconds:
                return replace(result, comparison=self._compared(staging))
        note = compared_as_if_not(header.version, offset)
        with self._staged(fresh.shifted(offset.seconds)) as staging:
            notes = (*result.notes, note)
            return replace(result, comparison=self._compared(staging), notes=notes)

    def _compared(self, staging: Staging) -> tuple[TableComparison, ...]:
        return tuple(compare(staging, ignored=self.scope.ignored_in))

    @contextmanager
    def _staged(self, shifted: Shifted | None) -> Iterator[Staging]:
        """What importing the copy anew would put in, its dates moved by ``shifted``, in a
        transaction that is rolled back."""
        size = read_tail(self.source).size
        with self.demo.database.writing((), keep=False), reading(self.source) as stream:
            header, document = drifted_for(open_document(stream), self.demo, self.config)
            if shifted is not None:
                document = shifted.document(document)
            staging = Staging(self.demo, header.tables, [table for table, _ in header.includes])
            staging.create()
            load_document(document, staging, size, self.progress, include=False)
            stage_copy(staging, self.copy)
            yield staging
