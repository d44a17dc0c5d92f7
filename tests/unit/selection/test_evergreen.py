"""Which dates may move with today, by their names."""

from __future__ import annotations

import pytest

from demo_snapshots.model.rules import Field, Marked, TableSelection, Where
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.selection.evergreen import proposed


@pytest.mark.parametrize(
    ("table", "column", "moves"),
    [
        ("todos", "due_at", True),
        ("users", "last_seen_at", True),
        ("trials", "expires_at", True),
        ("users", "date_of_birth", False),
        ("contacts", "birthDate", False),
        ("companies", "founded_on", False),
        ("passports", "expires_on", False),
        ("users", "licence_valid_until", False),
        ("todos", "id", False),
        ("todos", "deleted_at", False),
    ],
)
def test_what_is_proposed(table, column, moves):
    key = Column("id", Kind.DATE if column == "id" else Kind.INTEGER)
    columns = (key,) if column == "id" else (key, Column(column, Kind.TIMESTAMP))
    condition = "deleted_at IS NULL"
    rule = Where(condition, condition, condition) if table == "todos" else Marked(Field("is_demo"))
    found = proposed(Table(table, columns, key=("id",)), TableSelection(table, rule))
    assert found == ((column,) if moves else ())
