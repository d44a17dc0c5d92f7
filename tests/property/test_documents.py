"""Any rows, any names: a document is read back as it was written, however the stream cuts it,
and is refused when any of it is missing or changed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from property.values import CELLS, INT64, PIECES, literal, row
from unit.documents.documents import header, opened, read, refusal, rows_of, sealed, table, write

from demo_snapshots.documents.protocol import Update, any_literals
from demo_snapshots.documents.sql import window
from demo_snapshots.documents.sql.grammar import RowGrammar
from demo_snapshots.documents.sql.header import fingerprint, read_header, write_header
from demo_snapshots.documents.sql.writer import Deferred
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import Header, Statistics, TableCount
from demo_snapshots.model.tables import Affinity, Column, Kind, Table
from demo_snapshots.rows.literals import encode

NAMES = st.one_of(
    st.sampled_from(["id", "name", "order", "Mixed Case", 'quo"te', "größe", "表", "a, b", "key"]),
    st.sampled_from(
        ["records", "x null", "id integer key", "🚀", "(1 record)", "a: 1", "--", "a=1"]
    ),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.isprintable),
)
STEPS = st.sampled_from([1, 2, 7, 64, 100, 4096])


@st.composite
def described_tables(draw: st.DrawFn) -> tuple[Table, ...]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    return tuple(draw(described_table(name)) for name in names)


@st.composite
def described_table(draw: st.DrawFn, name: str) -> Table:
    columns = tuple(
        Column(column, draw(st.sampled_from(Kind)), draw(st.booleans()))
        for column in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    )
    key = draw(st.lists(st.sampled_from([c.name for c in columns]), unique=True, max_size=3))
    return Table(name, columns, tuple(key))


@st.composite
def headers(draw: st.DrawFn) -> Header:
    tables = draw(described_tables())
    labels = st.one_of(NAMES, st.just(""))
    counts = tuple(
        TableCount(
            each.name,
            draw(st.integers(0, 10**12)),
            tuple(sorted(draw(st.dictionaries(labels, st.integers(0, 10**9), max_size=3)).items())),
        )
        for each in tables
    )
    return header(
        *((each, 0) for each in tables),
        statistics=Statistics(counts),
        tool=draw(st.sampled_from(["", "demo-snapshots 0.1.0"])),
        migration=draw(st.sampled_from([None, "0001_first", "alembic 3f2a"])),
        extra=draw(st.sampled_from([(), (("Note", "kept: as it is"), ("Note", "twice"))])),
    )


@given(headers())
def test_a_header_comes_back(written: Header) -> None:
    assert read_header(write_header(written).splitlines()) == written


@given(described_tables(), st.randoms())
def test_a_fingerprint_does_not_depend_on_the_order(
    tables: tuple[Table, ...], chance: random.Random
) -> None:
    shuffled = list(tables)
    chance.shuffle(shuffled)
    assert fingerprint(shuffled) == fingerprint(tables)


@given(described_tables(), st.data())
def test_a_fingerprint_depends_on_names_kinds_keys_and_nulls(
    tables: tuple[Table, ...], data: st.DataObject
) -> None:
    first, *others = tables
    column = first.columns[0]
    kind = next(kind for kind in Kind if kind is not column.kind)
    changed = data.draw(
        st.sampled_from(
            [
                Table(first.name + "x", first.columns, first.key),
                Table(first.name, first.columns, () if first.key else (column.name,)),
                *(
                    Table(first.name, (new, *first.columns[1:]), first.key)
                    for new in (
                        Column(column.name, kind, column.nullable),
                        Column(column.name, column.kind, not column.nullable),
                    )
                ),
            ]
        )
    )
    assert fingerprint([changed, *others]) != fingerprint(tables)


# Columns of SQLite without a type take any value as it is.
ANYTHING = table(
    "things", *(Column(name, Kind.NATIVE, affinity=Affinity.BLOB) for name in ("a", "b", "c"))
)
ROWS = st.lists(st.tuples(INT64, CELLS, CELLS, CELLS), max_size=6)


def things(rows: Sequence[Sequence[object]]) -> tuple[bytes, dict[str, bytes]]:
    """A document of ``rows``, and what reading it is to give."""
    raw = [row(values) for values in rows]
    return write([(ANYTHING, raw)]), {"things": b",\n".join(raw)} if raw else {}


@given(ROWS, STEPS, st.sampled_from([1, 16, 1 << 20]))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@example([(1, Decimal("1" * 129 + ".5"), b"\xaa" * 80, "x" * 200)], 1, 1)
def test_rows_come_back_however_the_stream_cuts_them(
    rows: list[tuple[object, ...]], step: int, block: int
) -> None:
    document, expected = things(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "BLOCK", block)
        events = read(document, step=step)
    assert rows_of(events) == expected


@given(st.lists(st.tuples(INT64, CELLS, st.integers(0, 2**63 - 1)), max_size=5), STEPS)
@settings(deadline=None)
def test_deferred_references_come_back(rows: list[tuple[Any, ...]], step: int) -> None:
    later = Deferred(
        ANYTHING, ("b", "c"), ("a",), len(rows), [[row(values) for values in rows]] if rows else []
    )
    document = write([(ANYTHING, [])], deferred=[later])
    updates = [event for event in read(document, step=step) if isinstance(event, Update)]
    assert [(update.key, update.values) for update in updates] == [
        ((("id", literal(key)),), (("b", literal(b)), ("c", literal(c)))) for key, b, c in rows
    ]


@given(ROWS)
def test_the_digest_read_is_the_digest_written(rows: list[tuple[object, ...]]) -> None:
    document, _ = things(rows)
    source = opened(document)
    list(source.rows(any_literals))
    assert f"sha256:{source.digest}\n".encode() in document
    assert sealed(document) == document


@given(ROWS, st.data(), STEPS)
@settings(deadline=None)
def test_a_document_cut_short_anywhere_is_refused(
    rows: list[tuple[object, ...]], data: st.DataObject, step: int
) -> None:
    document, _ = things(rows)
    refusal(document[: data.draw(st.integers(0, len(document) - 1))], step=step)


@given(ROWS, st.data())
@settings(deadline=None)
def test_a_changed_byte_is_refused_or_leaves_the_rows_alone(
    rows: list[tuple[object, ...]], data: st.DataObject
) -> None:
    document, expected = things(rows)
    place = data.draw(st.integers(0, len(document) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != document[place]))
    changed = document[:place] + bytes((byte,)) + document[place + 1 :]
    begins = document.index(b"-- Things (")
    ends = document.index(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */")
    if begins <= place < ends:
        refusal(changed)
    else:
        try:
            assert rows_of(read(changed)) == expected
        except DocumentError:
            return
        assert opened(changed).header.tables == opened(document).header.tables


@given(ROWS.filter(bool), st.sampled_from(PIECES), st.data())
@settings(deadline=None)
def test_what_someone_hostile_puts_in_stays_a_literal_or_is_refused(
    rows: list[tuple[object, ...]], piece: str, data: st.DataObject
) -> None:
    """With the digest made anew, the reader gives literals and nothing else."""
    document, _ = things(rows)
    begins, ends = document.index(b"\n(") + 2, document.rindex(b");\n\n/*!40014")
    place = data.draw(st.integers(begins, ends))
    try:
        changed = sealed(document[:place] + piece.encode() + document[place:])
        events = read(changed)
    except DocumentError:
        return
    grammar = RowGrammar([(name, Kind.NATIVE, None) for name in ("id", "a", "b", "c")])
    for text in rows_of(events).values():
        carried = encode(text) + b";\n"
        position = 0
        while (end := grammar.match(carried, position)) > position:
            position = end
        assert position == len(carried)
