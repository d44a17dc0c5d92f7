"""Store -> checks -> one transaction -> verification: put a snapshot's rows back."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from msgspec.structs import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import (
    is_handwritten,
    open_document,
    read_tail,
    reading,
    whole_at,
)
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.results import ImportResult
from demo_snapshots.model.rules import Labelled
from demo_snapshots.model.snapshots import check_scenario_name
from demo_snapshots.model.sources import Source
from demo_snapshots.operations.compatibility import require_fit
from demo_snapshots.operations.copies import copy_wanted
from demo_snapshots.operations.drift import drift_of
from demo_snapshots.operations.options import ImportOptions
from demo_snapshots.operations.replaced import prune
from demo_snapshots.operations.routes import Import
from demo_snapshots.operations.uploads.importing import files_of_import
from demo_snapshots.selection.demo_set import see
from demo_snapshots.store import Store, unknown_scenario


def import_latest_scenario(
    scenario: str,
    config: Config,
    store: Store,
    **options: Unpack[ImportOptions],
) -> ImportResult:
    """Make the database's demo rows those of the scenario's latest snapshot.

    As ``import_from_file``; ExportNotFoundError names the scenarios there are.
    """
    config.refuse_production(force=options.get("force", False))
    check_scenario_name(scenario)
    entry = store.latest(scenario)
    if entry is None:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    options.setdefault("blobs", store.blobs)
    return import_document(store.source(entry), config, scenario=scenario, **options)


def import_scenario_version(
    scenario: str,
    version: str,
    config: Config,
    store: Store,
    **options: Unpack[ImportOptions],
) -> ImportResult:
    """Make the database's demo rows those of ``version``: ``v1`` or ``v1_2025-01-15``.

    As ``import_from_file``; ExportNotFoundError names the versions there are.
    """
    config.refuse_production(force=options.get("force", False))
    check_scenario_name(scenario)
    source = store.source(store.find(scenario, version))
    options.setdefault("blobs", store.blobs)
    return import_document(source, config, scenario=scenario, **options)


def import_from_file(
    path: Path, config: Config, *, scenario: str | None, **options: Unpack[ImportOptions]
) -> ImportResult:
    """Make the database's demo rows exactly the rows of the document at ``path``, or of the
    hand-written rows in it, completed by what the database says.

    ``scenario``, if given, is what its header must name.

    New uploaded files are in the directories of ``config.files`` before the rows are in, those of
    other content are replaced afterwards, and never one that a row names which is not demo data.

    One transaction: afterwards the demo rows are the snapshot's and every other row is what it
    was, or an error is raised and every row is as it was (a counter may have advanced). Raises
    ExportNotFoundError, DocumentError, SchemaError, KeyClashError, RealRowsError,
    VerificationError, NotConfirmedError, ProtectedDatabaseError, DatabaseError, ConfigError.
    """
    config.refuse_production(force=options.get("force", False))
    if is_handwritten(path):
        # Imported late: most imports are of snapshots, and start sooner without YAML.
        from demo_snapshots.operations.handwritten import complete

        options["as_of"] = None  # they lead up to no moment that anybody knows
        source = complete(
            path,
            config,
            connection=options.get("connection"),
            keep_other_scenarios=options.get("keep_other_scenarios", False),
        )
    else:
        source = whole_at(path)
    return import_document(source, config, scenario=scenario, **options)


def import_document(
    source: Source,
    config: Config,
    *,
    scenario: str | None,
    labelled: Labelled | None = None,
    **options: Unpack[ImportOptions],
) -> ImportResult:
    """As ``import_from_file``, wherever the document comes from. Only rows that are ``labelled`` so
    are replaced, if it is given."""
    config.refuse_production(force=options.get("force", False))
    size = read_tail(source).size
    given = options.get("connection")
    with connect(config.database, given) as database, reading(source) as stream:
        described = open_document(stream).header
        if scenario is not None and described.scenario != scenario:
            raise DocumentError(
                f"a snapshot of {described.scenario!r}, not of {scenario!r}",
                hint=f"Import it as {described.scenario}.",
            )
        demo = see(database, config)
        drift = drift_of(described, demo.schema, config, options)
        header = drift.header(described)
        tables, external = demo.schema.tables, demo.schema.external
        require_fit(header, tables, external, database.label, is_drifted=bool(drift))
        copy = copy_wanted(demo, config, header.scenario, options)
        if copy is not None:
            demo = demo.of(copy.rows)
        elif labelled is not None:
            demo = demo.of(labelled)
        elif options.get("keep_other_scenarios"):
            demo = demo.of(header.scenario)
        with files_of_import(header, config, options) as files:
            job = Import(demo, source, size, header, drift, stream, options, files, copy)
            result = _run(job, config, options)
    prune(job.undo)
    return replace(result, files=files.restored)


def _run(job: Import, config: Config, options: ImportOptions) -> ImportResult:
    as_of = options.get("as_of")
    if as_of is None and not config.has_evergreen:
        return job.run()
    # Imported late: few projects have evergreen dates.
    from demo_snapshots.operations.fresh import run_with_dates

    return run_with_dates(job, config, as_of)
