"""Two documents compared: planted edits are found, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property.values import CELLS, row
from unit.documents.documents import sealed, table, text, write

from demo_snapshots.comparison import rows as rows_module
from demo_snapshots.comparison.documents import DocumentComparison
from demo_snapshots.comparison.keyed import KeyedDocument
from demo_snapshots.documents.sql.writer import Deferred
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.changes import NOTHING, Change, Json, TableDifference, What
from demo_snapshots.model.tables import Affinity, Column, Kind, Table

TODOS = table("todos", text("title"), Column("metadata", Kind.JSON), Column("price", Kind.DECIMAL))
NOTES = table("notes", text("body"), Column("n", Kind.INTEGER), key=())
Rows = Sequence[bytes]


def keyed(document: bytes) -> KeyedDocument:
    @contextmanager
    def opening() -> Iterator[BinaryIO]:
        yield io.BytesIO(document)

    return KeyedDocument(opening)


def compared(
    old: bytes, new: bytes, *ignored: str, tables: set[str] | None = None
) -> tuple[list[Change], dict[str, TableDifference]]:
    told: list[Change] = []
    with closing(keyed(old)) as ours, closing(keyed(new)) as theirs:
        comparison = DocumentComparison(ours, theirs, lambda name: ignored)
        found = list(comparison.tables(tables, told.append))
    return told, {difference.table: difference for difference in found}


def documents(
    described: Table, old: Rows, new: Rows, *, source: str = "sqlite 3.40.1"
) -> tuple[bytes, bytes]:
    return write([(described, old)]), write([(described, new)], {"source": source})


def test_added_removed_and_changed_rows_are_told_with_their_cells():
    old = [b"(1,'a','{\"n\": 1}',1.00)", b"(2,'b',NULL,NULL)", b"(3,'c',NULL,NULL)"]
    new = [b"(1,'a','{\"n\": 2}',1.0)", b"(3,'c',NULL,NULL)", b"(4,'','[]',0)"]
    told, found = compared(*documents(TODOS, old, new))
    assert [(change.what, dict(change.key)) for change in told] == [
        (What.CHANGED, {"id": 1}),
        (What.REMOVED, {"id": 2}),
        (What.ADDED, {"id": 4}),
    ]
    assert [(c.place, c.old, c.new) for c in told[0].cells] == [
        ("metadata.n", Json("1"), Json("2")),
        ("price", told[0].cells[1].old, told[0].cells[1].new),
    ]
    assert [str(value) for value in (told[0].cells[1].old, told[0].cells[1].new)] == ["1.00", "1.0"]
    assert [cell.new for cell in told[2].cells] == [4, "", "[]", 0]
    assert all(cell.old is NOTHING for cell in told[2].cells)
    assert found["todos"] == TableDifference("todos", added=1, removed=1, changed=1, same=1)


def test_null_is_not_the_empty_text():
    told, _ = compared(*documents(TODOS, [b"(1,'',NULL,NULL)"], [b"(1,NULL,NULL,NULL)"]))
    assert [(c.place, c.old, c.new) for c in told[0].cells] == [("title", "", None)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('{"a": {"b": [1, 2]}}', '{"a": {"b": [1, 3, 4]}}', {".a.b[1]": "2→3", ".a.b[2]": "→4"}),
        ('{"a": 1, "b": 2}', '{"b": 2}', {".a": "1→"}),
        ('{"a": 1.10}', '{"a": 1.1}', {".a": "1.10→1.1"}),
        ('{"a": true}', '{"a": 1}', {".a": "true→1"}),
        ('{"a": "1"}', '{"a": 1}', {".a": '"1"→1'}),
        ('{"a": [1]}', '{"a": {"0": 1}}', {".a": '[1]→{"0": 1}'}),
        ('{"a": null}', "{}", {".a": "null→"}),
    ],
)
def test_json_is_compared_member_by_member(old, new, expected):
    rows = [[f"(1,NULL,'{text}',NULL)".encode()] for text in (old, new)]
    told, _ = compared(*documents(TODOS, *rows))
    shown = {
        cell.place.removeprefix("metadata"): "→".join(
            "" if value is NOTHING else str(value) for value in (cell.old, cell.new)
        )
        for cell in told[0].cells
    }
    assert shown == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [('{"a":1}', '{"a": 1}'), ("{broken", '{"a": 1}'), ("[" * 5000, "[" * 6000), ("[1]", '"x"')],
)
def test_json_that_cannot_be_told_by_members_differs_as_a_whole(old, new):
    rows = [[f"(1,NULL,'{text}',NULL)".encode()] for text in (old, new)]
    told, _ = compared(*documents(TODOS, *rows))
    ((cell,),) = [change.cells for change in told]
    assert (cell.place, cell.old, cell.new) == ("metadata", old, new)


def test_deep_json_is_compared_in_bounded_depth():
    rows = [[("(1,NULL,'" + '{"a":' * 400 + end + "}" * 400 + "',NULL)").encode()] for end in "12"]
    told, _ = compared(*documents(TODOS, *rows))
    ((cell,),) = [change.cells for change in told]
    assert len(cell.path) == 50


def test_a_key_that_moved_is_told_as_such():
    old = [b"(1,'a',NULL,NULL)", b"(2,'b',NULL,NULL)", b"(3,'c',NULL,NULL)"]
    new = [b"(1,'a',NULL,NULL)", b"(3,'d',NULL,NULL)", b"(20,'b',NULL,NULL)"]
    told, found = compared(*documents(TODOS, old, new))
    moved = [change for change in told if change.what is What.MOVED]
    assert [(c.place, c.old, c.new) for c in moved[0].cells] == [("id", 2, 20)]
    assert (found["todos"].moved, found["todos"].added, found["todos"].removed) == (1, 0, 0)


def test_of_many_rows_no_counterpart_is_looked_for_and_none_is_lost(monkeypatch):
    monkeypatch.setattr(rows_module, "_MOST_LOOSE_ROWS", 10)
    old = [b"(%d,'x%d',NULL,NULL)" % (n, n) for n in range(20)]
    new = [b"(%d,'x%d',NULL,NULL)" % (n + 100, n) for n in range(20)]
    told, found = compared(*documents(TODOS, old, new))
    assert (found["todos"].added, found["todos"].removed, found["todos"].moved) == (20, 20, 0)
    assert len({(change.what, change.key) for change in told}) == 40


def test_tables_without_a_key_are_compared_as_multisets():
    old = [b"('a',1)", b"('b',1)", b"('b',1)", b"('c',NULL)"]
    new = [b"('b',1)", b"('a',1)", b"('a',1)", b"('c',NULL)"]
    told, found = compared(*documents(NOTES, old, new))
    assert sorted((change.what, change.cells[0].old, change.cells[0].new) for change in told) == [
        (What.ADDED, NOTHING, "a"),
        (What.REMOVED, "b", NOTHING),
    ]
    assert found["notes"].same == 3


def test_columns_and_tables_that_one_side_has_are_said_once():
    with_more = table("todos", text("title"), text("extra"))
    without = table("todos", text("title"), text("gone"))
    old = write([(without, [b"(1,'a','x')", b"(2,'b','y')"]), (NOTES, [b"('n',1)"])])
    new = write([(with_more, [b"(1,'a','z')", b"(2,'c','w')"])])
    told, found = compared(old, new)
    assert [(c.place, c.old, c.new) for change in told for c in change.cells] == [
        ("title", "b", "c")
    ]
    assert (found["todos"].only_old, found["todos"].only_new) == (("gone",), ("extra",))
    assert found["notes"] == TableDifference("notes", removed=1, missing="new")


def test_ignored_columns_count_for_nothing():
    rows = [[b"(1,'a',NULL,1)"], [b"(1,'b',NULL,1)"]]
    told, found = compared(*documents(TODOS, *rows), "title")
    assert (told, found["todos"].differs, found["todos"].same) == ([], False, 1)


def test_tables_in_another_order_meet_all_the_same():
    others = table("others", text("title"))
    rows = [b"(%d,'x')" % n for n in range(3)]
    old = write([(others, rows), (NOTES, [b"('n',1)"]), (TODOS, [])])
    new = write([(TODOS, []), (NOTES, [b"('n',1)"]), (others, [*rows, b"(9,'y')"])])
    told, found = compared(old, new)
    assert [(change.table, change.what) for change in told] == [("others", What.ADDED)]
    assert found["others"].same == 3


def test_engines_spell_values_differently_and_mean_the_same():
    described = table(
        "t",
        Column("flag", Kind.BOOLEAN, affinity=Affinity.BLOB),
        Column("price", Kind.DECIMAL, affinity=Affinity.BLOB),
        Column("at", Kind.TIMESTAMP, affinity=Affinity.BLOB),
        Column("doc", Kind.JSON, affinity=Affinity.BLOB),
        Column("ident", Kind.UUID, affinity=Affinity.BLOB),
    )
    old = [b"(1,1,1.0,'2025-01-15T10:00:00.500Z','{\"b\":1.0,\"a\":[]}','AB')"]
    new = [b"(1,TRUE,1.00,'2025-01-15 10:00:00.5','{\"a\": [], \"b\": 1}','ab')"]
    told, found = compared(*documents(described, old, new, source="postgresql 18.1"))
    assert (told, found["t"].same) == ([], 1)
    told, _ = compared(*documents(described, old, new))
    assert len(told[0].cells) == 5


@pytest.mark.parametrize("source", ["sqlite 3.40.1", "postgresql 18.1"])
def test_deferred_references_belong_to_their_rows(source):
    described = table("nodes", Column("next_id", Kind.INTEGER), text("name"))

    def document(updates: Rows, rows: Rows, fields: dict[str, Any]) -> bytes:
        deferred = [Deferred(described, ("next_id",), (), len(updates), [list(updates)])]
        return write([(described, rows)], fields, deferred=deferred)

    old = document(
        [b"(1,3)", b"(10,11)"],
        [b"(1,NULL,'a')", b"(3,1,'c')", b"(10,NULL,'j')", b"(11,NULL,'k')"],
        {},
    )
    new = document(
        [b"(3,10)"],
        [b"(1,1,'a')", b"(3,NULL,'c')", b"(10,3,'x')", b"(11,NULL,'k')"],
        {"source": source},
    )
    told, found = compared(old, new)
    assert {dict(c.key)["id"]: [(x.place, x.old, x.new) for x in c.cells] for c in told} == {
        1: [("next_id", 3, 1)],
        3: [("next_id", 1, 10)],
        10: [("next_id", 11, 3), ("name", "j", "x")],
    }
    assert found["nodes"].same == 1


def test_nothing_is_told_of_a_file_that_is_damaged():
    whole = write([(TODOS, [b"(1,'a',NULL,NULL)", b"(2,'b',NULL,NULL)"])])
    with pytest.raises(DocumentError, match="altered"):
        keyed(whole.replace(b"(1,'a'", b"(1,'x'"))
    with pytest.raises(DocumentError, match="header counts 2"):
        keyed(sealed(whole.replace(b"(1,'a',NULL,NULL),\n", b"")))


Table_ = st.dictionaries(st.integers(-5, 40), st.tuples(CELLS, CELLS), max_size=25)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(Table_, Table_, st.booleans())
def test_what_is_told_makes_the_one_of_the_other(old, new, merges):
    """The changes, applied to the old rows, give the new rows; and there is none too many."""
    if merges:  # sides that have much in common
        new = {**old, **dict(list(new.items())[:3])}
    described = table(
        "t", *(Column(name, Kind.NATIVE, affinity=Affinity.BLOB) for name in ("a", "b"))
    )
    rows = [[row((key, *side[key])) for key in sorted(side)] for side in (old, new)]
    told, found = compared(*documents(described, *rows))
    state = {key: as_told(rows[0], key) for key in old}
    for change in told:
        key = dict(change.key)["id"]
        assert change.cells
        if change.what is What.REMOVED:
            del state[key]
        elif change.what is What.ADDED:
            state[key] = {cell.column: cell.new for cell in change.cells if cell.column != "id"}
        elif change.what is What.MOVED:
            state[change.cells[0].new] = state.pop(key)
        else:
            assert all(state[key][cell.column] == cell.old for cell in change.cells)
            state[key] = state[key] | {cell.column: cell.new for cell in change.cells}
    assert state == {key: as_told(rows[1], key) for key in new}
    assert found["t"].same == sum(1 for r in rows[0] if r in rows[1])


def as_told(rows: Rows, key: int) -> dict[str, object]:
    from demo_snapshots.rows.literals import cells, value_of

    for each in rows:
        values = [value_of(cell) for cell in cells(each[1:-1])]
        if values[0] == key:
            return {"a": values[1], "b": values[2]}
    raise KeyError(key)
