"""A comparison for the terminal."""

from __future__ import annotations

from contextlib import closing

import pytest
from unit.render.changes import (
    EVERY_KIND,
    added,
    changed,
    comparison,
    hostile,
    kept,
)

from demo_snapshots.model.changes import Cell, TableDifference
from demo_snapshots.render.comparison import words
from demo_snapshots.render.comparison.text import TextForm, heading, totals
from demo_snapshots.render.report import Grid, Line, Look


def shown(changes, *tables, width=100, most=1_000, hidden=False, signs=words.UNICODE):
    found = comparison(changes, *tables)
    with closing(kept(changes, most, hidden=hidden)) as held:
        lines = list(TextForm(width, signs).lines(found, held))
    return ["".join(text for text, _ in line) for line in lines]


def test_every_kind_of_change():
    assert shown(EVERY_KIND) == [
        "",
        "todos  2 changed, 1 moved, 1 added, 1 removed, 97 the same",
        '  ~ id=7  state: "open" → "done"',
        '  ~ order_id=3, line="a b"',
        '      metadata.priority: "low" → "high"',
        '      metadata.inbox[0].at: (absent) → {"a": [1]}',
        "      price: 1.00 → NULL",
        "      done: false → true",
        "      picture: X'00FF' → X''",
        '      note: "" → NULL',
        "  ~ id=3 → id=103",
        '  - id=5  title: "gone", due: NULL',
        '  + id=101  title: "new", state: "open"',
    ]


def test_marks_have_colours():
    with closing(kept(EVERY_KIND)) as held:
        lines = list(TextForm(100).lines(comparison(EVERY_KIND), held))
    looks = {line[0][0].split()[0]: line[0][1] for line in lines if line and "id=" in line[0][0]}
    assert looks == {"~": Look.WARNING, "-": Look.BAD, "+": Look.GOOD}


def test_without_values_there_are_keys_and_columns():
    assert shown(EVERY_KIND, hidden=True)[2:] == [
        "  ~ id=7  state",
        '  ~ order_id=3, line="a b"  metadata, price, done, picture, note',
        "  ~ id=3 → id=103",
        "  - id=5",
        "  + id=101",
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_long_values_are_shown_from_where_they_differ(width):
    before, after = "word " * 200, " more" * 200
    [line] = shown(
        [changed(Cell("body", f"{before}old{after}", f"{before}new{after}"))], width=width
    )[-1:]
    assert "old" in line
    assert "new" in line
    assert line.count("…") == 4
    assert len(line) <= max(width, 60)


def test_a_row_that_one_side_has_takes_one_line():
    values = {f"column_{place}": "x" * 30 for place in range(50)}
    [line] = shown([added(id=1, **values)], width=90)[-1:]
    assert len(line) <= 90
    assert line.endswith("…")


def test_ascii():
    lines = shown(EVERY_KIND, most=1, signs=words.ASCII)
    assert lines[2:] == ['  ~ id=7  state: "open" -> "done"', "  ... and 4 more"]
    assert "".join(text for text, _ in heading(comparison(EVERY_KIND), words.ASCII)).isascii()


def test_what_one_side_alone_has_is_said_once():
    tables = (
        TableDifference("todos", same=3, only_old=("due",), only_new=("a", "b")),
        TableDifference("tags", added=12, missing="old"),
        TableDifference("gone", removed=2, missing="new"),
    )
    assert shown([], *tables) == [
        "",
        "todos  3 the same",
        "  the column due only in general v3_2025-01-15",
        "  2 columns a, b only in general v4_2025-01-20",
        "",
        "tags  12 added",
        "  the table is only in general v4_2025-01-20",
        "",
        "gone  2 removed",
        "  the table is only in general v3_2025-01-15",
    ]


def test_many_columns_are_named_in_part():
    names = tuple(f"c{place}" for place in range(500))
    [fact] = shown([], TableDifference("wide", only_new=names))[2:]
    assert fact.startswith("  500 columns c0, c1, ")
    assert "c19 and 480 more only in" in fact


def test_no_difference_is_said_plainly():
    same = comparison([], TableDifference("todos", same=3), notes=("two engines",))
    assert heading(same) == (("general v3_2025-01-15 → v4_2025-01-20: no difference", Look.GOOD),)
    assert totals(same) == (Line("note: two engines", Look.WARNING),)


def test_totals_have_the_alike_tables_in_one_row():
    alike = (TableDifference("a", same=3), TableDifference("b", same=4))
    [grid] = totals(comparison(EVERY_KIND, *alike))
    assert isinstance(grid, Grid)
    assert [row.cells for row in grid.rows] == [
        ("todos", "2", "1", "1", "1", "97"),
        ("2 other tables", "", "", "", "", "7"),
        ("Total", "2", "1", "1", "1", "104"),
    ]


def test_hostile_values_stay_on_their_line():
    changes = hostile()
    for line in shown(changes):
        assert line.isprintable() or not line
        assert len(line) < 400
