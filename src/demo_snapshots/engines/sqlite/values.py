"""Raw rows as values for SQLite's driver: bound, which takes less than having literals parsed.

A bound value is kept as its literal would be: both go through the column's affinity. Numbers
with a fraction or an exponent have to be bound: SQLite 3.40 misreads some shortest literals by
one unit in the last place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from demo_snapshots.errors import UnfitValueError
from demo_snapshots.model.tables import Affinity, Column, Kind

_CELL = re.compile(
    r"X'(?P<binary>[0-9A-F]*+)'"
    r"|CAST\(X'(?P<special>[0-9A-F]*+)' AS CHAR\)"
    r"|'(?P<text>[^']*+(?:''[^']*+)*+)'"
    r"|(?P<word>[^',()]++)"
)
_LARGE_CELL = re.compile(_CELL.pattern.encode())
_WORDS = {"NULL": None, "TRUE": 1, "FALSE": 0}
_FRACTION = re.compile("[.eE]")

LARGE = 1 << 23
"""Bytes of raw rows from which on they are taken apart with as few copies as can be."""

Value = None | int | float | str | bytes


class Values:
    """Takes raw rows of these columns apart.

    Nearly all rows by one match of a pattern made for the table, whose groups are the values;
    those with a value of another form than is the rule in its column, cell by cell.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        forms = [_form(column) for column in columns]
        row = ",".join(f"(?:NULL|{pattern})" for pattern, _ in forms)
        self._row = re.compile(rf"\({row}\)(?:,\n|\Z)")
        self._made = [(place, make) for place, (_, make) in enumerate(forms) if make is not None]

    def rows(self, chunk: bytes) -> Iterator[Sequence[Value]]:
        """The values of every row, as the driver binds them.

        Raises UnfitValueError, naming the column, for a number that would lose digits.
        """
        text = chunk.decode()
        position, quote = 0, text.find("''")
        while position < len(text):
            match = self._row.match(text, position)
            if match is None:
                values, position = self._cells(text, position)
                yield values
                continue
            row: Sequence[Value] = match.groups()
            position = match.end()
            if -1 < quote < position:
                row = [value and value.replace("''", "'") for value in match.groups()]
                quote = text.find("''", position)
            yield self._with_made(row) if self._made else row

    def _with_made(self, row: Sequence[Value]) -> list[Value]:
        values = list(row)
        for place, make in self._made:
            if (text := values[place]) is not None:
                values[place] = self._told(place, make, str(text))
        return values

    def _cells(self, text: str, position: int) -> tuple[list[Value], int]:
        """The row at ``position``, and where the next one begins."""
        values: list[Value] = []
        for place in range(len(self._columns)):
            cell = _CELL.match(text, position + 1)
            assert cell is not None, "the document's grammar has recognised the row"
            values.append(self._told(place, _value, cell))
            position = cell.end()
        return values, position + len("),\n")

    def large_rows(self, chunk: bytes) -> Iterator[list[tuple[str, Value]]]:
        """As ``rows``, each value after its mark in the statement. Texts stay the bytes they
        are: as text they would be there three times over, and of up to four bytes a letter."""
        position = 0
        while position < len(chunk):
            row: list[tuple[str, Value]] = []
            for place in range(len(self._columns)):
                cell = _LARGE_CELL.match(chunk, position + 1)
                assert cell is not None, "the document's grammar has recognised the row"
                position = cell.end()
                row.append(self._large_value(place, cell))
            position += len("),\n")
            yield row

    def _large_value(self, place: int, cell: re.Match[bytes]) -> tuple[str, Value]:
        if cell["text"] is not None:
            return "CAST(? AS TEXT)", cell["text"].replace(b"''", b"'")
        return "?", self._told(place, _value, _CELL.match(cell[0].decode()))

    def _told(self, place: int, make: Callable[[Any], Value], given: object) -> Value:
        try:
            return make(given)
        except UnfitValueError as error:
            raise UnfitValueError(f"{self._columns[place].name}: {error.message}") from None


def _form(column: Column) -> tuple[str, Callable[[str], Value] | None]:
    """The pattern of what a column holds as a rule, its group, and what makes the value of that,
    if it is not text: digits are a number by the affinity of the column, if it has one."""
    match column.kind:
        case Kind.INTEGER if column.affinity is not Affinity.TEXT:
            return r"(-?[0-9]{1,18}+)", int if column.affinity is Affinity.BLOB else None
        case Kind.BOOLEAN if column.affinity is not Affinity.TEXT:
            return "(TRUE|FALSE)", _WORDS.__getitem__
        case Kind.FLOAT | Kind.DECIMAL:
            return r"(-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)", _number
        case Kind.BINARY:
            return "X'([0-9A-F]*+)'", bytes.fromhex
        case _:
            return r"'([^']*+(?:''[^']*+)*+)'", None


def _value(cell: re.Match[str]) -> Value:
    if cell["binary"] is not None:
        return bytes.fromhex(cell["binary"])
    if cell["special"] is not None:
        return bytes.fromhex(cell["special"]).decode()
    if cell["text"] is not None:
        return cell["text"].replace("''", "'")
    word = cell["word"]
    return _WORDS[word] if word in _WORDS else _number(word)


def _number(text: str) -> int | float:
    if not _FRACTION.search(text):
        return int(text)
    number = float(text)
    # PostgreSQL's shortest form may have one digit more than Python's.
    known = (Decimal(repr(number)), Decimal(f"{number:.17g}"))
    if len(text) > 15 and Decimal(text) not in known:
        raise UnfitValueError("a number with more digits than SQLite keeps")
    return number
