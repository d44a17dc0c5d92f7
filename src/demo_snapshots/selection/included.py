"""Rows outside the demo that travel along: which they are, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.rules import Whose
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.selection.order import load_order
from demo_snapshots.selection.rules import Selection
from demo_snapshots.selection.schema import Schema


class Included:
    """The rows of tables outside the demo that rows of ``scenario``, and those rows in their turn,
    reference by keys of which ``travels`` is true.

    ``tables`` are in load order. ``ahead`` are their declared keys that lead to one further on, or
    to their own table: none can be in an order in which all of those hold.
    """

    def __init__(
        self,
        dialect: Dialect,
        schema: Schema,
        selection: Selection,
        scenario: Whose,
        travels: Callable[[ForeignKey], bool],
    ) -> None:
        self.dialect = dialect
        self.schema = schema
        self.selection = selection
        self.scenario = scenario
        self.travels = travels
        reached = {name: schema.external[name] for name in self.reached(schema.tables.values())}
        self.tables = load_order(reached).tables if reached else ()
        self.ahead = tuple(self._ahead())
        self._led_to = {table.name: self.reached([table]) for table in self.tables}
        for table in self.tables:
            if not table.key:
                name = table.name
                raise ConfigError(
                    f"references.{name}: a table without a key: no include",
                    hint=f'Give the table a primary key, or say [references] {name} = "null".',
                )

    def reached(self, start: Iterable[Table]) -> list[str]:
        """The tables whose rows travel along with those of ``start``, as they are reached."""
        reached: list[str] = []
        ahead = list(start)
        while ahead:
            for key in ahead.pop(0).foreign_keys:
                name = key.referenced_table
                if self.travels(key) and name not in reached:
                    reached.append(name)
                    ahead.append(self.schema.external[name])
        return reached

    def _ahead(self) -> Iterator[tuple[Table, ForeignKey]]:
        places = {table.name: place for place, table in enumerate(self.tables)}
        for place, table in enumerate(self.tables):
            for key in table.declared_keys:
                if places.get(key.referenced_table, -1) >= place:
                    yield table, key

    def predicate(self, table: Table) -> str:
        """A condition on ``table``'s columns: the rows that travel along."""
        circle = self._circle(table)
        if not self._keys_within(circle):
            return f"({self._needed_from_outside(table, circle)})"
        if len(circle) == 1:
            return f"({self._chain(table)})"
        return f"({self._round(table, circle)})"

    def _circle(self, table: Table) -> list[Table]:
        """The tables, ``table`` among them, each of which leads to each other one."""
        led_to = self._led_to
        names = [n for n in led_to if n in led_to[table.name] and table.name in led_to[n]]
        return [self.schema.external[name] for name in names] or [table]

    def _keys_within(self, circle: Sequence[Table]) -> list[tuple[Table, ForeignKey]]:
        names = {table.name for table in circle}
        return [(t, k) for t in circle for k in t.foreign_keys if k.referenced_table in names]

    def _needed_from_outside(self, table: Table, circle: Sequence[Table]) -> str:
        """A condition on ``table``'s columns: rows outside the circle reference the row."""
        within = {each.name for each in circle}
        terms = [
            self._needed_by(source, key)
            for source in (*self.schema.tables.values(), *self.tables)
            for key in source.foreign_keys
            if key.referenced_table == table.name and source.name not in within
        ]
        return " OR ".join(terms) or "1 = 0"

    def _needed_by(self, source: Table, key: ForeignKey) -> str:
        if source.name in self.schema.tables:
            rows = self.selection.predicate(source.name, self.scenario)
        else:
            rows = self.predicate(source)
        return (
            f"{self.dialect.row_value(key.referenced_columns)} IN"
            f" (SELECT {self.dialect.columns(key.columns)}"
            f" FROM {self.dialect.rows_of(source)} WHERE {rows} AND {self.dialect.references(key)})"
        )

    def _chain(self, table: Table) -> str:
        """The rows that are needed from outside, those they reference in their own table, and so
        on."""
        columns, name = self.dialect.columns, self.dialect.rows_of(table)
        names = columns(table.key)
        led = " OR ".join(self._leads(key) for _, key in self._keys_within([table]))
        return (
            f"{self.dialect.row_value(table.key)} IN (WITH RECURSIVE needed({names}) AS"
            f" (SELECT {names} FROM {name} WHERE {self._needed_from_outside(table, [table])}"
            f" UNION SELECT {columns(table.key, 's')} FROM needed"
            f" JOIN {name} AS r ON {self.dialect.match('r', 'needed', table.key)}"
            f" JOIN {name} AS s ON {led}) SELECT {names} FROM needed)"
        )

    def _leads(self, key: ForeignKey) -> str:
        """A condition: the row ``r`` references the row ``s``."""
        columns = self.dialect.columns
        return (
            f"({columns(key.referenced_columns, 's')}) = ({columns(key.columns, 'r')})"
            f" AND {self.dialect.references(key, 'r')}"
        )

    def _round(self, table: Table, circle: Sequence[Table]) -> str:
        """As ``_chain``, over several tables. Rows of the recursion have the key of one table, and
        NULL for the others': engines want one query that refers to it once."""
        start = " UNION ".join(
            f"SELECT {self._all_keys(circle, 'd')} FROM (SELECT {self.dialect.columns(each.key)}"
            f" FROM {self.dialect.rows_of(each)}"
            f" WHERE {self._needed_from_outside(each, circle)}) AS d{place}"
            f"{self._empty(circle, 'd', place)}"
            for place, each in enumerate(circle)
        )
        steps = " UNION ALL ".join(
            self._step(circle, *found) for found in self._keys_within(circle)
        )
        came, went = self._names(circle, "f"), self._names(circle, "t")
        along = " OR ".join(
            "(" + " AND ".join(f"n.{to} = e.{of}" for to, of in zip(own, before, strict=True)) + ")"
            for own, before in zip(went.values(), came.values(), strict=True)
        )
        names = ", ".join(name for names in went.values() for name in names)
        found = went[table.name]
        return (
            f"{self.dialect.row_value(table.key)} IN (WITH RECURSIVE"
            f" demo_steps({', '.join(n for names in came.values() for n in names)}, {names}) AS"
            f" ({steps}), demo_needed({names}) AS ({start} UNION SELECT"
            f" {', '.join(f'e.{n}' for names in went.values() for n in names)}"
            f" FROM demo_needed AS n JOIN demo_steps AS e ON {along})"
            f" SELECT {', '.join(found)} FROM demo_needed WHERE {found[0]} IS NOT NULL)"
        )

    def _step(self, circle: Sequence[Table], table: Table, key: ForeignKey) -> str:
        """From the key of a row to that of a row it references."""
        own = circle.index(table)
        other = [each.name for each in circle].index(key.referenced_table)
        columns = self.dialect.columns
        names = [
            *(columns(t.key, "r" if n == own else f"f{n}") for n, t in enumerate(circle)),
            *(columns(t.key, "s" if n == other else f"t{n}") for n, t in enumerate(circle)),
        ]
        return (
            f"SELECT {', '.join(names)} FROM {self.dialect.rows_of(table)} AS r"
            f" JOIN {self.dialect.rows_of(circle[other])} AS s ON {self._leads(key)}"
            f"{self._empty(circle, 'f', own)}{self._empty(circle, 't', other)}"
        )

    def _all_keys(self, circle: Sequence[Table], alias: str) -> str:
        return ", ".join(
            self.dialect.columns(each.key, f"{alias}{n}") for n, each in enumerate(circle)
        )

    def _empty(self, circle: Sequence[Table], alias: str, but: int) -> str:
        """Joins that give no row of the other tables: NULL, of each key's very type."""
        return "".join(
            f" LEFT JOIN {self.dialect.rows_of(each)} AS {alias}{place} ON 1 = 0"
            for place, each in enumerate(circle)
            if place != but
        )

    def _names(self, circle: Sequence[Table], letter: str) -> Mapping[str, list[str]]:
        """What the keys' columns are called in the recursion, by table."""
        return {
            each.name: [f"{letter}{place}_{n}" for n in range(len(each.key))]
            for place, each in enumerate(circle)
        }
