"""Everything in the corpus is refused, with the error and the line that it says."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hostile.corpus import BASE, CASES, TABLES, Case
from unit.documents.documents import read, refusal, rows_of, sealed

from demo_snapshots.errors import DocumentError


def test_the_document_they_were_made_from_is_good() -> None:
    assert rows_of(read(BASE, TABLES.__getitem__)).keys() == {"vaults", "todos"}


def test_every_case_has_a_name_of_its_own() -> None:
    assert not [name for name, count in Counter(case.name for case in CASES).items() if count > 1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("step", [1 << 20, 13])
def test_it_is_refused(case: Case, step: int) -> None:
    error = refusal(case.document(), TABLES.__getitem__, step=step)
    assert case.says in error.message
    assert error.line == case.line(), error.message
    assert type(error) is case.error
    assert error.message.isprintable()


LINES = BASE.splitlines(keepends=True)
HEADER = LINES.index(b"\n")
ROWS = frozenset(range(LINES.index(b"-- Vaults (4 records)\n"), LINES.index(b"-- Verification\n")))
STRUCTURE = [
    number
    for number, line in enumerate(LINES)
    if number >= HEADER
    and not (number in ROWS and line[:1] in b"(,/X")
    # The reader skips the tokens of the verification up to its semicolon: it executes nothing.
    and not line.startswith((b"SELECT '", b"UNION ALL"))
]


def attempt(lines: list[bytes]) -> int | None:
    """The line at which ``lines`` are refused, with their digest made anew; None if never."""
    try:
        document = sealed(b"".join(lines))
    except ValueError:  # there is no digest to make anew
        document = b"".join(lines)
    try:
        read(document, TABLES.__getitem__)
    except DocumentError as error:
        return error.line or 0
    return None


@pytest.mark.parametrize("number", STRUCTURE, ids=lambda n: f"{n + 1}: {LINES[n][:30]!r}")
def test_no_line_of_the_structure_can_be_missing_doubled_or_moved(number: int) -> None:
    """The error names the line, or one of the few after it by which it must show."""
    before, line, after = LINES[:number], LINES[number], LINES[number + 1 :]
    here = number + 1
    for changed in (
        [*before, *after],
        [*before, line, line, *after],
        [*before, *after[:1], line, *after[1:]] if after and after[0] != line else [*before],
        [*before, b"x" + line, *after],
    ):
        found = attempt(changed)
        assert found is not None, changed[number - 1 : number + 2]
        assert here - 2 <= found <= here + 3


@pytest.mark.parametrize("number", range(HEADER))
def test_no_line_of_the_header_says_anything_of_other_rows(number: int) -> None:
    """Moved, or gone: refused, or the rows are those there were."""
    rows = rows_of(read(BASE, TABLES.__getitem__))
    before, line, after = LINES[:number], LINES[number], LINES[number + 1 :]
    for changed in ([*before, *after], [*before, *after[:1], line, *after[1:]]):
        with suppress(DocumentError):
            assert rows_of(read(b"".join(changed), TABLES.__getitem__)) == rows
