"""Reflection: the tables a selection needs, as frozen types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct, field

from demo_snapshots.config.foreign_keys import UndeclaredKey
from demo_snapshots.config.rules import Reference
from demo_snapshots.engines.base.catalog import Catalog, Keys, Names, Place
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import ConfigError, SchemaError
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.model.words import Call, Words
from demo_snapshots.selection.undeclared import (
    ListedTypes,
    is_path,
    listed_types,
    place_of,
    placed,
    require_fit,
)


class Schema(Struct, frozen=True):
    """``tables`` are the selected ones, by name, in the order of the configuration;
    ``configured`` says which of them each name in the configuration means (``crm.contacts`` is
    ``contacts`` in the PostgreSQL schema ``crm``); ``referencing`` are the other tables with
    foreign keys into them, over any number of hops; ``names`` are all tables of the database's
    default schema; ``migration`` is its migration head, if it has one.
    """

    tables: Mapping[str, Table]
    configured: Mapping[str, str]
    referencing: tuple[Table, ...]
    names: tuple[str, ...]
    migration: str | None = None
    external: Mapping[str, Table] = field(default_factory=dict)
    """Tables outside the demo that the configuration's ``[references]`` name, and those that
    ``include-all`` leads to, by name."""
    undeclared: tuple[UndeclaredKey, ...] = ()
    """The keys that the configuration adds to the database's own."""
    listed: tuple[ListedTypes, ...] = ()
    """What may stand in columns that say what a row references."""


def reflect(
    database: Database,
    wanted: Iterable[str],
    references: Mapping[str, Reference] | None = None,
    undeclared: Iterable[UndeclaredKey] = (),
) -> Schema:
    """Read what the database says of the ``wanted`` tables and all that reference them, of those
    that ``references`` name, and of all that lead on from those of them that say
    ``include-all``. Foreign keys that are ``undeclared`` are added to its own.

    Raises SchemaError naming the tables that are missing, ConfigError for two of one name, and
    for undeclared keys that do not fit.
    """
    with database.wrapped():
        return _reflect(database, tuple(wanted), references or {}, tuple(undeclared))


def _reflect(
    database: Database,
    wanted: tuple[str, ...],
    references: Mapping[str, Reference],
    undeclared: tuple[UndeclaredKey, ...],
) -> Schema:
    catalog = database.catalog
    names = catalog.tables()
    places = _locate(names, wanted, database.label)
    external = _locate(names, tuple(references), database.label)
    foreign_keys = catalog.foreign_keys(names)
    undeclared = tuple(_by_column(catalog, names, undeclared))
    added = placed(undeclared, names, foreign_keys)
    foreign_keys |= {place: (*foreign_keys.get(place, ()), *keys) for place, keys in added.items()}
    ends = {
        (key.referenced_schema, key.referenced_table) for keys in added.values() for key in keys
    }
    onward = [external[name] for name, mode in references.items() if mode == "include-all"]
    stops = {*places.values(), *external.values()}
    external |= {str(place): place for place in _led_to(foreign_keys, onward, stops, names)}
    others = _referencing(foreign_keys, places.values())
    known = {*places.values(), *external.values(), *others, *added, *ends}
    tables = _tables(catalog, known, foreign_keys)

    def table_of(key: UndeclaredKey, name: str) -> Table:
        return tables[place_of(key, name, names)]

    require_fit(undeclared, table_of)
    return Schema(
        tables={place[1]: tables[place] for place in places.values()},
        configured={name: place[1] for name, place in places.items()},
        referencing=tuple(tables[place] for place in others),
        names=tuple(names[None]),
        migration=_migration_head(database, names[None]),
        external={place[1]: tables[place] for place in external.values()},
        undeclared=undeclared,
        listed=tuple(listed_types(undeclared, table_of)),
    )


def _by_column(
    catalog: Catalog, names: Names, keys: Iterable[UndeclaredKey]
) -> Iterator[UndeclaredKey]:
    """Those of ``keys`` that lead through columns, not through the JSON in one."""
    for key in keys:
        if "." in key.columns[0] or "[" in key.columns[0]:
            place = place_of(key, key.table, names)
            table = Table(place[1], catalog.columns([place])[place])
            if is_path(key.columns, table) and not key.type:
                continue
        yield key


def _locate(
    names: Mapping[str | None, Iterable[str]], wanted: tuple[str, ...], label: str
) -> dict[str, Place]:
    places: dict[str, Place] = {}
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
            hint=Words(
                "Run the migrations (for the sample application: ",
                Call("migrate_fresh"),
                "), or name the tables in demo.toml.",
            ),
        )
    bare = [table for _, table in places.values()]
    for table in bare:
        if bare.count(table) > 1:
            raise ConfigError(f"two selected tables are called {table}: a snapshot holds one")
    return places


def _tables(
    catalog: Catalog,
    places: Collection[Place],
    foreign_keys: Mapping[Place, tuple[ForeignKey, ...]],
) -> dict[Place, Table]:
    keys = catalog.keys(places)
    columns = catalog.columns(places)
    heirs, triggers = catalog.inherited(), catalog.triggers()
    return {
        (schema, name): Table(
            name=name,
            columns=columns[schema, name],
            key=keys[schema, name].primary,
            uniques=_uniques(keys[schema, name]),
            foreign_keys=foreign_keys.get((schema, name), ()),
            schema=schema,
            has_heirs=(schema, name) in heirs,
            triggers=triggers.get((schema, name), ()),
        )
        for schema, name in places
    }


def _uniques(keys: Keys) -> tuple[tuple[str, ...], ...]:
    """Each once, and none that only says again what the primary key says."""
    return tuple(sorted(unique for unique in {*keys.uniques} if set(unique) != set(keys.primary)))


def _referencing(
    keys: Mapping[Place, tuple[ForeignKey, ...]], wanted: Iterable[Place]
) -> list[Place]:
    reached = set(wanted)
    found: list[Place] = []
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


def _led_to(
    keys: Mapping[Place, tuple[ForeignKey, ...]],
    start: Iterable[Place],
    stops: Collection[Place],
    names: Names,
) -> list[Place]:
    """The tables that foreign keys lead to from ``start``, over any number of hops, short of
    ``stops``. Raises ConfigError for one of the same name as another."""
    ahead, found = list(start), list[Place]()
    while ahead:
        for key in keys.get(ahead.pop(0), ()):
            place = key.referenced_schema, key.referenced_table
            if place in stops or place in found or place[1] not in names.get(place[0], ()):
                continue
            if place[1] in {name for _, name in (*stops, *found)}:
                raise ConfigError(
                    f"include-all leads to two tables called {place[1]}: a snapshot holds one",
                    hint="Say in [references] what becomes of references to one of them.",
                )
            found.append(place)
            ahead.append(place)
    return found


# Where frameworks keep the head of their migrations: Alembic, Laravel, Django.
_HEADS = {
    "alembic_version": ("alembic", "SELECT version_num FROM alembic_version"),
    "migrations": ("laravel", "SELECT max(migration) FROM migrations"),
    "django_migrations": (
        "django",
        "SELECT app, name FROM django_migrations"
        " WHERE id IN (SELECT max(id) FROM django_migrations GROUP BY app)",
    ),
}


def migration_head(database: Database) -> str | None:
    """Where the database's migrations stand: ``alembic 5f3a``, ``django auth.0012_x, shop.0003_y``
    with the last one of each application; None where it keeps no account."""
    with database.wrapped():
        return _migration_head(database, database.catalog.tables()[None])


def _migration_head(database: Database, names: Iterable[str]) -> str | None:
    for table in names:
        if table in _HEADS:
            framework, query = _HEADS[table]
            rows = database.rows(query)
            heads = sorted(".".join(map(str, row)) for row in rows if row[0])
            if heads:
                return f"{framework} {', '.join(heads)}"
    return None
