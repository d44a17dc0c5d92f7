"""Literals, both directions: how values stand in a document, and how they are read from it.

Between the rooms rows travel as *raw rows*: ``(1,'it''s',NULL,TRUE,X'00FF')``, finished SQL in
which every value is one of

* ``NULL``, ``TRUE``, ``FALSE``, a number,
* ``'text'`` with ``''`` for a quote and nothing else escaped,
* ``X'00FF'`` for binary values, upper-case digits,
* ``CAST(X'6100' AS CHAR)`` for text that holds a NUL.

In a document the last two, and text with CR or other control characters, stand on a line of
their own in two forms, because the engines spell them differently and because clients and git
turn CR LF into LF. ``encode`` goes from raw to document, ``decode`` back. Both pass text that
needs nothing through untouched, at memory speed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache

STRING = rb"'[^']*+(?:''[^']*+)*+'"
HEX = rb"(?:[0-9A-F]{2})*+"
BINARY = rb"\n/\* /\* \*/ X'" + HEX + rb"' -- \*/ '\\x" + HEX + rb"'\n"


_ESCAPE = rb"''|\\(?:[\\bfnrt]|x[0-9a-f]{2})"


def special_text(*, nul: bool = True, length: int | None = None) -> bytes:
    """A pattern for the two forms of a text of at most ``length`` characters."""
    digits = HEX if nul else rb"(?:0[1-9A-F]|[1-9A-F][0-9A-F])*+"
    if length is None:
        escaped = rb"(?:[^'\\\x00-\x1f\x7f]++|" + _ESCAPE + rb")*+"
    else:
        one = rb"(?:[^'\\\x00-\x1f\x7f-\xbf]|" + _ESCAPE + rb")[\x80-\xbf]*+"
        escaped = rb"(?:%b){0,%d}+" % (one, length)
    return rb"\n/\* /\* \*/ CAST\(X'" + digits + rb"' AS CHAR\) -- \*/ E'" + escaped + rb"'\n"


SPECIAL_TEXT = special_text()

# Names in statements may hold a quote, with which no string begins.
_NAME = rb'"[^"]*+"'
_RAW = rb"CAST\(X'(" + HEX + rb")' AS CHAR\)|X'(" + HEX + rb")'|(" + STRING + rb")"
_RAW_TOKEN = re.compile(_RAW + rb"|" + _NAME)
# Compiled when it is needed, as others below: few documents hold what wants it.
_DOCUMENT_TOKEN = (
    rb"\n/\* /\* \*/ (?:CAST\(X'(?P<special>"
    + HEX
    + rb")' AS CHAR\) -- \*/ E'(?P<escaped>[^'\n]*+(?:''[^'\n]*+)*+)'"
    rb"|X'(?P<hex>" + HEX + rb")' -- \*/ '\\x(?P<same>" + HEX + rb")')\n|" + STRING + rb"|" + _NAME
)

# Deleting with translate and comparing lengths runs at 1.8 GB/s; a regular expression that
# looks for the same bytes at 0.36.
_CONTROL = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_PIECE = 1 << 22
_ESCAPES = {0x5C: b"\\\\", 0x27: b"''", 8: b"\\b", 12: b"\\f", 10: b"\\n", 13: b"\\r", 9: b"\\t"}
_UNESCAPE = rb"\\(?:([\\bfnrt])|x([0-9a-f]{2}))|''"
_UNESCAPED = {b"\\": b"\\", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def has_control(text: bytes) -> bool:
    """Whether ``text`` holds CR or a control character other than TAB and LF."""
    if len(text) > _PIECE:
        return any(
            has_control(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE)
        )
    return len(text.translate(None, _CONTROL)) != len(text)


def quote(text: str) -> str:
    """``text`` as a plain string literal. For text without control characters."""
    return "'" + text.replace("'", "''") + "'"


def has_special(rows: bytes) -> bool:
    """False of raw rows that a document holds as they are; most of those that it does not."""
    # One byte is looked for at ten times the speed of two.
    return (b"X" in rows and b"X'" in rows) or has_control(rows)


def encode(rows: bytes) -> bytes:
    """Raw rows as a document holds them. ``rows`` may be any number of whole rows."""
    return _RAW_TOKEN.sub(_carry_token, rows) if has_special(rows) else rows


def _carry_token(match: re.Match[bytes]) -> bytes:
    special, binary, string = match.groups()
    if match.lastindex is None:
        return match[0]
    if binary is not None:
        return b"\n/* /* */ X'" + binary + b"' -- */ '\\x" + binary + b"'\n"
    if special is None:
        if not has_control(string):
            return bytes(string)
        text = string[1:-1].replace(b"''", b"'")
        special = text.hex().upper().encode()
    else:
        text = bytes.fromhex(special.decode())
    return b"\n/* /* */ CAST(X'" + special + b"' AS CHAR) -- */ E'" + _escape(text) + b"'\n"


def _escape(text: bytes) -> bytes:
    return b"".join(_escaped(text))


def _escaped(text: bytes) -> Iterable[bytes]:
    for byte in text:
        if byte in _ESCAPES:
            yield _ESCAPES[byte]
        elif byte < 32 or byte == 127:
            yield b"\\x%02x" % byte
        else:
            yield bytes((byte,))


class TwoFormsError(ValueError):
    """The two forms of a value do not say the same: one engine would load something else than
    another. ``position`` is that of the line break before them."""

    def __init__(self, what: str, position: int) -> None:
        super().__init__(what)
        self.position = position


def decode(rows: bytes) -> bytes:
    """The raw rows that ``encode`` turned into ``rows``.

    ``rows`` has been recognised by the grammar. Raises TwoFormsError.
    """
    if b"\n/* /* */ " not in rows:
        return rows
    return re.sub(_DOCUMENT_TOKEN, _recover_token, rows)


def _recover_token(match: re.Match[bytes]) -> bytes:
    binary, special = match["hex"], match["special"]
    if binary is not None:
        if binary != match["same"]:
            raise TwoFormsError("the two forms of a binary value differ", match.start())
        return b"X'" + bytes(binary) + b"'"
    if special is None:
        return match[0]
    text = bytes.fromhex(special.decode())
    if re.sub(_UNESCAPE, _unescape, match["escaped"]) != text:
        raise TwoFormsError("the two forms of a text differ", match.start())
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise TwoFormsError("a text that is not UTF-8", match.start()) from None
    if b"\0" in text:
        return b"CAST(X'" + bytes(special) + b"' AS CHAR)"
    return b"'" + text.replace(b"'", b"''") + b"'"


def _unescape(match: re.Match[bytes]) -> bytes:
    letter, digits = match.groups()
    if letter is not None:
        return _UNESCAPED[letter]
    return bytes.fromhex(digits.decode()) if digits is not None else b"'"


RAW_LITERAL = rb"NULL|TRUE|FALSE|-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|" + _RAW


# int() takes time that grows with their square, and refuses more than 4,300.
_MOST_DIGITS = 1_000

Value = None | bool | int | Decimal | str | bytes
"""What a literal says. Numbers that are not whole keep their digits: 1.0 is not 1.00."""


def value_of(literal: bytes) -> Value:
    """What a raw literal says; of a reference by natural key, its own text."""
    match literal[:1]:
        case b"\n":
            return literal[1:-1].decode()
        case b"'":
            return literal[1:-1].replace(b"''", b"'").decode()
        case b"X":
            return bytes.fromhex(literal[2:-1].decode())
        case b"C":
            return bytes.fromhex(literal[7:-10].decode()).decode()
        case b"N":
            return None
        case b"T" | b"F":
            return literal == b"TRUE"
        case _:
            text = literal.decode()
            return int(text) if is_int(text) else Decimal(text)


def is_int(text: str) -> bool:
    """Whether a number is a whole one, and not of so many digits that ``int`` refuses it."""
    return len(text) <= _MOST_DIGITS and not text.lstrip("-").strip("0123456789")


def split(row: bytes) -> list[bytes]:
    """The raw literals of one raw row ``(…)``, in order."""
    return [match[0] for match in re.finditer(RAW_LITERAL, row)]


_PIECES = rb"[^'\"()]++|" + STRING + rb"|" + _NAME
RAW_LOOKUP = rb"\n\(SELECT (?:" + _PIECES + rb"|\((?:" + _PIECES + rb")*+\))*+\)\n"
"""A reference by natural key, on lines of its own."""
_UNCAPTURED = re.sub(rb"(?<!\\)\((?!\?)", rb"(?:", RAW_LITERAL)
CELL = rb"(?:" + _UNCAPTURED + rb"|" + RAW_LOOKUP + rb")"
"""A pattern without groups for one value of a raw row."""


@cache
def _cell() -> re.Pattern[bytes]:
    return re.compile(rb"(" + CELL + rb")(?:,|\Z)")


def cells(record: bytes) -> list[bytes]:
    """The values of a raw row without its parentheses, in order: literals, and references by
    natural key."""
    return _cell().findall(record)


@cache
def _row() -> re.Pattern[bytes]:
    return re.compile(rb"\((" + CELL + rb"(?:," + CELL + rb")*+)\)(?:,\n|\Z)")


_ALL_BUT_BREAKS_AND_QUOTES = bytes(byte for byte in range(256) if byte not in b"\n'")
_PAIRS = re.compile(rb"(?:(?:'')*+\n)*+(?:'')*+")


def _breaks_between_rows_alone(rows: bytes, ends: int) -> bool:
    """Whether what looks like the end of a row, ``ends`` times, is one each time: no line break
    stands elsewhere, and quotes go in pairs between them. A look at each row takes longer."""
    if rows.count(b"\n") != ends:
        return False
    return _PAIRS.fullmatch(rows.translate(None, _ALL_BUT_BREAKS_AND_QUOTES)) is not None


def records(rows: bytes) -> list[bytes]:
    """Raw rows ``(…),\n(…)`` one by one, without their parentheses."""
    found = rows.split(b"),\n(")
    if not _breaks_between_rows_alone(rows, len(found) - 1):
        return _row().findall(rows)
    if len(found) == 1:
        return [rows[1:-1]]
    found[0], found[-1] = found[0][1:], found[-1][:-1]
    return found


def count_rows(rows: bytes) -> int:
    """How many there are in raw rows ``(…),\\n(…)``."""
    ends = rows.count(b"),\n(")
    if _breaks_between_rows_alone(rows, ends):
        return ends + 1
    if b"\n(SELECT " in rows:
        # Names in a reference by natural key may hold a quote.
        return len(_row().findall(rows))
    count, start, quotes = 1, 0, 0
    while (end := rows.find(b"),\n(", start)) >= 0:
        quotes += rows.count(b"'", start, end)
        count += quotes % 2 == 0  # within a string it is text
        start = end + 4
    return count


def choose(rows: bytes, wanted: Sequence[bool]) -> bytes:
    """Raw rows with only the ``wanted`` of their columns."""
    kept: list[bytes] = []
    row: list[bytes] = []
    for position, match in enumerate(re.finditer(RAW_LITERAL, rows)):
        place = position % len(wanted)
        if wanted[place]:
            row.append(match[0])
        if place == len(wanted) - 1:
            kept.append(b"(" + b",".join(row) + b")")
            row = []
    return b",\n".join(kept)
