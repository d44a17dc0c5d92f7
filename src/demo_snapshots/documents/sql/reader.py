"""Document -> rows, in one pass and in bounded memory; everything unknown is refused.

The reader recognises the whole strict grammar of formats 1 and 2 as the file streams by. Statements
that only stock clients need (clean-up, sequences, verification) are skipped as tokens; nothing
the reader returns is anything but names and literals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from demo_snapshots.documents.protocol import Event, Included, Lookups, Rows, Target, Update
from demo_snapshots.documents.sql import polyglot, statements
from demo_snapshots.documents.sql.grammar import RowGrammar, has_typed_cells
from demo_snapshots.documents.sql.header import read_header
from demo_snapshots.documents.sql.identifiers import read_identifier
from demo_snapshots.documents.sql.window import INCOMPLETE, Pattern, Window
from demo_snapshots.errors import DocumentError, UnfitValueError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import TwoFormsError, decode, encode, records

TAIL = re.compile(
    re.escape(polyglot.DIGEST_PREFIX.encode())
    + rb"([0-9a-f]{64})\n"
    + re.escape(polyglot.COMPLETE.encode())
    + rb"\n"
)
RESTORE = "Restore it from version control, or export again."
ALTERED = "the rows are not those the digest was made of: the file was altered"


class SqlDocument:
    """An open document: ``header`` is read at once, ``rows`` once, and then ``digest`` is known;
    ``updates`` counts the deferred references once the first of them is given.

    ``stream`` is positioned at the start and is read to its end; it is not closed.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._source = Window(stream)
        self.header: Header = read_header(header_lines(self._source))
        self._source.expect("")
        self.digest = ""
        self.updates = 0

    @property
    def line(self) -> int:
        """The line that is read next."""
        return self._source.line

    def line_of(self, number: int, given: bytes) -> int:
        """As ``protocol.Document.line_of``."""
        # The line that is read next is past all of them.
        later = records(given)[number:]
        return self.line - sum(encode(record).count(b"\n") + 1 for record in later)

    def rows(
        self,
        target: Target,
        includes: Target | None = None,
        lookups: Lookups | None = None,
    ) -> Iterator[Event]:
        """As ``protocol.Document.rows``."""
        if self.header.delta is not None:
            raise DocumentError("a delta says its format on the second line", line=2)
        self._pass_preamble()
        described = {table.name: table for table in self.header.tables}
        source = self._source
        source.hashing = True
        for table, expected in self.header.includes:
            yield from self._included(table, expected, includes)
        for table in self.header.tables:
            expected = self.header.statistics.rows(table.name)
            yield from self._section(table, expected, target, lookups)
        yield from self._deferred(described, target)
        source.hashing = False
        self._pass_end()

    def holds(self, digest: str) -> bool:
        """Whether the rows, passed without a look at any of them, are those that ``digest`` was
        made of. In place of ``rows``; raises DocumentError for a file that is none of ours."""
        self._pass_preamble()
        source = self._source
        source.hashing = True
        end = polyglot.FOREIGN_KEYS_ON.encode() + b"\n"
        if source.next_is(end):
            return source.hash.hexdigest() == digest
        # A text may hold this line too; then more rows follow.
        while source.reaches(end):
            if source.hash.hexdigest() == digest:
                return True
        return False

    def _pass_preamble(self) -> None:
        self._pass_session()
        self._pass_cleanup()

    def _pass_session(self) -> None:
        source = self._source
        source.expect(polyglot.PREAMBLE_MYSQL)
        source.expect(polyglot.BEGIN)
        source.expect(polyglot.PREAMBLE_POSTGRESQL)
        if source.next_is(polyglot.POSTGRESQL_ONLY.encode()):
            self._pass(statements.SEARCH_PATH)
        while source.next_is(polyglot.POSTGRESQL_ONLY.encode()):
            self._pass(statements.HIDDEN)
        source.expect(polyglot.FOREIGN_KEYS_OFF)
        while source.next_is(polyglot.POSTGRESQL_ONLY.encode()):
            self._pass(statements.CONSTRAINT)
        source.expect("")

    def _pass_cleanup(self) -> None:
        source = self._source
        source.expect(statements.CLEANUP)
        while source.next_is(b"UPDATE ", b"UPDATE\n"):
            self._pass(statements.RELEASE)
        for table in reversed(self.header.tables):
            match = self._pass(statements.DELETE)
            if read_identifier(match[1].decode()) != table.name:
                raise source.error(f"expected the clean-up of {table.name} before this line")
        source.expect("")

    def _pass(self, pattern: Pattern, unfinished: Pattern | None = None) -> re.Match[bytes]:
        match = self._source.take(pattern, unfinished)
        if match is None:
            raise self._source.error(
                INCOMPLETE
                if self._source.is_cut_short
                else "not a statement that a snapshot holds here"
            )
        return match

    def _included(self, table: Table, expected: int, includes: Target | None) -> Iterator[Included]:
        source = self._source
        heading = self._pass(statements.SECTION)
        if includes is None:
            raise source.error(f"rows of {table.name}, which the configuration does not include")
        if int(heading[1]) != expected:
            raise source.error(f"the header counts {expected} rows of {table.name}")
        names = tuple(column.name for column in table.columns)
        grammar = self._grammar(table, names, includes(table.name))
        for _ in range(expected):
            line = source.line
            match = self._pass(statements.INCLUDE, statements.UNFINISHED_INCLUDE)
            row = b"(" + match["values"] + b");\n"
            keys = [name for name, _ in statements.read_pairs(match["key"])]
            told = {read_identifier(match[part].decode()) for part in ("table", "again")}
            if (
                told != {table.name}
                or statements.read_names(match["names"]) != names
                or tuple(keys) != table.key
            ):
                raise DocumentError(f"not an included row of {table.name}", line=line)
            if grammar.match(row, 0) != len(row):
                raise UnfitValueError(f"{table.name}: a value would not be taken", line=line)
            try:
                yield Included(table.name, names, decode(row[:-2]))
            except ValueError as error:
                raise DocumentError(f"{table.name}: {error}", line=line) from None
        source.expect("")

    def _section(
        self, table: Table, expected: int, target: Target, lookups: Lookups | None
    ) -> Iterator[Rows]:
        source = self._source
        heading = self._pass(statements.SECTION)
        if int(heading[1]) != expected:
            raise source.error(f"the header counts {expected} rows of {table.name}")
        names = tuple(column.name for column in table.columns)
        grammar = self._grammar(table, names, target(table.name), lookups) if expected else None
        while grammar is not None and source.next_is(b"INSERT INTO "):
            self._pass_insert(table, names)
            for text in self._statement_rows(table, grammar):
                yield Rows(table.name, names, text)
        source.expect("")

    def _pass_insert(self, table: Table, names: tuple[str, ...]) -> None:
        line = self._source.line
        match = self._pass(statements.INSERT)
        if read_identifier(match[1].decode()) != table.name:
            raise DocumentError("rows of another table than the section's", line=line)
        if statements.read_names(match[2]) != names:
            raise DocumentError("other columns than the header describes", line=line)

    def _statement_rows(self, table: Table, grammar: RowGrammar) -> Iterator[bytes]:
        source = self._source
        while True:
            end = grammar.match(source.data, source.position)
            if end > source.position:
                line = source.line
                finished = source.data[end - 2] == 0x3B
                text = source.data[source.position : end - 2]
                source.advance(end)
                try:
                    text = decode(text)
                except TwoFormsError as error:
                    line += text.count(b"\n", 0, error.position + 1)
                    raise DocumentError(f"{table.name}: {error}", line=line) from None
                yield text
                del text
                if finished:
                    return
                continue
            self._fill_or_refuse(table, grammar)

    def _fill_or_refuse(self, table: Table, grammar: RowGrammar) -> None:
        source = self._source
        fault = grammar.fault(source.data, source.position)
        if fault is None:
            if not source.fill():
                raise source.error(INCOMPLETE)
            return
        line = source.line_at(fault.position)
        if fault.column is None:
            raise DocumentError(f"{table.name}: not a row of literals", line=line)
        raise UnfitValueError(
            f"{table.name}.{fault.column} would not take this value unchanged:"
            f" {_told(source.data, fault.position)}",
            line=line,
            hint="The column differs from the one the snapshot was made from: migrate the database"
            " to the snapshot's schema, or export again from one like this.",
        )

    def _deferred(self, described: dict[str, Table], target: Target) -> Iterator[Update]:
        source = self._source
        heading = source.take(statements.DEFERRED) if source.next_is(b"-- Deferred ") else None
        if heading is None:
            return
        self.updates = int(heading[1])
        for _ in range(self.updates):
            line = source.line
            match = self._pass(statements.UPDATE)
            name = read_identifier(match["table"].decode())
            try:
                values = statements.read_pairs(match["set"])
            except ValueError as error:
                raise DocumentError(f"{name}: {error}", line=line) from None
            key = statements.read_pairs(match["where"])
            table = described.get(name)
            if table is None or tuple(column for column, _ in key) != table.key:
                raise DocumentError("not an update by a described table's key", line=line)
            self._check_update(table, target(name), (*values, *key), line)
            try:
                untouched = statements.read_untouched(match["set"])
                yield Update(name, decode_pairs(values), decode_pairs(key), untouched)
            except ValueError as error:
                raise DocumentError(f"{name}: {error}", line=line) from None
        source.expect("")

    def _check_update(
        self, table: Table, target: Table | None, values: Sequence[tuple[str, bytes]], line: int
    ) -> None:
        for name, literal in values:
            if not table.has(name):
                raise DocumentError(f"{table.name} has no column {name}", line=line)
            grammar = self._grammar(table, (name,), target)
            row = b"(" + literal + b");\n"
            if grammar.match(row, 0) != len(row):
                raise UnfitValueError(
                    f"{table.name}.{name} would not take this value unchanged", line=line
                )

    def _pass_end(self) -> None:
        source = self._source
        source.expect(polyglot.FOREIGN_KEYS_ON)
        while source.next_is(polyglot.POSTGRESQL_ONLY.encode()):
            if source.take(statements.CONSTRAINT) is None:
                self._pass(statements.SEQUENCE)
        source.expect("")
        source.expect(statements.VERIFICATION)
        self._pass(statements.VERIFY)
        source.expect(polyglot.COMMIT)
        self.digest = source.hash.hexdigest()
        line = source.line
        match = self._pass(TAIL)
        if match[1].decode() != self.digest:
            raise DocumentError(
                ALTERED,
                line=line,
                hint=RESTORE,
            )
        if source.peek():
            raise source.error("something follows the end of the snapshot")

    def _grammar(
        self,
        described: Table,
        names: Sequence[str],
        target: Table | None,
        lookups: Lookups | None = None,
    ) -> RowGrammar:
        # A column the target does not have is one that the import leaves out.
        columns = [
            (
                name,
                described.column(name).kind,
                target.column(name) if target is not None and target.has(name) else None,
            )
            for name in names
        ]
        patterns = {name: lookups(described.name, name) for name in names} if lookups else {}
        return RowGrammar(
            columns,
            {name: found for name, found in patterns.items() if found},
            typed_cells=has_typed_cells(self.header),
        )


def header_lines(source: Window) -> Iterator[str]:
    """The lines before the first blank one, which comes next then. Raises DocumentError."""
    while (line := source.peek()) != b"\n":
        if not line.endswith(b"\n"):
            raise source.error("not a demo snapshot" if source.line == 1 else INCOMPLETE)
        try:
            text = line[:-1].decode("utf-8")
        except UnicodeDecodeError:
            raise source.error("not UTF-8") from None
        yield text
        source.advance(source.position + len(line))


def _told(data: bytes, position: int) -> str:
    """What sort of literal stands there, for an error that may not show it."""
    first = data[position : position + 1]
    if first == b"\n":
        wrapped = data[position : position + 32]
        return "text with control characters" if b"CAST(" in wrapped else "binary data"
    return {b"'": "text", b"N": "NULL", b"T": "a boolean", b"F": "a boolean"}.get(first, "a number")


def decode_pairs(pairs: Sequence[tuple[str, bytes]]) -> tuple[tuple[str, bytes], ...]:
    """Raw literals of those of a document. Raises ValueError."""
    return tuple((name, decode(literal)) for name, literal in pairs)


def any_lookup(table: str, column: str) -> bytes:
    """The lookups for reading a document without a database."""
    return statements.ANY_LOOKUP
