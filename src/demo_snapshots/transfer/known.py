"""A snapshot that is put in again and again, and what has been found out about it for good.

Where an import has shown that a snapshot's rows are the demo rows of some tables, and the database
says the same of these tables as it did then, two ends can be reached without finding it all out
again. Either there is no demo row: then the same rows go right into the tables, as in an import by
the direct route. Or the demo rows there are have the digest of those that were there then, which
were compared with the snapshot: then there is nothing to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from demo_snapshots.documents.protocol import Event
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import VerificationError
from demo_snapshots.model.snapshots import Header, Statistics, TableCount
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.load import load_events
from demo_snapshots.transfer.protect import require_foreign_keys
from demo_snapshots.transfer.stage import Staging


class KnownSnapshot(Struct, frozen=True):
    """``events`` are the snapshot's rows, checked against the tables of ``demo`` when they had
    this ``stamp``; ``digest`` is that of the demo rows when they were the snapshot's."""

    demo: DemoSet
    header: Header
    events: Sequence[Event]
    stamp: object
    questions: Questions
    digest: bytes
    counters: object

    def fits(self, database: Database) -> bool:
        """Whether all that was found out of the tables holds in ``database``."""
        return database.stamp(stamped(self.demo)) == self.stamp

    def put(self, database: Database) -> tuple[Statistics, int] | None:
        """Make the demo rows the snapshot's, within a transaction that writes; which demo rows
        there were, and how many rows were changed. None if it takes a whole import. Raises
        DatabaseError and VerificationError; then the transaction is to be rolled back."""
        database.prefer_indexes()
        demo = self.demo.over(database)
        staging = Staging(demo, self.header.tables)
        if self.questions.finds(database):
            if self.questions.digest(database) != self.digest:
                return None
            replaced, changed = self.header.statistics, 0
        else:
            with database.postponing(staging.order.postponed):
                changed = load_events(self.header, self.events, staging, direct=True)
            replaced = Statistics(tuple(TableCount(name, 0) for name in staging.stages))
            loaded = [self.header.statistics.rows(name) for name in staging.stages]
            if self.questions.counts(database) != loaded:
                raise VerificationError("not all rows that were loaded are demo rows")
        require_foreign_keys(staging, undeclared=True)
        database.advance_sequences(_counted(demo), self.counters)
        return replaced, changed

    def is_there(self, database: Database) -> bool:
        """Whether the demo rows are the snapshot's, within a transaction."""
        database.prefer_indexes()
        return self.questions.digest(database) == self.digest


class Questions(Struct, frozen=True):
    """What is asked each time, in SQL: whether there is any demo row, how many there are in each
    table, and all of them."""

    any_row: str
    numbers: str
    rows: tuple[str, ...]

    @classmethod
    def about(cls, demo: DemoSet) -> Questions:
        dialect = demo.dialect
        tables = demo.order.tables
        demo_rows = [dialect.found_by_key(table, demo.predicate(table)) for table in tables]
        found = " OR ".join(f"EXISTS (SELECT 1 FROM {rows})" for rows in demo_rows)
        numbers = (f"SELECT {n}, count(*) FROM {rows}" for n, rows in enumerate(demo_rows))
        return cls(
            any_row=f"SELECT CASE WHEN {found} THEN 1 ELSE 0 END",
            numbers=" UNION ALL ".join(numbers),
            rows=tuple(
                f"SELECT {_literal_row(demo, table)} FROM {dialect.rows_of(table)}"
                f" WHERE {demo.predicate(table)} ORDER BY {_order(demo, table)}"
                for table in tables
            ),
        )

    def finds(self, database: Database) -> bool:
        return bool(database.scalar(self.any_row))

    def counts(self, database: Database) -> list[int]:
        return [int(number) for _, number in sorted(database.rows(self.numbers))]

    def digest(self, database: Database) -> bytes:
        """Over every value of every demo row, as the engine writes it."""
        digest = hashlib.sha256()
        for number, query in enumerate(self.rows):
            digest.update(f"\n{number}\n".encode())
            for batch in database.stream(query):
                digest.update(b"\n".join(batch))
                digest.update(b"\n")
        return digest.digest()


def _literal_row(demo: DemoSet, table: Table) -> str:
    return demo.dialect.row([demo.dialect.literal(column) for column in table.carried])


def _order(demo: DemoSet, table: Table) -> str:
    return ", ".join(demo.dialect.order(table.column(name)) for name in table.key) or "1"


def known(demo: DemoSet, header: Header, events: Sequence[Event], stamp: object) -> KnownSnapshot:
    """What is known once the demo rows have been found to be the snapshot's, within that very
    transaction, which began with this ``stamp`` of the tables."""
    database = demo.database
    questions = Questions.about(demo)
    return KnownSnapshot(
        demo=demo,
        header=header,
        events=events,
        stamp=stamp,
        questions=questions,
        digest=questions.digest(database),
        counters=database.advance_sequences(_counted(demo)),
    )


def can_be_known(demo: DemoSet, header: Header) -> bool:
    """Whether nothing but the tables of ``demo`` decides what becomes of the snapshot's rows:
    no other row that it brings along or looks up, no trigger."""
    return not (
        header.includes
        or any(demo.external.lookups())
        or demo.schema.listed
        or any(table.has_triggers for table in demo.schema.tables.values())
    )


def locked(demo: DemoSet) -> list[Table]:
    """The tables that nobody else may write to while demo rows are replaced."""
    return [*demo.schema.tables.values(), *demo.schema.referencing]


def stamped(demo: DemoSet) -> list[Table]:
    """The tables that decide what becomes of demo rows."""
    return [*locked(demo), *demo.schema.external.values()]


def _counted(demo: DemoSet) -> list[Table]:
    return [*demo.schema.tables.values(), *demo.schema.external.values()]
