"""Which rules count for which version in which database."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from demo_snapshots.config.rules import DriftRule
from demo_snapshots.config.settings import Config
from demo_snapshots.errors import UsageError
from demo_snapshots.model.snapshots import Header, Statistics, TableCount, Version
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.operations.drift import Drift, drift_of
from demo_snapshots.selection.schema import Schema


def table(name: str, *columns: str) -> Table:
    key = Column("id", Kind.INTEGER, nullable=False)
    return Table(name, (key, *(Column(column, Kind.TEXT) for column in columns)), ("id",))


def resolved(rules: list[DriftRule], snapshot: Table, *there: Table) -> Drift:
    header = Header(
        scenario="general",
        version=Version(3, date(2025, 1, 15)),
        generated=datetime(2025, 1, 15, tzinfo=UTC),
        source="sqlite 3.40.1",
        schema="0" * 12,
        tables=(snapshot,),
        statistics=Statistics((TableCount(snapshot.name, 0),)),
    )
    schema = Schema({each.name: each for each in there}, {}, (), ())
    config = Config(database="", snapshots="", tables={}, drift=tuple(rules))
    return drift_of(header, schema, config)


def columns(*pairs: tuple[str, str]) -> dict[str, str]:
    return {f"notes.{old}": new for old, new in pairs}


def test_names_are_followed_as_far_as_the_database_is_migrated():
    rule = DriftRule(
        rename_tables={"memos": "papers", "papers": "notes"},
        rename_columns=columns(("a", "b"), ("b", "c")),
    )
    drift = resolved([rule], table("memos", "a"), table("notes", "c"))
    assert (drift.tables["memos"].name, drift.tables["memos"].columns) == ("notes", {"a": "c"})
    assert resolved([rule], table("notes", "a"), table("notes", "b")).tables["notes"].columns == {
        "a": "b"
    }
    for snapshot in (table("notes", "c"), table("notes", "a")):
        assert not resolved([rule], snapshot, table("notes", "a"))
    assert not resolved([rule], table("notes", "a", "c"), table("notes", "c"))


def test_names_in_a_circle_lead_nowhere():
    rule = DriftRule(rename_columns=columns(("a", "b"), ("b", "a")))
    assert not resolved([rule], table("notes", "a"), table("notes", "c"))


def test_two_columns_do_not_become_one():
    rule = DriftRule(rename_columns=columns(("a", "c"), ("b", "c")))
    with pytest.raises(UsageError, match=r"notes\.a and notes\.b .* both be called notes\.c"):
        resolved([rule], table("notes", "a", "b"), table("notes", "c"))


def test_a_rule_is_about_its_scenario_and_its_versions():
    for rule, counts in (
        (DriftRule(drop_columns=("notes.a",)), True),
        (DriftRule(drop_columns=("notes.a",), scenario="general", through="v3"), True),
        (DriftRule(drop_columns=("notes.a",), scenario="writer"), False),
        (DriftRule(drop_columns=("notes.a",), through="v2_2025-01-15"), False),
        (DriftRule(drop_columns=("notes.id",)), False),
    ):
        assert bool(resolved([rule], table("notes", "a"), table("notes"))) is counts


def test_a_default_counts_where_the_snapshot_alone_lacks_the_column():
    rule = DriftRule(defaults={"notes.a": "x"})
    added = resolved([rule], table("notes"), table("notes", "a")).tables["notes"].added
    assert [(column.name, literal) for column, literal in added] == [("a", b"'x'")]
    assert not resolved([rule], table("notes", "a"), table("notes", "a"))
    assert not resolved([rule], table("notes"), table("notes"))
