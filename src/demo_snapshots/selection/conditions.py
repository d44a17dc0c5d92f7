"""The configuration's own SQL, tried before anything relies on it."""

from __future__ import annotations

from demo_snapshots.errors import ConfigError, DatabaseBusyError, DatabaseError
from demo_snapshots.model.rules import Where
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.undeclared import require_listed_types


def require_conditions(demo: DemoSet) -> None:
    """Raise ConfigError for a ``where`` that this engine does not understand, naming its table;
    and for rows that reference something of a type that the configuration does not list.

    Of the conditions the engine only reads the statements. Inside a transaction it is over after
    an error.
    """
    database, selection = demo.database, demo.selection
    for name, rule in selection.rules.items():
        if not isinstance(rule.rule, Where):
            continue
        table = database.dialect.rows_of(selection.tables[name])
        try:
            database.rows(f"SELECT 1 FROM {table} WHERE {selection.predicate(name)} LIMIT 0")
        except DatabaseBusyError:
            raise
        except DatabaseError as error:
            raise ConfigError(
                f"tables.{name}.where: {error.message}",
                hint="Names with capital letters go in double quotes: where = '\"Id\" IN (1, 2)'.",
            ) from error
    require_listed_types(database, demo.schema.listed)
