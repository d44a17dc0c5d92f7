"""Which order of PostgreSQL's schemas leads bare names to the tables meant."""

from __future__ import annotations

from demo_snapshots.selection.search_path import _order


def order(meant: dict[str, str], there: dict[str, str]) -> tuple[list[str], list[str]]:
    """Both say by schema which tables, one letter each."""
    schemas = list(there)
    return _order(
        schemas,
        {schema: set(meant.get(schema, "")) for schema in schemas},
        {schema: set(there[schema]) for schema in schemas},
    )


def test_nothing_moves_that_need_not() -> None:
    assert order({"b": "k", "a": "t"}, {"b": "k", "a": "t"}) == (["b", "a"], [])


def test_a_schema_comes_after_those_of_which_it_holds_a_name() -> None:
    assert order({"b": "k", "a": "t"}, {"b": "kt", "a": "t"}) == (["a", "b"], [])
    meant = {"c": "x", "b": "y", "a": "z"}
    assert order(meant, {"c": "xy", "b": "yz", "a": "z"}) == (["a", "b", "c"], [])


def test_what_hides_each_other_is_told() -> None:
    schemas, hidden = order({"b": "k", "a": "t", "c": "x"}, {"b": "kt", "a": "tk", "c": "x"})
    assert schemas == ["c", "b", "a"]
    assert hidden == ["b.t hides a.t", "a.k hides b.k"]
