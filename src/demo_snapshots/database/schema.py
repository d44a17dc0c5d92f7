"""Reflection: the tables a selection needs, as frozen types."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from demo_snapshots.database.connect import Database
from demo_snapshots.errors import ConfigError, SchemaError
from demo_snapshots.model import ForeignKey, Table


@dataclass(frozen=True, slots=True)
class Schema:
    """``tables`` are the selected ones, by name, in the order of the configuration;
    ``configured`` says which of them each name in the configuration means (``crm.contacts`` is
    ``contacts`` in the PostgreSQL schema ``crm``); ``referencing`` are the other tables with
    foreign keys into them, over any number of hops; ``names`` are all tables of the database's
    default schema; ``migration`` is its migration head, if it has one. ``search_path`` are the
    PostgreSQL schemas the tables lie in, if not just in public.
    """

    tables: Mapping[str, Table]
    configured: Mapping[str, str]
    referencing: tuple[Table, ...]
    names: tuple[str, ...]
    migration: str | None = None
    search_path: tuple[str, ...] = ()
    leaned_on: Mapping[str, Table] = field(default_factory=dict)
    """Tables outside the demo that the configuration's ``[references]`` name, by name."""


_Place = tuple[str | None, str]
"""A table's schema, None for the default one, and its name."""


def reflect(database: Database, wanted: Iterable[str], references: Iterable[str] = ()) -> Schema:
    """Read what the database says of the ``wanted`` tables and all that reference them, and of
    those that ``references`` name.

    Raises SchemaError naming the tables that are missing, ConfigError for two of one name.
    """
    with database.wrapped():
        return _reflect(database, tuple(wanted), tuple(references))


def _reflect(database: Database, wanted: tuple[str, ...], references: tuple[str, ...]) -> Schema:
    inspector = sa.inspect(database.connection)
    with warnings.catch_warnings():
        # Types SQLAlchemy does not know are read from the catalog by the dialect.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        schemas = (None, *database.dialect.other_schemas(database.raw))
        names = {schema: inspector.get_table_names(schema) for schema in schemas}
        places = _locate(names, wanted, database.label)
        leaned = _locate(names, references, database.label)
        keys = {
            (schema, table): _foreign_keys(database, table, found)
            for schema in schemas
            for (_, table), found in inspector.get_multi_foreign_keys(schema).items()
        }
        selected = [_table(inspector, place, keys[place]) for place in places.values()]
        others = [
            _table(inspector, place, keys[place]) for place in _referencing(keys, places.values())
        ]
        outside = [_table(inspector, place, keys[place]) for place in leaned.values()]
    heirs = database.dialect.inherited(database.raw)
    triggers = database.dialect.triggered(database.raw)
    selected, others, outside = (
        [
            replace(
                table,
                columns=columns,
                has_heirs=(table.schema, table.name) in heirs,
                has_triggers=(table.schema, table.name) in triggers,
            )
            for table, columns in zip(
                tables, database.dialect.reflect_columns(database.raw, tables), strict=True
            )
        ]
        for tables in (selected, others, outside)
    )
    home = inspector.default_schema_name or ""
    elsewhere = [table.schema for table in selected if table.schema]
    path = dict.fromkeys([*elsewhere, home]) if elsewhere or home not in ("public", "") else {}
    return Schema(
        tables={table.name: table for table in selected},
        configured={name: place[1] for name, place in places.items()},
        referencing=tuple(others),
        names=tuple(names[None]),
        migration=_migration_head(database, names[None]),
        search_path=tuple(path) if database.dialect.has_schemas else (),
        leaned_on={table.name: table for table in outside},
    )


def _locate(
    names: Mapping[str | None, Iterable[str]], wanted: tuple[str, ...], label: str
) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for name in wanted:
        schema, _, table = name.partition(".")
        if name in names[None]:
            places[name] = (None, name)
        elif table in names.get(schema, ()):
            places[name] = (schema, table)
    missing = [name for name in wanted if name not in places]
    if missing:
        raise SchemaError(
            f"no table {', '.join(missing)} in {label}",
            problems=tuple(f"no table {name}" for name in missing),
            hint="Run the migrations (for the sample application: demo migrate-fresh), "
            "or name the tables in demo.toml.",
        )
    bare = [table for _, table in places.values()]
    for table in bare:
        if bare.count(table) > 1:
            raise ConfigError(f"two selected tables are called {table}: a snapshot holds one")
    return places


def _table(inspector: sa.Inspector, place: _Place, keys: tuple[ForeignKey, ...]) -> Table:
    schema, name = place
    primary = tuple(inspector.get_pk_constraint(name, schema)["constrained_columns"])
    uniques = {
        tuple(unique["column_names"]) for unique in inspector.get_unique_constraints(name, schema)
    }
    # SQLAlchemy overlooks some of SQLite's inline UNIQUE; their automatic indexes tell of all.
    for index in inspector.get_indexes(name, schema, include_auto_indexes=True):
        columns = index["column_names"]
        if index["unique"] and all(columns) and not _is_partial(index):
            uniques.add(tuple(str(column) for column in columns))
    return Table(
        name=name,
        columns=(),
        key=primary,
        uniques=tuple(sorted(unique for unique in uniques if set(unique) != set(primary))),
        foreign_keys=keys,
        schema=schema,
    )


def _is_partial(index: Any) -> bool:
    options = index.get("dialect_options", {})
    return any(name.endswith("_where") and value is not None for name, value in options.items())


def _foreign_keys(database: Database, table: str, found: Any) -> tuple[ForeignKey, ...]:
    rules = database.dialect.delete_rules(database.raw, table)
    keys = map(_foreign_key, found)
    return tuple(replace(key, on_delete=rules.get(key.columns, key.on_delete)) for key in keys)


def _foreign_key(found: Any) -> ForeignKey:
    options = found.get("options", {})
    return ForeignKey(
        name=found["name"] or "",
        columns=tuple(found["constrained_columns"]),
        referenced_table=found["referred_table"],
        referenced_columns=tuple(found["referred_columns"]),
        on_delete=(options.get("ondelete") or "NO ACTION").upper(),
        deferrable=bool(options.get("deferrable")),
        referenced_schema=found["referred_schema"],
    )


def _referencing(
    keys: Mapping[_Place, tuple[ForeignKey, ...]], wanted: Iterable[_Place]
) -> list[_Place]:
    reached = set(wanted)
    found: list[_Place] = []
    grew = True
    while grew:
        grew = False
        for place, foreign_keys in keys.items():
            targets = {(key.referenced_schema, key.referenced_table) for key in foreign_keys}
            if place not in reached and targets & reached:
                reached.add(place)
                found.append(place)
                grew = True
    return sorted(found, key=lambda place: (place[0] or "", place[1]))


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
