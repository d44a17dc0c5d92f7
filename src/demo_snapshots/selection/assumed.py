"""Foreign keys that the names in a database suggest, and its rows bear out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.engines.base.catalog import Place
from demo_snapshots.model.tables import Column, ForeignKey, Kind, OfType, Table
from demo_snapshots.selection.markers import SAMPLED_ROWS, Sample
from demo_snapshots.selection.naming import is_passing, referenced_by_name, snake, table_of_type
from demo_snapshots.selection.undeclared import CONTENT_TYPES

_BORNE_OUT = 0.9
"""The share of the values looked at that must lead to a row."""

_MOST_TYPES = 20


class AssumedKey(Struct, frozen=True):
    """``keys`` of one table that the database does not declare: one, or one for each type. Of the
    ``looked_at`` rows that have a value, ``found`` lead to a row. ``unknown`` are types for which
    no table was found."""

    table: str
    keys: tuple[ForeignKey, ...]
    looked_at: int
    found: int
    unknown: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.keys[0].columns


def assume(samples: Mapping[str, Sample], tables: Mapping[str, Table]) -> list[AssumedKey]:
    """The keys of the sampled tables, to any of ``tables``, by table and column order."""
    found: list[AssumedKey] = []
    plain = {name: table for name, table in tables.items() if name != CONTENT_TYPES}
    for name, sample in sorted(samples.items()):
        paired: set[str] = set()
        for assumed in (*_by_type(sample, plain), *_by_content_type(sample, tables)):
            found.append(assumed)
            paired.update(assumed.columns)
        for column in sample.table.columns:
            if column.name not in paired and not _is_declared(sample.table, column.name):
                found += filter(None, [_by_name(name, sample, column, plain)])
    return found


def with_assumed(tables: Mapping[str, Table], assumed: Sequence[AssumedKey]) -> dict[str, Table]:
    """``tables`` with the assumed keys among their foreign keys."""
    added: dict[str, list[ForeignKey]] = {}
    for each in assumed:
        added.setdefault(each.table, []).extend(each.keys)
    return {
        name: replace(table, foreign_keys=(*table.foreign_keys, *added.get(name, ())))
        for name, table in tables.items()
    }


def _is_declared(table: Table, column: str) -> bool:
    return any(column in key.columns for key in table.foreign_keys)


def _by_name(
    name: str, sample: Sample, column: Column, tables: Mapping[str, Table]
) -> AssumedKey | None:
    target = referenced_by_name(column.name, name, tables)
    if target is None:
        return None
    key = _key(column, tables[target])
    if key is None:
        return None
    if is_passing(column.name):
        # Whoever touches a row last does not make it theirs.
        key = replace(key, on_delete="SET NULL")
    looked_at, found = _shares(sample, key, tables[target])
    if not looked_at or found < looked_at * _BORNE_OUT:
        return None
    return AssumedKey(name, (key,), looked_at, found)


def _key(column: Column, referenced: Table) -> ForeignKey | None:
    """One from ``column`` to the key of a table, if they can be equal."""
    if len(referenced.key) != 1 or referenced.column(referenced.key[0]).kind is not column.kind:
        return None
    place: Place = referenced.schema, referenced.name
    return ForeignKey(
        "", (column.name,), place[1], referenced.key, referenced_schema=place[0], declared=False
    )


def _shares(sample: Sample, key: ForeignKey, referenced: Table) -> tuple[int, int]:
    """Of the rows looked at, how many have a value, and for how many of these there is a row."""
    dialect = sample.dialect
    own, theirs = dialect.quote(key.columns[0]), dialect.quote(key.referenced_columns[0])
    there = f"SELECT 1 FROM {dialect.rows_of(referenced)} AS r WHERE r.{theirs} = s.x"
    given = "x IS NOT NULL AND told = 1"
    counted = (
        f"SELECT count(*), sum(CASE WHEN {given} THEN 1 ELSE 0 END),"
        f" sum(CASE WHEN {given} AND EXISTS ({there}) THEN 1 ELSE 0 END)"
    )
    looked_at, found = 0, 0
    for end in sample.ends(f"{own} AS x, {_only(sample, key)} AS told"):
        rows, with_value, with_row = sample.database.rows(f"{counted} FROM ({end}) AS s")[0]
        looked_at, found = looked_at + int(with_value or 0), found + int(with_row or 0)
        if rows < SAMPLED_ROWS:
            break  # The other end is the same rows again.
    return looked_at, found


def _only(sample: Sample, key: ForeignKey) -> str:
    if key.only is None:
        return "1"
    return f"CASE WHEN {sample.dialect.of_type(key.only)} THEN 1 ELSE 0 END"


# --- What a column says ----------------------------------------------------------------------


def _by_type(sample: Sample, tables: Mapping[str, Table]) -> Iterator[AssumedKey]:
    for column in sample.table.columns:
        stem = snake(column.name).removesuffix("_type")
        if stem == snake(column.name) or column.kind is not Kind.TEXT:
            continue
        ids = [c for c in sample.table.columns if snake(c.name) == f"{stem}_id"]
        if ids and not _is_declared(sample.table, ids[0].name):
            types = sorted(v for v in sample.distinct(column, _MOST_TYPES + 1) if v)
            named = {value: table_of_type(value, tables, sample.table.name) for value in types}
            yield from _typed(sample, ids[0], column, named, tables)


def _by_content_type(sample: Sample, tables: Mapping[str, Table]) -> Iterator[AssumedKey]:
    """As Django's generic keys are called, and what they hold."""
    by_name = {column.name: column for column in sample.table.columns}
    numbers = by_name.get("content_type_id")
    ids = by_name.get("object_id") or by_name.get("object_pk")
    if not numbers or not ids or CONTENT_TYPES not in tables:
        return
    types = {
        f"{row[0]}.{row[1]}"
        for end in sample.ends("content_type_id AS x")
        for row in sample.database.rows(
            f"SELECT DISTINCT c.app_label, c.model FROM ({end}) AS s"
            f" JOIN {CONTENT_TYPES} AS c ON c.id = s.x"
        )
    }
    named = {value: _of_model(value, tables) for value in sorted(types)}
    yield from _typed(sample, ids, numbers, named, tables)


def _of_model(value: str, tables: Mapping[str, Table]) -> str | None:
    label, _, model = value.partition(".")
    # Django calls the table of blog.Post blog_post, unless it is told otherwise.
    squeezed = {name.replace("_", ""): name for name in sorted(tables, reverse=True)}
    return squeezed.get((label + model).replace("_", "")) or table_of_type(model, tables, label)


def _typed(
    sample: Sample,
    ids: Column,
    column: Column,
    named: Mapping[str, str | None],
    tables: Mapping[str, Table],
) -> Iterator[AssumedKey]:
    if not named or len(named) > _MOST_TYPES:
        return
    by_content_type = column.kind is not Kind.TEXT
    keys: list[ForeignKey] = []
    looked_at, found, unknown = 0, 0, list[str]()
    for value, name in named.items():
        key = _key(ids, tables[name]) if name else None
        if key is None or name is None:
            unknown.append(value)
            continue
        key = replace(key, only=OfType(column.name, value, by_content_type))
        counted = _shares(sample, key, tables[name])
        looked_at, found = looked_at + counted[0], found + counted[1]
        keys.append(key)
    if looked_at and found >= looked_at * _BORNE_OUT:
        yield AssumedKey(sample.table.name, tuple(keys), looked_at, found, tuple(unknown))
        declared = _is_declared(sample.table, column.name)
        if by_content_type and not declared and (key := _key(column, tables[CONTENT_TYPES])):
            yield AssumedKey(
                sample.table.name, (key,), *_shares(sample, key, tables[CONTENT_TYPES])
            )
