"""In which order tables load, and which references cannot be there from the start."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from demo_snapshots.model.tables import ForeignKey, Table


class DeferredReference(Struct, frozen=True):
    """``columns`` of ``table`` load as NULL and are set at the end: where ``forward``, only in
    rows that reference a row of their own table further on in key order."""

    table: Table
    foreign_key: ForeignKey
    columns: tuple[str, ...]
    forward: bool


class LoadOrder(Struct, frozen=True):
    """``tables`` with referenced tables before referencing ones, else as they were given.
    ``postponed`` are foreign keys of NOT NULL columns in a cycle, checked only at the end."""

    tables: tuple[Table, ...]
    deferred: tuple[DeferredReference, ...] = ()
    postponed: tuple[tuple[Table, ForeignKey], ...] = ()

    def only(self, names: Collection[str]) -> LoadOrder:
        """The same order of the tables with these names."""
        return LoadOrder(
            tuple(table for table in self.tables if table.name in names),
            tuple(each for each in self.deferred if each.table.name in names),
            tuple(each for each in self.postponed if each[0].name in names),
        )


def load_order(tables: Mapping[str, Table]) -> LoadOrder:
    """The order for ``tables``, which reference each other only by their foreign keys. Nothing
    has to be put off for one that is not declared, which only prefers an order."""
    waiting = dict(tables)
    ordered: list[Table] = []
    deferred: list[DeferredReference] = []
    postponed: list[tuple[Table, ForeignKey]] = []
    while waiting:
        table = _next(waiting)
        if table is None:
            table = _break_cycle(waiting)
            for key in _needs(table, waiting):
                _put_off(table, key, deferred, postponed, forward=False)
        for key in table.declared_keys:
            if key.referenced_table == table.name:
                by_key = key.referenced_columns == table.key and len(table.key) > 0
                _put_off(table, key, deferred, postponed, forward=by_key)
        ordered.append(waiting.pop(table.name))
    return LoadOrder(tuple(ordered), tuple(deferred), tuple(postponed))


def _next(waiting: Mapping[str, Table]) -> Table | None:
    """The first table that references none of those that wait; where all do, the first that does
    so only by foreign keys that are not declared."""
    free = [table for table in waiting.values() if not _needs(table, waiting)]
    wholly = (t for t in free if not any(_leads_to(key, t, waiting) for key in t.foreign_keys))
    return next(wholly, free[0] if free else None)


def _needs(table: Table, waiting: Mapping[str, Table]) -> list[ForeignKey]:
    return [key for key in table.declared_keys if _leads_to(key, table, waiting)]


def _leads_to(key: ForeignKey, table: Table, waiting: Mapping[str, Table]) -> bool:
    return key.referenced_table in waiting and key.referenced_table != table.name


def _nullable(table: Table, key: ForeignKey) -> tuple[str, ...]:
    # One NULL column switches a composite key off (MATCH SIMPLE, the default everywhere).
    return tuple(
        column.name
        for column in map(table.column, key.columns)
        if column.nullable and not column.generated and column.name not in table.key
    )


def _break_cycle(waiting: Mapping[str, Table]) -> Table:
    cyclic = [table for table in waiting.values() if _reaches(table, table.name, waiting)]
    for table in cyclic:
        if table.key and all(_nullable(table, key) for key in _needs(table, waiting)):
            return table
    return cyclic[0]


def _reaches(table: Table, goal: str, waiting: Mapping[str, Table]) -> bool:
    seen: set[str] = set()
    ahead = [key.referenced_table for key in _needs(table, waiting)]
    while ahead:
        name = ahead.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            ahead += [key.referenced_table for key in _needs(waiting[name], waiting)]
    return False


def _put_off(
    table: Table,
    key: ForeignKey,
    deferred: list[DeferredReference],
    postponed: list[tuple[Table, ForeignKey]],
    *,
    forward: bool,
) -> None:
    columns = _nullable(table, key)
    if columns and table.key:
        deferred.append(DeferredReference(table, key, columns, forward))
    else:
        postponed.append((table, key))
