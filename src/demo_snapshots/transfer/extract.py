"""Rows out: counted, and streamed as raw rows that the engine itself has formatted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise

from demo_snapshots.engines.database import Database
from demo_snapshots.errors import DatabaseError, ExportError, UnportableValueError
from demo_snapshots.model.rules import ways_of
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.model.tables import Affinity, Column, ForeignKey, Kind, Table
from demo_snapshots.rows.unportable import unportable
from demo_snapshots.rows.utf8 import first_fault
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.external import LeadingOut, Lookup
from demo_snapshots.selection.order import DeferredReference
from demo_snapshots.transfer.count import count_rows
from demo_snapshots.transfer.parallel import ReadAhead, read_ahead

_WORTH_WHILE = 20_000
_PART_ROWS = 10_000


class RowSource:
    """The rows of a demo set, within one consistent read."""

    def __init__(
        self,
        demo: DemoSet,
        texts: Mapping[Lookup, tuple[str, ...]] | None = None,
        read: Mapping[str, Iterable[list[bytes]]] | None = None,
    ) -> None:
        """``texts`` say how the document spells references by natural key; ``rows`` alone needs
        them. ``read`` are the rows of tables that have been read already, as ``rows`` gives
        them."""
        self.demo = demo
        self.database = demo.database
        self.dialect = demo.dialect
        self.selection = demo.selection
        self.order = demo.order
        self.texts = texts or {}
        self.read = read or {}
        self._without_special: set[str] = set()
        """Tables without special values, once they have been counted."""
        self._ahead: tuple[ReadAhead, dict[str, range]] | None = None

    def _from(self, table: Table) -> str:
        if table.name in self.selection.tables:
            predicate = self.demo.predicate(table)
        else:
            predicate = self.demo.external.included_predicate(table)
        return f"FROM {self.dialect.rows_of(table)} WHERE {predicate}"

    def statistics(self) -> Statistics:
        """Rows per table in load order, with the breakdowns the configuration names."""
        return Statistics(tuple(self._count(table)[0] for table in self.order.tables))

    def count(self) -> tuple[Statistics, LeadingOut]:
        """As ``statistics``; and how many rows reference what they may not, where that is to be
        counted. One pass over each table: telling its demo rows is what takes the time."""
        counts: list[TableCount] = []
        leading_out: LeadingOut = {}
        for table in self.order.tables:
            forbidden = self.demo.external.forbidden(table)
            special = self.dialect.special_values(table.carried)
            count, sums = self._count(table, [*forbidden.values(), *([special] if special else [])])
            counts.append(count)
            leading_out |= {(table.name, key): sums[n] for n, key in enumerate(forbidden)}
            if not special or not sums[-1]:
                self._without_special.add(table.name)
        return Statistics(tuple(counts)), leading_out

    def _count(self, table: Table, conditions: Sequence[str] = ()) -> tuple[TableCount, list[int]]:
        breakdown = self.selection.rules[table.name].breakdown
        return count_rows(self.database, table, self._from(table), breakdown, conditions)

    def order_of(self, table: Table) -> list[str]:
        """The terms that the table's rows are ordered by; none where there is no key."""
        return [self.dialect.order(table.column(name)) for name in table.key]

    def keys_at(self, table: Table, places: Sequence[int]) -> list[tuple[object, ...]]:
        """The values of ``order_of`` in the rows at these places, which are counted from 0 in the
        order of ``rows``."""
        terms = self.order_of(table)
        names = [self.dialect.quote(f"demo_term{n}") for n in range(len(terms))]
        place = self.dialect.quote("demo_place")
        columns = ", ".join(f"{term} AS {name}" for term, name in zip(terms, names, strict=True))
        wanted = ", ".join(str(number + 1) for number in places)
        return self.database.rows(
            f"SELECT {', '.join(names)} FROM (SELECT {columns},"
            f" row_number() OVER (ORDER BY {', '.join(terms)}) AS {place} {self._from(table)})"
            f" AS numbered WHERE {place} IN ({wanted}) ORDER BY {place}"
        )

    def rows(self, table: Table) -> Iterator[list[bytes]]:
        """Raw rows by primary key, else by all columns as written, in lists of bounded size.

        Raises UnportableValueError naming table, column and key, DatabaseError.
        """
        names = [column.name for column in table.carried]
        if table.name in self.read:
            yield from checked(self.database, table, names, self.read[table.name])
        elif self._ahead is not None and table.name in self._ahead[1]:
            ahead, numbers = self._ahead
            yield from ahead.take(numbers[table.name])
        else:
            yield from self.stream(table, names, self.query(table))

    def query(self, table: Table, condition: str = "", limit: int | None = None) -> str:
        """SQL for the rows that ``rows`` gives, or those of them for which " AND …" holds; the
        first so many."""
        source = f"{self._from(table)}{condition} ORDER BY {', '.join(self.order_of(table)) or '1'}"
        source += "" if limit is None else f" LIMIT {limit}"
        empty = {column.name: self._left_empty(table, column) for column in table.carried}
        plain = {column.name: self._plain(table, column) for column in table.carried}
        looked_up = any(
            plain[column.name] != self.dialect.literal(column) for column in table.carried
        )
        if table.key and not looked_up:
            special = table.name not in self._without_special
            quick = self.dialect.quick_rows(table.carried, empty, source, special=special)
            if quick is not None:
                return quick
        literals = [
            f"CASE WHEN {empty[name]} THEN 'NULL' ELSE {literal} END" if empty[name] else literal
            for name, literal in plain.items()
        ]
        return f"SELECT {self.dialect.row(literals)} {source}"

    @contextmanager
    def reading_ahead(self, statistics: Statistics, jobs: int) -> Iterator[None]:
        """Have ``jobs`` connections read the rows that ``rows`` will be asked for, where the
        engine lets several see one state, and there are rows enough to make it worth while."""
        if jobs < 2 or not self.database.can_share or statistics.total < _WORTH_WHILE:
            yield
            return
        queries: list[str] = []
        numbers: dict[str, range] = {}
        for table in self.order.tables:
            parts = [
                self.query(table, condition)
                for condition in self._split(table, statistics.rows(table.name))
            ]
            numbers[table.name] = range(len(queries), len(queries) + len(parts))
            queries += parts
        with read_ahead(self.database, queries, jobs) as ahead:
            self._ahead = ahead, numbers
            yield

    def _split(self, table: Table, rows: int) -> list[str]:
        """Conditions that part the table's rows by ranges of its key, in order. One for all
        where a part would cost as much as the whole: rows told by those of another table."""
        count = rows // _PART_ROWS
        whole_numbers = len(table.key) == 1 and table.column(table.key[0]).kind is Kind.INTEGER
        told_by_another = bool(ways_of(self.selection.rules[table.name].rule))
        if count < 2 or not whole_numbers or told_by_another:
            return [""]
        key = self.dialect.quote(table.key[0])
        low, high = self.database.rows(f"SELECT min({key}), max({key}) {self._from(table)}")[0]
        bounds = [low + (high + 1 - low) * part // count for part in range(1, count)]
        return [
            f" AND {key} < {bounds[0]}",
            *(f" AND {key} >= {a} AND {key} < {b}" for a, b in pairwise(bounds)),
            f" AND {key} >= {bounds[-1]}",
        ]

    def stream(self, table: Table, names: Sequence[str], sql: str) -> Iterator[list[bytes]]:
        """The raw rows that a query of this object gives, of these columns of ``table``."""
        try:
            yield from checked(self.database, table, names, self.database.stream(sql))
        except DatabaseError as error:
            self._explain(table)
            raise ExportError(f"{table.name}: {error.message}", hint=error.hint) from error

    def _explain(self, table: Table) -> None:
        """Name the infinite number that made SQLite's float formatting fail, if one did."""
        for column in table.carried:
            if column.affinity in (None, Affinity.TEXT):
                continue
            name = self.dialect.quote(column.name)
            found = self.database.rows(
                f"SELECT {self.dialect.columns(table.key) or 'rowid'} {self._from(table)}"
                f" AND typeof({name}) = 'real' AND abs({name}) = 9e999 LIMIT 1"
            )
            if found:
                key = ", ".join(str(value) for value in found[0])
                raise UnportableValueError(
                    f"{table.name}.{column.name}: infinity in the row with key {key},"
                    " which no snapshot can carry",
                    hint="Set it to NULL or to a number.",
                )

    def columns_query(self, table: Table, names: Sequence[str]) -> str:
        """SQL for these columns of the rows that ``rows`` gives, in its order, as they stand in the
        database."""
        row = self.dialect.row([self.dialect.literal(table.column(name)) for name in names])
        return f"SELECT {row} {self._from(table)} ORDER BY {', '.join(self.order_of(table)) or '1'}"

    def included_count(self, table: Table) -> int:
        """How many rows of a table outside the demo travel along; ``rows`` gives them."""
        return int(self.database.scalar(f"SELECT count(*) {self._from(table)}"))

    def _plain(self, table: Table, column: Column) -> str:
        literal = self.dialect.literal(column)
        return self.demo.external.literal(table, column.name, literal, self.texts)

    def _left_empty(self, table: Table, column: Column) -> str:
        """The condition under which the column is written as NULL, empty for never."""
        conditions = self.demo.external.left_empty(table, column.name)
        conditions += [
            self._waits(reference)
            for reference in self.order.deferred
            if reference.table.name == table.name and column.name in reference.columns
        ]
        return " OR ".join(f"({condition})" for condition in conditions)

    def _is_forward(self, reference: DeferredReference) -> str:
        table = reference.table
        ahead, own = (
            ", ".join(self.dialect.order(table.column(name)) for name in names)
            for names in (reference.foreign_key.columns, table.key)
        )
        return f"({ahead}) > ({own})"

    def _waits(self, reference: DeferredReference) -> str:
        """The condition under which a row's reference is set at the end. One of which a part is
        NULL references nothing, and stands where it is."""
        given = " AND ".join(
            f"{self.dialect.quote(name)} IS NOT NULL" for name in reference.foreign_key.columns
        )
        return f"{given} AND {self._is_forward(reference)}" if reference.forward else given

    def _deferred_from(self, reference: DeferredReference) -> str:
        return f"{self._from(reference.table)} AND {self._waits(reference)}"

    def leads_ahead(self, table: Table, key: ForeignKey) -> bool:
        """Whether a row of ``table`` references, by ``key``, a row of it that ``rows`` gives
        later. Where the key references other columns than the primary key, or another table: any
        row."""
        in_order = key.referenced_table == table.name and key.referenced_columns == table.key
        ahead = DeferredReference(table, key, key.columns, in_order)
        return self.deferred_count(ahead) > 0

    def deferred_count(self, reference: DeferredReference) -> int:
        """How many rows ``deferred_rows`` gives."""
        return int(self.database.scalar(f"SELECT count(*) {self._deferred_from(reference)}"))

    def deferred_rows(self, reference: DeferredReference) -> Iterator[list[bytes]]:
        """Raw rows of key values followed by the values of the reference's columns."""
        names = (*reference.table.key, *reference.columns)
        yield from self.stream(reference.table, names, self.deferred_query(reference))

    def deferred_query(self, reference: DeferredReference) -> str:
        """SQL for the rows that ``deferred_rows`` gives."""
        table = reference.table
        names = (*table.key, *reference.columns)
        row = self.dialect.row([self.dialect.literal(table.column(name)) for name in names])
        order = ", ".join(self.order_of(table))
        return f"SELECT {row} {self._deferred_from(reference)} ORDER BY {order}"


def checked(
    database: Database, table: Table, names: Sequence[str], batches: Iterable[list[bytes]]
) -> Iterator[list[bytes]]:
    """The same raw rows, of these columns of ``table``. Raises UnportableValueError for a value
    that no document can carry."""
    columns = [table.column(name) for name in names]
    for batch in batches:
        if first_fault(b"".join(batch)) is not None:
            raise UnportableValueError(f"{table.name}: text that is not UTF-8")
        unfit = database.session.unfit(columns, batch)
        if unfit is not None:
            raise unportable(table, names, *unfit)
        yield batch
