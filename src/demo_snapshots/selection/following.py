"""Foreign keys -> which tables follow the demo rows of others. Pure: looks at no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from demo_snapshots.model.tables import ForeignKey, Table


class Following(Struct, frozen=True):
    """``table`` follows by ``key``. ``others`` are the foreign keys it could follow by as well,
    and ``because`` says in words what speaks for ``key``. It is ``weak`` where its rows outlive
    what they reference, and so are hardly demo rows because of it; it is ``loose`` where they
    need not reference any, so that those that do are worth a look."""

    table: str
    key: ForeignKey
    others: tuple[ForeignKey, ...]
    because: str
    weak: bool = False
    loose: bool = False


def follow(tables: Mapping[str, Table], marked: Collection[str]) -> list[Following]:
    """The tables that reference ``marked`` ones over any number of hops, nearest first, then
    by name. Each follows by one foreign key, and every chain ends at a marked table."""
    strong = _distances(tables, marked, weak=False)
    chosen: dict[str, Following] = {}
    for name in sorted(strong, key=lambda name: (strong[name], name)):
        if name not in marked:
            _choose(name, tables, marked, strong, chosen, ())
    weak = [
        _best(table, keys, {}, weak=True)
        for name, table in sorted(tables.items())
        if name not in strong and (keys := _keys(table, strong, weak=True))
    ]
    return [*sorted(chosen.values(), key=lambda f: (strong[f.table], f.table)), *weak]


def _distances(
    tables: Mapping[str, Table], marked: Collection[str], *, weak: bool
) -> dict[str, int]:
    reached = dict.fromkeys(marked, 0)
    hops, grew = 0, True
    while grew:
        hops += 1
        near = [n for n, t in tables.items() if n not in reached and _keys(t, reached, weak=weak)]
        reached |= dict.fromkeys(near, hops)
        grew = bool(near)
    return reached


def _keys(table: Table, reached: Collection[str], *, weak: bool) -> list[ForeignKey]:
    return [
        key
        for key in table.foreign_keys
        if key.referenced_table in reached
        and key.referenced_table != table.name
        and _is_weak(table, key) == weak
    ]


def _is_weak(table: Table, key: ForeignKey) -> bool:
    loses_it = key.on_delete in ("SET NULL", "SET DEFAULT")
    return loses_it and (_is_nullable(table, key) or not key.declared)


def _is_nullable(table: Table, key: ForeignKey) -> bool:
    return any(table.column(name).nullable for name in key.columns)


def _choose(
    name: str,
    tables: Mapping[str, Table],
    marked: Collection[str],
    distances: Mapping[str, int],
    chosen: dict[str, Following],
    path: tuple[str, ...],
) -> bool:
    """Put the best choice for ``name`` among the ``chosen`` whose chain does not lead back
    into ``path``; False if there is none."""
    if name in marked or name in chosen:
        return True
    if name in path:
        return False
    keys = _keys(tables[name], distances, weak=False)
    while keys:
        best = _best(tables[name], keys, distances, weak=False)
        onward = (*path, name)
        if _choose(best.key.referenced_table, tables, marked, distances, chosen, onward):
            chosen[name] = best
            return True
        keys.remove(best.key)
    return False


def _best(
    table: Table, keys: list[ForeignKey], distances: Mapping[str, int], *, weak: bool
) -> Following:
    key = min(keys, key=lambda key: [rank for rank, _ in _merits(table, key, distances)])
    # Those by the same columns belong to it: another column says which of them a row has.
    others = tuple({k.columns: k for k in keys if k.columns != key.columns}.values())
    because = ""
    if others:
        runner_up = min(
            others, key=lambda other: [rank for rank, _ in _merits(table, other, distances)]
        )
        merits = zip(
            _merits(table, key, distances), _merits(table, runner_up, distances), strict=True
        )
        because = next((word for (a, word), (b, _) in merits if a < b), "it is defined first")
    # Of a key that is not declared the rows say how far it holds.
    loose = not weak and key.declared and _is_nullable(table, key) and key.on_delete != "CASCADE"
    return Following(table.name, key, others, because, weak, loose)


def _merits(table: Table, key: ForeignKey, distances: Mapping[str, int]) -> list[tuple[int, str]]:
    """What speaks for following by ``key``, weightiest first; the smaller number is better."""
    return [
        (_is_nullable(table, key), "it is never NULL"),
        (not set(key.columns) <= set(table.key), "it is part of the primary key"),
        (key.on_delete != "CASCADE", "deletes cascade along it"),
        (distances.get(key.referenced_table, 0), "it leads to a marked table in fewer steps"),
        (not key.declared, "the database declares it"),
        # Not by the order of the keys: engines list them in any.
        (min(_place(table, name) for name in key.columns), "its columns come first in the table"),
    ]


def _place(table: Table, column: str) -> int:
    return [found.name for found in table.columns].index(column)
