"""The row grammar: which literals a column takes unchanged, compiled to one pattern per table.

Everything the target column would refuse, or take and change in silence, is outside its
pattern: a fraction into an integer, more digits than the scale, an offset or too fine a second
into a timestamp, a longer string, TRUE into text, a number into text. Quantifiers are possessive
and the choice between forms is atomic throughout, so matching is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Affinity, Column, Kind
from demo_snapshots.rows.literals import BINARY, SPECIAL_TEXT, STRING, special_text

NUMBER = rb"-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
LITERAL = (
    b"(?:NULL|TRUE|FALSE|" + NUMBER + b"|" + STRING + b"|" + BINARY + b"|" + SPECIAL_TEXT + b")"
)
"""Any literal a document may hold, whatever the column."""

# What may still become a literal, or is one and may be followed by its comma, when more is read.
UNFINISHED = rb"'[^']*+(?:''[^']*+)*+'?|-?[0-9][0-9.eE+-]*+|\n/\* /\* \*/ [^\n]*+\n?"
_CUT = (
    rb"(?:"
    + UNFINISHED
    + rb"|\n\(SELECT (?:[^'\")\n]++|'[^']*+'?|\"[^\"]*+\"?|\n(?:/[^\n]*+\n?)?)*+(?:\)\n?)?)\Z"
)
_LONGEST_WORD = 64

_DAY = r"[0-9]{4,7}-[0-9]{2}-[0-9]{2}"
# No day that its month does not have; MariaDB keeps month 0 and day 0.
_DATE = (
    r"(?:[0-9]{4,7}-(?:(?:0[013578]|1[02])-(?:[0-2][0-9]|3[01])|(?:0[469]|11)-(?:[0-2][0-9]|30)"
    r"|02-(?:[01][0-9]|2[0-8]))|[0-9]{0,3}(?!0000)(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])"
    r"|(?:[02468][048]|[13579][26])00)-02-29)"
)
# There is no year 0: the one before 1 is 1 BC, and had 366 days.
_DATE_BEFORE_CHRIST = r"[0-9]{4,7}-02-29(?=[^']*+(?<= BC)')"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}%s)?"
_DIGITS = {8: 3, 16: 5, 24: 8, 32: 10, 64: 20}


class Fault(Struct, frozen=True):
    """Where a row leaves the grammar; ``column`` is set if only this column's value is wrong."""

    position: int
    column: str | None = None


def has_typed_cells(header: Header) -> bool:
    """Whether the document is from an engine that types cells rather than columns."""
    return header.source.startswith("sqlite")


class RowGrammar:
    """The rows of one INSERT, recognised in a target's columns.

    Compiling a pattern costs milliseconds, so the forms that nearly all values have stand in a
    pattern of their own, and the others are compiled once a row needs them.
    """

    def __init__(
        self,
        columns: Sequence[tuple[str, Kind, Column | None]],
        lookups: Mapping[str, bytes] | None = None,
        *,
        typed_cells: bool = True,
    ) -> None:
        """``columns`` in the document's order: name, the document's kind and the target's
        column, or None where any literal will do. ``lookups`` are patterns of the references by
        natural key that columns may hold instead of a literal. ``typed_cells``: whether the
        document is from an engine that types cells rather than columns (SQLite)."""
        self.names = tuple(name for name, _, _ in columns)
        self._forms = [
            value_forms(column, kind, typed_cells=typed_cells) for _, kind, column in columns
        ]
        for position, name in enumerate(self.names):
            if lookups and name in lookups:
                self._forms[position][1].append(lookups[name])

    @cached_property
    def _common_values(self) -> list[bytes]:
        return [_either(common) for common, _ in self._forms]

    @cached_property
    def _common(self) -> re.Pattern[bytes]:
        return _rows_of(self._common_values)

    @cached_property
    def _values(self) -> list[re.Pattern[bytes]]:
        return [re.compile(_either(common + rare)) for common, rare in self._forms]

    @cached_property
    def _rows(self) -> re.Pattern[bytes]:
        return _rows_of([value.pattern for value in self._values])

    def match(self, text: bytes, position: int) -> int:
        """The end of the whole rows that begin at ``position``, which it is if there are none."""
        match = self._common.match(text, position)
        if match is not None and match.end() > position:
            return match.end()
        match = self._rows.match(text, position)
        return match.end() if match is not None else position

    @cached_property
    def _common_joined(self) -> re.Pattern[bytes]:
        return _joined_rows_of(self._common_values)

    @cached_property
    def _joined(self) -> re.Pattern[bytes]:
        return _joined_rows_of([value.pattern for value in self._values])

    def takes(self, text: bytes) -> bool:
        """Whether ``text`` is whole rows, without what ends the last one."""
        return bool(self._common_joined.fullmatch(text) or self._joined.fullmatch(text))

    def culprit(self, row: bytes) -> str | None:
        """The first column of one whole row that would not take its value."""
        position = 1
        for name, value in zip(self.names, self._values, strict=True):
            match = value.match(row, position)
            if match is None or row[match.end()] not in b",)":
                return name
            position = match.end() + 1
        return None

    def fault(self, text: bytes, position: int) -> Fault | None:
        """Why no whole row begins at ``position``: None if more text may make it one."""
        end = len(text)
        if position == end:
            return None
        if text[position] != 0x28:
            return Fault(position)
        position += 1
        for index, (name, value) in enumerate(zip(self.names, self._values, strict=True)):
            last = index == len(self.names) - 1
            stop = 0x29 if last else 0x2C
            match = value.match(text, position)
            if match is None or match.end() == end or text[match.end()] != stop:
                return self._why(text, position, name, stop)
            position = match.end() + 1
        follows = bytes(text[position : position + 2])
        return None if len(follows) < 2 else Fault(position)

    def _why(self, text: bytes, position: int, name: str, stop: int) -> Fault | None:
        loose = re.compile(LITERAL).match(text, position)
        if loose is not None and loose.end() < len(text) and text[loose.end()] == stop:
            return Fault(position, name)
        rest = len(text) - position
        if rest < _LONGEST_WORD or re.compile(_CUT).match(text, position):
            return None
        return Fault(position)


def _either(forms: Sequence[bytes]) -> bytes:
    # Atomic: two forms may match the same value, and a row of n values that fails at its end
    # would otherwise be tried in 2**n ways.
    return b"(?>" + b"|".join(forms) + b")"


def _rows_of(values: Sequence[bytes]) -> re.Pattern[bytes]:
    row = rb"\(" + b",".join(values) + rb"\)"
    return re.compile(b"(?:" + row + b",\n)*+(?:" + row + b";\n)?+")


def _joined_rows_of(values: Sequence[bytes]) -> re.Pattern[bytes]:
    return re.compile(rb"(?:\(" + b",".join(values) + rb"\)(?:,\n|\Z))*+")


Forms = tuple[list[bytes], list[bytes]]
"""Patterns of the forms that nearly all values have, and of the others."""


def value_forms(column: Column | None, kind: Kind, *, typed_cells: bool = True) -> Forms:
    """The literals of a document's ``kind`` that ``column`` takes as they are."""
    if column is None:
        return [b"NULL", b"TRUE", b"FALSE", NUMBER, STRING], [BINARY, SPECIAL_TEXT]
    if column.affinity is None:
        common, rare = _typed(column, kind)
    else:
        common, rare = _dynamic(column)
        if not typed_cells and kind in _NOT_A_CELL:
            common, rare = ([_NOT_A_CELL[kind] + form for form in part] for part in (common, rare))
        if kind is Kind.FLOAT and column.affinity in _NUMERIC:
            rare = [*rare, _NEGATIVE_ZERO]
    return ([b"NULL", *common] if column.nullable else common), rare


def _typed(column: Column, kind: Kind) -> Forms:
    special = special_text(nul=column.nul, length=column.length)
    match column.kind:
        case Kind.INTEGER:
            sign = "" if column.unsigned else "-?"
            return [f"{sign}[0-9]{{1,{_DIGITS[column.bits or 64]}}}+".encode()], []
        case Kind.DECIMAL:
            return _decimal(column)
        case Kind.FLOAT:
            return _float(column, kind)
        case Kind.BOOLEAN:
            return [b"TRUE", b"FALSE", b"-?[0-9]{1,3}+" if column.bits else b"[01]"], []
        case Kind.TEXT:
            return _text(column.length), [special]
        case Kind.BINARY:
            return [BINARY], []
        case Kind.UUID:
            return [b"'[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'"], []
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return _moment(column)
        case Kind.JSON | Kind.NATIVE:
            return [STRING], [special]


def _dynamic(column: Column) -> Forms:
    """SQLite keeps a cell as it is unless its column's affinity converts it."""
    # sqlite.org/datatype3.html, 3.1: a numeric-looking string becomes a number under INTEGER,
    # NUMERIC and REAL affinity, any number becomes text under TEXT affinity.
    if column.affinity is Affinity.TEXT:
        return [STRING], [SPECIAL_TEXT, BINARY]
    numbers = [_INT64 + rb"(?![0-9.eE])", _FRACTION]
    if column.affinity is Affinity.BLOB:
        return [_SMALL, STRING], [*numbers, b"TRUE", b"FALSE", SPECIAL_TEXT, BINARY]
    if column.affinity is Affinity.REAL:
        numbers = [rb"-?[0-9]{1,15}+(?![0-9.eE])", _FRACTION]
    rare = [*numbers, _NOT_NUMERIC_LOOKING + STRING, SPECIAL_TEXT, BINARY]
    match column.kind:
        case Kind.INTEGER:
            return [_SMALL], [b"TRUE", b"FALSE", *rare]
        case Kind.BOOLEAN:
            return [b"TRUE", b"FALSE", _SMALL], rare
        case Kind.FLOAT | Kind.DECIMAL:
            return numbers, rare[2:]
        case Kind.JSON:
            return [rb"'[\[{]" + STRING[1:]], rare
        case Kind.TIMESTAMP | Kind.DATE:
            return [b"'" + _DAY.encode() + b"[^']*+'(?!')"], rare
        case _:
            return [_SMALL], rare


def _up_to(limit: str) -> str:
    """A pattern for whole numbers without sign from 0 to ``limit``."""
    forms = [f"[0-9]{{1,{len(limit) - 1}}}+(?![0-9])"]
    for index, digit in enumerate(limit):
        if digit > "0":
            rest = len(limit) - index - 1
            forms.append(f"{limit[:index]}[0-{int(digit) - 1}][0-9]{{{rest}}}")
    return "(?:" + "|".join([*forms, limit]) + ")"


_INT64 = f"(?:{_up_to('9223372036854775807')}|-{_up_to('9223372036854775808')})".encode()
_SMALL = rb"-?[0-9]{1,15}+(?![0-9.eE])"
# Seventeen significant digits tell every double apart; the loader checks the rest by value.
_FRACTION = rb"-?[0-9]++(?:\.[0-9]++(?:[eE][+-]?[0-9]++)?|[eE][+-]?[0-9]++)"
_NOT_A_NUMBER = rb"(?!'(?:-?(?:NaN|Infinity)|-0)')"
_NOT_A_MOMENT = rb"(?!'-?infinity'|'[^']*+(?<= BC)')"
# A cell of SQLite could hold only the word for what is a value of a typed column.
_NOT_A_CELL = {
    **dict.fromkeys((Kind.DECIMAL, Kind.FLOAT), _NOT_A_NUMBER),
    **dict.fromkeys((Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ), _NOT_A_MOMENT),
}
_NUMERIC = (Affinity.REAL, Affinity.NUMERIC, Affinity.INTEGER)
# PostgreSQL reads -0 and -0.0 as integer and numeric, which have no such zero; where a column
# has none either, it takes the text for 0.
_NEGATIVE_ZERO = rb"'-0'(?!')"
_NOT_NUMERIC_LOOKING = (
    rb"(?!'[ \t\n]*+[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?[ \t\n]*+')"
)


def _decimal(column: Column) -> Forms:
    special = [b"'NaN'", b"'-?Infinity'"] if column.extended else []
    if column.precision is None:
        return [NUMBER], special
    scale = column.scale or 0
    whole = max(column.precision - scale, 0)
    fraction = max(scale, 0)
    number = f"-?0*+[0-9]{{0,{whole}}}+(?:\\.[0-9]{{0,{fraction}}}+0*+)?+(?<=[0-9])"
    return [number.encode()], special


def _float(column: Column, kind: Kind) -> Forms:
    special = [b"'NaN'", b"'-?Infinity'"] if column.extended else []
    if kind is Kind.FLOAT:
        special.append(_NEGATIVE_ZERO)
    # Digits that survive decimal -> binary -> decimal (FLT_DIG, DBL_DIG) for decimals; enough
    # to tell every value apart (FLT_DECIMAL_DIG, DBL_DECIMAL_DIG) for what was a float before.
    single = column.bits == 32
    digits = (9 if single else 17) if kind is Kind.FLOAT else (6 if single else 15)
    number = (
        rf"-?(?=(?:0\.0*+[0-9]{{0,{digits}}}+|[0-9]{{1,{digits}}}+(?!\.)"
        rf"|(?=[0-9]++\.)[0-9.]{{1,{digits + 1}}}+)(?![0-9.]))"
        r"[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
    )
    return [number.encode()], special


def _text(length: int | None) -> list[bytes]:
    if length is None:
        return [STRING]
    if length == 0:
        return [b"''(?!')"]
    # Bytes are never fewer than characters, so the first form settles nearly every string at
    # the speed of one character class; the second counts UTF-8 lead bytes and doubled quotes. Both
    # are common: one apostrophe among 500 rows would have all of them tried again.
    return [
        f"'[^']{{0,{length}}}+'(?!')".encode(),
        rb"'(?:(?:[^'\x80-\xbf]|'')[\x80-\xbf]*+){0,%d}+'(?!')" % length,
    ]


def _moment(column: Column) -> Forms:
    digits = 6 if column.precision is None else column.precision
    fraction = rf"(?:\.[0-9]{{0,{digits}}}+0*+)?+"
    clock = _CLOCK % fraction
    era = "(?: BC)?" if column.extended else ""
    day = f"(?:{_DATE}|{_DATE_BEFORE_CHRIST})" if column.extended else _DATE
    match column.kind:
        case Kind.DATE:
            pattern = day + era
        case Kind.TIME:
            pattern = rf"-?[0-9]{{2,3}}:[0-9]{{2}}:[0-9]{{2}}{fraction}"
        case _:
            pattern = rf"{day}(?:[ T]{clock})?+{era}"
    endless = column.extended and column.kind is not Kind.TIME
    return [f"'{pattern}'".encode()], [b"'-?infinity'"] if endless else []
