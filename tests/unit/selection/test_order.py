"""In which order tables load, and what has to wait."""

from __future__ import annotations

from demo_snapshots.model.tables import Column, ForeignKey, Kind, Table
from demo_snapshots.selection.order import LoadOrder, load_order


def table(name: str, *references: str, nullable: bool = False, key: bool = True) -> Table:
    """One whose column ``<other>_id`` references each of the others."""
    keys = [ForeignKey(f"{name}_{other}", (f"{other}_id",), other, ("id",)) for other in references]
    columns = [Column(f"{other}_id", Kind.INTEGER, nullable) for other in references]
    own = Column("id", Kind.INTEGER, nullable=False)
    return Table(name, (own, *columns), ("id",) if key else (), foreign_keys=tuple(keys))


def order(*tables: Table) -> LoadOrder:
    return load_order({table.name: table for table in tables})


def names(found: LoadOrder) -> list[str]:
    return [table.name for table in found.tables]


def deferred(found: LoadOrder) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(one.table.name, one.columns, one.forward) for one in found.deferred]


def postponed(found: LoadOrder) -> list[tuple[str, str]]:
    return [(table.name, key.name) for table, key in found.postponed]


def test_referenced_tables_come_before_referencing_ones_else_as_given():
    found = order(table("todos", "notes"), table("tags"), table("notes", "vaults"), table("vaults"))
    assert names(found) == ["tags", "vaults", "notes", "todos"]
    assert not found.deferred
    assert not found.postponed


def test_what_references_a_table_outside_does_not_wait_for_it():
    assert names(order(table("notes", "people"), table("tags"))) == ["notes", "tags"]


def test_rows_that_reference_their_own_table_wait_for_rows_further_on():
    found = order(table("folders", "folders", nullable=True))
    assert deferred(found) == [("folders", ("folders_id",), True)]
    assert not found.postponed


def test_an_own_reference_that_may_not_be_null_is_checked_at_the_end():
    assert postponed(order(table("folders", "folders"))) == [("folders", "folders_folders")]


def test_own_references_to_other_columns_than_the_key_wait_wherever_they_lead():
    key = ForeignKey("again", ("copy_of",), "notes", ("code",))
    columns = (Column("id", Kind.INTEGER, False), Column("copy_of", Kind.TEXT))
    found = order(Table("notes", columns, ("id",), foreign_keys=(key,)))
    assert deferred(found) == [("notes", ("copy_of",), False)]


def test_a_cycle_is_broken_where_references_may_be_null():
    found = order(table("heads", "parts"), table("parts", "heads", nullable=True))
    assert names(found) == ["parts", "heads"]
    assert deferred(found) == [("parts", ("heads_id",), False)]
    assert not found.postponed


def test_a_cycle_of_columns_that_may_not_be_null_is_checked_at_the_end():
    found = order(table("heads", "parts"), table("parts", "heads"))
    assert names(found) == ["heads", "parts"]
    assert postponed(found) == [("heads", "heads_parts")]
    assert not found.deferred


def test_a_cycle_is_not_broken_at_a_table_whose_rows_no_key_tells_apart():
    found = order(table("parts", "heads", nullable=True, key=False), table("heads", "parts"))
    assert postponed(found) == [("parts", "parts_heads")]


def test_what_waits_for_a_cycle_is_not_broken_itself():
    found = order(
        table("visits", "heads", nullable=True),
        table("heads", "parts"),
        table("parts", "heads", nullable=True),
    )
    assert names(found) == ["parts", "heads", "visits"]
    assert deferred(found) == [("parts", ("heads_id",), False)]


def test_of_a_key_of_several_columns_those_wait_that_may_be_null():
    key = ForeignKey("pair", ("shelf", "place"), "slots", ("shelf", "place"))
    columns = (
        Column("id", Kind.INTEGER, False),
        Column("shelf", Kind.INTEGER, False),
        Column("place", Kind.INTEGER),
    )
    books = Table("books", columns, ("id",), foreign_keys=(key,))
    found = order(books, table("slots", "books"))
    assert deferred(found) == [("books", ("place",), False)]
