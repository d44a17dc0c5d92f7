"""Hand-written rows -> whole rows of a database's tables: keys, names, markers, defaults.

Each value is held to its column by the grammar that documents are read with, so what does not fit
is told with its line. Nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from demo_snapshots.documents.sql.grammar import RowGrammar
from demo_snapshots.documents.values import encoded, shown
from demo_snapshots.documents.yaml.handwritten import Cell, Given, Handwritten, Name, Plain
from demo_snapshots.errors import DocumentError, UnfitValueError
from demo_snapshots.model.rules import Field, Marked
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.rows.keys import key_of
from demo_snapshots.rows.literals import encode
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.free_keys import free_numbers, is_uuid, may_be_new, new_uuid
from demo_snapshots.transfer.handwritten_values import Values, described
from demo_snapshots.transfer.load import lookup_patterns

_NEW = ("new", "", "~", "null")
_WHOLE = re.compile(r"-?[0-9]{1,20}")


class CompletedTable:
    """A table's rows: ``cells`` as the file gives them, to which the completion adds what it
    derives; the key's literals, where a row was given a new key, are in ``keys``."""

    def __init__(self, table: Table, rows: list[dict[str, Cell]], lines: list[int]) -> None:
        self.table = table
        self.cells = rows
        self.lines = lines
        self.keys: dict[int, str] = {}


class Completion:
    """``handwritten`` for ``demo``, of whose rows it replaces all: ``rows`` of each table, in the
    order of its key, for the columns of ``tables``.

    Raises DocumentError and UnfitValueError with the line. Reads the database within ``reading``.
    """

    def __init__(self, handwritten: Handwritten, demo: DemoSet, *, typed_cells: bool) -> None:
        self.demo = demo
        self.scenario = handwritten.scenario
        self.tables: dict[str, Table] = {}
        self.rows: dict[str, list[bytes]] = {}
        self._typed_cells = typed_cells
        self._lookups = lookup_patterns(demo.external)
        self._values = Values(typed_cells=typed_cells)
        self._defaults: dict[tuple[str, str], str | None] = {}
        completed = self._found(handwritten)
        # Which keys are new depends on those that are given, and these may be names of new ones.
        for part in sorted(completed.values(), key=_has_named_key):
            self._mark(part)
            self._give_keys(part)
            self._learn_names(part)
        for table in demo.order.tables:
            part = completed.get(table.name, CompletedTable(table, [], []))
            self._complete(part)

    def _found(self, handwritten: Handwritten) -> dict[str, CompletedTable]:
        found: dict[str, CompletedTable] = {}
        schema = self.demo.schema
        for name, given in handwritten.tables.items():
            table = schema.tables.get(schema.configured.get(name, name))
            if table is None or table.name in found:
                fault = "no demo table of this configuration" if table is None else "there twice"
                hint = f"There are: {', '.join(schema.tables)}."
                raise DocumentError(f"{shown(name)}: {fault}", line=given.line, hint=hint)
            carried = {column.name for column in table.carried}
            for row in given.rows:
                for column, cell in row.cells.items():
                    if column not in carried:
                        raise DocumentError(
                            f"{table.name}: no column {shown(column)} that a row may give",
                            line=cell.line,
                            hint=f"There are: {', '.join(c.name for c in table.carried)}.",
                        )
                    if cell.name is not None and column not in table.key:
                        raise DocumentError(
                            f"{table.name}.{column}: an anchor on what is no key",
                            line=cell.line,
                            hint="A row's name stands before the value of its key.",
                        )
            cells = [dict(row.cells) for row in given.rows]
            lines = [row.line for row in given.rows]
            found[table.name] = CompletedTable(table, cells, lines)
        return found

    # --- What makes them demo rows -----------------------------------------------------------

    def _mark(self, part: CompletedTable) -> None:
        selection = self.demo.selection.rules[part.table.name]
        fields: list[tuple[Field, Given]] = []
        if isinstance(selection.rule, Marked):
            fields.append((selection.rule.field, _truth(part.table, selection.rule.field)))
        if selection.scenario is not None:
            fields.append((selection.scenario, self.scenario))
        for field, value in fields:
            for cells, line in zip(part.cells, part.lines, strict=True):
                cell = cells.get(field.column)
                if not field.path:
                    cells.setdefault(field.column, Cell(value, line))
                elif cell is None or isinstance(cell.value, dict):
                    inside = dict(cell.value) if cell and isinstance(cell.value, dict) else {}
                    _put(inside, field.path, value)
                    cells[field.column] = Cell(inside, cell.line if cell else line)

    # --- Keys and names ----------------------------------------------------------------------

    def _give_keys(self, part: CompletedTable) -> None:
        """New ones for the rows that ask for one, or give none."""
        table = part.table
        if not may_be_new(table):
            return
        key = table.key[0]
        wanting = [place for place, cells in enumerate(part.cells) if _is_new(cells.get(key))]
        if is_uuid(table):
            for place in wanting:
                cell = part.cells[place].get(key)
                name = cell.name if cell else None
                part.keys[place] = f"'{new_uuid(self.scenario, table.name, name, place)}'"
            return
        column = table.column(key)
        given = {
            number
            for cells in part.cells
            if (cell := cells.get(key)) and (number := self._number(column, cell)) is not None
        }
        numbers = free_numbers(self.demo, table, len(wanting), given)
        part.keys |= {place: str(number) for place, number in zip(wanting, numbers, strict=True)}

    def _number(self, column: Column, cell: Cell) -> int | None:
        """What a key that is given says, if that is a number yet."""
        try:
            literal = self._values.spelled(cell.value, column)
        except (ValueError, KeyError):  # it is a name that is not known yet
            return None
        return int(literal) if _WHOLE.fullmatch(literal) else None

    def _learn_names(self, part: CompletedTable) -> None:
        for place, cells in enumerate(part.cells):
            for column, cell in cells.items():
                if cell.name is not None:
                    self._values.names[cell.name] = self._key(part, place, column, cell)

    def _key(self, part: CompletedTable, place: int, column: str, cell: Cell) -> str:
        if place in part.keys:
            return part.keys[place]
        if isinstance(cell.value, Plain) and cell.value in _NEW:
            raise DocumentError(
                f"{part.table.name}.{column}: no key that can be new",
                line=cell.line,
                hint="New keys are for a single number or UUID that is no foreign key. Write the"
                " key; the word new itself stands in quotes.",
            )
        found = part.table.column(column)
        literal = self._literal(part.table, found, cell)
        # SQLite's grammar lets anything into a number's column. The rowid takes no text, and makes
        # 7 of 7.0.
        if found.kind is Kind.INTEGER and not _WHOLE.fullmatch(literal):
            raise UnfitValueError(f"{part.table.name}.{column}: no whole number", line=cell.line)
        return literal

    # --- Whole rows --------------------------------------------------------------------------

    def _complete(self, part: CompletedTable) -> None:
        table = part.table
        columns = [column for column in table.carried if self._is_carried(part, column)]
        self.tables[table.name] = replace(table, columns=tuple(columns))
        grammar = RowGrammar(
            [(column.name, column.kind, column) for column in columns],
            {c.name: found for c in columns if (found := self._lookups.get((table.name, c.name)))},
            typed_cells=self._typed_cells,
        )
        rows = []
        for place, line in enumerate(part.lines):
            literals = [self._of(part, place, column) for column in columns]
            record = self._encoded(table, literals, line)
            self._require_fit(part, place, columns, record, grammar)
            rows.append((record, line))
        self.rows[table.name] = [b"(" + r + b")" for r in self._in_order(table, columns, rows)]

    def _is_carried(self, part: CompletedTable, column: Column) -> bool:
        """Whether the rows hold the column. Where none gives it and the database computes its
        default, it is left to that."""
        lacking = [
            place
            for place, cells in enumerate(part.cells)
            if column.name not in cells
            and not (column.name in part.table.key and place in part.keys)
        ]
        if not lacking or self._default(part.table, column) is not None:
            return True
        name, line = f"{part.table.name}.{column.name}", part.lines[lacking[0]]
        if not column.has_default or column.name in part.table.key:
            raise DocumentError(f"{name}: wants a value, and the row gives none", line=line)
        if len(lacking) < len(part.cells):
            raise DocumentError(
                f"{name}: other rows give it, and the row does not",
                line=line,
                hint="Its default is computed by the database. Give it in every row, or in none.",
            )
        return False

    def _default(self, table: Table, column: Column) -> str | None:
        """The constant that a row without the column has; None where there is none."""
        place = table.name, column.name
        if place not in self._defaults:
            self._defaults[place] = (
                None if column.name in table.key else self._values.constant(column)
            )
        return self._defaults[place]

    def _of(self, part: CompletedTable, place: int, column: Column) -> str:
        cell = part.cells[place].get(column.name)
        if column.name in part.table.key:
            if place in part.keys:
                return part.keys[place]
            assert cell is not None
            return self._key(part, place, column.name, cell)
        if cell is None:
            default = self._default(part.table, column)
            assert default is not None
            return default
        return self._literal(part.table, column, cell)

    def _literal(self, table: Table, column: Column, cell: Cell) -> str:
        try:
            return self._values.spelled(cell.value, column)
        except ValueError as error:
            message = f"{table.name}.{column.name}: {error}"
            raise UnfitValueError(message, line=cell.line) from None

    def _encoded(self, table: Table, literals: Sequence[str], line: int) -> bytes:
        try:
            return encoded(",".join(literals))
        except ValueError as error:
            raise UnfitValueError(f"{table.name}: {error}", line=line) from None

    def _require_fit(
        self,
        part: CompletedTable,
        place: int,
        columns: Sequence[Column],
        record: bytes,
        grammar: RowGrammar,
    ) -> None:
        row = b"(" + record + b")"
        text = encode(row)
        culprit = None
        if not grammar.takes(text):
            culprit = grammar.culprit(text) or columns[0].name
        elif unfit := self.demo.database.session.unfit(columns, [row]):
            culprit = unfit[1]
        if culprit is not None:
            cell = part.cells[place].get(culprit)
            raise UnfitValueError(
                f"{part.table.name}.{culprit}: a value that the column does not take",
                line=cell.line if cell else part.lines[place],
                hint=f"It holds {described(part.table.column(culprit))}.",
            )

    def _in_order(
        self, table: Table, columns: Sequence[Column], rows: list[tuple[bytes, int]]
    ) -> Iterator[bytes]:
        """The records by their keys. Raises DocumentError for a key that is there twice."""
        if not table.key:
            yield from (record for record, _ in rows)
            return
        names = [column.name for column in columns]
        numeric = [
            self._typed_cells or table.column(name).kind in (Kind.INTEGER, Kind.BOOLEAN)
            for name in table.key
        ]
        key = key_of(len(names), [names.index(name) for name in table.key], numeric)
        before = None
        for this, line, record in sorted((key(record), line, record) for record, line in rows):
            if this == before:
                raise DocumentError(f"{table.name}: its key is another row's too", line=line)
            before = this
            yield record


def _truth(table: Table, field: Field) -> Given:
    """What a marker of the column's kind says for true."""
    kinds = (Kind.BOOLEAN, Kind.JSON)
    return Plain("true" if field.path or table.column(field.column).kind in kinds else "1")


def _put(inside: dict[str, Given], path: Sequence[str], value: Given) -> None:
    """Set the member at ``path``, where there is none yet."""
    *way, last = path
    for step in way:
        inner = inside.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        inside = inner
    inside.setdefault(last, value)


def _is_new(cell: Cell | None) -> bool:
    return cell is None or (isinstance(cell.value, Plain) and cell.value in _NEW)


def _has_named_key(part: CompletedTable) -> bool:
    """Whether a row's key is that of another row."""
    keys = (cells.get(column) for cells in part.cells for column in part.table.key)
    return any(cell is not None and isinstance(cell.value, Name) for cell in keys)
