"""A demo set: a database seen through a configuration.

What every operation needs to know, found once: which tables there are, which of their rows are
demo rows, in which order they load, and what becomes of references to other rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from demo_snapshots.config.settings import Config, Reference
from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.engines.connection import Database
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.external import ExternalReferences
from demo_snapshots.selection.order import LoadOrder, load_order
from demo_snapshots.selection.rules import Selection, resolve
from demo_snapshots.selection.schema import Schema, reflect


@dataclass(frozen=True)
class DemoSet:
    """The demo rows of ``scenario`` and those without a scenario; all demo rows where it is None.

    It holds no rows: conditions on them, in the SQL of the database's engine.
    """

    database: Database
    schema: Schema
    selection: Selection
    order: LoadOrder
    references: Mapping[str, Reference]
    scenario: str | None = None

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

    def of(self, scenario: str | None) -> DemoSet:
        """The same database and configuration, narrowed to another scenario."""
        return replace(self, scenario=scenario)

    def over(self, database: Database) -> DemoSet:
        """The same set through another connection to the same database."""
        return replace(self, database=database)

    def predicate(self, table: Table) -> str:
        """A condition on the columns of a selected table: the row is in the set."""
        return self.selection.predicate(table.name, self.scenario)

    def finds(self) -> bool:
        """Whether it has any row."""
        return self.selection.finds(self.database, self.scenario)

    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that demo rows carry, sorted, of whichever this is."""
        return self.selection.scenarios(self.database)


def see(database: Database, config: Config) -> DemoSet:
    """``database`` through ``config``: all its demo rows.

    Reads the catalog, no rows. Raises SchemaError for tables that are missing and ConfigError
    for rules that do not fit them.
    """
    schema = reflect(database, config.tables, config.references)
    return DemoSet(
        database=database,
        schema=schema,
        selection=Selection(database.dialect, schema.tables, resolve(config, schema)),
        order=load_order(schema.tables),
        references=config.references,
    )
