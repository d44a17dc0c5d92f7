"""Two sides and their base: what becomes of keys that clash, and of JSON that both changed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import BinaryIO

import pytest
from unit.documents.documents import write

from demo_snapshots.comparison.json_text import lead, merge_json
from demo_snapshots.comparison.keyed import KeyedDocument
from demo_snapshots.comparison.merged import MergedRows, Relations
from demo_snapshots.errors import DocumentError, MergeError
from demo_snapshots.model.merging import Conflict, Side
from demo_snapshots.model.tables import Column, ForeignKey, Kind, Table
from demo_snapshots.rows.join import ThreeWayJoin

ID = Column("id", Kind.INTEGER, nullable=False)
Rows = Sequence[bytes]


def table(*columns: Column, name: str = "t", own: str | None = None, **more: object) -> Table:
    """``own`` is a column that references a row of the same table."""
    keys = (ForeignKey("own", (own,), name, ("id",)),) if own else ()
    return Table(name, (*columns,), ("id",), foreign_keys=keys, **more)  # type: ignore[arg-type]


@contextmanager
def opened(content: bytes) -> Iterator[BinaryIO]:
    yield io.BytesIO(content)


def keyed(tables: Mapping[Table, Rows]) -> KeyedDocument:
    content = write(list(tables.items()), {"source": "postgresql 18.0"})
    return KeyedDocument(lambda: opened(content))


def merged(described: Table, base: Rows, ours: Rows, theirs: Rows) -> tuple[list[bytes], list[str]]:
    """The merged records and the conflicts, each decided for theirs."""
    relations = Relations({described.name: described}, {}, {}, {})
    told: list[str] = []

    def decide(conflict: Conflict) -> Side:
        told.append(conflict.sentence)
        return Side.THEIRS

    with (
        closing(keyed({described: base})) as one,
        closing(keyed({described: ours})) as two,
        closing(keyed({described: theirs})) as three,
        closing(MergedRows(one, two, three, relations, decide)) as rows,
    ):
        return [record for batch in rows.rows(described.name) for record in batch], told


def test_rows_that_differ_only_by_what_they_reference_get_fresh_keys() -> None:
    """A chain from its end to its head: only the heads differ in their own bytes."""
    chain = table(ID, Column("head", Kind.INTEGER), Column("name", Kind.TEXT), own="head")
    links = [b"(%d,%d,'link')" % (number, number + 1) for number in range(1, 30)]
    found, told = merged(chain, [], [*links, b"(30,NULL,'ours')"], [*links, b"(30,NULL,'theirs')"])
    assert told == []
    assert len(found) == 60
    theirs = found[30:]
    own = {record.split(b",")[0]: record.split(b",")[1] for record in theirs}
    assert {head for head in own.values() if head != b"NULL"} < own.keys()


def test_a_uuid_gets_another_one_the_same_every_time() -> None:
    uuids = table(Column("id", Kind.UUID, nullable=False), Column("name", Kind.TEXT))
    key = b"'123e4567-e89b-12d3-a456-426614174000'"
    rows: tuple[Rows, Rows, Rows] = ([], [b"(%b,'ours')" % key], [b"(%b,'theirs')" % key])
    found, _ = merged(uuids, *rows)
    assert found == merged(uuids, *rows)[0]
    assert sorted(record.split(b",")[1] for record in found) == [b"'ours'", b"'theirs'"]
    assert len({record.split(b",")[0] for record in found}) == 2


def test_a_key_that_means_something_is_a_conflict() -> None:
    codes = table(Column("id", Kind.TEXT, nullable=False), Column("name", Kind.TEXT))
    found, told = merged(codes, [], [b"('de','ours')"], [b"('de','theirs')"])
    assert (found, told) == ([b"'de','theirs'"], ["t id='de': both added the row"])


def test_no_room_for_fresh_keys_is_an_error() -> None:
    small = table(Column("id", Kind.INTEGER, nullable=False, bits=16), Column("name", Kind.TEXT))
    with pytest.raises(MergeError, match=r"t\.id: .* no room"):
        merged(
            small,
            [b"(32767,'last')"],
            [b"(1,'ours')", b"(32767,'last')"],
            [b"(1,'theirs')", b"(32767,'last')"],
        )


def test_a_document_out_of_order_is_refused() -> None:
    plain = table(ID, Column("name", Kind.TEXT))
    with pytest.raises(DocumentError, match="not in the order"):
        merged(plain, [], [b"(2,'a')", b"(1,'b')"], [b"(3,'c')"])
    with pytest.raises(DocumentError, match="two rows have one key"):
        merged(plain, [], [b"(2,'a')", b"(2,'b')"], [b"(3,'c')"])


def test_what_all_three_have_goes_by_lists() -> None:
    rows = [b"%d" % number for number in range(1000)]

    def parts(rows: list[bytes], size: int) -> Iterator[list[bytes]]:
        return (rows[start : start + size] for start in range(0, len(rows), size))

    ours = [*rows[:500], *rows[501:]]
    join = ThreeWayJoin(
        [parts(rows, 300), parts(ours, 7), parts(rows, 1000)], lambda record: (int(record),)
    )
    found = list(join)
    assert [triple for triple in found if isinstance(triple, tuple)] == [(b"500", None, b"500")]
    assert sum(len(part) for part in found if isinstance(part, list)) == 999


ANY = (
    ('{"a": 1, "b": 1}', '{"a": 2, "b": 1}', '{"a": 1, "b": 3}', '{"a": 2, "b": 3}'),
    ('{"a":1,"b":1}', '{"a":1.50,"b":1}', '{"a":1}', '{"a":1.50}'),
    ('{"a": {"x": [1,  2]}}', '{"a": {"x": [1, 2], "y": 0}}', '{"a": {"x": [1,2], "z": 0}}',
     '{"a": {"x": [1, 2], "y": 0, "z": 0}}'),
    (None, '{"a": 1}', '{"b": "\\u00e4\\ud800"}', '{"a": 1, "b": "\\u00e4\\ud800"}'),
    ("[1]", "[1,2]", "[ 1 ]", "[1,2]"),
    ("[1]", "[1,2]", "[3]", None),
    ('{"a": 1}', '{"a": 1, "a": 2}', '{"a": 3}', None),
)  # fmt: skip


@pytest.mark.parametrize(("base", "ours", "theirs", "result"), ANY)
def test_json_is_merged_member_by_member_and_its_bytes_are_kept(
    base: str | None, ours: str, theirs: str, result: str | None
) -> None:
    def settle(*_: object) -> str:
        raise AssertionError("nothing is in conflict")

    assert merge_json(base, ours, theirs, settle) == result


def test_members_are_put_in_the_order_of_jsonb() -> None:
    found = merge_json(
        '{"b": 1}', '{"b": 1, "ccc": 2}', '{"b": 1, "aa": 3}', lambda *_: None, canonical=True
    )
    assert found == '{"b": 1, "aa": 3, "ccc": 2}'


def test_members_that_both_changed_are_settled_one_by_one() -> None:
    asked = []

    def settle(path: str, base: str | None, ours: str | None, theirs: str | None) -> str | None:
        asked.append((path, base, ours, theirs))
        return theirs

    found = merge_json(
        '{"a": {"b": 1, "c": 1}, "d": 1}',
        '{"a": {"b": 2}, "d": 2}',
        '{"a": {"b": 3, "c": 3}}',
        settle,
    )
    assert found == '{"a": {"b": 3, "c": 3}}'
    assert asked == [(".a.b", "1", "2", "3"), (".a.c", "1", None, "3"), (".d", "1", "2", None)]


def test_references_in_json_are_led_and_nothing_else_changes() -> None:
    text = '{ "r" : [ {"id": 5, "n":1.50}, {"id":"5"}, {"id": true}, 5 ], "id": 5 }'
    led = '{ "r" : [ {"id": 77, "n":1.50}, {"id":"77"}, {"id": true}, 5 ], "id": 5 }'
    assert lead(text, ["r", "[*]", "id"], {"5": "77"}) == led
    for same in ("5 5", "null", "[5]", '{"r": {"id": 5}}'):
        assert lead(same, ["r", "[*]", "id"], {"5": "77"}) == same
