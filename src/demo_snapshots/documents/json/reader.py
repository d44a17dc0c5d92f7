"""JSON -> items: a document of one object, read as it streams by.

Python's ``json`` reads each value; here are only the object and the lists that are too long to be
read whole. A piece of text is held until the value that begins in it is whole.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from demo_snapshots.documents.members import (
    DEFERRED,
    FORMAT,
    INCLUDED,
    ROWS,
    Member,
    require_known,
)
from demo_snapshots.documents.sql.window import BLOCK, LONGEST_ROW
from demo_snapshots.documents.translation import Beginning, Item, Row
from demo_snapshots.documents.values import Number, Tree, once, refuse_constant, shown
from demo_snapshots.errors import DocumentError

_LONGEST_MEMBER = 1 << 24
_CUT_SHORT = "the file was cut short"
_NOT_OURS = "not a demo snapshot"
_HINT = f"One in JSON begins with {{ and its first member is {FORMAT}."

_SPACE = re.compile(r"[ \t\n\r]*+")
# How much of a text may be missing for the error that it gives: "tru", "-", "\u12".
_SHORTEST = 8
_READ = json.JSONDecoder(
    object_pairs_hook=once,
    parse_int=Number,
    parse_float=Number,
    parse_constant=refuse_constant,
)


class _Text:
    """The stream's text, as much of it as is needed; counts lines."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text = ""
        self._place = 0
        self._passed = 1
        self._counted = 0
        self._ended = False

    @property
    def line(self) -> int:
        """Where the next character stands."""
        self._passed += self._text.count("\n", self._counted, self._place)
        self._counted = self._place
        return self._passed

    def error(self, message: str, place: int | None = None) -> DocumentError:
        line = self.line
        if place is not None:
            line += self._text.count("\n", self._place, place)
        return DocumentError(message, line=line)

    def _fill(self) -> bool:
        """Read at least as much again as is waiting, so that a long value costs linear time."""
        if self._ended:
            return False
        waiting = len(self._text) - self._place
        data = self._stream.read(max(BLOCK, waiting))
        line = self.line
        try:
            more = self._decode(data, not data)
        except UnicodeDecodeError as error:
            line += self._text.count("\n", self._place) + data.count(b"\n", 0, error.start)
            raise DocumentError("not UTF-8", line=line) from None
        self._ended = not data
        self._text = self._text[self._place :] + more
        self._place = self._counted = 0
        return True

    def peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._place)
            assert match is not None
            self._place = match.end()
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._fill():
                return ""

    def take(self, *characters: str) -> str:
        """Pass the next character that is no space, which is one of these."""
        found = self.peek()
        if found not in characters or not found:
            wanted = " or ".join(characters)
            raise self.error(f"expected {wanted}" if found else _CUT_SHORT)
        self._place += 1
        return found

    def value(self, longest: int) -> Tree:
        """Pass a whole value: an object, a list, a string, or what ends before , or }."""
        self.peek()
        while True:
            start = self._place
            try:
                value, end = _READ.raw_decode(self._text, start)
            except json.JSONDecodeError as error:
                self._require_more(error, longest)
                continue
            except RecursionError:
                raise self.error("values within values without end") from None
            except ValueError as error:
                raise self.error(str(error)) from None
            if end < len(self._text) or self._ended:
                self._place = end
                return value  # type: ignore[no-any-return]
            # A number may go on.
            self._fill()

    def _require_more(self, error: json.JSONDecodeError, longest: int) -> None:
        """Read on, if what is wrong may be that the text ends here."""
        is_open = error.msg.startswith("Unterminated") or len(self._text) - error.pos <= _SHORTEST
        if is_open and len(self._text) - self._place > longest:
            raise self.error("a value longer than any snapshot holds")
        if is_open and self._fill():
            return
        if error.msg.startswith("Unterminated") or not self._text[error.pos :].strip():
            raise DocumentError(_CUT_SHORT, line=self.line)
        raise self.error(f"not JSON: {error.msg}", error.pos)


def json_items(stream: BinaryIO) -> Iterator[Item]:
    """What the document says, in its order. Raises DocumentError with the line for whatever is
    not JSON, or not built as a snapshot is."""
    text = _Text(stream)
    text.take("{")
    names: set[str] = set()
    while True:
        name, line = _name(text, names), text.line
        if len(names) == 1 and name != FORMAT:
            raise DocumentError(_NOT_OURS, line=line, hint=_HINT)
        if name in (INCLUDED, ROWS):
            yield from _tables(text, name)
        elif name == DEFERRED:
            yield from _rows(text, DEFERRED, "")
        else:
            text.peek()
            line = text.line
            member = Member(name, text.value(_LONGEST_MEMBER), line)
            if name == FORMAT:
                require_known(member)
            yield member
        if text.take(",", "}") == "}":
            break
    if text.peek():
        raise text.error("something follows the end of the snapshot")


def _name(text: _Text, names: set[str]) -> str:
    if text.peek() != '"':
        raise text.error("expected the name of a member" if text.peek() else _CUT_SHORT)
    name = text.value(_LONGEST_MEMBER)
    assert isinstance(name, str)
    if name in names:
        raise text.error(f"the member {shown(name)} is there twice")
    names.add(name)
    text.take(":")
    return name


def _tables(text: _Text, member: str) -> Iterator[Item]:
    text.take("{")
    names: set[str] = set()
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        name = _name(text, names)
        yield from _rows(text, member, name)
        if text.take(",", "}") == "}":
            return


def _rows(text: _Text, member: str, table: str) -> Iterator[Item]:
    text.take("[")
    yield Beginning(member, table, text.line)
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        if text.peek() != "{":
            raise text.error("not an object, as every row is")
        line = text.line
        yield Row(text.value(LONGEST_ROW), line)
        if text.take(",", "]") == "]":
            return
