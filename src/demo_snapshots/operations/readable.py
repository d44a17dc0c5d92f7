"""Is there anything but a value for which a document would be refused? Asked before it is written.

Values are checked as they are written (``documents.sql.writer``); here it is names, tables and
conditions, for which the same document without its rows is written and read back.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from msgspec.structs import replace

from demo_snapshots.documents.protocol import any_literals
from demo_snapshots.documents.sql.reader import SqlDocument, any_lookup
from demo_snapshots.documents.sql.writer import Content, write_document
from demo_snapshots.errors import DocumentError, UnportableValueError
from demo_snapshots.model.snapshots import Header, Statistics
from demo_snapshots.model.tables import Table


def require_portable(tables: Iterable[Table]) -> None:
    """Raise UnportableValueError for a table of which no document can hold the rows."""
    for table in tables:
        names = (table.name, *(column.name for column in table.carried))
        for name in names:
            if not name.isprintable():
                raise UnportableValueError(
                    f"{table.name!r}: {name!r} is a name that no snapshot can carry",
                    hint="Rename it, or leave the table out of the configuration.",
                )
        if not table.carried:
            raise UnportableValueError(
                f"{table.name}: the database generates every column, so a row holds nothing that"
                " a snapshot could carry",
                hint="Leave the table out of the configuration.",
            )
        for rule in table.triggers:
            if rule.instead:
                raise UnportableValueError(
                    f"{table.name}: the rule {rule.name} has the database do something else than"
                    " change its rows, so they could not be put back",
                    hint="Drop or disable the rule, or leave the table out of the configuration.",
                )
        for name in table.key:
            if table.column(name).generated:
                raise UnportableValueError(
                    f"{table.name}.{name}: the database generates this column of the primary key,"
                    " so a snapshot could not name a row by it",
                    hint="Leave the table out of the configuration.",
                )


def require_readable(header: Header, content: Content) -> None:
    """Raise UnportableValueError if the importer would refuse the document without its rows."""
    counts = tuple(replace(count, rows=0) for count in header.statistics.tables)
    bare = replace(
        header,
        statistics=Statistics(counts),
        includes=tuple((table, 0) for table, _ in header.includes),
    )
    without_rows = replace(
        content,
        sections=[replace(section, rows=()) for section in content.sections],
        includes=[replace(section, rows=()) for section in content.includes],
        deferred=[replace(deferred, count=0, rows=()) for deferred in content.deferred],
    )
    stream = BytesIO()
    try:
        write_document(stream, bare, without_rows)
        stream.seek(0)
        for _ in SqlDocument(stream).rows(any_literals, any_literals, any_lookup):
            pass
    except (DocumentError, ValueError) as error:
        raise UnportableValueError(
            f"a snapshot of these tables could not be read back: {error}",
            hint="No version was published.",
        ) from error
