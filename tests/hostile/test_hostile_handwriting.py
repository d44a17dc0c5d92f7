"""Files of hand-written rows that are not built as such, or are made to blow up."""

from __future__ import annotations

import io
import time
import tracemalloc
from pathlib import Path

import pytest
from integration.live import Demo, Live

from demo_snapshots.documents.opening import describe, is_handwritten
from demo_snapshots.documents.yaml.handwritten import MOST_ROWS, Handwritten, read_handwritten
from demo_snapshots.errors import DocumentError, UnfitValueError

pytestmark = pytest.mark.slow

GOOD = """\
# by hand
demo_rows: 1
scenario: tour
rows:
  people:
    - id: &anna new
      name: Anna
    - {id: 2, friend: *anna, after: {$ref: ben}}
    - id: &ben
"""

CASES = {
    "another number": ("demo_rows: 1", "demo_rows: 2", "demo_rows is not 1", 2),
    "an unknown member": ("scenario: tour", "scenari: tour", "a member 'scenari'", 3),
    "a member twice": ("scenario: tour", "demo_rows: 1", "there twice", 3),
    "no scenario": ("scenario: tour\n", "", "one of them is missing", 9),
    "a column twice": ("name: Anna", "id: 3", "the member 'id' is there twice", 7),
    "a name twice": ("&ben", "&anna", "the name 'anna' is defined twice", 9),
    "an alias before its name": ("*anna", "*ben", "the name 'ben' is not defined above", 8),
    "a name that is nowhere": ("$ref: ben", "$ref: bob", "the name 'bob' is defined nowhere", 8),
    "an anchor on a row": ("- {id: 2", "- &x {id: 2", "an anchor on what is no key", 8),
    "an anchor on a mapping": ("after: {", "after: &x {", "an anchor on what is no key", 8),
    "an anchor on the rows": ("people:", "people: &x", "an anchor on what is no key", 5),
    "an alias for a row": ("- {id: 2", "- *anna\n    - {id: 2", "an alias that stands for", 8),
    "an alias for a column": ("{id: 2", "{*anna : 2", "an alias that stands for", 8),
    "a cycle": ("id: &anna new", "id: &anna [*anna]", "an anchor on what is no key", 6),
    "a laugh": (
        "id: &ben",
        "id: &b [*anna, *anna, *anna]\n      name: &c [*b, *b, *b]",
        "an anchor on what is no key",
        9,
    ),
    "a scenario that is a path": (
        "scenario: tour",
        "scenario: ../tour",
        "'../tour' cannot be a scenario name",
        3,
    ),
    "a scenario in parts": ("scenario: tour", "scenario: [tour]", "the name of a scenario", 3),
    "a merge key": ("{id: 2", "{<<: *anna", "a merge key", 8),
    "a tag": ("id: 2", "id: !!int 2", "a tag", 8),
    "a row that is none": ("- {id: 2", "- 2\n    - {id: 2", "expected a row", 8),
    "rows that are none": ("  people:\n", "  people:\n  x:\n", "expected a sequence of rows", 5),
    "a second document": ("    - id: &ben\n", "---\na: 1\n", "a second document", 9),
    "not YAML": ("name: Anna", "name: 'Anna", "not YAML", 10),
    "a control character": ("Anna", "An\x01na", "a control character", 7),
    "too deep": ("id: 2", f"id: {'[' * 80}{']' * 80}", "deeper than 64", 8),
}


def read(text: str) -> Handwritten:
    return read_handwritten(io.BytesIO(text.encode()))


def test_what_is_taken(tmp_path: Path) -> None:
    assert [len(table.rows) for table in read(GOOD).tables.values()] == [3]
    path = tmp_path / "demo.yaml"
    path.write_text(GOOD, "utf-8")
    assert is_handwritten(path)
    with pytest.raises(DocumentError, match=r"demo\.yaml: rows written by hand"):
        describe(path)


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_is_refused_with_its_line(name: str) -> None:
    old, new, says, line = CASES[name]
    assert GOOD.count(old) == 1
    with pytest.raises(DocumentError) as caught:
        read(GOOD.replace(old, new))
    assert says in caught.value.message
    assert caught.value.line == line


def test_it_is_bounded() -> None:
    row = "    - {id: 1}\n"
    for text, says in [
        (GOOD + row * MOST_ROWS, "more than 10,000 rows"),
        (GOOD + "      x: " + "y" * (1 << 24), "more than 16 MiB"),
        (GOOD + "      x: " + "[" * (1 << 20), "not YAML: exceeded|deeper than 64"),
    ]:
        tracemalloc.start()
        began = time.process_time()
        with pytest.raises(DocumentError, match=says):
            read(text)
        assert time.process_time() - began < 20
        assert tracemalloc.get_traced_memory()[1] < 200e6
        tracemalloc.stop()


def test_a_long_name_cannot_blow_up(sqlite_url: str, tmp_path: Path) -> None:
    live = Live(sqlite_url)
    live.run("CREATE TABLE people (id TEXT PRIMARY KEY NOT NULL, friends JSON)")
    (tmp_path / "demo.toml").write_text('[tables.people]\nwhere = "TRUE"\n', "utf-8")
    path = tmp_path / "demo.yaml"
    path.write_text(
        f"demo_rows: 1\nscenario: tour\nrows:\n  people:\n    - id: &a {'a' * 100_000}\n"
        f"      friends: [{', '.join(['*a'] * 100_000)}]\n",
        "utf-8",
    )
    with pytest.raises(UnfitValueError, match=r"line 6: .* more than 16 MiB in all"):
        Demo(tmp_path / "snapshots", tmp_path / "demo.toml").load(live, path)
    assert not live.rows("SELECT * FROM people")
