"""Is the database what the snapshot says?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from demo_snapshots.config import Config
from demo_snapshots.database.comparing import compare
from demo_snapshots.database.conditions import require_conditions
from demo_snapshots.database.connect import Database, connect
from demo_snapshots.database.outside import Outside
from demo_snapshots.database.protection import dangling
from demo_snapshots.database.references import missing_json_references
from demo_snapshots.database.rows import RowSource
from demo_snapshots.database.schema import Schema, reflect
from demo_snapshots.database.selection import Selection, resolve
from demo_snapshots.database.staging import Staging
from demo_snapshots.document.reader import Document, describe, read_tail, reading
from demo_snapshots.fitting import fit
from demo_snapshots.loading import load_document
from demo_snapshots.model import Entry, Progress, Statistics, check_scenario_name, no_progress
from demo_snapshots.results import TableComparison, ValidationResult
from demo_snapshots.store import Store, unknown_scenario


def validate_scenario(
    config: Config,
    store: Store,
    scenario: str | None = None,
    *,
    schema_only: bool = False,
    progress: Progress = no_progress,
) -> ValidationResult:
    """Check the demo rows of ``scenario``: their counts, foreign keys, references kept in JSON,
    and whether they are exactly the scenario's latest snapshot, row by row.

    Without ``scenario``, the one that all demo rows carry; where they carry several, only
    counts and references are checked. With ``schema_only`` the rows are not looked at: do the
    latest snapshots (of ``scenario``, or of all) still fit the tables? Changes nothing. What is
    wrong comes back as ``problems``; errors are raised only for what keeps it from looking.
    """
    if scenario is not None:
        check_scenario_name(scenario)
        if store.latest(scenario) is None:
            raise unknown_scenario(scenario, store.scenarios(), store.place)
    known = store.scenarios()
    named = any(rule.scenario for rule in config.tables.values())
    if scenario is None and not named and len(known) == 1:
        scenario = known[0]  # rows that name no scenario belong to the only one there is
    with connect(config.database) as database:
        schema = reflect(database, config.tables, config.references)
        if schema_only:
            return _validate_schema(store, scenario, schema)
        selection = Selection(database.dialect, schema.tables, resolve(config, schema))
        outside = Outside(database, schema, selection, config.references, None)
        return _validate_rows(database, schema, selection, outside, store, scenario, progress)


def _validate_schema(store: Store, scenario: str | None, schema: Schema) -> ValidationResult:
    problems: list[str] = []
    notes: list[str] = []
    latest: Entry | None = None
    for name in (scenario,) if scenario else store.scenarios():
        latest = store.latest(name)
        assert latest is not None
        header = describe(store.path(latest)).header
        found = fit(header, schema.tables, schema.leaned_on)
        problems += [f"{name} {latest.version}: {problem}" for problem in found.problems]
        notes += [f"{name} {latest.version}: {note}" for note in found.notes]
        if schema.migration != latest.migration:
            notes.append(
                f"{name} {latest.version}: made at migration {latest.migration or 'none'},"
                f" the database is at {schema.migration or 'none'}"
            )
    return ValidationResult(
        scenario=scenario,
        version=latest.version if scenario and latest else None,
        statistics=latest.statistics if scenario and latest else Statistics(),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _validate_rows(
    database: Database,
    schema: Schema,
    selection: Selection,
    outside: Outside,
    store: Store,
    scenario: str | None,
    progress: Progress,
) -> ValidationResult:
    with database.writing((), keep=False):
        require_conditions(database, selection)
        carried = selection.scenarios(database)
        name = scenario or (carried[0] if len(carried) == 1 else None)
        latest = store.latest(name) if name else None
        staging = Staging(database, schema, selection, (), name)
        source = RowSource(database, selection, staging.order, name)
        result = ValidationResult(
            scenario=name,
            version=latest.version if latest else None,
            statistics=source.statistics(),
            problems=tuple(_broken_references(staging)),
            notes=tuple(_why_not_compared(carried, name, latest)),
        )
        if latest is None:
            return result
        return _compared(result, staging, outside, store.path(latest), progress)


def _why_not_compared(
    carried: tuple[str, ...], name: str | None, latest: Entry | None
) -> list[str]:
    if latest is not None:
        return []
    if name is not None:
        return [f"{name} has no snapshot yet: the rows were compared with none"]
    if carried:
        return [f"the rows carry {', '.join(carried)}: name one to compare it with its snapshot"]
    return ["there are no demo rows that carry a scenario"]


def _broken_references(staging: Staging) -> list[str]:
    problems = []
    for stage in staging.stages.values():
        for key in stage.table.foreign_keys:
            count = dangling(staging, stage, key)
            if count:
                problems.append(
                    f"{stage.table.name}.{', '.join(key.columns)}: {count} rows reference no row"
                    f" of {key.referenced_table}"
                )
    for place, target, count in missing_json_references(staging):
        problems.append(f"{place}: {count} references in JSON lead to no {target}")
    return problems


def _compared(
    result: ValidationResult,
    staging: Staging,
    outside: Outside,
    path: Path,
    progress: Progress,
) -> ValidationResult:
    size = read_tail(path).size
    with reading(path) as stream:
        document = Document(stream)
        found = fit(document.header, staging.schema.tables, staging.schema.leaned_on)
        if found.problems:
            problems = tuple(f"{result.version}: {problem}" for problem in found.problems)
            return replace(result, problems=(*result.problems, *problems))
        staged = Staging(
            staging.database,
            staging.schema,
            staging.selection,
            document.header.tables,
            staging.scenario,
            [table for table, _ in document.header.includes],
        )
        staged.create()
        load_document(document, staged, outside, size, progress, include=False)
        comparison = compare(staged)
    problems = tuple(_difference(table) for table in comparison if not table.same)
    return replace(result, comparison=tuple(comparison), problems=(*result.problems, *problems))


def _difference(table: TableComparison) -> str:
    parts = [
        f"{count} {what}"
        for count, what in (
            (table.missing, "missing"),
            (table.changed, "changed"),
            (table.extra, "more than in the snapshot"),
        )
        if count
    ]
    return f"{table.table}: {', '.join(parts)}"
