"""What the header of a delta says besides that of the whole document, both directions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from demo_snapshots.documents.sql.identifiers import IDENTIFIER, read_identifier, write_identifier
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import DeferredCount, Delta, DeltaOf, Parent, TableChanges

DELTA_FORMAT = 3
DELTA_NOTICE = (
    "-- A delta: demo import finds and checks what it is on top of; "
    "a client loads that first, then this."
)
Lines = tuple[tuple[str, str], ...]
"""Keys and values of header lines."""

_NUMBER = "([0-9]{1,15})"
_WHOLE = rf"sha256:([0-9a-f]{{64}}) {_NUMBER} bytes"
_CHANGES = rf"({IDENTIFIER}) (?:{_NUMBER} deleted, {_NUMBER} updated, {_NUMBER} inserted|all rows)"
_DEFERRED = rf"({IDENTIFIER}) \(({IDENTIFIER}(?:, {IDENTIFIER})*)\) {_NUMBER}"
_KEYS = ("Delta", "Whole", "Changes", "Deferred")


def delta_lines(delta: Delta) -> Iterator[tuple[str, str]]:
    """The lines that ``take_delta`` reads."""
    yield "Delta", str(delta.of.on)
    yield "Whole", f"sha256:{delta.digest} {delta.of.whole_size} bytes"
    for each in delta.changes:
        counts = f"{each.deleted} deleted, {each.updated} updated, {each.inserted} inserted"
        yield "Changes", f"{write_identifier(each.table)} {'all rows' if each.all_rows else counts}"
    for part in delta.deferred:
        columns = ", ".join(map(write_identifier, part.columns))
        yield "Deferred", f"{write_identifier(part.table)} ({columns}) {part.count}"


def take_delta(lines: Lines, tables: Sequence[str], included: Sequence[str]) -> tuple[Delta, Lines]:
    """What the header lines of a delta say, and those that it shares with the whole document.
    ``tables`` are those of the demo, ``included`` those whose rows travel along. Raises
    DocumentError."""
    found: dict[str, list[str]] = {key: [] for key in _KEYS}
    for key, value in lines:
        if key in found:
            found[key].append(value)
    try:
        [on], [whole] = found["Delta"], found["Whole"]
        match = _match(_WHOLE, whole)
        changes = tuple(map(_read_changes, found["Changes"]))
        deferred = tuple(map(_read_deferred, found["Deferred"]))
        of = DeltaOf(Parent.parse(on), int(match[2]))
    except ValueError:
        raise DocumentError("the header is not that of a delta") from None
    rows = [each.table for each in changes if each.all_rows]
    edited = [each.table for each in changes if not each.all_rows]
    places = [(part.table, part.columns) for part in deferred]
    if (
        rows != [name for name in included if name in rows]
        or edited != [name for name in tables if name in edited]
        or len(set(places)) != len(places)
        or not {table for table, _ in places} <= {*tables}
    ):
        raise DocumentError("the header counts changes of tables that it does not describe so")
    rest = tuple((key, value) for key, value in lines if key not in found)
    return Delta(of, match[1], changes, deferred), rest


def _match(pattern: str, text: str) -> re.Match[str]:
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError
    return match


def _read_changes(text: str) -> TableChanges:
    match = _match(_CHANGES, text)
    table = read_identifier(match[1])
    if match[2] is None:
        return TableChanges(table, all_rows=True)
    return TableChanges(table, int(match[2]), int(match[3]), int(match[4]))


def _read_deferred(text: str) -> DeferredCount:
    match = _match(_DEFERRED, text)
    columns = tuple(read_identifier(name) for name in re.findall(IDENTIFIER, match[2]))
    return DeferredCount(read_identifier(match[1]), columns, int(match[3]))
