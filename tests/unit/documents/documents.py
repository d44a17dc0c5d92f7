"""Documents made in a line or two, and read back through streams that give what they like."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, cast

import pytest

from demo_snapshots.documents.protocol import Document, Event, Rows, Target, any_literals
from demo_snapshots.documents.sql.header import fingerprint
from demo_snapshots.documents.sql.reader import SqlDocument, any_lookup
from demo_snapshots.documents.sql.writer import Content, Section, write_document
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.rules import Field, Marked, TableSelection
from demo_snapshots.model.snapshots import Header, Statistics, TableCount, Version
from demo_snapshots.model.tables import Column, Kind, Table

MARKER = Marked(Field("metadata", ("demo_seed",)))
Content_ = Sequence[tuple[Table, Sequence[bytes]]]


def table(name: str, *columns: Column, key: tuple[str, ...] = ("id",)) -> Table:
    """A table with an integer ``id`` before ``columns``, or just these if the key is another."""
    first = (Column("id", Kind.INTEGER, nullable=False),) if key == ("id",) else ()
    return Table(name, (*first, *columns), key)


def text(name: str = "name", **facets: Any) -> Column:
    return Column(name, Kind.TEXT, **facets)


def header(*counts: tuple[Table, int], **fields: Any) -> Header:
    tables = tuple(described for described, _ in counts)
    statistics = Statistics(tuple(TableCount(each.name, count) for each, count in counts))
    values: dict[str, Any] = {
        "scenario": "general",
        "version": Version(1, date(2025, 1, 15)),
        "generated": datetime(2025, 1, 15, 10, 30, tzinfo=UTC),
        "source": "sqlite 3.40.1",
        "schema": fingerprint(tables),
        "tables": tables,
        "statistics": statistics,
    }
    return Header(**(values | fields))


def selection(tables: Iterable[Table]) -> dict[str, TableSelection]:
    return {each.name: TableSelection(each.name, MARKER) for each in tables}


def batches(rows: Sequence[bytes]) -> list[Sequence[bytes]]:
    """``rows`` in lists of 500, as they come from an engine."""
    return [rows[start : start + 500] for start in range(0, len(rows), 500)]


def write(
    sections: Content_,
    fields: Mapping[str, Any] | None = None,
    **content: Any,
) -> bytes:
    """A document of ``sections``; ``fields`` of the header and ``content`` beyond the usual.

    ``overriding`` names the tables whose keys are GENERATED ALWAYS.
    """
    tables = [described for described, _ in sections]
    always = content.pop("overriding", ())
    made = Content(
        [
            Section(described, batches(rows), described.name in always)
            for described, rows in sections
        ],
        content.pop("selection", selection(tables)),
        **content,
    )
    stream = io.BytesIO()
    counts = [(described, len(rows)) for described, rows in sections]
    write_document(stream, header(*counts, **(fields or {})), made)
    return stream.getvalue()


class Trickle:
    """A stream that gives at most ``step`` bytes a read, however many were asked for."""

    def __init__(self, content: bytes, step: int) -> None:
        self._stream = io.BytesIO(content)
        self._step = step
        self.reads = 0

    def read(self, size: int) -> bytes:
        self.reads += 1
        return self._stream.read(min(size, self._step))


def read(document: bytes, target: Target = any_literals, *, step: int = 1 << 20) -> list[Event]:
    """Everything in ``document``. Raises what reading it raises."""
    return list(opened(document, step).rows(target, any_literals, any_lookup))


def opened(document: bytes, step: int = 1 << 20) -> Document:
    return SqlDocument(cast(BinaryIO, Trickle(document, step)))


def rows_of(events: Iterable[Event]) -> dict[str, bytes]:
    """The raw rows of each table, however they were cut."""
    found: dict[str, list[bytes]] = {}
    for event in events:
        if isinstance(event, Rows):
            found.setdefault(event.table, []).append(event.text)
    return {name: b",\n".join(texts) for name, texts in found.items()}


def refusal(
    document: bytes, target: Target = any_literals, *, step: int = 1 << 20
) -> DocumentError:
    """The error that reading ``document`` gives; the test fails if there is none."""
    with pytest.raises(DocumentError) as caught:
        read(document, target, step=step)
    return caught.value


def sealed(document: bytes) -> bytes:
    """``document`` with the digest of the rows it has, as someone hostile would leave it."""
    begin = document.index(b"\n\n-- ", document.index(b"-- Cleanup existing")) + 2
    end = document.rindex(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n")
    digest = hashlib.sha256(document[begin:end]).hexdigest().encode()
    head, tail = document[:end], document[end:]
    return head + re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + digest, tail)


def in_format_1(document: bytes) -> bytes:
    """``document`` as it was in format 1, whose statements begin at every 500th row. Where a table
    has so many, each is on one line and they are less than a mebibyte."""
    document = document.replace(b"-- Format: 2\n", b"-- Format: 1\n", 1)
    head, rows, lines = b"", 0, []
    for line in re.sub(rb";\nINSERT INTO [^\n]+ VALUES\n(?=\()", b",\n", document).split(b"\n"):
        if line.startswith(b"INSERT INTO "):
            head, rows = line, 0
        rows += line.startswith(b"(")
        if line.startswith(b"(") and line.endswith(b",") and rows % 500 == 0:
            line = line[:-1] + b";\n" + head
        lines.append(line)
    return sealed(b"\n".join(lines))


def line_of(document: bytes, excerpt: bytes) -> int:
    """The 1-based line on which the only ``excerpt`` in ``document`` begins."""
    assert document.count(excerpt) == 1, excerpt
    return document.count(b"\n", 0, document.index(excerpt)) + 1
