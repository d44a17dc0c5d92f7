"""The configuration's own SQL, tried before anything relies on it."""

from __future__ import annotations

from demo_snapshots.engines.connection import Database
from demo_snapshots.errors import ConfigError, DatabaseBusyError, DatabaseError
from demo_snapshots.model.rules import Where
from demo_snapshots.selection.rules import Selection


def require_conditions(database: Database, selection: Selection) -> None:
    """Raise ConfigError for a ``where`` that this engine does not understand, naming its table.

    The engine only reads the statements; no row is looked at. Inside a transaction it is over
    after an error.
    """
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
