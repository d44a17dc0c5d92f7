"""Results as reports and as JSON."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from demo_snapshots.cli import demo
from demo_snapshots.cli.wording import Wording
from demo_snapshots.model.results import (
    Edits,
    ExportResult,
    ImportPlan,
    ImportResult,
    Listing,
    ScenarioListing,
    ValidationResult,
    VersionCheck,
)
from demo_snapshots.model.snapshots import Entry, Statistics, TableCount, Version
from demo_snapshots.model.upkeep import CleanupResult
from demo_snapshots.render import report, statistics, transfer, validation, versions
from demo_snapshots.render.report import Line

KINDS = TableCount("fragments", 3, (("contact", 1), ("todo", 2)))
BEFORE = Statistics((TableCount("old", 1), TableCount("fragments", 4, (("note", 4),))))
AFTER = Statistics((TableCount("vaults", 1_200), KINDS))
V2 = Version(2, date(2025, 1, 20))


def entry(scenario: str, number: int) -> Entry:
    day = date(2025, 1, number)
    return Entry(
        scenario=scenario,
        version=Version(number, day),
        path=f"{scenario}/{scenario}_v{number}_{day}.sql",
        size=1_000 * number,
        sha256="a" * 64,
        digest="b" * 64,
        generated=datetime(2025, 1, number, 9, 5, tzinfo=UTC),
        source="sqlite 3.40.1",
        schema="0123456789ab",
        statistics=AFTER,
    )


def cells(grid: report.Block) -> list[tuple[str, ...]]:
    assert isinstance(grid, report.Grid)
    return [row.cells for row in grid.rows]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (41_234, "41.2 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (207_000_000, "207 MB"),
        (1_300_000_000, "1.30 GB"),
        (10**15, "1000 TB"),
    ],
)
def test_file_sizes(size, text):
    assert report.file_size(size) == text


def test_file_sizes_never_show_more_than_three_digits_nor_a_wrong_one():
    source = random.Random(1)
    units = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
    for _ in range(2_000):
        size = int(10 ** source.uniform(0, 14.9))
        number, unit = report.file_size(size).split()
        assert len(number.replace(".", "")) <= 3
        assert abs(float(number) * units[unit] - size) <= 0.006 * size


def test_two_columns_of_statistics_are_lined_up_by_table_and_kind():
    grid = statistics.statistics_grid((("Replaced", BEFORE), ("Imported", AFTER)))
    assert cells(grid) == [
        ("old", "1", "0"),
        ("fragments", "4", "3"),
        ("  note", "4", "0"),
        ("  contact", "0", "1"),
        ("  todo", "0", "2"),
        ("vaults", "0", "1,200"),
        ("Total", "5", "1,203"),
    ]


def test_the_question_names_the_rows_and_those_edited():
    plan = ImportPlan("general", "x.sql", V2, replaces=AFTER, imports=AFTER)
    assert transfer.import_question(plan) == "Replace 1,203 demo rows?"
    edited = replace(plan, edited=Edits(7, 0, 1200))
    question = "Replace 1,203 demo rows (7 changed, 1,200 deleted against general v2_2025-01-20)?"
    assert transfer.import_question(edited) == question
    same = replace(plan, edited=Edits(0, 0, 0))
    assert "(none edited against general v2" in transfer.import_question(same)
    one = replace(plan, replaces=Statistics((TableCount("vaults", 1),)))
    assert transfer.import_question(one) == "Replace 1 demo row?"


def test_the_latest_of_each_scenario_is_marked():
    listing = Listing(
        (
            ScenarioListing("general", (entry("general", 12), entry("general", 3))),
            ScenarioListing("writer", (entry("writer", 1),)),
        ),
        notes=("the manifest was damaged",),
    )
    grid, note = versions.listing_report(listing)
    assert cells(grid) == [
        ("general", "v12_2025-01-12", "2025-01-12 09:05", "1,203", "12.0 kB", "latest"),
        ("", "v3_2025-01-03", "2025-01-03 09:05", "1,203", "3.00 kB", ""),
        ("writer", "v1_2025-01-01", "2025-01-01 09:05", "1,203", "1.00 kB", "latest"),
    ]
    assert note == report.Line("note: the manifest was damaged", report.Look.WARNING)
    document: Any = versions.listing_json(listing)
    assert [v["latest"] for v in document["scenarios"][0]["versions"]] == [True, False]
    assert document["scenarios"][0]["versions"][0]["generated"] == "2025-01-12T09:05:00Z"


def test_a_clean_up_lists_what_goes_beside_what_stays():
    result = CleanupResult(
        removed=(entry("general", 2), entry("general", 1)),
        kept=(entry("general", 10), entry("writer", 1)),
        freed=3_000,
        dry_run=True,
    )
    head, grid = versions.cleanup_report(result)
    assert isinstance(head, report.Line)
    assert head.text == "Would remove 2 versions (3.00 kB), 2 versions kept"
    assert [(row[0], row[1].partition("_")[0], row[-1]) for row in cells(grid)] == [
        ("general", "v10", "keep"),
        ("", "v2", "remove"),
        ("", "v1", "remove"),
        ("writer", "v1", "keep"),
    ]
    done = versions.cleanup_report(replace(result, dry_run=False))[0]
    assert isinstance(done, report.Line)
    assert done.text.startswith("Removed 2")


def test_an_import_that_changed_nothing_says_so():
    result = ImportResult("general", V2, "x.sql", AFTER, AFTER, changed=0, route="merge")
    facts = transfer.import_report(result)[-1]
    assert isinstance(facts, report.Facts)
    assert "held exactly this snapshot already" in dict(facts.pairs)["Changed"]


def test_rows_that_travel_along_stand_beside_the_totals():
    along = Statistics((TableCount("countries", 1_200), TableCount("unused", 0)))
    imported = ImportResult(
        *("general", V2, "x.sql", AFTER, AFTER, 0, "merge"), included=along, added=2
    )
    facts = transfer.import_report(imported)[-1]
    assert isinstance(facts, report.Facts)
    assert dict(facts.pairs)["Along"] == "1,200 of countries: no demo rows; 2 added"
    assert dict(facts.pairs)["Changed"].startswith("no demo row: ")
    assert transfer.import_json(imported)["added"] == 2
    exported = ExportResult("general", V2, "x.sql", AFTER, 9, "d", True, included=along)
    facts = transfer.export_report(exported)[-1]
    assert isinstance(facts, report.Facts)
    assert dict(facts.pairs)["Along"] == "1,200 of countries: no demo rows"
    listed = replace(entry("general", 2), included=along)
    listing = Listing((ScenarioListing("general", (listed,)),))
    [grid] = versions.listing_report(listing)
    assert cells(grid)[0][-1] == "latest, 1,200 rows along"
    document = json.loads(json.dumps(versions.listing_json(listing)))
    [version] = document["scenarios"][0]["versions"]
    assert (version["included"]["total"], version["records"]["total"]) == (1_200, 1_203)


def test_every_document_is_json():
    result = ImportResult("general", V2, "x.sql", BEFORE, AFTER, changed=3, route="merge")
    document = json.loads(json.dumps(transfer.import_json(result)))
    assert document["imported"]["total"] == 1_203
    assert document["imported"]["tables"][1] == {
        "table": "fragments",
        "records": 3,
        "breakdown": {"contact": 1, "todo": 2},
    }
    nothing = ValidationResult(None, None, Statistics(), problems=("x",))
    assert json.loads(json.dumps(validation.validation_json(nothing)))["valid"] is False


def test_a_damaged_latest_version_is_told_with_the_way_out():
    check = VersionCheck("general", V2, "general/x.sql", None, None, ("it holds conflict markers",))
    result = ExportResult("general", V2, "x.sql", AFTER, 9, "d", True, damaged=check)
    last = transfer.export_report(result)[-1]
    assert isinstance(last, Line)
    note = last.text
    assert note.startswith("note: general v2_2025-01-20 is damaged: it holds conflict markers. ")
    told = " makes of it the two versions that were merged."
    assert Wording(demo).text(note).endswith(f". demo repair{told}")
    assert note.endswith(f". project.repair(){told}")
