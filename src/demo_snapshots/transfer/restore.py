"""Make the demo rows exactly the staged snapshot, and be sure of it, past triggers too.

Triggers that rewrite a row whenever it is updated (a timestamp, a version) make of a row changed
in place another one. So what was merged is compared with the snapshot, and where it came out
otherwise undone, to the last entry in an audit log, and merged again with rows of such tables
deleted and inserted instead. Not before: who has triggers that leave the rows alone has them see
an update. No trigger is spared what it would have objected to: it has seen the very same rows
before, and what is objected to is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from demo_snapshots.errors import DatabaseBusyError, DatabaseError, VerificationError
from demo_snapshots.model.results import TableComparison
from demo_snapshots.model.tables import Table
from demo_snapshots.transfer.compare import compare
from demo_snapshots.transfer.merge import Merge
from demo_snapshots.transfer.stage import Staging

_SHOWN = 5


def restore(staging: Staging) -> int:
    """Merge the staged rows into the tables, within the staging's transaction; how many rows
    were written. Raises VerificationError unless the demo rows are exactly the staged ones then,
    naming triggers that may be why."""
    tables = [stage.table for stage in staging.stages.values()]
    merge = Merge(staging)
    if not any(table.has_update_triggers for table in tables):
        written = merge.apply()
        if differing := _differing(staging, merge):
            raise _refusal(merge, tables, differing[0])
        return written
    while True:
        with staging.database.attempt() as undo:
            written = _apply(merge, tables)
            differing = _differing(staging, merge)
            if not differing:
                return written
            more = _to_be_rigid(merge, tables, differing)
            if not more:
                raise _refusal(merge, tables, differing[0])
            undo()
        merge = Merge(staging, merge.rigid | more)


def _apply(merge: Merge, tables: Sequence[Table]) -> int:
    try:
        return merge.apply()
    except DatabaseBusyError:
        raise
    except DatabaseError as error:
        if merge.rigid:
            named = ", ".join(_named(table for table in tables if table.name in merge.rigid))
            error.hint = (
                f"Nothing was changed. Rows of {', '.join(sorted(merge.rigid))} were about to be"
                f" deleted and inserted again, since they do not stay as they are when they are"
                f" updated ({named}). {_WAY_OUT}"
            )
        raise


def _differing(staging: Staging, merge: Merge) -> list[TableComparison]:
    # Rows that cannot have been written were found alike before, in the same transaction: of
    # those only that they are demo rows still is looked at.
    return [found for found in compare(staging, merge.written) if not found.same]


def _to_be_rigid(
    merge: Merge, tables: Sequence[Table], differing: Sequence[TableComparison]
) -> frozenset[str]:
    """The tables of which rows should not have been changed in place: those that came out
    otherwise, else all whose triggers may have reached into them."""
    updated = {table.name for table in tables if table.has_update_triggers} & merge.updated
    left = frozenset(updated - set(merge.rigid))
    return left & {found.table for found in differing} or left


_WAY_OUT = (
    "Switch the trigger off for the import, or let it leave demo rows alone;"
    " docs/troubleshooting.md says how."
)


def _refusal(merge: Merge, tables: Sequence[Table], found: TableComparison) -> VerificationError:
    message = (
        f"{found.table}: after the load {found.missing} rows of the snapshot were not there,"
        f" {found.changed} were not alike and {found.extra} were too many"
    )
    elsewhere = "the snapshot's rows are no demo rows by this configuration."
    own = [table for table in tables if table.name == found.table and table.has_triggers]
    suspects = ", ".join(_named(own or tables))
    if not suspects:
        return VerificationError(message, hint=f"Nothing was changed. It may be that {elsewhere}")
    hint = f"Nothing was changed. Triggers that may rewrite rows: {suspects}. {_WAY_OUT}"
    if found.table in merge.rigid and merge.held.found:
        message += "; rows that real rows need are not deleted and inserted again"
        hint += (
            " In PostgreSQL, an import passes by what fires before such a row is updated if"
            f" the user owns {found.table}."
        )
    return VerificationError(message, hint=f"{hint} Or {elsewhere}")


def _named(tables: Iterable[Table]) -> Iterator[str]:
    """``films.last_updated``, and so on, a few."""
    found = [f"{table.name}.{trigger.name}" for table in tables for trigger in table.triggers]
    yield from found[:_SHOWN]
    if len(found) > _SHOWN:
        yield "…"
