"""Of a snapshot and a demo set, the tables that are asked for."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from demo_snapshots.errors import UsageError
from demo_snapshots.model.snapshots import Header, Statistics
from demo_snapshots.model.words import Call, Words
from demo_snapshots.selection.demo_set import DemoSet


def narrowed(header: Header, demo: DemoSet, only: Collection[str] | None) -> tuple[Header, DemoSet]:
    """Header and set without the tables that are not asked for. Raises UsageError for one that
    the snapshot does not have."""
    if only is None:
        return header, demo
    names = {demo.schema.configured.get(name, name) for name in only}
    there = [table.name for table in header.tables]
    unknown = sorted(names.difference(there))
    if unknown or not names:
        raise UsageError(
            Words(Call(only=...), f": the snapshot has no table {', '.join(unknown)}")
            if unknown
            else Words(Call(only=...), ": no table is named"),
            hint=f"It has {', '.join(there)}.",
        )
    travel = demo.external.reached_from(names)
    rest = replace(
        header,
        tables=tuple(table for table in header.tables if table.name in names),
        includes=tuple(each for each in header.includes if each[0].name in travel),
        statistics=Statistics(
            tuple(count for count in header.statistics.tables if count.table in names)
        ),
    )
    return rest, demo.only(names)
