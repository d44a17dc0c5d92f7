"""The SQL form in parts: what only it has, kept word for word while a document is in another form,
and its bytes again from these, the header and the rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import BinaryIO, Protocol, cast

from msgspec import Struct

from demo_snapshots.documents.protocol import Event, EventsByTable, Update, any_literals
from demo_snapshots.documents.sql import polyglot, statements
from demo_snapshots.documents.sql.header import titles, write_header
from demo_snapshots.documents.sql.identifiers import read_identifier, write_identifier
from demo_snapshots.documents.sql.reader import TAIL, SqlDocument, any_lookup
from demo_snapshots.documents.sql.window import Pattern
from demo_snapshots.documents.sql.writer import Inserts, Output
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import encode, split


class ForClients(Struct, frozen=True):
    """What the stock clients need and is neither header nor rows: the statements ``before`` the
    rows and ``after`` them, up to COMMIT, and the tables whose keys are GENERATED ALWAYS
    (``overriding``) and those that others inherit from (``only``)."""

    before: bytes
    after: bytes
    overriding: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()


class PartedDocument(SqlDocument):
    """A document that keeps what only its SQL form has as it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._before: list[bytes] = []
        self._after: list[bytes] = []
        self.overriding: set[str] = set()
        self.only: set[str] = set()

    @property
    def for_clients(self) -> ForClients:
        """Known once the rows were read."""
        after = TAIL.sub(b"", b"".join(self._after))
        before = b"".join(self._before)
        return ForClients(before, after, frozenset(self.overriding), frozenset(self.only))

    def _pass_preamble(self) -> None:
        self._source.kept = self._before
        super()._pass_preamble()
        self._source.kept = None

    def _pass_end(self) -> None:
        self._source.kept = self._after
        super()._pass_end()
        self._source.kept = None

    def _pass(self, pattern: Pattern, unfinished: Pattern | None = None) -> re.Match[bytes]:
        match = super()._pass(pattern, unfinished)
        if pattern is statements.INSERT:
            self._note(match[1], overriding=match["overriding"] is not None)
        elif pattern is statements.INCLUDE:
            overriding = self._holds(match, match.end("names"), match.start("values"), OVERRIDING)
            only = self._holds(match, match.end("values"), match.start("again"), ONLY)
            self._note(match["table"], overriding=overriding, only=only)
        elif pattern is statements.UPDATE:
            only = self._holds(match, match.start(), match.start("table"), ONLY)
            self._note(match["table"], only=only)
        return match

    @staticmethod
    def _holds(match: re.Match[bytes], start: int, end: int, words: bytes) -> bool:
        return words in match.string[start:end]

    def _note(self, name: bytes, *, overriding: bool = False, only: bool = False) -> None:
        if overriding:
            self.overriding.add(read_identifier(name.decode()))
        if only:
            self.only.add(read_identifier(name.decode()))


OVERRIDING = polyglot.OVERRIDING.encode()
ONLY = polyglot.ONLY.encode()


class Rendering:
    """Writes the SQL form of format 2 to ``out``, in the order of its methods. ``overriding`` and
    ``only`` are as in ForClients, and may grow until the table's first row."""

    def __init__(
        self, stream: BinaryIO, header: Header, overriding: Container[str], only: Container[str]
    ) -> None:
        self._out = Output(stream)
        self._header = header
        self._titles = titles(table.name for table in header.tables)
        self._overriding = overriding
        self._only = only
        self._inserts: Inserts | None = None

    def begin(self) -> None:
        """The header."""
        self._out.text(write_header(self._header))

    def before(self, before: bytes) -> None:
        """What clients need before the rows."""
        self._out.text("\n")
        self._out.bytes(before)

    def begin_rows(self) -> None:
        """From here on it counts for the digest."""
        self._out.hashing = True

    def includes(self, table: Table, count: int) -> None:
        """The section of a table whose rows travel along."""
        self._out.text(statements.section(f"Included {write_identifier(table.name)}", count))

    def include(self, table: Table, row: bytes) -> None:
        statement = statements.include(
            table.name,
            [column.name for column in table.columns],
            split(row),
            table.key,
            overriding=table.name in self._overriding,
            only=table.name in self._only,
        )
        self._out.bytes(encode(statement))

    def section(self, table: Table, count: int) -> None:
        """The section of a table of the demo."""
        self._out.text(statements.section(self._titles[table.name], count))

    def inserts(self, table: Table) -> tuple[Output, bytes]:
        """Where the section's INSERTs go, and how each begins."""
        columns = [column.name for column in table.columns]
        overriding = table.name in self._overriding
        return self._out, statements.insert(table.name, columns, overriding=overriding).encode()

    def as_it_stands(self, block: bytes) -> None:
        """Statements of the section, or some bytes of them, as they are to stand."""
        self._out.bytes(block)

    def end_part(self) -> None:
        """After a section, and after the deferred references."""
        self._out.text("\n")

    def deferred(self, count: int) -> None:
        self._out.text(statements.deferred(count))

    def heading(self, text: str) -> None:
        """That of a part that only a delta has."""
        self._out.text(text)

    def statements(self, batches: Iterable[Sequence[bytes]]) -> None:
        """A part of finished statements, in raw literals, and its end."""
        for batch in batches:
            for statement in batch:
                self._out.bytes(encode(statement))
        self.end_part()

    def update(self, table: Table, update: Update) -> None:
        statement = statements.update(
            table.name, update.values, update.untouched, update.key, only=table.name in self._only
        )
        self._out.bytes(encode(statement))

    def end_rows(self) -> str:
        """The content digest."""
        self._out.hashing = False
        return self._out.hash.hexdigest()

    def after(self, after: bytes) -> None:
        """What clients need after the rows."""
        self._out.bytes(after)

    def end(self, digest: str) -> None:
        self._out.text(last_lines(digest))


def last_lines(digest: str) -> str:
    """What stands after COMMIT."""
    return f"{polyglot.DIGEST_PREFIX}{digest}\n{polyglot.COMPLETE}\n"


class RowsByTable(Protocol):
    """The rows of a document, table by table in the order of its header."""

    def records(self, table: Table) -> Iterator[list[bytes]]:
        """The records of the next table."""

    def updates(self) -> Iterator[Update]:
        """The deferred references, after all tables."""


def render_rows(rendering: Rendering, document: SqlDocument, events: Iterable[Event]) -> str:
    """Write the rows of ``document``, which ``events`` are; their digest. Raises DocumentError
    where they are not as many as the header counts."""
    rows = EventsByTable(events)
    for _ in rendered(rendering, document.header, rows, lambda: document.updates):
        pass
    return rendering.end_rows()


def rendered(
    rendering: Rendering, header: Header, by_table: RowsByTable, deferred: Callable[[], int]
) -> Iterator[None]:
    """Write the rows, as they are iterated over: up to ``end_rows``. ``deferred`` counts the
    deferred references, once the first is there."""
    rendering.begin_rows()
    for table, count in header.includes:
        rendering.includes(table, count)
        for batch in by_table.records(table):
            for record in batch:
                rendering.include(table, b"(" + record + b")")
            yield
        rendering.end_part()
    for table in header.tables:
        expected = header.statistics.rows(table.name)
        rendering.section(table, expected)
        counted = 0
        inserts = Inserts(*rendering.inserts(table))
        for batch in by_table.records(table):
            inserts.add([b"(" + record + b")" for record in batch])
            counted += len(batch)
            yield
        inserts.close()
        require_count(table.name, counted, expected)
        rendering.end_part()
    described = {table.name: table for table in header.tables}
    updates = 0
    for update in by_table.updates():
        if not updates:
            rendering.deferred(deferred())
        updates += 1
        rendering.update(described[update.table], update)
        yield
    if updates:
        rendering.end_part()


def require_count(table: str, rows: int, expected: int, line: int | None = None) -> None:
    """Raise DocumentError where a table has other than the ``expected`` rows."""
    if rows != expected:
        raise DocumentError(f"{table}: {rows} rows, and the header counts {expected}", line=line)


class Survey(Struct, frozen=True):
    """What reading a document whole tells of it: ``digest`` is of its rows in format 2,
    ``updates`` counts the deferred references."""

    header: Header
    for_clients: ForClients
    digest: str
    updates: int


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def survey(document: PartedDocument) -> Survey:
    """Read the document whole. Raises DocumentError."""
    nowhere = cast(BinaryIO, _Nowhere())
    rendering = Rendering(nowhere, document.header, document.overriding, document.only)
    events = document.rows(any_literals, any_literals, any_lookup)
    digest = render_rows(rendering, document, events)
    return Survey(document.header, document.for_clients, digest, document.updates)


def write_sql(stream: BinaryIO, found: Survey, document: SqlDocument) -> None:
    """Write a document that was surveyed, and is open once more, in its SQL form."""
    parts = found.for_clients
    rendering = Rendering(stream, found.header, parts.overriding, parts.only)
    rendering.begin()
    rendering.before(parts.before)
    events = document.rows(any_literals, any_literals, any_lookup)
    digest = render_rows(rendering, document, events)
    rendering.after(parts.after)
    rendering.end(digest)
