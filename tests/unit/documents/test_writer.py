"""Where statements begin, and that nothing but the rows decides it."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from zlib import crc32

import pytest
from msgspec.structs import replace
from unit.documents.documents import (
    batches,
    header,
    read,
    refusal,
    rows_of,
    sealed,
    selection,
    table,
    text,
    write,
)

from demo_snapshots.documents.sql.writer import Content, Deferred, Section, write_document
from demo_snapshots.errors import ExportError, UnportableValueError
from demo_snapshots.model.rules import Follows, TableSelection, Where
from demo_snapshots.model.snapshots import Version
from demo_snapshots.rows.literals import encode

NOTES = table("notes", text("note"))
INSERT = b"INSERT INTO notes (id, note) VALUES\n"


def row(number: int, size: int = 1) -> bytes:
    return b"(%d,'%s')" % (number, b"x" * size)


def groups(document: bytes) -> list[list[bytes]]:
    """The rows of each INSERT of NOTES, as the document holds them, with their line ends."""
    statements = re.findall(re.escape(INSERT) + rb"((?:\([^\n]*\)[,;]\n)+)", document)
    return [statement.splitlines(keepends=True) for statement in statements]


def ends(row: bytes) -> bool:
    """Whether a row, as the document holds it, ends its statement."""
    return crc32(row) & 127 == 0


ENDING = [row(number) for number in range(5000) if ends(row(number))]
OTHERS = [row(number) for number in range(5000) if not ends(row(number))]


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(0, []), (1, [1]), (499, [499]), (500, [500]), (501, [500, 1]), (1000, [500, 500])],
)
def test_a_statement_ends_after_500_rows(rows: int, sizes: list[int]) -> None:
    document = write([(NOTES, OTHERS[:rows])])
    assert [len(group) for group in groups(document)] == sizes


def test_a_statement_ends_after_a_row_that_says_so_and_counting_starts_again() -> None:
    rows = [*OTHERS[:10], ENDING[0], *OTHERS[10:509], ENDING[1], ENDING[2], *OTHERS[509:1010]]
    found = [len(group) for group in groups(write([(NOTES, rows)]))]
    assert found == [11, 500, 1, 500, 1]


def test_a_row_says_so_as_the_document_holds_it() -> None:
    odd = [b"(%d,'a\rb')" % number for number in range(1000)]
    ending = next(one for one in odd if ends(encode(one)) and not ends(one))
    mistaken = next(one for one in odd if ends(one) and not ends(encode(one)))
    document = write([(NOTES, [mistaken, ending, OTHERS[0]])])
    assert document.count(INSERT) == 2
    assert encode(mistaken) + b",\n" + encode(ending) + b";\n" + INSERT in document


def exactly(size: int) -> bytes:
    """A row that takes ``size`` bytes in a document, its comma or semicolon and LF included."""
    return row(1, size - len(b"(1,''),\n"))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([1 << 20], [1]),
        ([(1 << 20) + 1], [1]),
        ([1 << 19, 1 << 19], [2]),
        ([1 << 19, (1 << 19) + 1], [1, 1]),
        ([100, 1 << 20, 100, 100], [1, 1, 2]),
        ([3 << 20, 100], [1, 1]),
        ([1 << 19, 1 << 19, 1 << 19, 1 << 19], [2, 2]),
    ],
)
def test_a_statement_ends_before_the_row_that_would_pass_a_mebibyte(
    sizes: list[int], expected: list[int]
) -> None:
    document = write([(NOTES, [exactly(size) for size in sizes])])
    found = groups(document)
    assert [len(group) for group in found] == expected
    assert [len(line) for group in found for line in group] == sizes


@pytest.mark.slow
def test_bytes_count_as_the_document_holds_them() -> None:
    """A CR makes a value take two forms, and more than twice the room."""
    odd = b"(1,'" + b"\r" * 200_000 + b"')"
    document = write([(NOTES, [odd, odd])])
    assert document.count(INSERT) == 2
    assert rows_of(read(document)) == {"notes": odd + b",\n" + odd}


def test_after_a_cut_by_bytes_counting_starts_again() -> None:
    rows = [*OTHERS[:100], exactly(1 << 20), *OTHERS[100:1100]]
    assert [len(group) for group in groups(write([(NOTES, rows)]))] == [100, 1, 500, 500]


def test_empty_batches_leave_no_trace() -> None:
    rows = [row(number) for number in range(3)]
    made = Content([Section(NOTES, [[], rows, []])], selection([NOTES]))
    stream = io.BytesIO()
    write_document(stream, header((NOTES, 3)), made)
    assert stream.getvalue() == write([(NOTES, rows)])


@pytest.mark.parametrize("counted", [2, 4])
def test_other_rows_than_were_counted_are_an_error(counted: int) -> None:
    rows = [row(number) for number in range(3)]
    made = Content([Section(NOTES, batches(rows))], selection([NOTES]))
    with pytest.raises(ExportError, match=f"notes: {counted} rows were counted and 3 read"):
        write_document(io.BytesIO(), header((NOTES, counted)), made)


def test_the_version_and_the_time_change_two_lines() -> None:
    rows = [row(number) for number in range(3)]
    one = write([(NOTES, rows)]).splitlines()
    later = {
        "version": Version(2, date(2025, 1, 20)),
        "generated": datetime(2025, 1, 20, tzinfo=UTC),
    }
    two = write([(NOTES, rows)], later).splitlines()
    changed = [a for a, b in zip(one, two, strict=True) if a != b]
    assert [line.split(b":")[0] for line in changed] == [b"-- Version", b"-- Generated"]


def test_updates_name_the_key_and_leave_moments_alone() -> None:
    things = table("things", text("a"), text("b"), key=("id",))
    later = Deferred(things, ("a",), ("b",), 2, [[b"(1,'x')"], [b"(2,'\r')"]])
    document = write([(things, [])], deferred=[later])
    assert (
        b"-- Deferred references (2 updates)\n"
        b"UPDATE things SET a='x', b=b WHERE id=1;\n"
        b"UPDATE things SET a=\n/* /* */ CAST(X'0D' AS CHAR) -- */ E'\\r'\n, b=b WHERE id=2;\n\n"
    ) in document


def test_what_would_not_be_read_back_is_not_written() -> None:
    strict = table("notes", text("note", nullable=False), text("secret", length=3))
    for row, told in (
        (b"(7,NULL,'s3c')", "notes.note: the row with key 7 "),
        (b"(7,'a','s3cret')", "notes.secret: the row with key 7 "),
        (b"(s3cret,'a',NULL)", "notes.id: a row "),
    ):
        with pytest.raises(UnportableValueError) as caught:
            write([(strict, [b"(1,'a','abc')", row, b"(8,'b',NULL)"])])
        assert caught.value.message.startswith(told)
        assert "s3c" not in caught.value.message
    with pytest.raises(UnportableValueError, match=r"notes\.note: the row with key 9"):
        write([(strict, [])], deferred=[Deferred(strict, ("note",), (), 1, [[b"(9,NULL)"]])])


def test_tables_that_others_inherit_from_are_named_without_their_heirs() -> None:
    place = replace(table("place", text("name")), has_heirs=True)
    parent = replace(table("parent", text("name"), text("next")), has_heirs=True)
    child = table("child", text("parent_id"))
    rules = {
        "parent": TableSelection("parent", Where("id = 1", "id = 1", "id = 1")),
        "child": TableSelection("child", Follows(("parent_id",), "parent", ("id",))),
    }
    document = write(
        [(parent, [b"(1,'a',NULL)"]), (child, [b"(1,'x')"])],
        {"includes": ((place, 1),)},
        selection=rules,
        includes=[Section(place, [[b"(5,'there')"]])],
        deferred=[Deferred(parent, ("next",), (), 1, [[b"(1,'b')"]], between_tables=True)],
        search_path=("other", "public"),
        elsewhere=[("parent", "public")],
    )
    only = b"\n/* /* */ -- */ ONLY\n"
    for statement in (
        b"DELETE FROM%bparent WHERE (id = 1);" % only,
        b"UPDATE%bparent SET next=NULL WHERE (id = 1);" % only,
        b"(SELECT id FROM%bparent WHERE (id = 1)) AS demo);" % only,
        b"NOT EXISTS (SELECT 1 FROM%bplace WHERE id=5);" % only,
        b"UPDATE%bparent SET next='b' WHERE id=1;" % only,
        b"1 AS expected FROM%bparent WHERE (id = 1)" % only,
        b"DELETE FROM child WHERE ",
    ):
        assert statement in document
    assert [type(event).__name__ for event in read(document)] == [
        *("Included", "Rows", "Rows", "Update")
    ]
    for hostile in (
        document.replace(b"to_regclass('parent')", b"pg_sleep(9)"),
        document.replace(b"to_regclass('parent')", b"to_regclass('parent') OR 1=1"),
        document.replace(b"WHERE nspname <> 'public'", b"WHERE TRUE"),
        document.replace(b"ONLY\nparent SET next='b'", b"ONLY ONLY\nparent SET next='b'"),
    ):
        assert hostile != document
        refusal(sealed(hostile))


def test_one_is_singular() -> None:
    document = write([(NOTES, [row(1)])], deferred=[Deferred(NOTES, ("note",), (), 1, [[row(1)]])])
    assert b"-- Notes (1 record)\n" in document
    assert b"-- Deferred references (1 update)\n" in document
