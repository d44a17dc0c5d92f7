"""Rows of MariaDB between its ways and the format's: what it writes is finished here, and what
it would change without a word is found before it is sent."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from demo_snapshots.errors import UnfitValueError
from demo_snapshots.model.tables import Column
from demo_snapshots.rows.literals import RAW_LOOKUP

_STRING = rb"'[^']*+(?:''[^']*+)*+'"
_ROW = re.compile(rb"\((?:[^'()]++|" + _STRING + rb"|\((?:[^'()]++|" + _STRING + rb")*+\))*+\)")
# REPLACE takes quadratic time (a second for 40,000 quotes in 120 kB), QUOTE linear. What it
# escapes otherwise than the format does, and what FLOAT shows of itself, is finished here.
LONG_TEXT = 16384
SINGLE_MARK, LONG_MARK = "\x01", "\x02"
_MARKED = re.compile(
    _STRING + rb"|(?P<single>[-+.0-9eE]++)\x01|\x02'(?P<long>(?:[^'\\]++|\\.)*+)'", re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_UNESCAPED = {b"'": b"''", b"\\": b"\\", b"0": b"\0", b"Z": b"\x1a"}


def finished(rows: list[bytes]) -> list[bytes]:
    """Raw rows as the server writes them, with what is marked in them as the format has it."""
    text = b"".join(rows)
    if b"\x01" in text or b"\x02" in text:
        return [_MARKED.sub(_finish, row) for row in rows]
    return rows


_ANY = rb"(?:X'[0-9A-F]*+'|CAST\(X'[0-9A-F]*+' AS CHAR\)|[^'(),]++|" + _STRING + rb")"


class ExactRows:
    """Recognises values that a column would take and keep as another one, without a word: an
    ENUM takes numbers and other letter cases, CHAR drops spaces, BINARY pads, YEAR guesses."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        exact = [_exact_form(column) for column in columns]
        self._forms = [rb"(?:" + (form or _ANY) + rb"|" + RAW_LOOKUP + rb")" for form in exact]
        row = rb"\(" + rb",".join(self._forms) + rb"\)"
        self._rows = re.compile(rb"(?:" + row + rb"(?:,\n)?+)*+") if any(exact) else None

    @property
    def takes_all(self) -> bool:
        """Whether no column changes any value."""
        return self._rows is None

    def takes(self, chunk: bytes) -> bool:
        """Whether there is no such value in these raw rows."""
        return self._rows is None or self._rows.fullmatch(chunk) is not None

    def require(self, chunk: bytes) -> None:
        """Raise UnfitValueError naming the column of the first such value."""
        if self.takes(chunk):
            return
        for row in _ROW.findall(chunk):
            if not self.takes(row):
                raise UnfitValueError(f"{self.culprit(row)}: a value that the column would change")

    def culprit(self, row: bytes) -> str:
        """The first column with such a value in a row that has one."""
        position = 1
        for column, form in zip(self._columns, self._forms, strict=True):
            match = re.compile(form + rb"[,)]").match(row, position)
            if match is None:
                return column.name
            position = match.end()
        return "?"


@lru_cache(maxsize=100)
def exact_rows(columns: tuple[Column, ...]) -> ExactRows:
    return ExactRows(columns)


def _exact_form(column: Column) -> bytes | None:
    """A pattern of the literals that the column keeps as they are; None if it keeps any."""
    members = [member.replace("\\\\", "\\").encode() for member in _MEMBER.findall(column.native)]
    match column.native.partition("(")[0]:
        case "enum":
            form = rb"'(?:" + rb"|".join(map(re.escape, members)) + rb")'"
        case "set":
            # In the order of their declaration: any other is taken and rearranged.
            inside = (rb"(?:" + re.escape(part) + rb"(?:,(?!')|(?=')))?+" for part in members)
            form = rb"'" + rb"".join(inside) + rb"'"
        case "char":
            form = rb"(?:'(?:[^']++|'')*+(?<! )'(?!')|CAST\(X'[0-9A-F]*+(?<!20)' AS CHAR\))"
        case "binary":
            form = rb"X'[0-9A-F]{%d}'" % (2 * (column.length or 0))
        case "year":
            form = rb"0|(?:19|2[01])[0-9]{2}"
        case _:
            return None
    return rb"(?:NULL|" + form + rb")"


_MEMBER = re.compile(r"'((?:[^']|'')*)'")


def packets(chunk: bytes, room: int) -> Iterator[bytes]:
    """``chunk`` in pieces of whole rows that the server takes in one statement."""
    if len(chunk) <= room:
        yield chunk
        return
    waiting: list[bytes] = []
    size = 0
    for row in _ROW.findall(chunk):
        if len(row) > room:
            raise UnfitValueError(
                f"a row of {len(row):,} bytes, more than the server takes at once",
                hint="Raise max_allowed_packet on the server.",
            )
        if waiting and size + len(row) + 1 > room:
            yield b",".join(waiting)
            waiting, size = [], 0
        waiting.append(row)
        size += len(row) + 1
    if waiting:
        yield b",".join(waiting)


def _finish(match: re.Match[bytes]) -> bytes:
    if match["single"] is not None:
        return _shortest(float(match["single"]))
    if match["long"] is not None:
        return b"'" + _ESCAPED.sub(lambda escaped: _UNESCAPED[escaped[1]], match["long"]) + b"'"
    return match[0]


def _shortest(value: float) -> bytes:
    """A FLOAT, given as its double, by the fewest digits that mean the same FLOAT."""
    image = struct.pack("f", value)
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        # The server, too, reads a double first and rounds that.
        if abs(float(text)) <= _LARGEST_SINGLE and struct.pack("f", float(text)) == image:
            return text.encode()
    # Only the largest FLOAT itself, which no nine digits come near from below by rounding.
    return b"-3.40282346e+38" if value < 0 else b"3.40282346e+38"


_LARGEST_SINGLE = (2 - 2**-23) * 2.0**127
