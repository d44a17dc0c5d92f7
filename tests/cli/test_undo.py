"""`demo undo` and the files it finds."""

from __future__ import annotations

from pathlib import Path


def test_a_file_named_for_a_day_that_there_is_not_is_no_undo(seeded, demo):
    seeded.sql("UPDATE todos SET title = 'x' WHERE id = 3")
    demo("import", "general", "--yes")
    [entry] = Path("database/demo-snapshots/.undo").glob("*_import.sql*")
    parts = entry.name.split("_")
    parts[:2] = ["000009", "20269999T000000Z"]
    entry.with_name("_".join(parts)).write_bytes(entry.read_bytes())
    [found] = demo("undo", "--list", "--json").json["entries"]
    assert found["number"] == 1
