"""A document's bytes as they stream by: a sliding window that counts lines, hashes, and refuses
what no document holds anywhere."""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO

from demo_snapshots.documents.sql import polyglot
from demo_snapshots.errors import DocumentError
from demo_snapshots.rows.literals import has_control
from demo_snapshots.rows.utf8 import first_fault

BLOCK = 1 << 20
LONGEST_LINE = 1 << 20
LONGEST_ROW = 1 << 30
_LARGE = 1 << 23

CONVERTED = "a carriage return, which no snapshot holds: the line ends were converted"
CONVERTED_HINT = "Keep the store's .gitattributes (*.sql -text) and check the file out again."
INCOMPLETE = "the file was cut short: its last line is missing"


Pattern = re.Pattern[bytes] | bytes
"""As bytes one that is compiled when it is first needed, and then known to ``re``."""


class Window:
    """The stream as a sliding window; counts lines, hashes what passes while ``hashing``."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        self.position = 0
        self._lines = 0
        self.ended = False
        self.hash = hashlib.sha256()
        self.hashing = False
        self.kept: list[bytes] | None = None
        """Takes what passes, where it is a list."""

    def fill(self) -> bool:
        """Read at least as much again as is waiting, so that long rows cost linear time."""
        rest = self.data[self.position :]
        if len(rest) > LONGEST_ROW:
            raise self.error("a row longer than 1 GiB")
        block = self._stream.read(max(BLOCK, len(rest)))
        if not block:
            self.ended = True
            return False
        if has_control(block):
            self._refuse_control(rest, block)
        self.data = rest + block
        self.position = 0
        return True

    def _refuse_control(self, rest: bytes, block: bytes) -> None:
        bad = next(i for i in range(len(block)) if has_control(block[i : i + 1]))
        line = self._lines + 1 + rest.count(b"\n") + block.count(b"\n", 0, bad)
        if block[bad] == 0x0D:
            raise DocumentError(CONVERTED, line=line, hint=CONVERTED_HINT)
        raise DocumentError("a control character, which no snapshot holds", line=line)

    def advance(self, end: int) -> None:
        """Pass what stands before ``end``: UTF-8, counted, hashed."""
        fault = first_fault(self.data, self.position, end)
        if fault is not None:
            raise self.error("not UTF-8", fault)
        if self.hashing:
            self.hash.update(memoryview(self.data)[self.position : end])
        if self.kept is not None:
            self.kept.append(self.data[self.position : end])
        self._lines += self.data.count(b"\n", self.position, end)
        self.position = end
        if end > _LARGE:
            # A row this large is not kept until the next one is read.
            self.data, self.position = self.data[end:], 0

    @property
    def is_cut_short(self) -> bool:
        return self.ended and not self.data.endswith(polyglot.COMPLETE.encode() + b"\n")

    @property
    def line(self) -> int:
        return self._lines + 1

    def error(self, message: str, position: int | None = None) -> DocumentError:
        return DocumentError(message, line=self.line_at(position))

    def line_at(self, position: int | None) -> int:
        if position is None:
            return self.line
        return self.line + self.data.count(b"\n", self.position, position)

    def peek(self) -> bytes:
        """The line that comes next with its LF, without passing it; b"" at the end."""
        while (end := self.data.find(b"\n", self.position)) < 0:
            if len(self.data) - self.position > LONGEST_LINE:
                raise self.error("a line longer than 1 MiB where none may be")
            if not self.fill():
                return self.data[self.position :]
        return self.data[self.position : end + 1]

    def take(self, pattern: Pattern, unfinished: Pattern | None = None) -> re.Match[bytes] | None:
        """Pass what ``pattern`` matches here, which ends a line; None if it does not match within
        LONGEST_LINE, or within LONGEST_ROW where all that is there so far is ``unfinished``."""
        while True:
            match = re.compile(pattern).match(self.data, self.position)
            if match is not None:
                self.advance(match.end())
                return match
            if len(self.data) - self.position > LONGEST_LINE and not (
                unfinished and re.compile(unfinished).match(self.data, self.position)
            ):
                return None
            if not self.fill():
                return None

    def expect(self, line: str) -> None:
        if self.peek() != line.encode() + b"\n":
            raise self.error(INCOMPLETE if self.is_cut_short else f"expected {line[:60]!r}")
        self.advance(self.position + len(line.encode()) + 1)

    def next_is(self, *starts: bytes) -> bool:
        return self.peek().startswith(starts)

    def reaches(self, line: bytes) -> bool:
        """Pass everything before the next ``line``, unread; False if the end comes first."""
        while (found := self.data.find(b"\n" + line, self.position)) < 0:
            self.advance(max(self.position, self.data.rfind(b"\n")))
            if not self.fill():
                return False
        self.advance(found + 1)
        return True
