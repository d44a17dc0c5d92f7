"""Reflection: the tables a selection needs, as frozen types."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from demo_snapshots.database.connect import Database
from demo_snapshots.errors import SchemaError
from demo_snapshots.model import ForeignKey, Table


@dataclass(frozen=True, slots=True)
class Schema:
    """``tables`` are the selected ones, by name, in the order of the configuration;
    ``referencing`` are the other tables with foreign keys into them, over any number of hops;
    ``names`` are all tables of the database; ``migration`` is its migration head, if it has one.
    """

    tables: Mapping[str, Table]
    referencing: tuple[Table, ...]
    names: tuple[str, ...]
    migration: str | None = None


def reflect(database: Database, wanted: Iterable[str]) -> Schema:
    """Read what the database says of the ``wanted`` tables and all that reference them.

    Raises SchemaError naming the tables that are missing.
    """
    inspector = sa.inspect(database.connection)
    with warnings.catch_warnings():
        # Types SQLAlchemy does not know are read from the catalog by the dialect.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        names = tuple(inspector.get_table_names())
        missing = [name for name in wanted if name not in names]
        if missing:
            raise SchemaError(
                f"no table {', '.join(missing)} in {database.label}",
                problems=tuple(f"{name}: no such table" for name in missing),
                hint="Run the migrations (for the sample application: demo migrate-fresh), "
                "or name the tables in demo.toml.",
            )
        keys = {
            name: tuple(_foreign_key(found) for found in inspector.get_foreign_keys(name))
            for name in names
        }
        selected = [_table(inspector, name, keys[name]) for name in wanted]
        others = [_table(inspector, name, keys[name]) for name in _referencing(keys, wanted)]
    columns = database.dialect.reflect_columns(database.raw, [*selected, *others])
    return Schema(
        tables={table.name: replace(table, columns=columns[table.name]) for table in selected},
        referencing=tuple(replace(table, columns=columns[table.name]) for table in others),
        names=names,
        migration=_migration_head(database, names),
    )


def _table(inspector: sa.Inspector, name: str, keys: tuple[ForeignKey, ...]) -> Table:
    primary = tuple(inspector.get_pk_constraint(name)["constrained_columns"])
    uniques = {tuple(unique["column_names"]) for unique in inspector.get_unique_constraints(name)}
    for index in inspector.get_indexes(name):
        columns = index["column_names"]
        if index["unique"] and all(columns) and not _is_partial(index):
            uniques.add(tuple(str(column) for column in columns))
    return Table(
        name=name,
        columns=(),
        key=primary,
        uniques=tuple(sorted(unique for unique in uniques if set(unique) != set(primary))),
        foreign_keys=keys,
    )


def _is_partial(index: Any) -> bool:
    options = index.get("dialect_options", {})
    return any(name.endswith("_where") and value is not None for name, value in options.items())


def _foreign_key(found: Any) -> ForeignKey:
    columns = tuple(found["constrained_columns"])
    referenced = tuple(found["referred_columns"])
    return ForeignKey(
        name=found["name"] or "",
        columns=columns,
        referenced_table=found["referred_table"],
        referenced_columns=referenced,
        on_delete=(found.get("options", {}).get("ondelete") or "NO ACTION").upper(),
    )


def _referencing(keys: Mapping[str, tuple[ForeignKey, ...]], wanted: Iterable[str]) -> list[str]:
    reached = set(wanted)
    found: list[str] = []
    grew = True
    while grew:
        grew = False
        for name, foreign_keys in keys.items():
            if name not in reached and any(k.referenced_table in reached for k in foreign_keys):
                reached.add(name)
                found.append(name)
                grew = True
    return sorted(found)


# Where frameworks keep the head of their migrations: Alembic, Laravel, Django.
_HEADS = {
    "alembic_version": ("alembic", "SELECT max(version_num) FROM alembic_version"),
    "migrations": ("laravel", "SELECT max(migration) FROM migrations"),
    "django_migrations": (
        "django",
        "SELECT app, name FROM django_migrations"
        " WHERE id = (SELECT max(id) FROM django_migrations)",
    ),
}


def _migration_head(database: Database, names: Iterable[str]) -> str | None:
    for table in names:
        if table in _HEADS:
            framework, query = _HEADS[table]
            rows = database.rows(query)
            if rows and rows[0][0]:
                return f"{framework} {'.'.join(str(part) for part in rows[0])}"
    return None
