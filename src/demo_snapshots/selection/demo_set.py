"""A demo set: a database seen through a configuration.

What every operation needs to know, found once: which tables there are, which of their rows are
demo rows, in which order they load, and what becomes of references to other rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.config.rules import ByKey, Reference
from demo_snapshots.config.settings import Config
from demo_snapshots.engines.base.catalog import Catalog
from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.copies import CopyOf
from demo_snapshots.model.rules import Whose
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.external import ExternalReferences
from demo_snapshots.selection.order import LoadOrder, load_order
from demo_snapshots.selection.rules import Selection, resolve
from demo_snapshots.selection.schema import Schema, reflect
from demo_snapshots.selection.undeclared import CONTENT_TYPES


class DemoSet(Struct, frozen=True, dict=True):
    """The demo rows of ``scenario`` and those without a scenario; all but those of copies where it
    is None.

    It holds no rows: conditions on them, in the SQL of the database's engine. Its tables are those
    of ``order``; ``schema`` and ``selection`` know all tables of the configuration.
    """

    database: Database
    schema: Schema
    selection: Selection
    order: LoadOrder
    references: Mapping[str, Reference]
    scenario: Whose = None

    @property
    def dialect(self) -> Dialect:
        return self.database.dialect

    @cached_property
    def external(self) -> ExternalReferences:
        """References from the set's rows to rows outside the demo, and what becomes of each.
        Raises ConfigError for ``[references]`` that cannot be followed."""
        return ExternalReferences(
            self.database, self.schema, self.selection, self.references, self.scenario
        )

    def of(self, scenario: Whose) -> DemoSet:
        """The same database and configuration, narrowed to another scenario."""
        return replace(self, scenario=scenario)

    def only(self, names: Collection[str]) -> DemoSet:
        """The same set, narrowed to its rows in the tables with these names."""
        return replace(self, order=self.order.only(names))

    @property
    def left_alone(self) -> tuple[Table, ...]:
        """The demo tables that the set was narrowed from."""
        own = {table.name for table in self.order.tables}
        return tuple(table for name, table in self.schema.tables.items() if name not in own)

    def over(self, database: Database) -> DemoSet:
        """The same set through another connection to the same database."""
        return replace(self, database=database)

    def noted(self) -> DemoSet:
        """The same set for the rest of the transaction and on this connection alone, whose rows
        need not be told again and again, where the engine can note which they are."""
        noted = dict(self.selection.noted)
        selection = Selection(self.dialect, self.schema.tables, self.selection.rules, noted)
        for table in self.order.tables:
            if selection.is_asked_often(table.name):
                condition = selection.predicate(table.name, self.scenario)
                if keys := self.database.noted(table, condition):
                    noted[table.name, self.scenario] = keys
        return replace(self, selection=selection)

    def telling_apart(self, without_key: Collection[str] = ()) -> DemoSet:
        """The same set, of whose tables those have no key whose keys do not tell its rows apart:
        SQLite lets one be NULL, in any number of rows. Those are the tables in which a demo row
        has such a key, and of ``without_key`` those in which one may."""
        names = {
            table.name
            for table in self.schema.tables.values()
            if (may_be_null := [name for name in table.key if table.column(name).nullable])
            and (table.name in without_key or self._holds_null(table, may_be_null))
        }
        if not names:
            return self
        tables = {
            name: table.without_key() if name in names else table
            for name, table in self.schema.tables.items()
        }
        return replace(
            self,
            schema=replace(self.schema, tables=tables),
            selection=Selection(self.dialect, tables, self.selection.rules, self.selection.noted),
            order=load_order(tables).only([table.name for table in self.order.tables]),
        )

    def _holds_null(self, table: Table, names: Collection[str]) -> bool:
        null = " OR ".join(f"{self.dialect.quote(name)} IS NULL" for name in names)
        rows = f"SELECT 1 FROM {self.dialect.rows_of(table)} WHERE ({null})"
        return bool(self.database.rows(f"{rows} AND {self.predicate(table)} LIMIT 1"))

    def predicate(self, table: Table) -> str:
        """A condition on the columns of a selected table: the row is in the set."""
        return self.selection.predicate(table.name, self.scenario)

    def finds(self) -> bool:
        """Whether it has any row."""
        names = [table.name for table in self.order.tables]
        return self.selection.finds(self.database, names, self.scenario)

    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that demo rows carry, sorted, of whichever this is."""
        return self.selection.scenarios(self.database)

    def copies(self) -> tuple[CopyOf, ...]:
        """The copies that there are, sorted by scenario and name."""
        return self.selection.copies(self.database)


def see(database: Database, config: Config) -> DemoSet:
    """``database`` through ``config``: all its demo rows.

    Reads the catalog, no rows. Raises SchemaError for tables that are missing and ConfigError
    for rules that do not fit them.
    """
    schema = reflect(database, config.tables, config.references, config.foreign_keys)
    _require_content_types(config, schema)
    with database.wrapped():
        _require_undivided(database.catalog, schema)
    return DemoSet(
        database=database,
        schema=schema,
        selection=Selection(database.dialect, schema.tables, resolve(config, schema)),
        order=load_order(schema.tables),
        references=_modes(config.references, schema),
    )


def _modes(configured: Mapping[str, Reference], schema: Schema) -> Mapping[str, Reference]:
    """What becomes of references to each table, ``include-all`` spelled out."""
    modes = {name.rpartition(".")[2]: mode for name, mode in configured.items()}
    spelled_out: dict[str, Reference] = {}
    for name in (*schema.external, *modes):
        mode = modes.get(name, "include-all")
        spelled_out[name] = "include" if mode == "include-all" else mode
    return spelled_out


def _require_content_types(config: Config, schema: Schema) -> None:
    """Raise ConfigError where rows are told by Django's content types, whose numbers are others in
    each database, and the types are not carried by their names."""
    for types in schema.listed:
        mode = config.references.get(CONTENT_TYPES)
        if types.are_content_types and not (
            isinstance(mode, ByKey) and {"app_label", "model"} <= {*mode.by_key}
        ):
            raise ConfigError(
                f"{types.place}: the numbers in {types.table.name}.{types.type} mean another"
                " content type in every database",
                hint="Have them looked up by name:"
                f' [references] {CONTENT_TYPES} = {{ by-key = ["app_label", "model"] }}.',
            )


def _require_undivided(catalog: Catalog, schema: Schema) -> None:
    """Raise ConfigError where rows of some partitions reference demo rows, and by the same columns
    those of others rows of another table, unless the configuration says which do."""
    tables = {(table.schema, table.name): table for table in schema.tables.values()}
    near = {**{(table.schema, table.name): table for table in schema.referencing}, **tables}
    for place, key in catalog.divided_keys():
        if place not in near and (key.referenced_schema, key.referenced_table) not in tables:
            continue
        known = {own.columns for own in near[place].foreign_keys} if place in near else set()
        if key.columns not in known:
            name = place[1]
            raise ConfigError(
                f"{name}.{', '.join(key.columns)}: in some partitions it references"
                f" {key.referenced_table}, in others another table",
                hint="Say which rows reference which, by a column that tells: [foreign-keys]"
                f' "{name}.{key.columns[0]}" = {{ type = "…", references = {{ … }} }}.',
            )
