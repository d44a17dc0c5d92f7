"""External references: what demo rows reference that is not demo data.

The configuration says per referenced table what becomes of such a reference: ``fail`` (the
export stops), ``include`` (the row travels along), ``by-key`` (the reference is carried by a
natural key), ``null``. A reference to a demo row of another scenario is such a reference too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from demo_snapshots.config.rules import ByKey, Reference
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import ConfigError, ExternalReferenceError, ExternalRowError
from demo_snapshots.model.rules import Whose
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.selection.included import Included
from demo_snapshots.selection.needed import lines_needed
from demo_snapshots.selection.rules import Selection
from demo_snapshots.selection.schema import Schema

Lookup = tuple[Table, ForeignKey, str, tuple[str, ...]]
"""A reference by natural key: referenced table, foreign key, referenced column, key columns."""

LeadingOut = dict[tuple[str, ForeignKey], int]
"""How many rows of a table, by its name, lead out of the demo by a foreign key."""


class ExternalReferences:
    """The references out of one scenario's rows, and what becomes of each."""

    def __init__(
        self,
        database: Database,
        schema: Schema,
        selection: Selection,
        references: Mapping[str, Reference],
        scenario: Whose,
    ) -> None:
        self.database = database
        self.dialect = database.dialect
        self.schema = schema
        self.selection = selection
        self.references = {name.rpartition(".")[2]: mode for name, mode in references.items()}
        self.scenario = scenario
        self._included = Included(
            database.dialect, schema, selection, scenario, lambda key: self.mode(key) == "include"
        )
        self.included = self._included.tables
        self.ahead = self._included.ahead

    def mode(self, key: ForeignKey) -> Reference:
        """What becomes of references by ``key`` that lead out."""
        mode = self.references.get(key.referenced_table, "fail")
        is_selected = key.referenced_table in self.schema.tables
        return "fail" if mode == "include" and is_selected else mode

    def reached_from(self, names: Iterable[str]) -> list[str]:
        """The tables whose rows travel along with those of the demo tables ``names``, in the order
        they are reached."""
        return self._included.reached(self.schema.tables[name] for name in names)

    # --- Conditions and expressions ----------------------------------------------------------

    def leads_out(self, table: Table, key: ForeignKey) -> str:
        """A condition on ``table``'s columns: the reference by ``key`` leads out of the demo."""
        given = self.dialect.references(key)
        if table.name not in self.schema.tables or key.referenced_table not in self.schema.tables:
            return given
        referenced = self.schema.tables[key.referenced_table]
        wanted = self.dialect.columns(key.referenced_columns)
        # A NULL among them would make NOT IN true of nothing.
        selected = (
            f"SELECT {wanted} FROM {self.dialect.rows_of(referenced)}"
            f" WHERE {self.selection.predicate(referenced.name, self.scenario)}"
            f" AND {self._given(key.referenced_columns)}"
        )
        return f"{given} AND {self.dialect.row_value(key.columns)} NOT IN ({selected})"

    def _given(self, names: tuple[str, ...]) -> str:
        return " AND ".join(f"{self.dialect.quote(name)} IS NOT NULL" for name in names)

    def left_empty(self, table: Table, column: str) -> list[str]:
        """Conditions under which the column is written as NULL: a reference leads out."""
        if not table.column(column).nullable or column in table.key:
            return []
        return [
            self.leads_out(table, key)
            for key in table.foreign_keys
            if column in key.columns and self.mode(key) == "null"
        ]

    def literal(
        self, table: Table, column: str, literal: str, texts: Mapping[Lookup, tuple[str, ...]]
    ) -> str:
        """``literal``, an expression for the column's value, or a look-up that stands in for it
        where the column is part of a reference that leads out. ``texts`` spell the lookups."""
        for key in table.foreign_keys:
            mode = self.mode(key)
            if column in key.columns and isinstance(mode, ByKey):
                lookup = self._lookup(key, column, mode)
                found = self._spelled(table, lookup, texts[lookup])
                literal = f"CASE WHEN {self.leads_out(table, key)} THEN {found} ELSE {literal} END"
        return literal

    def _lookup(self, key: ForeignKey, column: str, mode: ByKey) -> Lookup:
        referenced = self._referenced(key)
        wanted = key.referenced_columns[key.columns.index(column)]
        for name in mode.by_key:
            if not referenced.has(name):
                raise ConfigError(f"references.{referenced.name}.by-key: no column {name!r}")
        return referenced, key, wanted, mode.by_key

    def _referenced(self, key: ForeignKey) -> Table:
        name = key.referenced_table
        return self.schema.tables.get(name) or self.schema.external[name]

    def lookups(self) -> Iterator[tuple[Table, str, Lookup]]:
        """Every reference by natural key there may be: table, column and lookup."""
        for table in (*self.schema.tables.values(), *self.included):
            for key in table.foreign_keys:
                mode = self.mode(key)
                if isinstance(mode, ByKey):
                    for column in key.columns:
                        yield table, column, self._lookup(key, column, mode)

    def _spelled(self, table: Table, lookup: Lookup, texts: tuple[str, ...]) -> str:
        referenced, key, _, names = lookup
        parts = [self.dialect.text(texts[0])]
        for name, text in zip(names, texts[1:], strict=True):
            parts += [self.dialect.literal(referenced.column(name)), self.dialect.text(text)]
        quote, home = self.dialect.quote, self.dialect.table(table)
        match = " AND ".join(
            f"r.{quote(theirs)} = {home}.{quote(own)}"
            for own, theirs in zip(key.columns, key.referenced_columns, strict=True)
        )
        spelled = self.dialect.concatenate(parts)
        return f"(SELECT {spelled} FROM {self.dialect.rows_of(referenced)} AS r WHERE {match})"

    def find(self, table: str, column: str, key: Sequence[tuple[str, bytes]]) -> bytes:
        """The raw literal that a reference by natural key stands for.

        Raises ExternalRowError if there is no such row, or several.
        """
        referenced = self.schema.tables.get(table) or self.schema.external[table]
        conditions = " AND ".join(
            f"{self.dialect.quote(name)} = {self.dialect.sql_literal(raw)}" for name, raw in key
        )
        wanted = self.dialect.concatenate([self.dialect.literal(referenced.column(column))])
        found = self.database.rows(
            f"SELECT {wanted} FROM {self.dialect.rows_of(referenced)} WHERE {conditions} LIMIT 2"
        )
        if len(found) != 1:
            told = ", ".join(f"{name} = {raw.decode()}" for name, raw in key)
            raise ExternalRowError(
                f"{table}: {'no row' if not found else 'more than one row'} with {told},"
                " which demo rows reference",
                hint="Nothing was changed. Add the row to this database first.",
            )
        value = found[0][0]
        return value if isinstance(value, bytes) else str(value).encode()

    def referenced_by(self, table: Table, key: ForeignKey) -> str:
        """A condition on the referenced table's columns: rows that a reference by ``key`` leads
        to, out of the rows of ``table`` that travel."""
        return (
            f"{self.dialect.row_value(key.referenced_columns)} IN"
            f" (SELECT {self.dialect.columns(key.columns)}"
            f" FROM {self.dialect.rows_of(table)}"
            f" WHERE {self._rows(table)} AND {self.leads_out(table, key)})"
        )

    def included_predicate(self, table: Table) -> str:
        """A condition on ``table``'s columns: the rows that travel along."""
        return self._included.predicate(table)

    # --- Checks ------------------------------------------------------------------------------

    def forbidden(self, table: Table) -> dict[ForeignKey, str]:
        """The references by which no row of ``table`` may lead out, and the condition on its
        columns that one does."""
        return {
            key: self.leads_out(table, key)
            for key in table.foreign_keys
            if not isinstance(self.mode(key), ByKey) and not self._may_lead_out(table, key)
        }

    def _may_lead_out(self, table: Table, key: ForeignKey) -> bool:
        """Whether something is done about the rows that do, or there can be none."""
        mode = self.mode(key)
        if self.selection.is_followed(table, key):
            return True
        if mode == "include":
            return key.referenced_table in self.references
        return mode == "null" and any(
            table.column(name).nullable and name not in table.key for name in key.columns
        )

    def require(self, leading_out: LeadingOut) -> None:
        """Raise ExternalReferenceError, naming every reference that leads out and may not, or that
        its natural key cannot carry. ``leading_out`` counts the ``forbidden`` of demo tables."""
        found: list[ExternalReferenceError] = []
        wanted: list[ForeignKey] = []
        for table in (*self.schema.tables.values(), *self.included):
            for key in table.foreign_keys:
                try:
                    self._require(table, key, leading_out)
                except ExternalReferenceError as error:
                    found.append(error)
                    if self.mode(key) == "fail" and key.referenced_table not in self.schema.tables:
                        wanted.append(key)
        if found:
            message = "; ".join(error.message for error in found)
            lines = self._lines(wanted) if wanted else ()
            also = " For these rows, and all that they need in turn, to travel along:"
            hint = f"{found[0].hint}{also if lines else ''}"
            raise ExternalReferenceError(message, hint=hint, lines=lines)

    def _lines(self, wanted: Sequence[ForeignKey]) -> tuple[str, ...]:
        return lines_needed(
            self.database, self.schema, self.selection, self.references, self.scenario, wanted
        )

    def _require(self, table: Table, key: ForeignKey, leading_out: LeadingOut) -> None:
        mode = self.mode(key)
        if self._may_lead_out(table, key):
            return
        condition = f"{self._rows(table)} AND {self.leads_out(table, key)}"
        if isinstance(mode, ByKey):
            self._require_natural(table, key, mode, condition)
            return
        count = leading_out.get((table.name, key))
        if count is None:
            count = self._count(self.dialect.rows_of(table), condition)
        if count:
            told = f"{self._path(table, key)}: {_rows(count)}"
            raise self._refusal(told, table, key.referenced_table, is_null=mode == "null")

    def _refusal(
        self, told: str, table: Table, referenced: str, *, is_null: bool
    ) -> ExternalReferenceError:
        """The error for rows of ``table``, counted by ``told``, that lead out and may not."""
        why = "cannot be NULL" if is_null else "that are not demo data of this scenario"
        modes, note = '"include", "null" or { by-key = […] }', ""
        if referenced in self.schema.tables:
            modes = '"null" or { by-key = […] }'
            if table.name not in self.schema.tables and not is_null:
                why = "of a demo table, and rows that travel along are there before those"
            if self.references.get(referenced) == "include":
                note = f' "include" is for tables that are not in [tables]; {referenced} is.'
        return ExternalReferenceError(
            f"{told} reference rows {why}",
            hint="Mark the referenced rows as demo data of the scenario, or say in demo.toml what"
            f" becomes of them: [references] {referenced} = {modes}.{note}",
        )

    def _require_natural(self, table: Table, key: ForeignKey, mode: ByKey, condition: str) -> None:
        referenced = self._referenced(key)
        for column in key.columns:
            self._lookup(key, column, mode)
        name = self.dialect.rows_of(referenced)
        needed = (
            f"{self.dialect.row_value(key.referenced_columns)} IN"
            f" (SELECT {self.dialect.columns(key.columns)}"
            f" FROM {self.dialect.rows_of(table)} WHERE {condition})"
        )
        there = f"SELECT {self.dialect.columns(key.referenced_columns)} FROM {name}"
        dangling = self._count(
            self.dialect.rows_of(table),
            f"{condition} AND {self.dialect.row_value(key.columns)} NOT IN ({there})",
        )
        if dangling:
            raise ExternalReferenceError(
                f"{self._path(table, key)}: {_rows(dangling)} reference no row at all",
                hint="Correct or empty those references.",
            )
        missing = " OR ".join(f"{self.dialect.quote(part)} IS NULL" for part in mode.by_key)
        twice = (
            f"{self.dialect.row_value(mode.by_key)} IN"
            f" (SELECT {self.dialect.columns(mode.by_key)} FROM {name}"
            f" GROUP BY {self.dialect.columns(mode.by_key)} HAVING count(*) > 1)"
        )
        count = self._count(name, f"{needed} AND ({missing} OR {twice})")
        if count:
            raise ExternalReferenceError(
                f"{self._path(table, key)}: {_rows(count)} of {referenced.name} cannot be told by"
                f" ({', '.join(mode.by_key)}), which is empty or not unique there",
                hint=f"Name a unique key in [references] {referenced.name}.",
            )

    def _rows(self, table: Table) -> str:
        if table.name in self.schema.tables:
            return self.selection.predicate(table.name, self.scenario)
        return self.included_predicate(table)

    def _count(self, source: str, condition: str) -> int:
        return int(self.database.scalar(f"SELECT count(*) FROM {source} WHERE {condition}"))

    def _path(self, table: Table, key: ForeignKey) -> str:
        columns, theirs = ", ".join(key.columns), ", ".join(key.referenced_columns)
        return f"{table.name}.{columns} -> {key.referenced_table}.{theirs}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
