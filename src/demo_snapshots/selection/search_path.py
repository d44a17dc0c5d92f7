"""The search path by which the bare names of a document lead to the tables meant (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from demo_snapshots.errors import ExportError
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.demo_set import DemoSet


class SearchPath(Struct, frozen=True):
    """``schemas`` in order, empty where it is just public; ``elsewhere`` are the tables that are
    not in the first of them, and their schemas: another database may hold a table of the same
    name in a schema before theirs. ``hidden`` says which tables it does not lead to even here."""

    schemas: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()

    def require(self) -> None:
        """Raise ExportError if a stock client would be led to another table than is meant."""
        if self.hidden:
            raise ExportError(
                "no search path would lead psql to these tables by their names:"
                f" {', '.join(self.hidden)}",
                hint="Rename one of them, or choose demo tables of one schema only.",
            )


def search_path(demo: DemoSet) -> SearchPath:
    """The path for all tables that a document of ``demo`` names. Raises DatabaseError."""
    catalog = demo.database.catalog
    if not catalog.has_schemas:
        return SearchPath()
    tables = _named(demo)
    with demo.database.wrapped():
        home = catalog.home()
        relations = catalog.relations(sorted({table.name for table in tables}))
    visible = {name: schema for schema, name, is_visible in relations if is_visible}
    meant: dict[str, set[str]] = {}
    for table in tables:
        schema = table.schema or visible.get(table.name, home)
        meant.setdefault(schema, set()).add(table.name)
    schemas = list(dict.fromkeys([*(name for name in meant if name != home), home]))
    if schemas in (["public"], [""]):
        return SearchPath()
    ordered, hidden = _order(
        schemas,
        {schema: meant.get(schema, set()) for schema in schemas},
        {schema: {name for other, name, _ in relations if other == schema} for schema in schemas},
    )
    elsewhere = ((name, schema) for schema in ordered[1:] for name in sorted(meant.get(schema, ())))
    return SearchPath(tuple(ordered), tuple(elsewhere), tuple(hidden))


def _named(demo: DemoSet) -> list[Table]:
    looked_up = [referenced for _, _, (referenced, _, _, _) in demo.external.lookups()]
    return [*demo.schema.tables.values(), *demo.external.included, *looked_up]


def _order(
    schemas: list[str], meant: Mapping[str, set[str]], there: Mapping[str, set[str]]
) -> tuple[list[str], list[str]]:
    """``schemas`` as given, but none before another of which it would hide a table; and what is
    hidden if there is no such order."""
    waiting, ordered = list(schemas), list[str]()
    while waiting:
        hidden = [
            (schema, other, name)
            for schema in waiting
            for other in waiting
            for name in sorted(there[schema] & meant[other])
            if schema != other
        ]
        hiding = {schema for schema, _, _ in hidden}
        first = next((schema for schema in waiting if schema not in hiding), None)
        if first is None:
            return [*ordered, *waiting], [f"{a}.{name} hides {b}.{name}" for a, b, name in hidden]
        ordered.append(first)
        waiting.remove(first)
    return ordered, []
