"""Rows -> document, in one pass: format 2, the same bytes for the same rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO
from zlib import crc32

from msgspec import Struct, field

from demo_snapshots.documents.sql import polyglot, statements
from demo_snapshots.documents.sql.grammar import RowGrammar, has_typed_cells
from demo_snapshots.documents.sql.header import titles, write_header
from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.documents.sql.predicates import predicate
from demo_snapshots.documents.sql.window import LONGEST_ROW
from demo_snapshots.errors import ExportError
from demo_snapshots.model.rules import TableSelection
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import ColumnSequence, Table
from demo_snapshots.rows.literals import encode, has_special, split
from demo_snapshots.rows.unportable import unportable

CUT = 127
MOST_ROWS = 500
MOST_BYTES = 1_048_576
"""A statement ends after a row whose CRC-32 has none of the bits of CUT, after MOST_ROWS rows, and
before the row that would take it past MOST_BYTES."""

Batches = Iterable[Sequence[bytes]]
"""Raw rows, each ``(…)``, in lists of any length."""


class Section(Struct, frozen=True):
    """One table's rows: ``table`` with the columns to carry, ``rows`` read exactly once."""

    table: Table
    rows: Batches
    overriding: bool = False


class Deferred(Struct, frozen=True):
    """References that were written as NULL: raw rows of key values, then reference values.
    Those ``between_tables`` are let go of before the clean-up deletes."""

    table: Table
    columns: tuple[str, ...]
    untouched: tuple[str, ...]
    count: int
    rows: Batches
    between_tables: bool = False


class Content(Struct, frozen=True):
    """Everything between header and digest. ``sections`` in load order, as in the header;
    ``defers`` says that there are references which no order can hold, ``postponed`` are those of
    their (table, constraint) pairs that must be made deferrable for it; ``search_path`` are the
    PostgreSQL schemas if they are not just public, ``elsewhere`` the tables that are not in the
    first of them, each with its schema. ``sequences`` are (table, column) pairs whose
    own counter, if there is one, is ordinary; ``named_sequences`` those that need a name."""

    sections: Sequence[Section]
    selection: Mapping[str, TableSelection]
    includes: Sequence[Section] = ()
    deferred: Sequence[Deferred] = ()
    sequences: Sequence[tuple[str, str]] = ()
    named_sequences: Sequence[tuple[str, ColumnSequence]] = ()
    postponed: Sequence[tuple[str, str]] = ()
    defers: bool = False
    search_path: Sequence[str] = ()
    elsewhere: Sequence[tuple[str, str]] = ()
    lookups: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    """Patterns of the references by natural key that may stand in for a table's column."""

    def predicate(self, table: str) -> str:
        """The condition that selects the table's demo rows."""
        parents = [section.table.name for section in self.sections if section.table.has_heirs]
        return predicate(self.selection, table, parents)


class _Check:
    """Whether rows of ``columns`` will be read back, by the reader's own grammar: the target is
    the table that they are from."""

    def __init__(
        self,
        header: Header,
        table: Table,
        columns: Sequence[str],
        lookups: Mapping[tuple[str, str], bytes] | None = None,
    ) -> None:
        self._table = table
        self._columns = columns
        self._grammar = RowGrammar(
            [(name, table.column(name).kind, table.column(name)) for name in columns],
            {name: found for name in columns if (found := (lookups or {}).get((table.name, name)))},
            typed_cells=has_typed_cells(header),
        )

    def require(self, text: bytes, rows: Sequence[bytes]) -> None:
        """Raise UnportableValueError for the first of the raw ``rows`` that will not be; ``text``
        is all of them as the document holds them."""
        if len(text) <= LONGEST_ROW and self._grammar.takes(text):
            return
        for row in rows:
            one = encode(row)
            if len(one) > LONGEST_ROW or not self._grammar.takes(one):
                culprit = self._grammar.culprit(one)
                raise unportable(self._table, self._columns, row, culprit)


class Output:
    """A binary stream that hashes what passes while ``digest`` is on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._write = stream.write
        self.hash = hashlib.sha256()
        self.hashing = False

    def text(self, *parts: str) -> None:
        self.bytes("".join(parts).encode())

    def bytes(self, data: bytes) -> None:
        if self.hashing:
            self.hash.update(data)
        self._write(data)


def write_document(stream: BinaryIO, header: Header, content: Content) -> str:
    """Write a whole document and return its content digest, 64 hexadecimal digits.

    ``header``'s statistics say how many rows each section has; ExportError if a section has
    others, which a consistent read cannot make. UnportableValueError for a value that reading
    the document into the same tables would refuse. ValueError for names no document can carry.
    """
    out = Output(stream)
    out.text(write_header(header), "\n")
    _write_preamble(out, content)
    _write_cleanup(out, content)
    out.hashing = True
    for (table, rows), section in zip(header.includes, content.includes, strict=True):
        out.text(statements.section(f"Included {write_identifier(table.name)}", rows))
        write_includes(out, header, section)
        out.text("\n")
    title = titles(table.name for table in header.tables)
    for section in content.sections:
        expected = header.statistics.rows(section.table.name)
        out.text(statements.section(title[section.table.name], expected))
        written = write_rows(out, header, section, content.lookups)
        if written != expected:
            raise ExportError(
                f"{section.table.name}: {expected} rows were counted and {written} read"
            )
        out.text("\n")
    count = sum(part.count for part in content.deferred)
    if count:
        out.text(statements.deferred(count))
        for part in content.deferred:
            write_updates(out, header, part)
        out.text("\n")
    out.hashing = False
    _write_end(out, header, content, title)
    digest = out.hash.hexdigest()
    out.text(polyglot.DIGEST_PREFIX, digest, "\n", polyglot.COMPLETE, "\n")
    return digest


def for_clients(header: Header, content: Content) -> tuple[bytes, bytes]:
    """What ``write_document`` writes for the stock clients before the rows, and after them."""
    before, after = io.BytesIO(), io.BytesIO()
    _write_preamble(Output(before), content)
    _write_cleanup(Output(before), content)
    _write_end(Output(after), header, content, titles(table.name for table in header.tables))
    return before.getvalue(), after.getvalue()


def _write_preamble(out: Output, content: Content) -> None:
    lines = [polyglot.PREAMBLE_MYSQL, polyglot.BEGIN, polyglot.PREAMBLE_POSTGRESQL]
    if content.search_path:
        path = ", ".join(write_identifier(schema) for schema in content.search_path)
        lines.append(polyglot.postgresql_only(f"SET LOCAL search_path={path};"))
    lines += [statements.require_visible(table, schema) for table, schema in content.elsewhere]
    lines.append(polyglot.FOREIGN_KEYS_OFF)
    lines += _constraints(content, "DEFERRABLE")
    if content.defers:
        lines.append(polyglot.postgresql_only("SET CONSTRAINTS ALL DEFERRED;"))
    out.text("\n".join(lines), "\n\n")


def _constraints(content: Content, state: str) -> Iterator[str]:
    for table, constraint in content.postponed:
        yield polyglot.postgresql_only(
            f"ALTER TABLE {write_identifier(table)}"
            f" ALTER CONSTRAINT {write_identifier(constraint)} {state};"
        )


def _write_cleanup(out: Output, content: Content) -> None:
    out.text(statements.CLEANUP, "\n")
    for part in content.deferred:
        if part.between_tables:
            name = part.table.name
            condition = content.predicate(name)
            only = part.table.has_heirs
            out.text(statements.release(name, part.columns, condition, only=only))
    for section in reversed(content.sections):
        name, only = section.table.name, section.table.has_heirs
        out.text(statements.delete(name, content.predicate(name), only=only))
    out.text("\n")


def write_rows(
    out: Output, header: Header, section: Section, lookups: Mapping[tuple[str, str], bytes]
) -> int:
    """Write rows of one table, which begin where a statement begins; how many there were."""
    columns = [column.name for column in section.table.carried]
    check = _Check(header, section.table, columns, lookups)
    head = statements.insert(section.table.name, columns, overriding=section.overriding).encode()
    inserts = Inserts(out, head, check)
    written = 0
    for batch in filter(None, section.rows):
        inserts.add(batch)
        written += len(batch)
    inserts.close()
    return written


def ends_statement(row: bytes) -> bool:
    """Whether a statement ends after this raw row, whatever stands before it."""
    return not crc32(encode(row)) & CUT


class Inserts:
    """The INSERTs of a section, cut where its rows say: rows that come or go move the cuts beside
    them only, so that a diff of two versions shows them and little else."""

    def __init__(self, out: Output, head: bytes, check: _Check | None = None) -> None:
        self._out = out
        self._head = head
        self._check = check
        self._rows: list[bytes] = []
        self._size = 0

    def add(self, batch: Sequence[bytes]) -> None:
        rows, text = batch, b",\n".join(batch)
        if has_special(text):
            rows = [encode(row) for row in batch]
            text = b",\n".join(rows)
        if self._check is not None:
            self._check.require(text, batch)
        for row in rows:
            size = len(row) + len(b",\n")
            if self._size + size > MOST_BYTES:
                self.close()
            self._rows.append(row)
            self._size += size
            if not crc32(row) & CUT or len(self._rows) == MOST_ROWS:
                self.close()

    def close(self) -> None:
        """Write the statement that is open, if there is one."""
        if self._rows:
            self._out.bytes(self._head)
            # Joining one row, which may be as large as memory allows, does not copy it.
            self._out.bytes(b",\n".join(self._rows))
            self._out.bytes(b";\n")
        self._rows, self._size = [], 0


def write_includes(out: Output, header: Header, section: Section) -> None:
    """Write rows that travel along."""
    table = section.table
    columns = [column.name for column in table.carried]
    check = _Check(header, table, columns)
    for batch in section.rows:
        for row in batch:
            check.require(encode(row), [row])
            statement = statements.include(
                table.name,
                columns,
                split(row),
                table.key,
                overriding=section.overriding,
                only=table.has_heirs,
            )
            out.bytes(encode(statement))


def write_updates(out: Output, header: Header, part: Deferred) -> None:
    """Write references that were deferred."""
    keys = part.table.key
    check = _Check(header, part.table, [*keys, *part.columns])
    for batch in part.rows:
        for row in batch:
            check.require(encode(row), [row])
            values = split(row)
            statement = statements.update(
                part.table.name,
                list(zip(part.columns, values[len(keys) :], strict=True)),
                part.untouched,
                list(zip(keys, values[: len(keys)], strict=True)),
                only=part.table.has_heirs,
            )
            out.bytes(encode(statement))


def _write_end(out: Output, header: Header, content: Content, title: Mapping[str, str]) -> None:
    out.text(polyglot.FOREIGN_KEYS_ON, "\n")
    if content.defers:
        out.text(polyglot.postgresql_only("SET CONSTRAINTS ALL IMMEDIATE;"), "\n")
        out.text(*(line + "\n" for line in _constraints(content, "NOT DEFERRABLE")))
    for table, column in content.sequences:
        out.text(statements.advance_sequence(table, column))
    for table, drawn in content.named_sequences:
        out.text(
            statements.advance_named_sequence(table, drawn.column, drawn.sequence, drawn.schema)
        )
    out.text("\n", statements.VERIFICATION, "\n")
    counts = [
        (
            title[table.name],
            statements.of("FROM", table.name, only=table.has_heirs),
            header.statistics.rows(table.name),
            content.predicate(table.name),
        )
        for table in header.tables
    ]
    out.text(statements.verification(counts), polyglot.COMMIT, "\n")
