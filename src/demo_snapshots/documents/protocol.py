"""What every form of a document gives: its header, its rows as they stream by, and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table
from demo_snapshots.rows.literals import records


class Rows(Struct, frozen=True):
    """Whole raw rows ``(…),\\n(…)``, recognised as literals for ``columns`` of ``table``."""

    table: str
    columns: tuple[str, ...]
    text: bytes


class Included(Struct, frozen=True):
    """One raw row outside the demo, to be inserted where its key is missing."""

    table: str
    columns: tuple[str, ...]
    text: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """A deferred reference: raw literals to set, and the key of the row. ``untouched`` columns are
    set to themselves, for stock clients."""

    table: str
    values: tuple[tuple[str, bytes], ...]
    key: tuple[tuple[str, bytes], ...]
    untouched: tuple[str, ...] = field(default=(), compare=False)


Event = Rows | Included | Update

Target = Callable[[str], Table | None]
"""The table that a name in the document means, None where any literal will do."""


Lookups = Callable[[str, str], bytes | None]
"""The pattern of a reference by natural key that may stand in for a table's column, if any."""


class Document(Protocol):
    """An open document. ``header`` is known at once; ``rows`` is read once, to its end, and then
    ``digest`` is known: 64 hexadecimal digits over the content, equal for equal data."""

    header: Header
    digest: str

    def rows(
        self, target: Target, includes: Target | None = None, lookups: Lookups | None = None
    ) -> Iterator[Event]:
        """Everything to load, in the document's order: included rows, then the rows of each
        table in the order of the header, by key, then deferred references. Nothing is given but
        names and recognised literals, checked against ``target``'s columns.

        ``includes`` is the target of rows outside the demo, which are refused without it;
        ``lookups`` says which references by natural key may stand in for a value.

        Raises DocumentError with the line for whatever is not in the grammar, UnfitValueError for
        a value its column would not take as it is, whatever ``target`` raises; after the last
        row, DocumentError if the counts or the digest do not match, or the end is missing.
        """

    def line_of(self, number: int, given: bytes) -> int:
        """The line of the file on which row ``number``, from 0, begins of the raw rows ``given``,
        those of the last event."""


class EventsByTable:
    """A document's events, taken table by table in the order of its header."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = iter(events)
        self._ahead: Event | None = next(self._events, None)

    def records(self, table: Table) -> Iterator[list[bytes]]:
        """The records of the next table, which may have none."""
        while isinstance(event := self._ahead, (Rows, Included)) and event.table == table.name:
            yield records(event.text)
            self._ahead = next(self._events, None)

    def updates(self) -> Iterator[Update]:
        """The deferred references, after all tables."""
        while isinstance(event := self._ahead, Update):
            yield event
            self._ahead = next(self._events, None)


def any_literals(name: str) -> None:
    """The target for reading a document without a database."""
