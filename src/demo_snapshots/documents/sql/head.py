"""The head of a version in parts, both directions: what the whole document has but its rows, and
the files that hold these.

To a stock client it is nothing but comments: what they need of the whole document would delete the
demo rows, and put nothing in their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.documents.sql import polyglot
from demo_snapshots.documents.sql.header import IN_PARTS, read_header, write_header
from demo_snapshots.documents.sql.pieces import Contents, Kind, Piece
from demo_snapshots.documents.sql.reader import TAIL, header_lines
from demo_snapshots.documents.sql.rendering import ForClients
from demo_snapshots.documents.sql.window import INCOMPLETE, Window
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header, Part, is_part_name

_PART = re.compile(r"Part ([1-9][0-9]{0,2})")
_SIZE = "Whole size"
_LINES = re.compile(rb"-- (Before|After) the rows \(([0-9]{1,6}) lines\)\n")
_HEX = re.compile(r"[0-9a-f]{64}")


class Head(Struct, frozen=True):
    """A version in parts: ``header`` is that of the whole document, whose content ``digest`` and
    ``size`` these are; ``parts`` in the order of its rows."""

    header: Header
    clients: ForClients
    parts: tuple[Contents, ...]
    digest: str
    size: int

    @property
    def updates(self) -> int:
        """The deferred references there are."""
        return sum(piece.rows for piece in self.pieces if piece.kind is Kind.DEFERRED)

    @property
    def pieces(self) -> Iterator[Piece]:
        return (piece for contents in self.parts for piece in contents.pieces)


def write_head(head: Head) -> bytes:
    lines = [(f"Part {n}", _written(contents)) for n, contents in enumerate(head.parts, 1)]
    extra = (*head.header.extra, (_SIZE, str(head.size)), *lines)
    text = write_header(replace(head.header, extra=extra, format=IN_PARTS))
    return b"".join(
        (
            f"{text}\n".encode(),
            _commented("Before", head.clients.before),
            _commented("After", head.clients.after),
            f"{polyglot.DIGEST_PREFIX}{head.digest}\n{polyglot.COMPLETE}\n".encode(),
        )
    )


def _commented(which: str, text: bytes) -> bytes:
    lines = text.split(b"\n")[:-1]
    heading = f"-- {which} the rows ({len(lines)} lines)\n".encode()
    return heading + b"".join(b"-- " + line + b"\n" for line in lines)


def read_head(stream: BinaryIO) -> Head:
    """The head that ``stream``, unpacked and at its beginning, holds. Raises DocumentError."""
    source = Window(stream)
    header = read_header(header_lines(source), (IN_PARTS,))
    source.expect("")
    before, after = _uncommented(source, b"Before"), _uncommented(source, b"After")
    match = source.take(TAIL)
    if match is None:
        raise source.error(INCOMPLETE)
    if source.peek():
        raise source.error("something follows the end of the snapshot")
    extra: list[tuple[str, str]] = []
    parts: list[Contents] = []
    size = -1
    try:
        for key, value in header.extra:
            if key == _SIZE and size < 0:
                size = int(value)
            elif found := _PART.fullmatch(key):
                parts.append(_read(value, int(found[1]), len(parts) + 1, header.scenario))
            else:
                extra.append((key, value))
        if size < 0:
            raise ValueError("no size")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DocumentError("what the header says of its parts is not one of ours") from None
    header = replace(header, extra=tuple(extra), format=2)
    head = Head(header, ForClients(before, after), tuple(parts), match[1].decode(), size)
    require_counts(head)
    return head


def _uncommented(source: Window, which: bytes) -> bytes:
    match = source.take(_LINES)
    if match is None or match[1] != which:
        raise source.error(INCOMPLETE if source.is_cut_short else "not what a head holds here")
    lines = []
    for _ in range(int(match[2])):
        line = source.peek()
        if not line.startswith(b"-- ") or not line.endswith(b"\n"):
            raise source.error(INCOMPLETE if source.is_cut_short else "not what a head holds here")
        lines.append(line[3:])
        source.advance(source.position + len(line))
    return b"".join(lines)


# --- One part --------------------------------------------------------------------------------


def _written(contents: Contents) -> str:
    part = contents.part
    value = {
        "file": part.name,
        "size": part.size,
        "sha256": part.sha256,
        "holds": [
            {
                piece.kind.value: piece.table,
                "count": piece.rows,
                "bytes": piece.size,
                **({"from": piece.first, "to": piece.last} if piece.first else {}),
            }
            for piece in contents.pieces
        ],
    }
    return json.dumps(value)


def _read(text: str, number: int, expected: int, scenario: str) -> Contents:
    """Raises what a value of another shape makes Python raise."""
    value = json.loads(text)
    name, sha256 = value["file"], value["sha256"]
    if number != expected or not is_part_name(scenario, name) or not _HEX.fullmatch(sha256):
        raise ValueError("not a part")
    part = Part(name, _whole(value["size"]), sha256)
    return Contents(part, tuple(_read_piece(piece) for piece in value["holds"]))


def _read_piece(value: Mapping[str, Any]) -> Piece:
    (kind,) = [kind for kind in Kind if kind.value in value]
    first, last = (tuple(map(str, value.get(end, ()))) for end in ("from", "to"))
    table = value[kind]
    if not isinstance(table, str):
        raise ValueError("not a table")
    return Piece(kind, table, _whole(value["count"]), _whole(value["bytes"]), first, last)


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def require_counts(head: Head) -> None:
    """Raise DocumentError unless the parts hold as many rows of each table as the header counts,
    and nothing of another."""
    header = head.header
    expected = {(Kind.INCLUDED, table.name): rows for table, rows in header.includes}
    expected |= {
        (Kind.ROWS, table.name): header.statistics.rows(table.name) for table in header.tables
    }
    found = dict.fromkeys(expected, 0)
    for piece in head.pieces:
        if piece.kind is Kind.DEFERRED:
            if all(table.name != piece.table for table in header.tables):
                raise DocumentError(f"a part of {piece.table}, which the header does not describe")
            continue
        place = (piece.kind, piece.table)
        if place not in found:
            raise DocumentError(f"a part of {piece.table}, which the header does not describe")
        found[place] += piece.rows
    for (_, table), rows in expected.items():
        if found[_, table] != rows:
            raise DocumentError(f"{table}: {found[_, table]} rows, and the header counts {rows}")
