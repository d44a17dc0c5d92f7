"""Rows written by hand, completed by what a database says: a document like any other."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import reading
from demo_snapshots.documents.sql.header import fingerprint
from demo_snapshots.documents.sql.writer import Content, Section, write_document
from demo_snapshots.documents.yaml.handwritten import Handwritten, read_handwritten
from demo_snapshots.engines.connection import connect
from demo_snapshots.model.snapshots import (
    Header,
    Statistics,
    TableCount,
    Version,
)
from demo_snapshots.model.sources import Source
from demo_snapshots.operations.readable import require_portable
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.transfer.completion import Completion
from demo_snapshots.transfer.load import lookup_patterns


def complete(
    path: Path, config: Config, *, connection: object = None, keep_other_scenarios: bool = False
) -> Source:
    """The hand-written rows in the file ``path`` as a document in SQL for the configured database,
    or that of ``connection``, named like the file. It is to replace all demo rows there, or those
    of its scenario. Held in memory, for the importer alone: of what only stock clients need it
    has nothing.

    Raises DocumentError with the line for whatever cannot be completed, ExportNotFoundError,
    SchemaError, ConfigError, DatabaseError.
    """
    with reading(path) as stream:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
        handwritten = read_handwritten(stream)
        with connect(config.database, connection) as database:
            demo = see(database, config)
            if keep_other_scenarios:
                demo = demo.of(handwritten.scenario)
            document = _document(handwritten, demo, written)
    return Source(str(path), lambda: BytesIO(document), path)


def _document(handwritten: Handwritten, demo: DemoSet, written: datetime) -> bytes:
    require_portable(demo.order.tables)
    source = demo.database.source
    with demo.database.reading():
        require_conditions(demo)
        typed_cells = demo.dialect.name == "sqlite"
        completion = Completion(handwritten, demo, typed_cells=typed_cells)
    tables = tuple(completion.tables.values())
    header = Header(
        scenario=handwritten.scenario,
        version=Version(1, written.date()),
        generated=written,
        source=source,
        schema=fingerprint(tables),
        tables=tables,
        statistics=Statistics(
            tuple(TableCount(table.name, len(completion.rows[table.name])) for table in tables)
        ),
    )
    content = Content(
        sections=[Section(table, [completion.rows[table.name]]) for table in tables],
        selection=demo.selection.rules,
        lookups=lookup_patterns(demo.external),
    )
    out = BytesIO()
    write_document(out, header, content)
    return out.getvalue()
