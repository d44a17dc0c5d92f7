"""Which rows are demo rows: the configuration's rules, resolved against tables."""

from __future__ import annotations

from msgspec import Struct

from demo_snapshots.model.tables import OfType


class Field(Struct, frozen=True):
    """A column, or a place inside its JSON: ``metadata.demo_seed`` is ``("demo_seed",)``."""

    column: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.column, *self.path))


class Marked(Struct, frozen=True):
    """Rows whose ``field`` reads true (``true`` or ``1`` as boolean, number or string)."""

    field: Field


class Follows(Struct, frozen=True):
    """Rows that reference a demo row of ``table`` by ``columns``, of those that ``only`` tells."""

    columns: tuple[str, ...]
    table: str
    referenced_columns: tuple[str, ...]
    only: OfType | None = None


class FollowsInside(Struct, frozen=True):
    """Rows whose ``column`` holds inside, at ``path``, the ``referenced_column`` of a demo row of
    ``table``. Of JSON a path is ``post_id`` or ``items[*].id``, of an array it is ``[*]``. ``key``
    is the rows' own key."""

    column: str
    path: str
    key: tuple[str, ...]
    table: str
    referenced_column: str
    is_array: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


Way = Follows | FollowsInside


class Where(Struct, frozen=True):
    """Rows for which a SQL predicate holds; one text per engine, mostly the same."""

    sqlite: str
    postgresql: str
    mariadb: str


class FollowsAny(Struct, frozen=True):
    """Rows that reference a demo row in at least one of several ways."""

    ways: tuple[Way, ...]


Rule = Marked | Follows | FollowsInside | FollowsAny | Where


def ways_of(rule: Rule) -> tuple[Way, ...]:
    """The references by which a rule tells demo rows; none for a marker or a predicate."""
    match rule:
        case Follows() | FollowsInside():
            return (rule,)
        case FollowsAny(ways):
            return ways
        case _:
            return ()


class Labelled(Struct, frozen=True):
    """The rows that carry ``label`` as their scenario themselves, and those that follow them."""

    label: str


class WithCopies(Struct, frozen=True):
    """All demo rows, those of copies too."""


Whose = str | Labelled | WithCopies | None
"""Of which demo rows one speaks: a scenario's and those that name none; those with a label; None:
all but those of copies."""


class TableSelection(Struct, frozen=True):
    """What makes a row of ``table`` a demo row, and which scenario it belongs to."""

    table: str
    rule: Rule
    scenario: Field | None = None
    breakdown: str | None = None
    json_references: tuple[tuple[str, str], ...] = ()
