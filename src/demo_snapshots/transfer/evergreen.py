"""Raw rows and documents with their evergreen dates moved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from demo_snapshots.comparison.json_text import respelled
from demo_snapshots.documents.protocol import Document, Event, Lookups, Rows, Target, any_literals
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.errors import UnfitValueError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import CELL, cells, quote, records, value_of
from demo_snapshots.rows.shift import DAY, OutOfRangeError, Shift
from demo_snapshots.selection.evergreen import EvergreenPlace, Places, without_dates

Move = Callable[[bytes], bytes]
"""A raw literal with what is evergreen in it moved."""

Originals = Mapping[str, Mapping[tuple[bytes, ...], Mapping[str, tuple[bytes, bytes]]]]
"""By table, key and column: a literal, and another that stands for it."""

_ESCAPED = re.compile(r"\\u[0-9A-Fa-f]{4}|\\.|.", re.DOTALL)


class Shifted:
    """Rows as ``shift`` moves the dates at their evergreen ``places``, everything else as it is.
    ``originals`` say what becomes of some literals instead. Raises UnfitValueError, naming the
    place, for a date that cannot be moved so far."""

    def __init__(self, places: Places, shift: Shift, originals: Originals | None = None) -> None:
        self.places = places
        self.shift = shift
        self.originals = originals or {}
        self._rows: dict[tuple[str, tuple[str, ...]], ShiftedRows | None] = {}
        self._found: set[str] = set()

    def __reduce__(self) -> tuple[object, ...]:
        return Shifted, (self.places, self.shift, self.originals)

    def of(self, table: str, columns: Sequence[str]) -> ShiftedRows | None:
        """What moves the rows of these columns; None where there is nothing to move."""
        wanted = (table, tuple(columns))
        if wanted not in self._rows:
            here = [place for place in self.places.get(table, ()) if place.column in columns]
            moves = ShiftedRows(wanted[1], here, self.shift, self._found) if here else None
            self._rows[wanted] = moves
        return self._rows[wanted]

    def rows(self, table: Table, batches: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        """Raw rows of all that a document carries of ``table``."""
        columns = [column.name for column in table.carried]
        moves = self.of(table.name, columns)
        if moves is None:
            yield from batches
            return
        originals = self.originals.get(table.name)
        if not originals:
            for batch in batches:
                yield [b"(" + moves.record(row[1:-1]) + b")" for row in batch]
            return
        for batch in batches:
            yield [self._restored(row[1:-1], moves, table, originals) for row in batch]

    def _restored(
        self,
        record: bytes,
        moves: ShiftedRows,
        table: Table,
        originals: Mapping[tuple[bytes, ...], Mapping[str, tuple[bytes, bytes]]],
    ) -> bytes:
        moved = moves.record(record)
        was = moves.cells(record)
        known = originals.get(tuple(was[name] for name in table.key))
        if known is None:
            return b"(" + moved + b")"
        values = moves.cells(moved)
        for name, (literal, original) in known.items():
            if was[name] == literal:
                values[name] = original
        return b"(" + b",".join(values.values()) + b")"

    def document(self, document: Document) -> Document:
        """The document with its rows moved, as they stream by."""
        return _ShiftedDocument(document, self)

    def without_dates(self, header: Header) -> tuple[str, ...]:
        """The places of tables with rows at which no date was found."""
        return without_dates(self.places, self._found, header.statistics)


def not_coming_back(document: Document, places: Places, shift: Shift) -> Originals:
    """What of the document's dates, moved by ``shift``, its opposite does not make what it was: the
    moved literals, and what they were."""
    there, back = Shifted(places, shift), Shifted(places, shift.back)
    keys = {table.name: table.key for table in document.header.tables}
    found: dict[str, dict[tuple[bytes, ...], dict[str, tuple[bytes, bytes]]]] = {}
    for event in document.rows(any_literals, any_literals, any_lookup):
        if not isinstance(event, Rows):
            continue
        moves, returns = (each.of(event.table, event.columns) for each in (there, back))
        if moves is None or returns is None:
            continue
        for record in records(event.text):
            moved = moves.record(record)
            if returns.record(moved) != record:
                was, now, again = (
                    moves.cells(each) for each in (record, moved, returns.record(moved))
                )
                key = tuple(was[name] for name in keys[event.table])
                found.setdefault(event.table, {})[key] = {
                    name: (now[name], was[name]) for name in was if again[name] != was[name]
                }
    return found


class ShiftedRows:
    """Records of these ``columns``. Adds the names of places to ``found`` whose dates moved."""

    def __init__(
        self,
        columns: Sequence[str],
        places: Sequence[EvergreenPlace],
        shift: Shift,
        found: set[str],
    ) -> None:
        self._columns = columns
        places = sorted(places, key=lambda place: columns.index(place.column))
        by_column: dict[int, list[Move]] = {}
        for place in places:
            move = (_moving_inside if place.path else _moving)(place, shift, found)
            by_column.setdefault(columns.index(place.column), []).append(move)
        ordered = sorted(by_column)
        self._moves = [by_column[at] for at in ordered]
        self._pattern = _pattern(ordered)
        first = len(columns) - len(ordered)
        self._at_end = len(ordered) if first > 0 and ordered[0] == first else 0
        self._quick = _quick_pattern(ordered, places, shift, skips=self._at_end > 0)
        self._days = [(n, _Days(each, shift, found)) for n, each in enumerate(places, 1)]

    def record(self, record: bytes) -> bytes:
        """A raw row without its parentheses, moved."""
        if self._quick is None:
            return self._in_pieces(record)
        # Dates hold no comma: where they stand at the end, what is before them need not be matched.
        start = len(record.rsplit(b",", self._at_end)[0]) if self._at_end else 0
        quick = self._quick.fullmatch(record, start)
        return (quick and self._with_other_days(record, quick)) or self._in_pieces(record)

    def _with_other_days(self, record: bytes, match: re.Match[bytes]) -> bytes | None:
        """The record with other days in its dates, which are as long; None where they cannot be
        moved so simply."""
        moved = bytearray(record)
        try:
            for number, days in self._days:
                start = match.start(number)
                if start >= 0:
                    end = start + 10
                    moved[start:end] = days[record[start:end]]
        except KeyError:
            return None
        return bytes(moved)

    def _in_pieces(self, record: bytes) -> bytes:
        pieces = self._groups(record)
        for number, moves in enumerate(self._moves):
            for move in moves:
                pieces[2 * number + 1] = move(pieces[2 * number + 1])
        return b"".join(pieces)

    def _groups(self, record: bytes) -> list[bytes]:
        match = self._pattern.fullmatch(record)
        assert match is not None, "the document's grammar, or the engine, has made the row"
        return list(match.groups())

    def cells(self, record: bytes) -> dict[str, bytes]:
        """The values of a record by column."""
        return dict(zip(self._columns, cells(record), strict=True))


class _Days(dict[bytes, bytes]):
    """Days at a place, and what they move to. Raises KeyError for one that does not move alone."""

    def __init__(self, place: EvergreenPlace, shift: Shift, found: set[str]) -> None:
        self._place, self._shift, self._found = place, shift, found

    def __missing__(self, day: bytes) -> bytes:
        try:
            moved = self._shift.text(day.decode())
        except OutOfRangeError:
            moved = None
        if moved is None:
            raise KeyError(day)
        self._found.add(self._place.name)
        self[day] = moved.encode()
        return self[day]


def _pattern(places: Sequence[int]) -> re.Pattern[bytes]:
    """A record in pieces: what is before the value at the first of ``places``, the value, what is
    before the next, and so on to the end."""
    pattern, done = b"", 0
    for place in places:
        before = rb"(?:" + CELL + rb",){%d}" % (place - done)
        pattern += rb"(" + (b"," if done else b"") + before + rb")(" + CELL + rb")"
        done = place + 1
    return re.compile(pattern + rb"(.*+)", re.DOTALL)


_TIME = rb"(?:[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?)?"


def _quick_pattern(
    ordered: Sequence[int], places: Sequence[EvergreenPlace], shift: Shift, *, skips: bool
) -> re.Pattern[bytes] | None:
    """A record whose dates are NULL or move with their days, which are its groups; with ``skips``
    from the comma before the first of them on. None where what is at the places may have to be
    moved otherwise."""
    days_alone = shift.offset % DAY == 0 and not any(
        place.path or (place.instant and shift.zone) for place in places
    )
    if not days_alone:
        return None
    pattern, done = b"", ordered[0] if skips else 0
    for place in ordered:
        before = rb"(?:" + CELL + rb",){%d}" % (place - done)
        pattern += (b"," if done else b"") + before
        pattern += rb"(?:NULL|'(\d{4}-\d\d-\d\d)" + _TIME + rb"')"
        done = place + 1
    return re.compile(pattern + rb"(?:,.*+)?", re.DOTALL)


def _moving(place: EvergreenPlace, shift: Shift, found: set[str]) -> Move:
    def move(literal: bytes) -> bytes:
        is_text = literal[:1] == b"'"
        text = (literal[1:-1] if is_text else literal).decode()
        moved = _moved(text, place, shift)
        if moved is None:
            return literal
        found.add(place.name)
        return f"'{moved}'".encode() if is_text else moved.encode()

    return move


def _moving_inside(place: EvergreenPlace, shift: Shift, found: set[str]) -> Move:
    simple = _simple_pattern(place.path)

    def respell(value: str) -> str | None:
        moved = _moved_in_json(value, place, shift)
        if moved is not None:
            found.add(place.name)
        return moved

    def respell_match(match: re.Match[str]) -> str:
        return match[1] + (respell(match[2]) or match[2])

    def move(literal: bytes) -> bytes:
        text = value_of(literal)
        if not isinstance(text, str):
            return literal
        if simple is not None and len(simple.findall(text)) == _texts_at(text, place.path):
            moved = simple.sub(respell_match, text)
        else:
            moved = respelled(text, place.path, respell)
        return literal if moved == text else quote(moved).encode()

    return move


def _simple_pattern(path: Sequence[str]) -> re.Pattern[str] | None:
    """Members of the name that ends ``path``, wherever they are, whose values are plain texts.
    None of a path that ends otherwise."""
    if path[-1] == "[*]":
        return None
    return re.compile(rf'("{re.escape(path[-1])}"[ \t\n\r]*+:[ \t\n\r]*+)("[^"\\]*+")')


def _texts_at(text: str, path: Sequence[str]) -> int | None:
    """How many texts are at ``path``; None where another value is there, but for NULL. As many
    members of that name in the whole text are just these: finding them all by a pattern takes a
    third of the time that walking along the path does."""
    try:
        values = [json.loads(text)]
    except (ValueError, RecursionError):
        return None
    for step in path:
        if step == "[*]":
            values = [item for value in values if isinstance(value, list) for item in value]
        else:
            values = [v[step] for v in values if isinstance(v, dict) and step in v]
    texts = [value for value in values if value is not None]
    return len(texts) if all(isinstance(value, str) for value in texts) else None


def _moved(text: str, place: EvergreenPlace, shift: Shift) -> str | None:
    try:
        return shift.text(text, instant=place.instant)
    except OutOfRangeError as error:
        raise UnfitValueError(f"{place.name}: {error}") from error


def _moved_in_json(value: str, place: EvergreenPlace, shift: Shift) -> str | None:
    """A value as JSON spells it, moved; characters that stay keep their spelling."""
    if not value.startswith('"'):
        return _moved(value, place, shift)
    if "\\" not in value:
        moved = _moved(value[1:-1], place, shift)
        return None if moved is None else f'"{moved}"'
    spelled = _ESCAPED.findall(value[1:-1])
    text = json.loads(value)
    moved = _moved(text, place, shift)
    if moved is None:
        return None
    if not len(spelled) == len(text) == len(moved):
        return json.dumps(moved)
    same = zip(spelled, text, moved, strict=True)
    return '"' + "".join(s if old == new else new for s, old, new in same) + '"'


class _ShiftedDocument:
    """A document whose rows move as they stream by."""

    def __init__(self, document: Document, shifted: Shifted) -> None:
        self._document = document
        self._shifted = shifted
        self.header: Header = document.header
        self.digest = ""
        self._given = b""

    def rows(
        self, target: Target, includes: Target | None = None, lookups: Lookups | None = None
    ) -> Iterator[Event]:
        """As ``protocol.Document.rows``."""
        for event in self._document.rows(target, includes, lookups):
            yield self._moved(event) if isinstance(event, Rows) else event
        self.digest = self._document.digest

    def line_of(self, number: int, given: bytes) -> int:
        """As ``protocol.Document.line_of``."""
        return self._document.line_of(number, self._given)

    def _moved(self, event: Rows) -> Rows:
        moves = self._shifted.of(event.table, event.columns)
        self._given = event.text
        if moves is None:
            return event
        moved = b"),\n(".join(map(moves.record, records(event.text)))
        return replace(event, text=b"(" + moved + b")")
