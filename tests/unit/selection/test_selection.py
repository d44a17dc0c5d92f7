"""Which rows are demo rows: the same on every engine, and the same to the stock clients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import ConfigError, EmptyScenarioError

ALL = ("sqlite", "postgresql", "postgresql15")

# What the column holds, and whether that marks its row: JSON, and in a text column any text.
JSON_CELLS: list[tuple[Any, bool]] = [
    ({"demo_seed": True}, True),
    ({"demo_seed": 1}, True),
    ({"demo_seed": "true"}, True),
    ({"demo_seed": "1"}, True),
    ({"x": 1, "demo_seed": True, "y": None}, True),
    ({"demo_seed": False}, False),
    ({"demo_seed": None}, False),
    ({"demo_seed": 0}, False),
    ({"demo_seed": 2}, False),
    ({"demo_seed": 11}, False),
    ({"demo_seed": -1}, False),
    ({"demo_seed": "yes"}, False),
    ({"demo_seed": "True"}, False),
    ({"demo_seed": "TRUE"}, False),
    ({"demo_seed": " true"}, False),
    ({"demo_seed": "true "}, False),
    ({"demo_seed": ""}, False),
    ({"demo_seed": "null"}, False),
    ({"demo_seed": [True]}, False),
    ({"demo_seed": [1]}, False),
    ({"demo_seed": {"demo_seed": True}}, False),
    ({"nested": {"demo_seed": True}}, False),
    ({"demo_seedling": True}, False),
    ({"Demo_Seed": True}, False),
    ({}, False),
    ([], False),
    ([{"demo_seed": True}], False),
    (["demo_seed"], False),
    (True, False),
    (1, False),
    ("demo_seed", False),
    (None, False),
]
TEXT_CELLS: list[tuple[str | None, bool]] = [
    ('{"demo_seed":true}', True),
    ('  { "demo_seed" :\n\ttrue }  ', True),
    ('{"demo_seed": "\\u0074rue"}', True),
    (None, False),
    ("", False),
    (" ", False),
    ("true", False),
    ("demo_seed", False),
    ('{"demo_seed": true', False),
    ('{"demo_seed": true}}', False),
    ("{'demo_seed': true}", False),
    ("demo_seed: true", False),
]

MARKER = '[tables.cells]\nmarker = "metadata.demo_seed"\n'


def _demo(directory: Path, configuration: str) -> Demo:
    path = directory / "demo.toml"
    path.write_text(configuration, encoding="utf-8")
    return Demo(directory / "snapshots", path)


def _agree(demo: Demo, live: Live, marked: list[int]) -> None:
    """An export holds the ``marked`` rows, and a stock client deletes exactly those."""
    path = demo.export(live, allow_empty=True).path
    text = path.read_text("utf-8")
    section = text[text.index("-- Cells (") :].split("\n\n")[0]
    keys = [int(line[1:].split(",")[0]) for line in section.splitlines() if line.startswith("(")]
    assert keys == marked
    everything = live.rows("SELECT id FROM cells ORDER BY id")

    emptied = path.with_name("emptied.sql")
    emptied.write_text(text.replace(section + "\n\n", ""), "utf-8")
    live.by_client(emptied)
    left = [key for (key,) in everything if key not in marked]
    assert [key for (key,) in live.rows("SELECT id FROM cells ORDER BY id")] == left


def _fill(live: Live, kind: str, cells: Sequence[tuple[str | None, bool]]) -> list[int]:
    live.run(f"CREATE TABLE cells (id INTEGER PRIMARY KEY, metadata {kind})")
    live.insert("cells", *((number, text) for number, (text, _) in enumerate(cells)))
    return [number for number, (_, marked) in enumerate(cells) if marked]


_JSON_TEXT = [(json.dumps(value), marked) for value, marked in JSON_CELLS]


@pytest.mark.parametrize("kind", ["JSON", "JSONB"])
@engines(*ALL)
def test_json_marks_the_same_rows_everywhere(database_url, tmp_path, kind):
    live = Live(database_url)
    if kind == "JSONB" and live.engine != "postgresql":
        kind = "JSON"
    marked = _fill(live, kind, [*_JSON_TEXT, (None, False)])
    _agree(_demo(tmp_path, MARKER), live, marked)


@engines(*ALL)
def test_json_in_a_text_column_marks_the_same_rows_everywhere(database_url, tmp_path):
    live = Live(database_url)
    cells = [*_JSON_TEXT, *TEXT_CELLS]
    marked = _fill(live, "TEXT", cells)
    demo = _demo(tmp_path, MARKER)
    if live.engine == "postgresql":
        # psql cannot tell text that is not JSON without an error: the format says so.
        _agree_by_export(demo, live, marked)
    else:
        _agree(demo, live, marked)


def _agree_by_export(demo: Demo, live: Live, marked: list[int]) -> None:
    statistics = demo.export(live, allow_empty=True).statistics
    assert statistics.total == len(marked)
    path = demo.export(live, allow_empty=True).path
    live.run("DELETE FROM cells WHERE id IN (" + ", ".join(map(str, marked)) + ")")
    assert demo.load(live, path).route == "direct"


@engines(*ALL)
def test_a_nested_path_with_odd_keys(database_url, tmp_path):
    live = Live(database_url)
    cells = [
        ('{"app": {"demo-seed": {"9": true}}}', True),
        ('{"app": {"demo-seed": {"9": "1"}}}', True),
        ('{"app": {"demo-seed": true}}', False),
        ('{"app.demo-seed.9": true}', False),
        ('{"app": [{"demo-seed": {"9": true}}]}', False),
        ('{"demo-seed": {"9": true}}', False),
    ]
    marked = _fill(live, "JSON", cells)
    demo = _demo(tmp_path, '[tables.cells]\nmarker = "metadata.app.demo-seed.9"\n')
    _agree(demo, live, marked)


@pytest.mark.parametrize(
    ("kind", "values", "marked"),
    [
        ("BOOLEAN", (True, False, None), [0]),
        ("INTEGER", (1, 0, -1, 2, None), [0]),
        ("VARCHAR(9)", ("true", "1", "TRUE", "True", "t", "yes", "", "0", "false", None), [0, 1]),
        ("TEXT", ('"true"', '"1"', " true", "true "), [0, 1]),
    ],
)
@engines(*ALL)
def test_a_whole_column_as_marker(database_url, tmp_path, kind, values, marked):
    live = Live(database_url)
    live.run(f"CREATE TABLE cells (id INTEGER PRIMARY KEY, is_demo {kind})")
    live.insert("cells", *enumerate(values))
    _agree(_demo(tmp_path, '[tables.cells]\nmarker = "is_demo"\n'), live, marked)


@engines(*ALL)
def test_a_column_whose_name_looks_like_a_path(database_url, tmp_path):
    live = Live(database_url)
    live.run('CREATE TABLE cells (id INTEGER PRIMARY KEY, "metadata.demo_seed" BOOLEAN)')
    live.insert("cells", (0, True), (1, False))
    _agree(_demo(tmp_path, MARKER), live, [0])


SCENARIOS = '[tables.cells]\nmarker = "metadata.demo"\nscenario = "metadata.scenario"\n'


@engines(*ALL)
def test_rows_without_a_scenario_belong_to_every_one(database_url, tmp_path):
    live = Live(database_url)
    cells = [
        ('{"demo": true, "scenario": "general"}', True),
        ('{"demo": true}', True),
        ('{"demo": true, "scenario": null}', True),
        ('{"demo": true, "scenario": "writer"}', False),
        ('{"demo": true, "scenario": "General"}', False),
        ('{"demo": true, "scenario": ""}', False),
        ('{"demo": false, "scenario": "general"}', False),
        ('{"scenario": "general"}', False),
    ]
    _fill(live, "JSON", cells)
    demo = _demo(tmp_path, SCENARIOS)
    assert demo.export(live).statistics.total == sum(marked for _, marked in cells)
    with pytest.raises(EmptyScenarioError) as caught:
        demo.export(live, "genral")
    assert set(caught.value.scenarios) == {"", "General", "general", "writer"}


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ('marker = "metadta.demo"', "metadta"),
        ('marker = "metadata.de mo"', "metadata.de mo"),
        ('marker = "metadata."', "metadata."),
        ('follows = "id"', "follows"),
        ('marker = "metadata.demo"\nbreakdown = "type"', "type"),
        ('marker = "metadata.demo"\nscenario = "scenario"', "scenario"),
        ('marker = "metadata.demo"\njson-references = { "metadata.x" = "other.id" }', "other.id"),
        ('marker = "metadata.demo"\njson-references = { "x.y" = "cells.id" }', "x"),
        ('where = "1 = 1; DROP TABLE cells"', "where"),
        ('where = "1 = 1 -- x"', "where"),
        ("where = 5", "where"),
        ('where = { sqlite = "1 = 1" }', "where"),
    ],
)
@engines("sqlite", "postgresql")
def test_rules_that_cannot_be_are_named(database_url, tmp_path, configuration, said):
    live = Live(database_url)
    _fill(live, "JSON", [('{"demo": true}', True)])
    demo = _demo(tmp_path, f"[tables.cells]\n{configuration}\n")
    with pytest.raises(ConfigError, match="cells") as caught:
        demo.export(live)
    assert said in caught.value.message
