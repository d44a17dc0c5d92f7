"""A comparison as JSON lines."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from unit.render.changes import EVERY_KIND, changed, comparison, hostile

from demo_snapshots.model.changes import NOTHING, Cell, Json, TableDifference
from demo_snapshots.render.comparison.jsonl import change_line, summary_line
from demo_snapshots.render.comparison.kept import without_values


def read(line: str):
    assert line.isascii()
    assert "\n" not in line
    return json.loads(line, parse_float=Decimal, parse_constant=pytest.fail)


def test_every_kind_of_change():
    one, many, moved, removed, added = (read(change_line(change)) for change in EVERY_KIND)
    assert one == {
        "table": "todos",
        "what": "changed",
        "key": {"id": 7},
        "cells": [{"column": "state", "path": [], "old": "open", "new": "done"}],
        "copies": 1,
    }
    assert many["key"] == {"order_id": 3, "line": "a b"}
    assert many["cells"] == [
        {"column": "metadata", "path": ["priority"], "old": "low", "new": "high"},
        {"column": "metadata", "path": ["inbox", 0, "at"], "new": {"a": [1]}},
        {"column": "price", "path": [], "old": Decimal("1.00"), "new": None},
        {"column": "done", "path": [], "old": False, "new": True},
        {"column": "picture", "path": [], "old": {"binary": "00ff"}, "new": {"binary": ""}},
        {"column": "note", "path": [], "old": "", "new": None},
    ]
    assert moved["cells"] == [{"column": "id", "path": [], "old": 3, "new": 103}]
    assert [cell["old"] for cell in removed["cells"]] == [5, "gone", None]
    assert [cell["new"] for cell in added["cells"]] == [101, "new", "open"]


def test_the_summary():
    tables = (
        TableDifference("tags", removed=2, missing="new"),
        TableDifference("same", same=4),
    )
    document = read(summary_line(comparison(EVERY_KIND, *tables, notes=("a note",))))["summary"]
    assert document["differs"] is True
    assert (document["old"], document["new"]) == ("general v3_2025-01-15", "general v4_2025-01-20")
    assert [table["differs"] for table in document["tables"]] == [True, True, False]
    assert document["tables"][1]["missing"] == "new"
    assert document["total"] == {"changed": 2, "moved": 1, "added": 1, "removed": 3, "same": 101}
    assert document["notes"] == ["a note"]


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (Json("1.10"), Decimal("1.10")),
        (Json('{"ä": "\\u00e9é😀"}'), {"ä": "éé😀"}),
        (Json('"\ud800"'), "\ud800"),
        (Json("NaN"), "NaN"),
        (Json('[1, {"a": Infinity}]'), '[1, {"a": Infinity}]'),
        (12345678901234567890, 12345678901234567890),
        (Decimal("1E+30"), Decimal("1E+30")),
    ],
)
def test_values_keep_what_they_are(value, given):
    [cell] = read(change_line(changed(Cell("x", NOTHING, value, ("a",)))))["cells"]
    assert cell["new"] == given
    assert "old" not in cell


def test_hostile_values_come_out_as_they_went_in():
    changes = hostile()
    for change in changes:
        document = read(change_line(change))
        for cell, told in zip(change.cells, document["cells"], strict=True):
            for side, value in (("old", cell.old), ("new", cell.new)):
                if isinstance(value, str) and not isinstance(value, Json):
                    assert told[side] == value


def test_without_values_no_cell_has_a_side():
    for change in EVERY_KIND:
        document = read(change_line(without_values(change)))
        if change.what != "moved":
            assert all(set(cell) == {"column", "path"} for cell in document["cells"])
