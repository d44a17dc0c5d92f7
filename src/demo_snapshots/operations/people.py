"""Does a real person stand in the demo rows? Asked while they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Literal

import msgspec

from demo_snapshots.config.rules import PeopleRules
from demo_snapshots.errors import RealPersonError
from demo_snapshots.model.people import PeopleCheck, PersonFound
from demo_snapshots.model.snapshots import Statistics
from demo_snapshots.model.tables import Table
from demo_snapshots.model.words import Call, Words
from demo_snapshots.people.rows import Candidate, PeopleInRows
from demo_snapshots.rows.spill import Spool
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.extract import RowSource
from demo_snapshots.transfer.real_people import RealPeople

_MOST_ROWS = 1_000
_MOST_REAL_ROWS = 100_000
_SHOWN = 20


PeopleMode = Literal["auto", "full", "off"]
"""``auto`` looks at a part of large tables, ``full`` at all rows."""


@contextmanager
def watching(
    demo: DemoSet, rules: PeopleRules, mode: PeopleMode | None
) -> Iterator[PeopleWatch | None]:
    """A watch as closely as ``mode`` says, None as ``rules`` say; nothing where that is ``off``."""
    mode = mode or rules.check
    if mode == "off":
        yield None
        return
    with closing(Spool()) as noted:
        yield PeopleWatch(demo, rules, noted, full=mode == "full")


class PeopleWatch:
    """Sees the rows of ``demo`` as they are written, and notes what tells a person in ``noted``.
    ``full``: every row, and afterwards every row outside the demo; else a part of each large
    table."""

    def __init__(self, demo: DemoSet, rules: PeopleRules, noted: Spool, *, full: bool) -> None:
        self._demo, self._rules, self._full = demo, rules, full
        self._tables: dict[str, PeopleInRows] = {}
        self._passed = 0
        self._sampled: list[str] = []
        self._values = 0
        self._noted = noted

    def see(self, table: Table, rows: Sequence[bytes], total: int) -> None:
        """Raw rows of ``table``, which has ``total``."""
        if table.name not in self._tables:
            names = [column.name for column in table.carried]
            self._tables[table.name] = PeopleInRows(table, names, rules=self._rules)
            self._passed = 0
            if total > _MOST_ROWS and not self._full:
                self._sampled.append(table.name)
        self._passed += 1
        if not self._full and self._passed % -(-total // _MOST_ROWS or 1):
            return
        looking = self._tables[table.name]
        for row in rows:
            for candidate in looking.found(row[1:-1]):
                self._values += 1
                self._noted.add([msgspec.json.encode(candidate)])

    def read(self, source: RowSource, statistics: Statistics) -> None:
        """Read the rows, where nobody shows them; of large tables the first."""
        for table in source.order.tables:
            total = statistics.rows(table.name)
            limit = None if self._full or total <= _MOST_ROWS else _MOST_ROWS
            for rows in source.database.stream(source.query(table, limit=limit)) if total else ():
                self.see(table, rows, limit or total)
            if limit:
                self._sampled.append(table.name)

    def require_none(self) -> PeopleCheck:
        """What was looked at, within the read that the rows came from. Raises RealPersonError if
        a row outside the demo holds what a demo row holds, DatabaseError."""
        real = RealPeople(self._demo, None if self._full else _MOST_REAL_ROWS)
        shown: list[PersonFound] = []
        count = 0
        for found in real.meet(self._candidates()):
            count += 1
            if len(shown) < _SHOWN:
                shown.append(found)
        if shown:
            raise _real_person(shown, count)
        sampled = tuple(dict.fromkeys([*self._sampled, *real.sampled]))
        return PeopleCheck(self._values, sampled, tuple(real.unread))

    def _candidates(self) -> Iterator[Candidate]:
        for noted in self._noted:
            for candidate in noted:
                yield msgspec.json.decode(candidate, type=Candidate)


def _real_person(shown: Sequence[PersonFound], count: int) -> RealPersonError:
    first = shown[0]
    values = "1 value" if count == 1 else f"{count} values"
    return RealPersonError(
        f"rows outside the demo hold {values} of the demo rows that tell a person, the first in"
        f" {first.table}.{first.place}",
        found=count,
        problems=tuple(map(str, shown)),
        hint=Words(
            "Nothing was saved. If a rule in demo.toml selects real rows, narrow it; if a demo row"
            " was made from a real one, change it. What both share by right goes into [people] of"
            " demo.toml, as its digest under allow, or its column under ignore. ",
            Call(check_people="off"),
            " saves without looking.",
        ),
    )
