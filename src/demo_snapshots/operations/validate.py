"""Is the database what the snapshot says?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack

from msgspec.structs import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import describe, open_document, read_tail, reading
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import UsageError
from demo_snapshots.model.changes import TableDifference
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.results import TableComparison, ValidationResult
from demo_snapshots.model.snapshots import Entry, Header, Statistics, check_scenario_name
from demo_snapshots.model.sources import Source
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.compare import Scope, compare_document, tell_nobody
from demo_snapshots.operations.compatibility import fit
from demo_snapshots.operations.copies import check_copy_options
from demo_snapshots.operations.drift import drift_of, drifted_for
from demo_snapshots.operations.migrating import migrates
from demo_snapshots.operations.validating_copies import validate_copy
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.selection.schema import Schema, reflect
from demo_snapshots.store import Store, unknown_scenario
from demo_snapshots.transfer.extract import RowSource
from demo_snapshots.transfer.json_references import missing_json_references
from demo_snapshots.transfer.protect import dangling
from demo_snapshots.transfer.stage import Staging


class ValidateOptions(TypedDict, total=False):
    """How to validate; what is not given is false or None."""

    schema_only: bool
    """Do not look at the rows."""
    copy: str | None
    """Look at that copy of the scenario."""
    templates: Mapping[str, str]
    """What columns hold in the copy, as its import was told."""
    connection: object
    """An open connection to look through, in place of the configured database: see
    ImportOptions."""
    progress: Progress
    """Told how much of the document has been compared."""


def validate_scenario(
    config: Config,
    store: Store,
    scenario: str | None = None,
    **options: Unpack[ValidateOptions],
) -> ValidationResult:
    """Check the demo rows of ``scenario``: their counts, foreign keys, references kept in JSON,
    and whether they are exactly the scenario's latest snapshot, row by row.

    Without ``scenario``, the one that all demo rows carry; where they carry several, only
    counts and references are checked. With ``schema_only`` the rows are not looked at: do the
    latest snapshots (of ``scenario``, or of all) still fit the tables, and do so without the rules
    of ``[[drift]]``? With ``copy`` that copy is compared with what importing the latest snapshot
    anew would make of it. Changes nothing. What is
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
    progress = options.get("progress", no_progress)
    copy = options.get("copy")
    check_copy_options(options)
    if copy is not None and (scenario is None or options.get("schema_only")):
        raise UsageError(
            "a copy is one of a scenario, and it is its rows that are looked at",
            hint="Name the scenario, and ask for the rows.",
        )
    with connect(config.database, options.get("connection")) as database:
        if copy is not None and scenario is not None:
            return _validate_copy(config, store, scenario, copy, database, options)
        if options.get("schema_only"):
            schema = reflect(database, config.tables, config.references, config.foreign_keys)
            return _validate_schema(config, store, scenario, schema)
        scope = Scope.of(config, {})
        return _validate_rows(config, see(database, config), store, scenario, scope, progress)


def _validate_copy(
    config: Config,
    store: Store,
    scenario: str,
    copy: str,
    database: Database,
    options: ValidateOptions,
) -> ValidationResult:
    latest = store.latest(scenario)
    assert latest is not None
    result = validate_copy(
        config,
        database,
        latest,
        store.source(latest),
        copy,
        options.get("templates") or {},
        Scope.of(config, {}),
        options.get("progress", no_progress),
    )
    found = [_difference(table) for table in result.comparison if not table.same]
    return replace(result, problems=(*result.problems, *found))


def _validate_schema(
    config: Config, store: Store, scenario: str | None, schema: Schema
) -> ValidationResult:
    problems: list[str] = []
    notes: list[str] = []
    latest: Entry | None = None
    mended = True
    for name in (scenario,) if scenario else store.scenarios():
        latest = store.latest(name)
        assert latest is not None
        header = describe(store.file(latest)).header
        this = f"{name} {latest.version}"
        found = fit(header, schema.tables, schema.external)
        if found.problems:
            wrong, due = _drifted_apart(config, header, schema)
            problems += [Words(f"{this}: ", problem) for problem in wrong]
            problems += [Words(f"{this}: ", due, Call("upgrade", name))] if due else []
            mended = mended and due is not None
        notes += [f"{this}: {note}" for note in found.notes]
        if schema.migration != latest.migration:
            notes.append(
                f"{this}: made at migration {latest.migration or 'none'},"
                f" the database is at {schema.migration or 'none'}"
            )
    return ValidationResult(
        scenario=scenario,
        version=latest.version if scenario and latest else None,
        statistics=latest.statistics if scenario and latest else Statistics(),
        problems=tuple(problems),
        notes=tuple(notes),
        upgrade_due=bool(problems) and mended,
    )


def _drifted_apart(
    config: Config, header: Header, schema: Schema
) -> tuple[tuple[str, ...], str | None]:
    """What keeps a snapshot out that does not fit as it is, and what says that an upgrade is due:
    None where none would help."""
    today = drift_of(header, schema, config).header(header)
    problems = fit(today, schema.tables, schema.external).problems
    if not problems:
        return (), "it fits by the rules of [[drift]] alone; an upgrade is due: "
    if migrates(config, header) and header.migration != schema.migration:
        return problems, "it is of an earlier migration; an upgrade is due: "
    return problems, None


def _validate_rows(
    config: Config,
    everything: DemoSet,
    store: Store,
    scenario: str | None,
    scope: Scope,
    progress: Progress,
) -> ValidationResult:
    with everything.database.writing((), keep=False):
        require_conditions(everything)
        carried = everything.scenarios()
        name = scenario or (carried[0] if len(carried) == 1 else None)
        latest = store.latest(name) if name else None
        demo = everything.of(name)
        staging = Staging(demo, ())
        result = ValidationResult(
            scenario=name,
            version=latest.version if latest else None,
            statistics=RowSource(demo).statistics(),
            problems=tuple(_broken_references(staging)),
            notes=tuple(_why_not_compared(carried, name, latest)),
        )
        if latest is None:
            return result
        compared = _compared(config, result, demo, store.source(latest), scope, progress)
        if latest.files is None or not config.files.places:
            return compared
        # Imported late: few snapshots have uploaded files.
        from demo_snapshots.operations.uploads.placing import unlike_files

        unlike = tuple(unlike_files(latest.files, store.blobs, config))
        return replace(compared, problems=(*compared.problems, *unlike))


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
    config: Config,
    result: ValidationResult,
    demo: DemoSet,
    source: Source,
    scope: Scope,
    progress: Progress,
) -> ValidationResult:
    size = read_tail(source).size
    with reading(source) as stream:
        header, document = drifted_for(open_document(stream), demo, config)
        found = fit(header, demo.schema.tables, demo.schema.external)
        if found.problems:
            unfit = tuple(Words(f"{result.version}: ", problem) for problem in found.problems)
            return replace(result, problems=(*result.problems, *unfit))
        if config.has_evergreen:
            # Imported late: few projects have evergreen dates.
            from demo_snapshots.operations.fresh import as_there, compared_as_if_not

            document, offset = as_there(demo, config, source, document)
            if offset.seconds:
                note = compared_as_if_not(header.version, offset)
                result = replace(result, notes=(*result.notes, note))
        found_rows = compare_document(document, header, demo, scope, tell_nobody, size, progress)
    comparison = [_as_seen(table) for table in found_rows]
    problems = tuple(_difference(table) for table in comparison if not table.same)
    return replace(result, comparison=tuple(comparison), problems=(*result.problems, *problems))


def _as_seen(found: TableDifference) -> TableComparison:
    """From the snapshot's side, on which a row under another key is missing."""
    missing, extra = found.removed + found.moved, found.added + found.moved
    rows = found.same + found.changed + extra
    return TableComparison(found.table, rows, missing, extra, found.changed)


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
