"""A document's rows in about equal parts, each a list of queries that any connection can answer
that sees the same state.

A part begins and ends where a statement of the whole document does, which only the rows tell. So
each range of keys is read from the first row in it after which a statement ends, exclusively, up to
the first such row of the next range, inclusively.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from demo_snapshots.documents.sql.pieces import Kind
from demo_snapshots.documents.sql.writer import ends_statement
from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.model.tables import Table
from demo_snapshots.transfer.extract import RowSource

_LOOK_AHEAD = (1024, 65_536, None)
"""Rows of the next range that are asked for, as long as none of them ends a statement: one in 128
does."""

Batches = Iterable[list[bytes]]
Answer = Callable[[Table, Sequence[str], str], Batches]
"""Gives the raw rows of a query, of these columns of a table."""


@dataclass(frozen=True, slots=True)
class Range:
    """Some of one table's rows, or of its deferred references: those that ``query`` gives, of which
    there are ``expected``. Of a range that begins ``inside`` the table, the rows up to the first
    that ends a statement belong to the range before. ``beyond`` ask for more and more of the rows
    after it. ``columns`` and ``untouched`` are a deferred reference's."""

    kind: Kind
    table: Table
    expected: int
    query: str = field(repr=False)
    inside: bool = False
    beyond: tuple[str, ...] = field(default=(), repr=False)
    overriding: bool = False
    columns: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of its rows."""
        if self.kind is Kind.DEFERRED:
            return (*self.table.key, *self.columns)
        return tuple(column.name for column in self.table.carried)

    def rows(self, first: Batches, answer: Answer) -> Iterator[list[bytes]]:
        """Its raw rows, where ``first`` is what its query gave, and ``answer`` gives what else is
        to be asked for."""
        if not self.inside:
            yield from first
        elif not (yield from _after_end(first)):
            return  # the range before goes on beyond this one
        if self.beyond:
            yield from self._up_to_end(answer)

    def _up_to_end(self, answer: Answer) -> Iterator[list[bytes]]:
        given = 0
        for query in self.beyond:
            came, ended = 0, False
            for batch in answer(self.table, self.names, query):
                fresh = batch[max(0, given - came) :]
                came += len(batch)
                # What comes after the end is taken all the same: the connection is not free before.
                if fresh and not ended:
                    end = _end(fresh)
                    ended = end is not None
                    yield fresh if end is None else fresh[: end + 1]
                    given += len(fresh)
            if ended or came < min(filter(None, _LOOK_AHEAD)):
                return


def _end(rows: Sequence[bytes]) -> int | None:
    """The place of the first row after which a statement ends."""
    return next((place for place, row in enumerate(rows) if ends_statement(row)), None)


def _after_end(batches: Batches) -> Generator[list[bytes], None, bool]:
    """What follows the first row after which a statement ends; whether there is one."""
    ended = False
    for batch in batches:
        if ended:
            yield batch
        elif (end := _end(batch)) is not None:
            ended = True
            yield batch[end + 1 :]
    return ended


def parted(source: RowSource, ranges: Iterable[Range], parts: int) -> list[list[Range]]:
    """``ranges``, which are whole tables in the order of the document, in that many parts of about
    as many rows, or fewer: a table without a key is not parted, nor are deferred references."""
    whole = list(ranges)
    total = sum(each.expected for each in whole)
    marks = [total * number // parts for number in range(1, parts)]
    found: list[list[Range]] = [[]]
    passed = 0
    for each in whole:
        within = [mark - passed for mark in marks if passed < mark < passed + each.expected]
        first, *others = _split(source, each, within)
        found[-1].append(first)
        found += [[other] for other in others]
        passed += each.expected
        if passed in marks or (within and not others):
            found.append([])
    return [part for part in found if part]


def _split(source: RowSource, whole: Range, places: Sequence[int]) -> list[Range]:
    """The range parted before the rows at these places, as far as it can be."""
    table, dialect = whole.table, source.dialect
    if not places or whole.kind is not Kind.ROWS or not table.key:
        return [whole]
    found = [
        (place, spelled)
        for place, key in zip(places, source.keys_at(table, places), strict=True)
        if None not in (spelled := [_spelled(dialect, value) for value in key])
    ]
    terms = source.order_of(table)
    froms = ["", *(f" AND {_row(terms)} >= {_row(key)}" for _, key in found)]
    to = [*(f" AND {_row(terms)} < {_row(key)}" for _, key in found), ""]
    ends = [0, *(place for place, _ in found), whole.expected]
    return [
        replace(
            whole,
            expected=end - start,
            query=source.query(table, froms[n] + to[n]),
            inside=n > 0,
            beyond=tuple(source.query(table, froms[n + 1], limit) for limit in _LOOK_AHEAD)
            if to[n]
            else (),
        )
        for n, (start, end) in enumerate(pairwise(ends))
    ]


def _row(terms: Sequence[str | None]) -> str:
    joined = ", ".join(map(str, terms))
    return joined if len(terms) == 1 else f"({joined})"


def _spelled(dialect: Dialect, value: object) -> str | None:
    """A value that the engine orders rows by, as its SQL; None where that is not simple."""
    match value:
        case bool():
            return None
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case str() if "\0" not in value:
            return dialect.text(value)
        case bytes():
            return f"X'{value.hex()}'"
        case _:
            return None
