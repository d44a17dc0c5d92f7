"""The head of a version in parts: it is read as it was written, and nothing else is."""

from __future__ import annotations

import io
import re

import pytest
from unit.store.snapshots import directory_store, save_in_parts

from demo_snapshots.documents.sql.head import read_head, write_head
from demo_snapshots.errors import DocumentError


@pytest.fixture
def head(tmp_path) -> bytes:
    store = directory_store(tmp_path)
    return store.file(save_in_parts(store)).on_disk().read_bytes()


def test_what_is_written_is_read(head):
    found = read_head(io.BytesIO(head))
    assert [sum(piece.rows for piece in part.pieces) for part in found.parts] != [0, 0]
    assert len(found.parts) == 2
    assert write_head(found) == head


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (rb'"file": "general_part_', rb'"file": "../other/general_part_', "not one of ours"),
        (rb'"file": "general_part_', rb'"file": "other_part_', "not one of ours"),
        (rb'"sha256": "[0-9a-f]{64}"', rb'"sha256": "0"', "not one of ours"),
        (rb'"size": [0-9]+', rb'"size": -1', "not one of ours"),
        (rb'"rows": "vaults"', rb'"rows": 1', "not one of ours"),
        (rb'"rows": "vaults"', rb'"rows": "vaults", "deferred": "vaults"', "not one of ours"),
        (rb'"rows": "vaults"', rb'"rows": "others"', "does not describe"),
        (rb'"rows": "vaults"', rb'"included": "vaults"', "does not describe"),
        (rb"-- Part 2: .*\n", rb"", "and the header counts 800"),
        (rb"-- Part 2: ", rb"-- Part 3: ", "not one of ours"),
        (rb"-- Part 1: .*\n", b"-- Part 1: {\n", "not one of ours"),
        (rb"-- Part 1: .*\n", b"-- Part 1: " + b"[" * 100_000 + b"\n", "not one of ours"),
        (rb"-- Whole size: .*\n", rb"", "not one of ours"),
        (rb"\n-- BEGIN;\n", b"\nDROP TABLE vaults;\n", "not what a head holds here"),
        (rb"\(([0-9]+) lines\)", rb"(3 lines)", "not what a head holds here"),
        (rb"-- Export completed successfully\n", rb"", "cut short"),
        (rb"completed successfully\n", b"completed successfully\n\n", "something follows"),
    ],
)
def test_whatever_else_is_refused(head, old, new, says):
    altered = re.sub(old, lambda _: new, head, count=1)
    assert altered != head
    with pytest.raises(DocumentError, match=says):
        read_head(io.BytesIO(altered))
