"""Only what differs: a document's rows beside the demo rows as the engine writes them.

Both are in key order, so one merge join passes rows that are alike at memory speed, and only the
others are staged. What makes it sound: two rows of one engine with the same text are the same row,
and the staging knows of the others whether they are in the snapshot, in the database, or in both.
Every check and every change then goes by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from demo_snapshots.errors import DatabaseBusyError, DatabaseError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.rows.join import MergeJoin
from demo_snapshots.rows.keys import key_of
from demo_snapshots.rows.literals import choose, records
from demo_snapshots.rows.spill import Spool
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.stage import Stage, Staging


class NotJoinableError(Exception):
    """The rows cannot be told apart by a join after all: roll back, and stage them all."""


def joinable(demo: DemoSet, header: Header) -> frozenset[str]:
    """The tables of which only the rows that differ need be staged: with a key, described as they
    are and written by the same engine, whose rows are whole as they stand in the document, and
    which nothing but the import itself writes to."""
    order = demo.order
    described = tuple(header.tables)
    demo = demo.telling_apart([table.name for table in described if not table.key])
    tables = demo.schema.tables
    same_engine = header.source.partition(" ")[0] == demo.dialect.name
    if not same_engine or any(table.has_triggers for table in tables.values()):
        return frozenset()
    incomplete = {reference.table.name for reference in order.deferred}
    incomplete |= {table.name for table, _, _ in demo.external.lookups()}
    return frozenset(
        snapshot.name
        for snapshot in described
        if snapshot.name not in incomplete
        and (table := tables.get(snapshot.name)) is not None
        and _is_like(snapshot, table)
        and not _references_rewritten(table, tables.values())
    )


def _is_like(snapshot: Table, table: Table) -> bool:
    kinds = {column.name: column.kind for column in table.carried}
    described = {column.name: column.kind for column in snapshot.columns}
    return (
        bool(table.key)
        and described.keys() >= set(table.key)
        and described.items() <= kinds.items()
    )


def _references_rewritten(table: Table, tables: Iterable[Table]) -> bool:
    """Whether it references a table whose rows may all be deleted and inserted again."""
    without_key = {other.name for other in tables if not other.key}
    return any(key.referenced_table in without_key for key in table.declared_keys)


def stage_differing(staging: Staging, stage: Stage, texts: Iterable[bytes]) -> int:
    """Stage those of the document's raw rows that are not in the database as they are, and note
    the keys of the demo rows that are not in the document so; how many rows the document has.

    Raises NotJoinableError where either side is not in the order of its keys, or the database
    cannot write its rows.
    """
    places = [_place(stage, name) for name in stage.key]
    numeric = [stage.table.column(name).kind is Kind.INTEGER for name in stage.key]
    key = key_of(len(stage.columns), places, numeric)
    wanted = [column.name in stage.key for column in stage.columns]
    keys = [column for column in stage.columns if column.name in stage.key]
    with closing(Spool()) as ours, closing(Spool()) as theirs:
        join = MergeJoin(map(records, texts), _present(staging, stage), key)
        try:
            for snapshot, present in join:
                if snapshot is not None:
                    ours.add([b"(" + snapshot + b")"])
                if present is not None:
                    theirs.add([choose(b"(" + present + b")", wanted)])
        except DatabaseBusyError:
            raise
        except (ValueError, DatabaseError) as error:
            raise NotJoinableError from error
        # A connection answers one query at a time, so what was found waited for the last row.
        staging.load(stage.table.name, map(b",\n".join, ours))
        staging.note(stage, keys, map(b",\n".join, theirs), alike=join.same)
        return join.same + ours.count


def _place(stage: Stage, name: str) -> int:
    return [column.name for column in stage.columns].index(name)


def _present(staging: Staging, stage: Stage) -> Iterator[list[bytes]]:
    """The demo rows there are, as records in the order of their keys."""
    dialect, predicate = staging.dialect, staging.demo_predicate(stage)
    order = ", ".join(dialect.order(stage.table.column(name)) for name in stage.key)
    source = f"FROM {stage.target} WHERE {predicate} ORDER BY {order}"
    condition = dialect.special_values(stage.columns)
    special = (
        bool(condition) and staging.count(stage.target, f"({predicate}) AND ({condition})") > 0
    )
    never_empty = dict.fromkeys((column.name for column in stage.columns), "")
    query = dialect.quick_rows(stage.columns, never_empty, source, special=special)
    literals = [dialect.literal(column) for column in stage.columns]
    kept = staging.read.get(stage.table.name)
    for batch in staging.database.stream(query or f"SELECT {dialect.row(literals)} {source}"):
        if kept is not None:
            kept.add(batch)
        yield [row[1:-1] for row in batch]
