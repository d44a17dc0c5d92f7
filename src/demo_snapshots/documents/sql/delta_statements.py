"""The statements that only a delta has, each beside the pattern that recognises it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from demo_snapshots.documents.sql import statements
from demo_snapshots.documents.sql.grammar import LITERAL, UNFINISHED
from demo_snapshots.documents.sql.identifiers import IDENTIFIER, read_identifier
from demo_snapshots.documents.sql.polyglot import ONLY

_NAME = IDENTIFIER.encode()
_OF = rb"(?: |\n" + re.escape(ONLY.encode()) + rb"\n)"
_WHERE = rb"(?P<where>%b=%b(?: AND %b=%b)*+)" % (_NAME, LITERAL, _NAME, LITERAL)
_VALUE = rb"(?:" + LITERAL + rb"|" + statements.ANY_LOOKUP + rb")"
_ASSIGNMENT = _NAME + rb"=(?:" + _VALUE + rb"|" + _NAME + rb")"
_UPDATE = rb"UPDATE" + _OF + rb"(?P<table>" + _NAME + rb") SET "


class Part(Enum):
    """The parts of a delta in which each statement changes a row, by what their headings say."""

    RELEASED = "Released references"
    DELETED = "Deleted rows"
    UPDATED = "Updated rows"
    REFERENCES = "References"

    @property
    def heading(self) -> re.Pattern[bytes]:
        return re.compile(rb"-- %b \(([0-9]{1,15}) changes?\)\n" % self.value.encode())

    def written(self, count: int) -> str:
        """The heading."""
        return f"-- {self.value} ({count} {'change' if count == 1 else 'changes'})\n"


DELETE = re.compile(
    rb"DELETE FROM" + _OF + rb"(?P<table>" + _NAME + rb") WHERE " + _WHERE + rb";\n"
)
UPDATE = re.compile(
    _UPDATE
    + rb"(?P<set>"
    + _ASSIGNMENT
    + rb"(?:, "
    + _ASSIGNMENT
    + rb")*+) WHERE "
    + _WHERE
    + rb";\n"
)
UNFINISHED_UPDATE = re.compile(
    _UPDATE
    + rb"(?:"
    + _ASSIGNMENT
    + rb", )*+(?:"
    + _NAME
    + rb"=(?:"
    + UNFINISHED
    + rb")\Z|(?:"
    + _ASSIGNMENT
    + rb")?+[\x00-\xff]{0,1048576}+\Z)"
)
"""What may still become an UPDATE, however long its values; what follows them is short."""
_PAIR = re.compile(rb"(%b)=(?:(%b)|(%b))(?:, |\Z)" % (_NAME, _VALUE, _NAME))


def delete_row(table: str, key: Sequence[tuple[str, bytes]], *, only: bool = False) -> bytes:
    """``key``: names and raw literals."""
    start = statements.of("DELETE FROM", table, only=only).encode()
    return start + b" WHERE " + b" AND ".join(statements.pairs(key)) + b";\n"


def read_assignments(text: bytes) -> tuple[tuple[tuple[str, bytes], ...], tuple[str, ...]]:
    """What a SET list that UPDATE recognised sets, to literals or references by natural key as
    the document holds them, and the columns that it sets to themselves. Raises ValueError for a
    column set to another, or twice."""
    found: list[tuple[str, bytes]] = []
    untouched: list[str] = []
    for match in _PAIR.finditer(text):
        name, value, column = match.groups()
        if value is not None:
            found.append((read_identifier(name.decode()), value))
        elif column == name:
            untouched.append(read_identifier(name.decode()))
        else:
            raise ValueError("a column set to another column")
    names = [*untouched, *(name for name, _ in found)]
    if len(set(names)) != len(names):
        raise ValueError("a column set twice")
    return tuple(found), tuple(untouched)
