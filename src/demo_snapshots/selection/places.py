"""Places in rows that a configuration names: a column, or a path into its JSON."""

from __future__ import annotations

import re

from demo_snapshots.model.rules import Field, Marked, TableSelection, Where
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.demo_set import DemoSet


def place_in(table: Table, text: str) -> Field:
    """The place that ``text`` names: ``due_at``, ``metadata.inbox.at``, ``messages[*].at``. Whether
    the table has the column is not looked at."""
    if table.has(text):
        return Field(text)
    column, *steps = re.findall(r"\[\*\]|[^.\[\]]+", text) or [text]
    return Field(column, tuple(steps))


def why_tied(demo: DemoSet, table: Table, place: Field) -> str | None:
    """Why what stands at ``place`` cannot become something else in a snapshot: a clause; None if
    nothing goes by it."""
    rule = demo.selection.rules.get(table.name)
    column = place.column
    if not table.key:
        return "the table has no primary key to order its rows by"
    if column in table.key:
        return "it is part of the primary key"
    if column in _referencing(demo, table):
        return "it is part of a foreign key"
    if rule is not None and rule.breakdown == column:
        return "rows are counted by it"
    if rule is not None and _tells(rule, place, demo.dialect.name):
        return "it says which rows are demo rows"
    return None


def _referencing(demo: DemoSet, table: Table) -> set[str]:
    """The columns of foreign keys of the table and to it."""
    others = (*demo.schema.tables.values(), *demo.external.included)
    keys = [key for other in others for key in other.foreign_keys]
    there = {
        n for key in keys if key.referenced_table == table.name for n in key.referenced_columns
    }
    return there | {name for key in table.foreign_keys for name in key.columns}


def _tells(rule: TableSelection, field: Field, engine: str) -> bool:
    match rule.rule:
        case Marked(marker) if marker == field:
            return True
        case Where() as where if is_in(field.column, getattr(where, engine)):
            return True
    return rule.scenario == field


def is_in(column: str, condition: str) -> bool:
    """Whether a condition speaks of a column of that name."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", condition, re.IGNORECASE) is not None
