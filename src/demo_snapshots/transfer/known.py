"""A snapshot that is put in again and again, and what has been found out about it for good.

Where an import has shown that a snapshot's rows are the demo rows of some tables, and the database
says the same of these tables as it did then, two ends can be reached without finding it all out
again. Either there is no demo row: then the same rows go right into the tables, as in an import by
the direct route. Or the demo rows there are have the digest of those that were there then, which
were compared with the snapshot: then there is nothing to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from msgspec import Struct

from demo_snapshots.documents.protocol import Event
from demo_snapshots.engines.connection import Database
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
    digest: bytes
    counters: object

    def fits(self, database: Database) -> bool:
        """Whether all that was found out of the tables holds in ``database``."""
        return database.stamp(stamped(self.demo)) == self.stamp

    def put(self, database: Database) -> tuple[Statistics, int] | None:
        """Make the demo rows the snapshot's, within a transaction that writes; which demo rows
        there were, and how many rows were changed. None if it takes a whole import. Raises
        DatabaseError and VerificationError; then the transaction is to be rolled back."""
        demo = self.demo.over(database)
        staging = Staging(demo, self.header.tables)
        if any(_counts(staging)):
            if digest_of(demo) != self.digest:
                return None
            replaced, changed = self.header.statistics, 0
        else:
            with database.postponing(staging.order.postponed):
                changed = load_events(self.header, self.events, staging, direct=True)
            replaced = Statistics(tuple(TableCount(name, 0) for name in staging.stages))
            loaded = [self.header.statistics.rows(name) for name in staging.stages]
            if _counts(staging) != loaded:
                raise VerificationError("not all rows that were loaded are demo rows")
        require_foreign_keys(staging, undeclared=True)
        database.advance_sequences(_counted(demo), self.counters)
        return replaced, changed

    def is_there(self, database: Database) -> bool:
        """Whether the demo rows are the snapshot's, within a transaction."""
        return digest_of(self.demo.over(database)) == self.digest


def known(demo: DemoSet, header: Header, events: Sequence[Event], stamp: object) -> KnownSnapshot:
    """What is known once the demo rows have been found to be the snapshot's, within that very
    transaction, which began with this ``stamp`` of the tables."""
    database = demo.database
    return KnownSnapshot(
        demo=demo,
        header=header,
        events=events,
        stamp=stamp,
        digest=digest_of(demo),
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


def _counts(staging: Staging) -> list[int]:
    """The demo rows there are, by table, in one query."""
    counts = (
        f"SELECT {stage.number}, count(*) FROM {stage.target} WHERE {staging.demo_predicate(stage)}"
        for stage in staging.stages.values()
    )
    found = dict(staging.database.rows(" UNION ALL ".join(counts)))
    return [int(found[stage.number]) for stage in staging.stages.values()]


def digest_of(demo: DemoSet) -> bytes:
    """Over every value of every demo row, as the engine writes it."""
    digest = hashlib.sha256()
    for table in demo.order.tables:
        digest.update(f"\n{table.name}\n".encode())
        for batch in demo.database.stream(_rows_of(demo, table)):
            digest.update(b"\n".join(batch))
            digest.update(b"\n")
    return digest.digest()


def _rows_of(demo: DemoSet, table: Table) -> str:
    dialect = demo.dialect
    row = dialect.row([dialect.literal(column) for column in table.carried])
    order: Collection[str] = [dialect.order(table.column(name)) for name in table.key]
    return (
        f"SELECT {row} FROM {dialect.rows_of(table)} WHERE {demo.predicate(table)}"
        f" ORDER BY {', '.join(order) or '1'}"
    )
