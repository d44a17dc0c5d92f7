"""Which records a foreign key holds for, where a column says what they reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demo_snapshots.model.tables import OfType
from demo_snapshots.rows.literals import quote

Tells = Callable[[Sequence[bytes]], bool]
"""Whether a record's cells are those of a row that is told."""


def told_by(only: OfType | None, names: Sequence[str]) -> Tells:
    """What tells the rows of ``only`` by their cells, those of the columns ``names``. Types of
    Django are carried by natural key, as the configuration is held to have it."""
    if only is None:
        return lambda cells: True
    place = names.index(only.column)
    if not only.is_content_type:
        wanted = {only.value.encode(), quote(only.value).encode()}
        return lambda cells: cells[place] in wanted
    label, _, model = only.value.partition(".")
    parts = [
        f"{name}={quote(value)}".encode()
        for name, value in (("app_label", label), ("model", model))
    ]
    return lambda cells: all(part in cells[place] for part in parts)
