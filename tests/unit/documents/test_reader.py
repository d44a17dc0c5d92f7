"""Reading a document: what streams by, what a refusal says, and what it costs."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import NoReturn

import pytest
from unit.documents.documents import (
    Trickle,
    batches,
    header,
    opened,
    read,
    refusal,
    rows_of,
    selection,
    table,
    text,
    write,
)

from demo_snapshots.documents.opening import describe, read_tail
from demo_snapshots.documents.protocol import Included, Rows, any_literals
from demo_snapshots.documents.sql import window
from demo_snapshots.documents.sql.reader import SqlDocument
from demo_snapshots.documents.sql.writer import Content, Section, write_document
from demo_snapshots.errors import DocumentError, ExportNotFoundError, UnfitValueError
from demo_snapshots.model.tables import Column, Kind

NOTES = table("notes", text("note"))
ROWS = [b"(%d,'%s')" % (number, b"x" * 90) for number in range(2000)]
DOCUMENT = write([(NOTES, ROWS)])


def test_rows_come_as_whole_rows_of_one_table() -> None:
    events = read(DOCUMENT, step=5000)
    assert len(events) > 10
    for event in events:
        assert isinstance(event, Rows)
        assert (event.table, event.columns) == ("notes", ("id", "note"))
        assert (event.text[:1], event.text[-1:]) == (b"(", b")")
    assert rows_of(events) == {"notes": b",\n".join(ROWS)}


def test_a_row_longer_than_a_block_is_read_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read gives as much again as is waiting, so reads grow with the logarithm."""
    monkeypatch.setattr(window, "BLOCK", 64)
    reads = []
    for size in (1 << 16, 1 << 18):
        stream = Trickle(write([(NOTES, [b"(1,'" + b"''" * size + b"')"])]), 1 << 30)
        assert rows_of(SqlDocument(stream).rows(any_literals))  # type: ignore[arg-type]
        reads.append(stream.reads)
    assert reads[1] <= reads[0] + 4


@pytest.mark.slow
def test_memory_does_not_grow_with_the_document() -> None:
    peaks = []
    for count in (40_000, 160_000):
        rows = batches([b"(%d,'%s')" % (number, b"x" * 90) for number in range(count)])
        stream = io.BytesIO()
        made = Content([Section(NOTES, rows)], selection([NOTES]))
        write_document(stream, header((NOTES, count)), made)
        stream.seek(0)
        del rows, made
        tracemalloc.start()
        for _ in SqlDocument(stream).rows(any_literals):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


def test_the_target_decides_what_a_value_must_be() -> None:
    narrow = table("notes", text("note", length=5))
    error = refusal(DOCUMENT, lambda name: narrow)
    assert isinstance(error, UnfitValueError)
    assert error.message.endswith("notes.note would not take this value unchanged: text")
    assert "xxx" not in error.message + (error.hint or "")


def unknown(name: str) -> NoReturn:
    raise KeyError(name)


def test_what_the_target_raises_comes_out() -> None:
    with pytest.raises(KeyError):
        read(DOCUMENT, unknown)


def test_a_table_without_rows_is_not_asked_for() -> None:
    read(write([(NOTES, [])]), unknown)


def test_the_header_is_read_at_once_and_the_digest_known_at_the_end() -> None:
    document = opened(DOCUMENT)
    assert document.header.statistics.total == 2000
    assert document.digest == ""
    for _ in document.rows(any_literals):
        pass
    assert f"sha256:{document.digest}".encode() in DOCUMENT


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a demo snapshot"),
        (b"\n", "the header has no Format"),
        (b"-- Demo Data Export", "not a demo snapshot"),
        (b"SQLite format 3\0", "a control character, which no snapshot holds"),
        (b"CREATE TABLE x (y);\n", "not a demo snapshot"),
        (b"-- Demo Data Export\n", "cut short"),
        (b"-- Demo Data Export\n\n", "the header has no Format"),
        (b"<<<<<<< HEAD\n" + DOCUMENT, "not a demo snapshot"),
        (b"x" * (2 << 20), "a line longer than 1 MiB"),
    ],
)
def test_other_files_are_named_what_they_are(content: bytes, says: str) -> None:
    assert says in refusal(content).message


def test_converted_line_ends_are_explained() -> None:
    error = refusal(DOCUMENT.replace(b"\n", b"\r\n"))
    assert error.line == 1
    assert "carriage return" in error.message
    assert ".gitattributes" in (error.hint or "")


def test_a_merge_conflict_is_refused_where_it_stands() -> None:
    conflict = DOCUMENT.replace(ROWS[3] + b",\n", b"<<<<<<< HEAD\n" + ROWS[3] + b",\n")
    error = refusal(conflict)
    assert error.line == conflict[: conflict.index(b"<<<<")].count(b"\n") + 1


@pytest.mark.parametrize("cut", range(0, len(DOCUMENT), 4999))
def test_a_document_cut_short_says_so(cut: int) -> None:
    says = refusal(DOCUMENT[:cut]).message
    assert "cut short" in says or cut < 1000


def test_a_tail_is_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(DOCUMENT)
    document = opened(DOCUMENT)
    list(document.rows(any_literals))
    assert read_tail(path).digest == document.digest
    assert describe(path).digest == document.digest
    assert describe(path).size == len(DOCUMENT)


@pytest.mark.parametrize(
    "content", [DOCUMENT[:-1], DOCUMENT + b"\n", DOCUMENT + b"x", DOCUMENT[:500]]
)
def test_a_tail_that_is_not_the_end_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match="cut short"):
        read_tail(path)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ExportNotFoundError, match=r"none\.sql: cannot be read"):
        read_tail(tmp_path / "none.sql")


ADVERSARIES = {
    "quotes": 'b"(1,\'" + b"\'\'" * n',
    "quotes and letters": 'b"(1,\'" + b"a\'\'" * n + b"\',"',
    "odd quotes": 'b"(1,\'" + b"\'" * n + b"x"',
    "digits": 'b"(" + b"1" * n + b"x"',
    "digits and points": 'b"(" + b"1." * n',
    "exponents": 'b"(" + b"1e" * n',
    "signs": 'b"(" + b"-" * n',
    "openers": 'b"(1,\\n/* /* */ " + b"/*" * n',
    "hexadecimal": 'b"(1,\\n/* /* */ X\'" + b"0" * (2 * n + 1) + b"\' -- */ \'\\\\x\'\\n"',
    "escapes": 'b"(1,\\n/* /* */ CAST(X\'0D\' AS CHAR) -- */ E\'" + b"\\\\\\\\" * n + b"x\\n"',
    "parentheses": 'b"(" * n',
    "rows": 'b"(1,\'a\'),\\n" * n + b"("',
    "columns": 'b"(" + b"1," * n',
    "line breaks": 'b"\\n" * n',
    "blanks": 'b"(1,\' " + b" " * n + b"x"',
    "zeros": 'b"(" + b"0" * n + b"."',
    "moments": 'b"(1,\'2025-01-15 10:00:00." + b"0" * n + b"+\'"',
}
HANG = 60
"""Seconds. No timing: the programs take one or two, and backtracking would take hours."""


def run(program: str) -> None:
    """``program`` in a process of its own, which can be stopped if a pattern hangs it."""
    path = f"import sys\nsys.path[:0] = {[entry for entry in sys.path if entry]!r}\n"
    subprocess.run([sys.executable, "-c", path + program], check=True, timeout=HANG)


@pytest.mark.slow
def test_no_text_makes_the_grammar_backtrack() -> None:
    run(f"""
from demo_snapshots.documents.sql.grammar import RowGrammar
from demo_snapshots.model.tables import Affinity, Column, Kind

n = 50_000
texts = {{{", ".join(f"{name!r}: {text}" for name, text in ADVERSARIES.items())}}}
for affinity in (None, *Affinity):
    for kind in Kind:
        column = Column("c", kind, affinity=affinity, precision=6, scale=2, length=n)
        found = RowGrammar([("c", kind, column), ("d", kind, None)])
        for name, text in texts.items():
            print(affinity, kind, name, flush=True)
            for end in (b"", b"),\\n" + b"(1,2);\\n" * 20):
                found.match(text + end, 0)
                found.fault(text + end, 0)
""")


@pytest.mark.slow
def test_a_wide_row_that_fails_at_its_end_is_not_tried_again() -> None:
    """Where two forms take the same value, n columns must not be tried in 2**n ways."""
    run("""
from demo_snapshots.documents.sql.grammar import RowGrammar
from demo_snapshots.model.tables import Affinity, Column, Kind

values = {
    Kind.INTEGER: b"1", Kind.DECIMAL: b"1.5", Kind.FLOAT: b"1.5", Kind.TEXT: b"'a'",
    Kind.JSON: b"'{}'", Kind.BOOLEAN: b"1", Kind.TIMESTAMP: b"'2025-01-15 10:00:00'",
    Kind.DATE: b"'2025-01-15'", Kind.UUID: b"'3f2a9c41-d0be-4a6e-9d5c-0123456789ab'",
    Kind.BINARY: b"\\n/* /* */ X'00' -- */ '\\\\x00'\\n",
}
for kind, value in values.items():
    for affinity in (None, *Affinity):
        if affinity is Affinity.TEXT and not value.startswith((b"'", b"\\n")):
            continue
        column = Column("c", kind, affinity=affinity, length=9)
        found = RowGrammar([("c", kind, column)] * 45)
        row = b"(" + (value + b",") * 44
        assert found.match(row + b"now());\\n", 0) == 0
        assert found.fault(row + b"now());\\n" + b" " * 99, 0).position == len(row)
        assert found.match(row + value + b");\\n", 0) == len(row + value) + 3
""")


@pytest.mark.parametrize(
    ("start", "part", "times"),
    [
        ("DELETE FROM notes WHERE ", "'a'", 400_000),
        ("DELETE FROM notes WHERE ", '"', 800_001),
        ("DELETE FROM notes WHERE ", "x", 2 << 20),
        ("", "x", 10 << 20),
    ],
)
def test_a_statement_of_megabytes_is_refused_before_it_is_all_read(
    start: str, part: str, times: int
) -> None:
    line = start + part * times
    old = DOCUMENT[DOCUMENT.index(b"DELETE FROM") : DOCUMENT.index(b"\n\n-- Notes")]
    stream = Trickle(DOCUMENT.replace(old, line.encode() * 2), 1 << 16)
    with pytest.raises(DocumentError):
        list(SqlDocument(stream).rows(any_literals))  # type: ignore[arg-type]
    assert stream.reads <= 45


def test_a_string_that_never_ends_is_refused_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "LONGEST_ROW", 1 << 20)
    endless = Trickle(DOCUMENT[: DOCUMENT.index(b"x" * 90)] + b"x" * (20 << 20), 1 << 30)
    with pytest.raises(DocumentError, match="a row longer than"):
        list(SqlDocument(endless).rows(any_literals))  # type: ignore[arg-type]
    assert endless.reads < 8


PLANS = table("plans", text("note"), Column("picture", Kind.BINARY))
INTO = "INSERT INTO plans (id, note, picture)"


def _including(row: bytes) -> bytes:
    return write(
        [(NOTES, ROWS[:2])],
        {"includes": ((PLANS, 1),)},
        includes=[Section(PLANS, [[row]])],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "times"),
    [(b"''", 1 << 20), (b"x", 2 << 20), (b"a''\x01", 1 << 17), (b"a\nb", 1 << 19)],
    ids=["quotes", "text", "special", "lines"],
)
@pytest.mark.parametrize("step", [(1 << 20) - 1, 1 << 30])
def test_an_included_row_may_be_as_long_as_any(part: bytes, times: int, step: int) -> None:
    row = b"(1,'" + part * times + b"',X'" + b"00FF" * (1 << 18) + b"')"
    (included,) = (e for e in read(_including(row), step=step) if isinstance(e, Included))
    assert included.text == row


def test_a_long_included_row_is_read_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "BLOCK", 64)
    monkeypatch.setattr(window, "LONGEST_LINE", 1 << 14)
    reads = []
    for size in (1 << 16, 1 << 18):
        stream = Trickle(_including(b"(1,'" + b"''" * size + b"',NULL)"), 1 << 30)
        list(SqlDocument(stream).rows(any_literals, any_literals))  # type: ignore[arg-type]
        reads.append(stream.reads)
    assert reads[1] <= reads[0] + 4


@pytest.mark.parametrize(
    ("start", "part", "times", "end"),
    [
        (f"{INTO} SELECT 1,'a',NULL WHERE", " x", 8 << 20, ""),
        (f"{INTO} SELECT 1,'a',NULL x'", "x", 16 << 20, ""),
        (f"{INTO} SELECT 1,'a',", "now(),", 3 << 20, ""),
        ("INSERT INTO plans (id, ", "note, ", 3 << 20, ") SELECT 1,'a',NULL WHERE"),
        (f"{INTO} VALUES (1,'", "x", 16 << 20, ""),
        ("", "x", 16 << 20, ""),
    ],
)
def test_what_is_no_included_row_is_refused_before_it_is_all_read(
    start: str, part: str, times: int, end: str
) -> None:
    line = (start + part * times + end).encode()
    document = _including(b"(1,'a',NULL)")
    old = document[document.index(b"INSERT INTO plans") : document.index(b"\n\n-- Notes")]
    stream = Trickle(document.replace(old, line), 1 << 30)
    with pytest.raises(DocumentError):
        list(SqlDocument(stream).rows(any_literals, any_literals))  # type: ignore[arg-type]
    assert stream.reads <= 4


def test_kinds_that_the_header_names_need_no_target() -> None:
    every = table("every", *(Column(f"c_{kind}", kind) for kind in Kind))
    row = b"(1" + b",NULL" * len(Kind) + b")"
    assert rows_of(read(write([(every, [row])]))) == {"every": row}
