"""Deltas that are damaged or hostile: refused, or they make just the version that they say."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hostile.deltas import (
    BASE,
    DELTA,
    WHOLE,
    made_of,
    outcome,
    rows_of,
    sealed,
    source_of_bytes,
    tampered,
)
from hypothesis import given, settings
from unit.documents.documents import sealed as sealed_whole

from demo_snapshots.documents.changes import Changes
from demo_snapshots.documents.folding import folded
from demo_snapshots.documents.opening import open_document, read_tail
from demo_snapshots.errors import DocumentError

CALL = "WHERE id=13;"
SET = "UPDATE vaults SET name='Mine' WHERE id=1;"
NOT_HERE = "not a statement that a snapshot holds here"


@dataclass(frozen=True)
class Case:
    """``at``: an excerpt on the line that the error names; None: it names none."""

    name: str
    old: str
    new: str
    says: str
    at: str | None = None
    damage: bool = False

    def document(self) -> bytes:
        assert DELTA.count(self.old.encode()) == 1, self.old
        changed = DELTA.replace(self.old.encode(), self.new.encode())
        return changed if self.damage else sealed(changed)


def smuggled(statement: str) -> list[Case]:
    places = {
        "in the preamble": "BEGIN;\n",
        "before the releases": "-- Released references (4 changes)\n",
        "after a heading": "-- Deleted rows (3 changes)\n",
        "among updates": SET + "\n",
        "before inserts": "-- Vaults (1 record)\n",
        "before references": "-- References (2 changes)\n",
        "before the end": "/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n",
    }
    return [
        Case(f"{statement} {where}", place, f"{place}{statement}\n", "", statement)
        for where, place in places.items()
    ]


CASES = [
    *smuggled("DROP TABLE vaults;"),
    *smuggled("DELETE FROM vaults WHERE 1=1;"),
    *smuggled("UPDATE vaults SET name='x';"),
    *smuggled("\\! touch /tmp/x"),
    *smuggled("/*!50000 DROP TABLE vaults */;"),
    Case("function", "name='Mine'", "name=now()", NOT_HERE, "now()"),
    Case("subselect", "name='Mine'", "name=(SELECT 1)", NOT_HERE, "(SELECT 1)"),
    Case("of the key", "name='Mine'", "id=9", "of the key", "id=9"),
    Case("unknown column", "name='Mine'", "owner='Mine'", "no column owner", "owner"),
    Case("another column", "name='Mine'", "name=data", "another column", "name=data"),
    Case("nothing set", "name='Mine'", "name=name", "sets nothing", "name=name"),
    Case("set twice", "name='Mine'", "name='a', name='b'", "set twice", "'a', name"),
    Case("every row", SET, SET.replace(" WHERE id=1", ""), NOT_HERE, "'Mine';"),
    Case("by more", SET, SET.replace("id=1", "id=1 OR 1=1"), NOT_HERE, "OR 1=1"),
    Case(
        "by another column",
        SET,
        SET.replace("WHERE id=1", "WHERE name='x'"),
        "table's key",
        "WHERE name",
    ),
    Case("another table", SET, SET.replace("vaults", "users"), "table's key", "users"),
    Case("twice", SET, f"{SET}\n{SET.replace('Mine', 'M')}", "a key twice", "'M'"),
    Case("two forms", "'\\x0A0D'", "'\\x0A0E'", "two forms", "UPDATE vaults SET data"),
    Case(
        "not let go",
        "SET next_id=NULL WHERE id=12",
        "SET next_id=1 WHERE id=12",
        "by NULL",
        "next_id=1 ",
    ),
    Case(
        "ascending",
        "id=4;\nDELETE FROM vaults WHERE id=3;",
        "id=3;\nDELETE FROM vaults WHERE id=4;",
        "a key twice",
        "vaults WHERE id=4",
    ),
    Case("row not there", SET, SET.replace("id=1", "id=0"), "that its base has not", "WHERE id=0"),
    Case("deleted, not there", "vaults WHERE id=3;", "vaults WHERE id=2;", "counts"),
    Case(
        "there already", "(5,'it''s new',NULL)", "(6,'it''s new',NULL)", "other rows than it says"
    ),
    Case("inserted, there", "(5,'it''s new',NULL)", "(4,'it''s new',NULL)", "counts"),
    Case("another value", "'Mine'", "'Yours'", "other rows than it says"),
    Case("deferred, not there", "next_id=13 WHERE id=10", "next_id=13 WHERE id=9", "counts"),
    Case("damaged", "'Mine'", "'Yours'", "the file was altered", "-- Content digest", damage=True),
    Case("cut short", "-- Export completed successfully\n", "", "cut short", damage=True),
    Case("other totals", "-- Total Vaults: 43\n", "-- Total Vaults: 44\n", "add up"),
    Case("no delta", "-- Delta: ", "-- Deltas: ", "not that of a delta"),
    Case("no size", f"{len(WHOLE)} bytes", "9 bytes", "other rows than it says"),
    Case("another size", " bytes\n", "0 bytes\n", "other rows than it says"),
    Case("unknown changes", "-- Changes: vaults 2", "-- Changes: users 2", "does not describe"),
    Case("other counts", "vaults 2 deleted", "vaults 1 deleted", "other changes than the header"),
    Case("deferred counts", "(next_id) 2", "(next_id) 3", "deferred references"),
    Case(
        "other tables",
        "-- Table vaults: id integer key",
        "-- Table vaults: id text key",
        "fingerprint",
    ),
]


def test_the_delta_they_were_made_from_is_good() -> None:
    assert made_of(DELTA) == WHOLE
    assert sealed(DELTA) == DELTA
    tail = read_tail(folded([source_of_bytes(BASE, "b"), source_of_bytes(DELTA, "d")]))
    assert tail == read_tail(source_of_bytes(WHOLE, "w"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused(case: Case) -> None:
    document = case.document()
    with pytest.raises(DocumentError) as caught:
        made_of(document)
    assert case.says in caught.value.message
    assert caught.value.message.startswith("delta: ")
    assert caught.value.message.isprintable()
    if case.at is not None:
        line = document.count(b"\n", 0, document.index(case.at.encode())) + 1
        assert caught.value.message.startswith(f"delta: line {line}: ")


LINES = DELTA.splitlines(keepends=True)


def test_no_line_can_be_missing_or_doubled() -> None:
    good = rows_of(WHOLE)
    for number, line in enumerate(LINES):
        for lines in ([], [line, line]):
            changed = b"".join([*LINES[:number], *lines, *LINES[number + 1 :]])
            with suppress(ValueError):  # there is no digest to make anew
                changed = sealed(changed)
            assert outcome(changed) in (None, good), line


@given(tampered())
@settings(deadline=None, max_examples=150)
def test_whatever_is_put_in_it_makes_the_version_or_nothing(changed: bytes) -> None:
    assert outcome(changed) in (None, rows_of(WHOLE))


def test_an_altered_base_is_named() -> None:
    altered = BASE.replace(b"'Stay'", b"'Went'")
    # Before anything of it can be read.
    with pytest.raises(DocumentError, match=r"base: .*altered"):
        folded([source_of_bytes(altered, "base"), source_of_bytes(DELTA, "delta")]).open()
    with pytest.raises(DocumentError, match="on top of v1_2025-01-15, and base holds other"):
        made_of(DELTA, sealed_whole(altered))


def test_a_delta_alone_is_no_version() -> None:
    document = open_document(io.BytesIO(DELTA))
    with pytest.raises(DocumentError, match="holds only what changed since v1_2025-01-15"):
        list(document.rows(lambda name: None))
    # Whoever hides that it is one does not get it read as a whole one.
    hidden = DELTA.replace(b"-- Format: 3\n", b"", 1).replace(
        b"-- Scenario", b"-- Tool: x\n-- Format: 3\n-- Scenario", 1
    )
    with pytest.raises(DocumentError, match="on the second line"):
        list(open_document(io.BytesIO(hidden)).rows(lambda name: None))


def test_what_is_put_aside_is_let_go_of() -> None:
    with pytest.raises(DocumentError):
        Changes(io.BytesIO(DELTA[:-10]))
    Changes(io.BytesIO(DELTA)).close()
