"""Foreign keys that only the configuration knows: found in a database, and held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.config.foreign_keys import Target, UndeclaredKey
from demo_snapshots.engines.base.catalog import Names, Place
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.tables import ForeignKey, Kind, OfType, Table

CONTENT_TYPES = "django_content_type"
_SHOWN = 5

Keys = dict[Place, tuple[ForeignKey, ...]]

TableOf = Callable[[UndeclaredKey, str], Table]
"""The table that a key's name for it means."""


class ListedTypes(Struct, frozen=True):
    """All that may stand in the column ``type`` of ``table``, in rows that reference something by
    ``columns``, says the configuration at ``place``."""

    place: str
    table: Table
    columns: tuple[str, ...]
    type: str
    values: tuple[str, ...]
    are_content_types: bool


def placed(
    keys: Iterable[UndeclaredKey], names: Names, declared: Mapping[Place, tuple[ForeignKey, ...]]
) -> Keys:
    """The undeclared ``keys`` by the place of their table. ``names`` are all tables there are,
    ``declared`` the foreign keys that the database declares.

    Raises ConfigError for one of a table, or to a table, that is not there.
    """
    found: dict[Place, list[ForeignKey]] = {}
    for key in keys:
        for target in key.targets:
            there = place_of(key, target.table, names)
            own = found.setdefault(place_of(key, key.table, names), [])
            own.append(_foreign_key(key, target, there))
    return {place: _told(keys, declared.get(place, ())) for place, keys in found.items()}


def place_of(key: UndeclaredKey, name: str, names: Names) -> Place:
    """Where the table is that the configuration calls ``name``. Raises ConfigError."""
    schema, _, table = name.partition(".")
    if name in names[None]:
        return None, name
    if table in names.get(schema, ()):
        return schema, table
    raise ConfigError(f"{key.place}: there is no table {name}")


def _foreign_key(key: UndeclaredKey, target: Target, place: Place) -> ForeignKey:
    schema, table = place
    only = OfType(key.type, target.value) if key.type and target.value else None
    return ForeignKey(
        "", key.columns, table, target.columns, referenced_schema=schema, declared=False, only=only
    )


def _told(keys: list[ForeignKey], declared: Iterable[ForeignKey]) -> tuple[ForeignKey, ...]:
    """The keys of one table, each once, of which those by content type know that they are."""
    to_types = {
        key.columns[0]
        for key in (*keys, *declared)
        if key.referenced_table == CONTENT_TYPES and len(key.columns) == 1
    }
    told = (
        replace(key, only=replace(key.only, is_content_type=True))
        if key.only and key.only.column in to_types
        else key
        for key in keys
    )
    return tuple(dict.fromkeys(told))


def is_path(columns: Sequence[str], table: Table) -> bool:
    """Whether a way to follow leads into a column's JSON: whole names of columns come first."""
    return (
        len(columns) == 1 and not table.has(columns[0]) and ("." in columns[0] or "[" in columns[0])
    )


def require_fit(keys: Iterable[UndeclaredKey], table_of: TableOf) -> None:
    """Raise ConfigError for a key whose columns are not there, or can never be equal to those
    that they reference."""
    for key in keys:
        table = table_of(key, key.table)
        for name in (*key.columns, *filter(None, [key.type])):
            _require_column(key, table, name)
        for target in key.targets:
            _require_target(key, table, table_of(key, target.table), target)


def _require_target(key: UndeclaredKey, table: Table, referenced: Table, target: Target) -> None:
    if len(key.columns) != len(target.columns):
        raise ConfigError(
            f"{key.place}: {len(key.columns)} columns cannot reference {len(target.columns)}"
        )
    for own, theirs in zip(key.columns, target.columns, strict=True):
        _require_column(key, referenced, theirs)
        one, other = table.column(own), referenced.column(theirs)
        natives = (one.native, other.native) if one.kind is Kind.NATIVE else ("", "")
        if one.kind is not other.kind or natives[0] != natives[1]:
            raise ConfigError(
                f"{key.place}: {table.name}.{own} is of the type {one.native or one.kind},"
                f" {referenced.name}.{theirs} of the type {other.native or other.kind}",
                hint="Only columns of one type can reference one another. Say with where which"
                " rows are demo rows.",
            )


def _require_column(key: UndeclaredKey, table: Table, name: str) -> None:
    if not table.has(name):
        raise ConfigError(f"{key.place}: the table {table.name} has no column {name!r}")


def listed_types(keys: Iterable[UndeclaredKey], table_of: TableOf) -> Iterator[ListedTypes]:
    """What ``keys`` say of the types there may be."""
    for key in keys:
        if key.type is None:
            continue
        table = table_of(key, key.table)
        by_content_type = any(
            own.only and own.only.column == key.type and own.only.is_content_type
            for own in table.foreign_keys
        )
        yield ListedTypes(
            key.place, table, key.columns, key.type, key.values, are_content_types=by_content_type
        )


def require_listed_types(database: Database, listed: Iterable[ListedTypes]) -> None:
    """Raise ConfigError where rows reference something of a type that is not listed, naming the
    types and counting the rows: what such rows are cannot be told."""
    for types in listed:
        found = [
            (".".join(map(str, names)), count)
            for *names, count in database.rows(_unlisted(database, types))
        ]
        if not found:
            continue
        shown = ", ".join(
            f"{name} ({count} {'row' if count == 1 else 'rows'})" for name, count in found[:_SHOWN]
        )
        more = ", …" if len(found) > _SHOWN else ""
        # TOML takes a backslash as it is only between single quotes.
        raise ConfigError(
            f"{types.place}: {types.table.name}.{types.type} holds types that are not listed:"
            f" {shown}{more}",
            hint="Add each to references there, with what it references, also where that table"
            f" holds no demo rows: {{ '{found[0][0]}' = \"table.id\" }}.",
        )


def _unlisted(database: Database, types: ListedTypes) -> str:
    """A query for the names of the types, in one column or two, and how many rows have each."""
    dialect = database.dialect
    name, own = dialect.quote(types.type), dialect.rows_of(types.table)
    if types.are_content_types:
        pairs = [value.partition(".") for value in types.values]
        known = " OR ".join(
            f"c.app_label = {dialect.text(label)} AND c.model = {dialect.text(model)}"
            for label, _, model in pairs
        )
        said, source = (
            "c.app_label, c.model",
            f"{own} AS t JOIN {CONTENT_TYPES} AS c ON c.id = t.{name}",
        )
    else:
        said, source = dialect.text_of(types.table.column(types.type), f"t.{name}"), f"{own} AS t"
        known = f"{said} IN ({', '.join(map(dialect.text, types.values))})"
    given = " AND ".join(f"t.{dialect.quote(c)} IS NOT NULL" for c in (types.type, *types.columns))
    return (
        f"SELECT {said}, count(*) FROM {source} WHERE {given} AND NOT ({known})"
        f" GROUP BY {said} ORDER BY count(*) DESC, {said} LIMIT {_SHOWN + 1}"
    )
